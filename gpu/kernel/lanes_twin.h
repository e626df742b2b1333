// The lanes of lanes.h on a processor: an operation on a warp is a loop of 32 steps, which the compiler vectorises.
#pragma once

#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#define DEVICE static inline __attribute__((always_inline))

#define METHOD inline __attribute__((always_inline))

template <class T> struct lanes { T v[32]; };
typedef lanes<float> lanef;
typedef lanes<unsigned> laneu;
struct lanem { unsigned v[32]; };
struct quad { alignas(64) float v[128]; };

#define EACH for (int l = 0; l < 32; l++)
#define LANE_OPERATOR(type, op)                                                                        \
  DEVICE type operator op(const type &a, const type &b) { type r; EACH r.v[l] = a.v[l] op b.v[l]; return r; } \
  DEVICE type operator op(const type &a, decltype(a.v[0] + 0) b) { type r; EACH r.v[l] = a.v[l] op b; return r; } \
  DEVICE type operator op(decltype(type().v[0] + 0) a, const type &b) { type r; EACH r.v[l] = a op b.v[l]; return r; }
#define LANE_COMPARE(type, op)                                                                          \
  DEVICE lanem operator op(const type &a, const type &b) { lanem r; EACH r.v[l] = a.v[l] op b.v[l]; return r; } \
  DEVICE lanem operator op(const type &a, decltype(a.v[0] + 0) b) { lanem r; EACH r.v[l] = a.v[l] op b; return r; }
LANE_OPERATOR(lanef, +) LANE_OPERATOR(lanef, -) LANE_OPERATOR(lanef, *)
LANE_OPERATOR(laneu, +) LANE_OPERATOR(laneu, -) LANE_OPERATOR(laneu, *) LANE_OPERATOR(laneu, &) LANE_OPERATOR(laneu, |)
LANE_OPERATOR(laneu, ^) LANE_OPERATOR(laneu, <<) LANE_OPERATOR(laneu, >>) LANE_OPERATOR(laneu, /) LANE_OPERATOR(laneu, %)
LANE_COMPARE(laneu, <) LANE_COMPARE(laneu, <=) LANE_COMPARE(laneu, ==) LANE_COMPARE(laneu, !=) LANE_COMPARE(laneu, >)
LANE_COMPARE(laneu, >=) LANE_COMPARE(lanef, <) LANE_COMPARE(lanef, >) LANE_COMPARE(lanef, ==) LANE_COMPARE(lanef, >=)
DEVICE lanem operator&&(const lanem &a, const lanem &b) { lanem r; EACH r.v[l] = a.v[l] & b.v[l]; return r; }
DEVICE lanem operator||(const lanem &a, const lanem &b) { lanem r; EACH r.v[l] = a.v[l] | b.v[l]; return r; }
DEVICE lanem operator&&(const lanem &a, bool b) { lanem r; EACH r.v[l] = a.v[l] & (unsigned)b; return r; }

DEVICE laneu everywhere(unsigned v) { laneu r; EACH r.v[l] = v; return r; }
DEVICE lanef everywhereFloat(float v) { lanef r; EACH r.v[l] = v; return r; }
DEVICE laneu laneId() { laneu r; EACH r.v[l] = (unsigned)l; return r; }
template <class T> DEVICE T bcast(const lanes<T> &v, unsigned from) { return v.v[from & 31]; }
template <class T> DEVICE lanes<T> shuffle(const lanes<T> &v, const laneu &from) { lanes<T> r; EACH r.v[l] = v.v[from.v[l] & 31]; return r; }
template <int M, class T> DEVICE lanes<T> shuffleXor(const lanes<T> &v) { lanes<T> r; EACH r.v[l] = v.v[l ^ M]; return r; }
DEVICE unsigned ballot(const lanem &m) { unsigned r = 0; EACH r |= m.v[l] << l; return r; }
DEVICE void syncLanes() {}

template <class T> DEVICE lanes<T> select(const lanem &m, const lanes<T> &a, const lanes<T> &b) { lanes<T> r; EACH r.v[l] = m.v[l] ? a.v[l] : b.v[l]; return r; }
template <class T> DEVICE lanes<T> select(const lanem &m, const lanes<T> &a, T b) { lanes<T> r; EACH r.v[l] = m.v[l] ? a.v[l] : b; return r; }
template <class T> DEVICE lanes<T> select(const lanem &m, T a, const lanes<T> &b) { lanes<T> r; EACH r.v[l] = m.v[l] ? a : b.v[l]; return r; }
template <class T> DEVICE lanes<T> select(const lanem &m, T a, T b) { lanes<T> r; EACH r.v[l] = m.v[l] ? a : b; return r; }

DEVICE unsigned mulHigh(unsigned a, unsigned b) { return (unsigned)(((wide)a * b) >> 32); }
DEVICE laneu mulHigh(const laneu &a, const laneu &b) { laneu r; EACH r.v[l] = mulHigh(a.v[l], b.v[l]); return r; }
DEVICE laneu mulHigh(const laneu &a, unsigned b) { laneu r; EACH r.v[l] = mulHigh(a.v[l], b); return r; }
DEVICE lanef exp2Of(const lanef &x) { lanef r; EACH r.v[l] = exp2f(x.v[l]); return r; }
DEVICE lanef log2Of(const lanef &x) { lanef r; EACH r.v[l] = log2f(x.v[l]); return r; }
DEVICE lanef reciprocal(const lanef &x) { lanef r; EACH r.v[l] = 1.0f / x.v[l]; return r; }
DEVICE lanef toFloat(const laneu &x) { lanef r; EACH r.v[l] = (float)x.v[l]; return r; }
DEVICE laneu bitsOf(const lanef &x) { laneu r; memcpy(&r, &x, sizeof r); return r; }
DEVICE lanef floatOf(const laneu &x) { lanef r; memcpy(&r, &x, sizeof r); return r; }

