// A CUDA driver library without a device, for tests: device memory is the process's memory and a kernel is its twin.
//
// Work on a stream waits until somebody synchronises, so a buffer that is reused too early is seen, and an error of a kernel
// appears where it would appear with a device: at a later call. The environment says what it pretends to be:
//   SPURWHEEL_FAKE_DEVICES     number of devices (1)
//   SPURWHEEL_FAKE_CAPABILITY  compute capability (9.0)
//   SPURWHEEL_FAKE_MEMORY      bytes of device memory (4 GiB)
//   SPURWHEEL_FAKE_FAIL        function:call:code[:sticky], the call that returns the code, counted from 1
//   SPURWHEEL_FAKE_STALE       1: all warps of a round read the same weights, the worst case of stale reads
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <chrono>

#include "kernels.h"

#define API extern "C" __attribute__((visibility("default"))) int

enum { success = 0, invalidValue = 1, outOfMemory = 2, noDevice = 100, invalidDevice = 101, invalidContext = 201, notFound = 500, illegalAddress = 700 };

typedef unsigned long long devicePointer;

struct Operation { std::function<void()> run; };
struct Stream { std::deque<Operation> waiting; unsigned long long done = 0, queued = 0; };
struct Event { Stream *stream = nullptr; unsigned long long after = 0; double at = 0; };
struct Kernel { std::string name; TwinKernel twin; };
struct Module { std::string image; };

static struct {
  std::recursive_mutex mutex;
  std::map<devicePointer, size_t> memory;
  std::set<void *> pinned;
  std::map<std::string, int> calls;
  size_t used = 0;
  int sticky = 0;
  bool started = false;
} driver;

static thread_local int current = -1;

static const char *setting(const char *name, const char *otherwise) {
  const char *value = getenv(name);
  return value && *value ? value : otherwise;
}

static size_t memorySize() { return strtoull(setting("SPURWHEEL_FAKE_MEMORY", "4294967296"), nullptr, 10); }

// planned is the failure that the environment asks of this call, or that an earlier sticky one left behind.
static int planned(const char *function) {
  if (driver.sticky) return driver.sticky;
  char name[64] = {0}, how[16] = {0};
  int call = 0, code = 0;
  if (sscanf(setting("SPURWHEEL_FAKE_FAIL", ""), "%63[^:]:%d:%d:%15s", name, &call, &code, how) < 3) return success;
  if (std::string(name) != function || ++driver.calls[name] != call) return success;
  if (std::string(how) == "sticky") driver.sticky = code;
  return code;
}

#define ENTER(function)                                              \
  std::lock_guard<std::recursive_mutex> guard(driver.mutex);         \
  if (int code = planned(#function)) return code;
#define ENTER_CONTEXT(function) \
  ENTER(function)               \
  if (current < 0) return invalidContext;

static double now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static void drain(Stream *stream, unsigned long long until) {
  while (stream->done < until && !stream->waiting.empty()) {
    Operation operation = std::move(stream->waiting.front());
    stream->waiting.pop_front();
    stream->done++;
    operation.run();
  }
}

static int enqueue(Stream *stream, std::function<void()> run) {
  if (!stream) return invalidValue; // the default stream is not used: its order against others is too easy to get wrong
  stream->queued++;
  stream->waiting.push_back({std::move(run)});
  return success;
}

// inside tells whether a range lies within one allocation: an access outside of it poisons the context.
static bool inside(devicePointer p, size_t n) {
  auto after = driver.memory.upper_bound(p);
  if (after == driver.memory.begin()) return false;
  auto at = std::prev(after);
  return p + n <= at->first + at->second;
}

API cuInit(unsigned) { ENTER(cuInit) driver.started = true; return atoi(setting("SPURWHEEL_FAKE_DEVICES", "1")) ? success : noDevice; }
API cuDriverGetVersion(int *version) { ENTER(cuDriverGetVersion) *version = 12010; return success; }
API cuDeviceGetCount(int *count) { ENTER(cuDeviceGetCount) *count = atoi(setting("SPURWHEEL_FAKE_DEVICES", "1")); return success; }
API cuDeviceGet(int *device, int ordinal) { ENTER(cuDeviceGet) *device = ordinal; return success; }
API cuDeviceGetName(char *name, int length, int device) { ENTER(cuDeviceGetName) snprintf(name, length, "fake device %d", device); return success; }
API cuDeviceTotalMem_v2(size_t *bytes, int) { ENTER(cuDeviceTotalMem_v2) *bytes = memorySize(); return success; }
API cuDeviceGetAttribute(int *value, int attribute, int) {
  ENTER(cuDeviceGetAttribute)
  int major = 9, minor = 0;
  sscanf(setting("SPURWHEEL_FAKE_CAPABILITY", "9.0"), "%d.%d", &major, &minor);
  switch (attribute) {
  case 16: *value = 4; break;       // multiprocessors
  case 38: *value = 1 << 20; break; // second-level cache
  case 75: *value = major; break;
  case 76: *value = minor; break;
  case 97: *value = 227 << 10; break; // shared memory of a block, at most
  default: *value = 0;
  }
  return success;
}
API cuDevicePrimaryCtxRetain(void **context, int device) { ENTER(cuDevicePrimaryCtxRetain) *context = (void *)(long)(device + 1); return success; }
API cuDevicePrimaryCtxRelease_v2(int) { ENTER(cuDevicePrimaryCtxRelease_v2) return success; }
API cuCtxSetCurrent(void *context) { ENTER(cuCtxSetCurrent) current = (int)(long)context - 1; return success; }

API cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER_CONTEXT(cuMemGetInfo_v2)
  *total = memorySize();
  *free = *total - driver.used;
  return success;
}
API cuMemAlloc_v2(devicePointer *p, size_t bytes) {
  ENTER_CONTEXT(cuMemAlloc_v2)
  if (bytes == 0) return invalidValue;
  if (driver.used + bytes > memorySize()) return outOfMemory;
  void *memory = aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!memory) return outOfMemory;
  memset(memory, 0xA5, bytes); // device memory is not clean
  *p = (devicePointer)memory;
  driver.memory[*p] = bytes;
  driver.used += bytes;
  return success;
}
API cuMemFree_v2(devicePointer p) {
  ENTER_CONTEXT(cuMemFree_v2)
  auto at = driver.memory.find(p);
  if (at == driver.memory.end()) return invalidValue;
  driver.used -= at->second;
  driver.memory.erase(at);
  free((void *)p);
  return success;
}
API cuMemHostAlloc(void **p, size_t bytes, unsigned) {
  ENTER_CONTEXT(cuMemHostAlloc)
  *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  driver.pinned.insert(*p);
  return *p ? success : outOfMemory;
}
API cuMemFreeHost(void *p) {
  ENTER_CONTEXT(cuMemFreeHost)
  if (!driver.pinned.erase(p)) return invalidValue;
  free(p);
  return success;
}
API cuMemcpyHtoDAsync_v2(devicePointer to, const void *from, size_t n, Stream *stream) {
  ENTER_CONTEXT(cuMemcpyHtoDAsync_v2)
  if (!inside(to, n)) return invalidValue;
  return enqueue(stream, [=] { memcpy((void *)to, from, n); });
}
API cuMemcpyDtoHAsync_v2(void *to, devicePointer from, size_t n, Stream *stream) {
  ENTER_CONTEXT(cuMemcpyDtoHAsync_v2)
  if (!inside(from, n)) return invalidValue;
  return enqueue(stream, [=] { memcpy(to, (const void *)from, n); });
}
API cuMemsetD8Async(devicePointer to, unsigned char value, size_t n, Stream *stream) {
  ENTER_CONTEXT(cuMemsetD8Async)
  if (!inside(to, n)) return invalidValue;
  return enqueue(stream, [=] { memset((void *)to, value, n); });
}

