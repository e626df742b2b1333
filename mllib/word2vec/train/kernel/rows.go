package kernel

import (
	"math"
	"unsafe"
)

func sumPortable(dst, base *float32, offsets *int64, n, stride int, scale float32) {
	sum := row(dst, 0, stride)
	clear(sum)
	for _, offset := range unsafe.Slice(offsets, n) {
		for i, v := range row(base, offset, stride) {
			sum[i] += v
		}
	}
	for i := range sum {
		sum[i] *= scale
	}
}

func addPortable(base *float32, offsets *int64, n int, src *float32, stride int) {
	step := row(src, 0, stride)
	for _, offset := range unsafe.Slice(offsets, n) {
		to := row(base, offset, stride)[:len(step)]
		for i, v := range step {
			to[i] += v
		}
	}
}

func row16(base *uint16, offset int64, n int) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Add(unsafe.Pointer(base), offset*2)), n)
}

func widenPortable(dst *float32, base *uint16, offsets *int64, n, stride int) {
	for k, offset := range unsafe.Slice(offsets, n) {
		to := row(dst, int64(k*stride), stride)
		for i, v := range row16(base, offset, stride) {
			to[i] = math.Float32frombits(uint32(v) << 16)
		}
	}
}

// noiseStep is what a rounding noise goes on by: 2³² over the golden ratio, whose multiples fill the interval most evenly. The
// upper 16 bits are used. A multiplicative generator is no better here and makes every store wait for the one before it.
const noiseStep = 0x9e3779b9

func narrowPortable(base *uint16, offsets *int64, n int, src *float32, stride int, noise *[16]uint32) {
	for k, offset := range unsafe.Slice(offsets, n) {
		from := row(src, int64(k*stride), stride)
		to := row16(base, offset, stride)[:len(from)]
		for i, v := range from {
			r := noise[i%16] + noiseStep
			noise[i%16] = r
			to[i] = uint16((math.Float32bits(v) + r>>16) >> 16)
		}
	}
}

func prefetchNothing(_ *byte, _ *int64, _, _, _ int) {}
