// The 32 lanes of a warp as one value, so that one kernel source is both a CUDA kernel and a plain C++ function.
//
// A kernel is written for one warp with control flow that all lanes share. A `lanef` or `laneu` differs from lane to lane, a
// plain float or unsigned is the same in all of them, and a `quad` is 128 consecutive floats: four of each lane. On a device
// these are registers of a thread; in the twin they are arrays, so the twin needs neither fibres nor threads.
//
// A shuffle, a ballot or a matrix product must not stand behind && or ||: on a device these leave lanes out. The twin does not see
// that; the interpreter of PTX does.
//
// No CUDA header is used: the device half is clang's built-in functions and PTX.
#pragma once

typedef unsigned long long wide;

static constexpr unsigned warpLanes = 32;
static constexpr unsigned quadFloats = 128;

// Arrays of registers need loops that are gone when the code is generated; the twin's arrays lie in memory.
#ifdef __CUDA_ARCH__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

#ifdef __CUDA_ARCH__
#include "lanes_device.h"
#else
#include "lanes_twin.h"
#endif
