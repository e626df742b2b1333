// The lanes of lanes.h on a device: every lane is a thread. Compiled by clang for NVPTX only.
#pragma once

#define DEVICE __attribute__((device)) inline __attribute__((always_inline))

#define METHOD __attribute__((device)) inline __attribute__((always_inline))

typedef float lanef;
typedef unsigned laneu;
typedef bool lanem;
typedef float quad __attribute__((ext_vector_type(4)));

static constexpr unsigned everyLane = 0xffffffffu;

DEVICE laneu everywhere(unsigned v) { return v; }
DEVICE lanef everywhereFloat(float v) { return v; }
DEVICE laneu laneId() { return __nvvm_read_ptx_sreg_tid_x() & 31; }

// Values of other lanes.
DEVICE float bcast(lanef v, unsigned from) { return __nvvm_shfl_sync_idx_f32(everyLane, v, from, 31); }
DEVICE unsigned bcast(laneu v, unsigned from) { return __nvvm_shfl_sync_idx_i32(everyLane, v, from, 31); }
DEVICE laneu shuffle(laneu v, laneu from) { return __nvvm_shfl_sync_idx_i32(everyLane, v, from, 31); }
DEVICE lanef shuffle(lanef v, laneu from) { return __nvvm_shfl_sync_idx_f32(everyLane, v, from, 31); }
template <int M> DEVICE lanef shuffleXor(lanef v) { return __nvvm_shfl_sync_bfly_f32(everyLane, v, M, 31); }
template <int M> DEVICE laneu shuffleXor(laneu v) { return __nvvm_shfl_sync_bfly_i32(everyLane, v, M, 31); }
DEVICE unsigned ballot(lanem m) { return __nvvm_vote_ballot_sync(everyLane, m); }
DEVICE void syncLanes() { __nvvm_bar_warp_sync(everyLane); }

DEVICE lanef select(lanem m, lanef a, lanef b) { return m ? a : b; }
DEVICE laneu select(lanem m, laneu a, laneu b) { return m ? a : b; }

