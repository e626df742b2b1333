package train

import "math"

// widen returns the float32 of a bfloat16, exactly.
func widen(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// narrow rounds to the nearest bfloat16, ties to even. For finite numbers.
func narrow(x float32) uint16 {
	b := math.Float32bits(x)
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}