API cuModuleLoadDataEx(Module **module, const char *image, unsigned, int *, void **) {
  ENTER_CONTEXT(cuModuleLoadDataEx)
  *module = new Module{image};
  return success;
}
API cuModuleUnload(Module *module) { ENTER_CONTEXT(cuModuleUnload) delete module; return success; }
API cuModuleGetFunction(Kernel **kernel, Module *module, const char *name) {
  ENTER_CONTEXT(cuModuleGetFunction)
  auto at = twinKernels().find(name);
  if (at == twinKernels().end() || module->image.find(".entry " + std::string(name) + "(") == std::string::npos) return notFound;
  *kernel = new Kernel{name, at->second}; // lives as long as the process, like a driver's
  return success;
}
API cuFuncSetAttribute(Kernel *, int, int value) { ENTER_CONTEXT(cuFuncSetAttribute) return value > 227 << 10 ? invalidValue : success; }
API cuFuncGetAttribute(int *value, int, Kernel *) { ENTER_CONTEXT(cuFuncGetAttribute) *value = 128; return success; }
API cuLaunchKernel(Kernel *kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   Stream *stream, void **params, void **) {
  ENTER_CONTEXT(cuLaunchKernel)
  if (gx * gy * gz == 0 || by * bz != 1 || bx % 32 || bx > 1024 || shared > 227 << 10) return invalidValue;
  std::string args((const char *)params[0], kernel->twin.argsSize);
  unsigned warps = gx * (bx / 32);
  bool stale = std::string(setting("SPURWHEEL_FAKE_STALE", "")) == "1";
  return enqueue(stream, [=] {
    additions.held = stale;
    kernel->twin.run(args.data(), warps);
    additions.apply();
  });
}

API cuStreamCreate(Stream **stream, unsigned) { ENTER_CONTEXT(cuStreamCreate) *stream = new Stream; return success; }
API cuStreamDestroy_v2(Stream *stream) { ENTER_CONTEXT(cuStreamDestroy_v2) drain(stream, stream->queued); delete stream; return success; }
API cuStreamSynchronize(Stream *stream) { ENTER_CONTEXT(cuStreamSynchronize) drain(stream, stream->queued); return success; }
API cuStreamWaitEvent(Stream *stream, Event *event, unsigned) {
  ENTER_CONTEXT(cuStreamWaitEvent)
  Stream *other = event->stream;
  unsigned long long after = event->after;
  return enqueue(stream, [=] { if (other) drain(other, after); });
}
API cuEventCreate(Event **event, unsigned) { ENTER_CONTEXT(cuEventCreate) *event = new Event; return success; }
API cuEventDestroy_v2(Event *event) { ENTER_CONTEXT(cuEventDestroy_v2) if (event->stream) drain(event->stream, event->after); delete event; return success; }
API cuEventRecord(Event *event, Stream *stream) {
  ENTER_CONTEXT(cuEventRecord)
  int code = enqueue(stream, [=] { event->at = now(); });
  event->stream = stream;
  event->after = stream->queued;
  return code;
}
API cuEventSynchronize(Event *event) { ENTER_CONTEXT(cuEventSynchronize) if (event->stream) drain(event->stream, event->after); return success; }
API cuEventElapsedTime(float *ms, Event *from, Event *to) { ENTER_CONTEXT(cuEventElapsedTime) *ms = (float)(to->at - from->at); return success; }
API cuGetErrorName(int code, const char **name) {
  static std::map<int, std::string> names;
  std::lock_guard<std::recursive_mutex> guard(driver.mutex);
  std::string &text = names[code];
  if (text.empty()) text = "FAKE_ERROR_" + std::to_string(code);
  *name = text.c_str();
  return success;
}