// Arithmetic that C++ has no operator for.
DEVICE laneu mulHigh(laneu a, laneu b) { return (unsigned)(((wide)a * b) >> 32); }
DEVICE lanef exp2Of(lanef x) { lanef y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
DEVICE lanef log2Of(lanef x) { lanef y; asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
DEVICE lanef reciprocal(lanef x) { lanef y; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
DEVICE lanef toFloat(laneu v) { return (float)v; }
DEVICE laneu bitsOf(lanef v) { return __builtin_bit_cast(unsigned, v); }
DEVICE lanef floatOf(laneu v) { return __builtin_bit_cast(float, v); }

// Per-lane loads and stores; lanes that are off do nothing and read 0.
DEVICE laneu gather(const unsigned *p, laneu i, lanem on) { return on ? p[i] : 0u; }
DEVICE lanef gather(const float *p, laneu i, lanem on) { return on ? p[i] : 0.0f; }
DEVICE void scatter(unsigned *p, laneu i, laneu v, lanem on) { if (on) p[i] = v; }
DEVICE void scatter(float *p, laneu i, lanef v, lanem on) { if (on) p[i] = v; }

// packLanes stores the values of the lanes in mask side by side.
DEVICE void packLanes(unsigned *to, laneu v, unsigned mask) {
  unsigned lane = laneId();
  if (mask >> lane & 1) to[__builtin_popcount(mask & ((1u << lane) - 1))] = v;
  syncLanes();
}

// Rows. loadShared and storeShared keep each lane to its own four floats, so no barrier is needed between them.
// Weights are read past the first-level cache, which does not see the reductions of other processors.
DEVICE quad loadWeights(const float *row) {
  float a, b, c, d;
  asm volatile("ld.global.cg.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(a), "=f"(b), "=f"(c), "=f"(d) : "l"(row + 4 * laneId()));
  return quad{a, b, c, d};
}
DEVICE quad loadShared(const float *row) { return ((const quad *)row)[laneId()]; }
DEVICE void storeShared(float *row, quad v) { ((quad *)row)[laneId()] = v; }
DEVICE void addWeights(float *row, quad v) {
  float *p = row + 4 * laneId();
#if __CUDA_ARCH__ >= 900
  asm volatile("red.relaxed.gpu.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(p), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
#else
  asm volatile("red.global.add.f32 [%0], %1;\n\tred.global.add.f32 [%0+4], %2;\n\t"
               "red.global.add.f32 [%0+8], %3;\n\tred.global.add.f32 [%0+12], %4;" ::"l"(p), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w) : "memory");
#endif
}
DEVICE quad zeroQuad() { return quad{0, 0, 0, 0}; }
DEVICE void axpy(quad &y, float a, const quad &x) { y += x * a; }
DEVICE void subtract(quad &y, const quad &x) { y -= x; }
DEVICE void scale(quad &y, float a) { y *= a; }
DEVICE lanef dot(const quad &a, const quad &b) { return (a.x * b.x + a.y * b.y) + (a.z * b.z + a.w * b.w); }

// prefetchLine asks for one 128-byte line per lane to come into the second-level cache.
DEVICE void prefetchLine(const float *base, laneu floats, lanem on) {
  if (on) asm volatile("prefetch.global.L2 [%0];" ::"l"(base + floats));
}

// Counters shared by all warps of a launch. The first lane speaks for the warp.
DEVICE unsigned take(unsigned *counter) {
  unsigned old = 0;
  if (laneId() == 0) asm volatile("atom.global.add.u32 %0, [%1], 1;" : "=r"(old) : "l"(counter) : "memory");
  return bcast(old, 0u);
}
DEVICE wide addTo(wide *counter, wide n) {
  wide old = 0;
  if (laneId() == 0) asm volatile("atom.global.add.u64 %0, [%1], %2;" : "=l"(old) : "l"(counter), "l"(n) : "memory");
  unsigned low = bcast((unsigned)old, 0u), high = bcast((unsigned)(old >> 32), 0u);
  return (wide)high << 32 | low;
}
DEVICE void addTo(float *sum, float v) {
  if (laneId() == 0) asm volatile("red.global.add.f32 [%0], %1;" ::"l"(sum), "f"(v) : "memory");
}

// mmaTF32 is d += a * b of a 16x8 by 8x8 product, fragments as PTX lays them out. Inputs are rounded to 10 bits of mantissa.
DEVICE void mmaTF32(lanef d[4], const laneu a[4], const laneu b[2]) {
#if __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// A kernel is one function of its arguments, the warp's number, the number of warps and the warp's part of shared memory.
extern __attribute__((shared)) quad sharedMemory[];

#define KERNEL(name, Args, body)                                                                                   \
  extern "C" __attribute__((global)) void name(const Args args) {                                                  \
    unsigned warpsHere = __nvvm_read_ptx_sreg_ntid_x() / warpLanes, warp = __nvvm_read_ptx_sreg_tid_x() / warpLanes; \
    float *shared = (float *)sharedMemory + (unsigned long)warp * args.sharedFloats;                               \
    body(args, __nvvm_read_ptx_sreg_ctaid_x() * warpsHere + warp, __nvvm_read_ptx_sreg_nctaid_x() * warpsHere, shared); \
  }

// A stepped kernel is a class: begin() once, then step() until it returns false.
#define STEPPED_KERNEL(name, Args, ...)                                                                            \
  extern "C" __attribute__((global)) void name(const Args args) {                                                  \
    unsigned warp = __nvvm_read_ptx_sreg_tid_x() / warpLanes;                                                        \
    __VA_ARGS__ state;                                                                                             \
    state.begin(args, (float *)sharedMemory + (unsigned long)warp * args.sharedFloats);                            \
    while (state.step(args)) {}                                                                                    \
  }