template <class T> DEVICE lanes<T> gather(const T *p, const laneu &i, const lanem &on) { lanes<T> r; EACH r.v[l] = on.v[l] ? p[i.v[l]] : T(0); return r; }
template <class T> DEVICE void scatter(T *p, const laneu &i, const lanes<T> &v, const lanem &on) { EACH if (on.v[l]) p[i.v[l]] = v.v[l]; }
DEVICE void packLanes(unsigned *to, const laneu &v, unsigned mask) { EACH if (mask >> l & 1) *to++ = v.v[l]; }

DEVICE quad loadWeights(const float *row) { quad r; memcpy(r.v, row, sizeof r.v); return r; }
DEVICE quad loadShared(const float *row) { quad r; memcpy(r.v, row, sizeof r.v); return r; }
DEVICE void storeShared(float *row, const quad &v) { memcpy(row, v.v, sizeof v.v); }
DEVICE quad zeroQuad() { quad r; memset(r.v, 0, sizeof r.v); return r; }
DEVICE void axpy(quad &y, float a, const quad &x) { for (int i = 0; i < 128; i++) y.v[i] += a * x.v[i]; }
DEVICE void subtract(quad &y, const quad &x) { for (int i = 0; i < 128; i++) y.v[i] -= x.v[i]; }
DEVICE void scale(quad &y, float a) { for (int i = 0; i < 128; i++) y.v[i] *= a; }
DEVICE lanef dot(const quad &a, const quad &b) {
  quad p;
  for (int i = 0; i < 128; i++) p.v[i] = a.v[i] * b.v[i];
  lanef r;
  EACH r.v[l] = (p.v[4 * l] + p.v[4 * l + 1]) + (p.v[4 * l + 2] + p.v[4 * l + 3]);
  return r;
}
DEVICE void prefetchLine(const float *base, const laneu &floats, const lanem &on) { EACH if (on.v[l]) __builtin_prefetch(base + floats.v[l]); }

// Additions to weights are held back until a round of all warps is over where stale reads are to be shown: then every warp of
// the round has read the same weights, the worst that concurrent sentences can do to each other.
struct Additions {
  std::vector<float *> rows;
  std::vector<quad> deltas;
  bool held = false;
  void apply() {
    for (size_t i = 0; i < rows.size(); i++)
      for (int k = 0; k < 128; k++) rows[i][k] += deltas[i].v[k];
    rows.clear();
    deltas.clear();
  }
};
extern thread_local Additions additions;

DEVICE void addWeights(float *row, const quad &v) {
  if (additions.held) {
    additions.rows.push_back(row);
    additions.deltas.push_back(v);
    return;
  }
  for (int i = 0; i < 128; i++) row[i] += v.v[i];
}

DEVICE unsigned take(unsigned *counter) { return (*counter)++; }
DEVICE wide addTo(wide *counter, wide n) { wide old = *counter; *counter += n; return old; }
DEVICE void addTo(float *sum, float v) { *sum += v; }

DEVICE float tf32(unsigned bits) { float f; bits &= 0xffffe000u; memcpy(&f, &bits, sizeof f); return f; }
DEVICE void mmaTF32(lanef d[4], const laneu a[4], const laneu b[2]) {
  float A[16][8], B[8][8];
  EACH {
    int group = l >> 2, in = l & 3;
    A[group][in] = tf32(a[0].v[l]), A[group + 8][in] = tf32(a[1].v[l]);
    A[group][in + 4] = tf32(a[2].v[l]), A[group + 8][in + 4] = tf32(a[3].v[l]);
    B[in][group] = tf32(b[0].v[l]), B[in + 4][group] = tf32(b[1].v[l]);
  }
  EACH for (int r = 0; r < 4; r++) {
    int row = (l >> 2) + 8 * (r >> 1), column = 2 * (l & 3) + (r & 1);
    float sum = 0;
    for (int k = 0; k < 8; k++) sum += A[row][k] * B[k][column];
    d[r].v[l] += sum;
  }
}

// A kernel is one function of its arguments, the warp's number, the number of warps and the warp's part of shared memory.
#define KERNEL(name, Args, body)                                                      \
  static void name(const void *raw, unsigned warps) {                                 \
    Args args;                                                                        \
    memcpy(&args, raw, sizeof args);                                                  \
    std::vector<float> shared(args.sharedFloats);                                     \
    for (unsigned w = 0; w < warps; w++) body(args, w, warps, shared.data());         \
  }

// A stepped kernel runs its warps in rounds, one step of each warp a round, until all of them have ended.
template <class Args, class State> static void runRounds(const void *raw, unsigned warps) {
  Args args;
  memcpy(&args, raw, sizeof args);
  std::vector<float> shared((size_t)warps * args.sharedFloats);
  std::vector<State> states(warps);
  std::vector<unsigned> running;
  for (unsigned w = 0; w < warps; w++) {
    states[w].begin(args, shared.data() + (size_t)w * args.sharedFloats);
    running.push_back(w);
  }
  while (!running.empty()) {
    size_t kept = 0;
    for (unsigned w : running)
      if (states[w].step(args)) running[kept++] = w;
    running.resize(kept);
    additions.apply();
  }
}
#define STEPPED_KERNEL(name, Args, ...) \
  static void name(const void *raw, unsigned warps) { runRounds<Args, __VA_ARGS__>(raw, warps); }
