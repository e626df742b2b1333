package train

import "math"

// widen returns the float32 of a bfloat16, exactly.
func widen(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
