package eval

import "github.com/spurwheel/spurwheel/internal/batch"

type float interface{ float32 | float64 }

// floatSelector compares with a number that is not NaN. NaN is above every
// number, so > and >= are the opposites of <= and <, which NaN fails.
func floatSelector[T float](op string, x T) selector {
	if x != x {
		return nil
	}
	want := op == "<" || op == "<=" || op == "="
	switch op {
	case "=", "!=":
		return func(v *batch.Vector, n int, sel, out []int32) []int32 {
			return floatEqual(batch.Values[T](v)[:n], x, want, sel, out)
		}
	case "<", ">=":
		return func(v *batch.Vector, n int, sel, out []int32) []int32 {
			return floatLess(batch.Values[T](v)[:n], x, want, sel, out)
		}
	}
	return func(v *batch.Vector, n int, sel, out []int32) []int32 {
		return floatAtMost(batch.Values[T](v)[:n], x, want, sel, out)
	}
}

func floatEqual[T float](vals []T, x T, want bool, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i, v := range vals {
			out[k] = int32(i)
			k += b2i((v == x) == want)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += b2i((vals[r] == x) == want)
	}
	return out[:k]
}

func floatLess[T float](vals []T, x T, want bool, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i, v := range vals {
			out[k] = int32(i)
			k += b2i((v < x) == want)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += b2i((vals[r] < x) == want)
	}
	return out[:k]
}

func floatAtMost[T float](vals []T, x T, want bool, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i, v := range vals {
			out[k] = int32(i)
			k += b2i((v <= x) == want)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += b2i((vals[r] <= x) == want)
	}
	return out[:k]
}
