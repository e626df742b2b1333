package driver

import (
	"fmt"
	"runtime"
	"unsafe"
)

// nonBlocking streams and timed events; flags by the driver's numbers.
const (
	streamNonBlocking = 1
	eventDefault      = 0
)

// Stream is a queue of work of a device.
type Stream struct {
	dev    *Device
	handle uintptr
}

// NewStream makes a queue that waits for no other.
func (d *Device) NewStream() (Stream, error) {
	handle := fresh[uintptr]()
	err := d.lib.call(cuStreamCreate, address(handle), streamNonBlocking)
	return Stream{dev: d, handle: *handle}, err
}

// Close destroys the queue; queued work still runs.
func (s Stream) Close() error { return s.dev.lib.call(cuStreamDestroy, s.handle) }

// Wait waits until all work of the queue is done.
func (s Stream) Wait() error { return s.dev.lib.call(cuStreamSynchronize, s.handle) }

// Upload queues a copy of pinned memory to the device. The memory must stay as it is until the copy is done.
func (s Stream) Upload(to Pointer, from []byte) error {
	if len(from) == 0 {
		return nil
	}
	return s.dev.lib.call(cuMemcpyHtoDAsync, uintptr(to), uintptr(unsafe.Pointer(unsafe.SliceData(from))), uintptr(len(from)), s.handle)
}

// Download queues a copy from the device to pinned memory.
func (s Stream) Download(to []byte, from Pointer) error {
	if len(to) == 0 {
		return nil
	}
	return s.dev.lib.call(cuMemcpyDtoHAsync, uintptr(unsafe.Pointer(unsafe.SliceData(to))), uintptr(from), uintptr(len(to)), s.handle)
}

// Zero queues clearing memory of the device.
func (s Stream) Zero(at Pointer, bytes int) error {
	return s.dev.lib.call(cuMemsetD8Async, uintptr(at), 0, uintptr(bytes), s.handle)
}

// Record marks the end of what is queued so far.
func (s Stream) Record(e Event) error { return s.dev.lib.call(cuEventRecord, e.handle, s.handle) }

// After holds what is queued from now on until the mark is reached.
func (s Stream) After(e Event) error { return s.dev.lib.call(cuStreamWaitEvent, s.handle, e.handle, 0) }

// Event is a mark in a stream.
type Event struct {
	dev    *Device
	handle uintptr
}

// NewEvent makes a mark that is reached until it is recorded.
func (d *Device) NewEvent() (Event, error) {
	handle := fresh[uintptr]()
	err := d.lib.call(cuEventCreate, address(handle), eventDefault)
	return Event{dev: d, handle: *handle}, err
}

// Close destroys the mark.
func (e Event) Close() error { return e.dev.lib.call(cuEventDestroy, e.handle) }

// Wait waits until the mark is reached.
func (e Event) Wait() error { return e.dev.lib.call(cuEventSynchronize, e.handle) }

// Milliseconds is the time between two marks that have been reached.
func (e Event) Milliseconds(from Event) (float64, error) {
	ms := fresh[float32]()
	err := e.dev.lib.call(cuEventElapsedTime, address(ms), from.handle, e.handle)
	return float64(*ms), err
}

// Module is code that the driver has compiled for the device.
type Module struct {
	dev    *Device
	handle uintptr
}

// The driver's numbers of options and attributes, and how much log is kept.
const (
	jitErrorLog     = 5
	jitErrorLogSize = 6
	jitLogBytes     = 8 << 10

	functionRegisters = 4
	functionShared    = 8
)

// Load compiles PTX. The error carries the compiler's log.
func (d *Device) Load(ptx string) (Module, error) {
	m := Module{dev: d}
	image, err := d.AllocPinned(len(ptx) + 1)
	if err != nil {
		return m, err
	}
	defer d.FreePinned(image) //nolint:errcheck // pinned memory of this process; the load has succeeded or failed already
	copy(image.Bytes, ptx)
	image.Bytes[len(ptx)] = 0
	scratch, err := d.AllocPinned(jitLogBytes)
	if err != nil {
		return m, err
	}
	defer d.FreePinned(scratch) //nolint:errcheck // likewise
	clear(scratch.Bytes)
	handle, options, values := fresh[uintptr](), fresh[[2]int32](), fresh[[2]uintptr]()
	*options = [2]int32{jitErrorLog, jitErrorLogSize}
	*values = [2]uintptr{uintptr(unsafe.Pointer(&scratch.Bytes[0])), jitLogBytes - 1}
	err = d.lib.call(cuModuleLoadDataEx, address(handle), uintptr(unsafe.Pointer(&image.Bytes[0])), uintptr(len(options)), address(options), address(values))
	runtime.KeepAlive(options)
	runtime.KeepAlive(values)
	m.handle = *handle
	if err != nil {
		return m, fmt.Errorf("%w\n%s", err, cString(&scratch.Bytes[0]))
	}
	return m, nil
}

// Close unloads the code.
func (m Module) Close() error { return m.dev.lib.call(cuModuleUnload, m.handle) }

// Kernel is a function of a module.
type Kernel struct {
	dev    *Device
	handle uintptr
}

// Kernel finds a function by name and lets it ask for so much shared memory per block.
func (m Module) Kernel(name string, sharedBytes int) (Kernel, error) {
	handle, text := fresh[uintptr](), fresh[[128]byte]() // names are ours and short
	copy(text[:len(text)-1], name)
	err := m.dev.lib.call(cuModuleGetFunction, address(handle), m.handle, address(text))
	runtime.KeepAlive(text)
	k := Kernel{dev: m.dev, handle: *handle}
	if err != nil {
		return k, fmt.Errorf("kernel %s: %w", name, err)
	}
	if sharedBytes > 0 {
		if err := m.dev.lib.call(cuFuncSetAttribute, k.handle, functionShared, uintptr(sharedBytes)); err != nil {
			return k, fmt.Errorf("kernel %s with %d bytes of shared memory: %w", name, sharedBytes, err)
		}
	}
	return k, nil
}

// Registers is the number of registers that a thread of the kernel takes on this device.
func (k Kernel) Registers() (int, error) {
	n := fresh[int32]()
	err := k.dev.lib.call(cuFuncGetAttribute, address(n), functionRegisters, k.handle)
	return int(*n), err
}

// Arguments is pinned memory for a kernel's one argument and the array that points to it.
type Arguments struct {
	dev    *Device
	pinned Pinned
}

// argumentsAt is where the argument lies; the array of pointers is before it.
const argumentsAt = 64

// NewArguments makes room for one argument of at most bytes.
func (d *Device) NewArguments(bytes int) (Arguments, error) {
	pinned, err := d.AllocPinned(argumentsAt + bytes)
	return Arguments{dev: d, pinned: pinned}, err
}

// Close gives the room back.
func (a Arguments) Close() error { return a.dev.FreePinned(a.pinned) }

// Launch queues a kernel with one argument, which the driver copies before the call returns.
func Launch[T any](s Stream, k Kernel, room Arguments, argument T, blocks, threads, sharedBytes int) error {
	at := &room.pinned.Bytes[argumentsAt]
	*(*T)(unsafe.Pointer(at)) = argument
	array := (*uintptr)(unsafe.Pointer(&room.pinned.Bytes[0]))
	*array = uintptr(unsafe.Pointer(at))
	return s.dev.lib.call(cuLaunchKernel, k.handle, uintptr(blocks), 1, 1, uintptr(threads), 1, 1, uintptr(sharedBytes), s.handle, address(array), 0)
}
