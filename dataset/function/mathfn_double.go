package function

import (
	"math"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// mathKernel is the kernel of a function of one double. The functions cost
// tens of nanoseconds a row, the call two.
func mathKernel(f func(float64) float64) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			in, dst := SlotsOf[float64](args[0]), batch.Values[float64](out)
			for i := range n {
				dst[i] = f(in.At(i))
			}
			return nil
		}, nil
	}
}

// math2Kernel is the kernel of a function of two doubles.
func math2Kernel(f func(x, y float64) float64) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			a, b, dst := SlotsOf[float64](args[0]), SlotsOf[float64](args[1]), batch.Values[float64](out)
			for i := range n {
				dst[i] = f(a.At(i), b.At(i))
			}
			return nil
		}, nil
	}
}

// logKernel is mathKernel for logarithms, null at and below the limit.
func logKernel(f func(float64) float64, limit float64) maker {
	return rows(func(c *cells) error {
		if x := c.real(0); x <= limit {
			c.setNull()
		} else {
			c.setReal(f(x))
		}
		return nil
	})
}

// logBase is log(base, x), or the natural logarithm of its one argument.
func logBase(c *cells) error {
	if len(c.args) == 1 {
		if c.real(0) <= 0 {
			c.setNull()
			return nil
		}
		c.setReal(math.Log(c.real(0)))
		return nil
	}
	base, x := c.real(0), c.real(1)
	if base <= 0 || x <= 0 {
		c.setNull()
		return nil
	}
	c.setReal(math.Log(x) / math.Log(base))
	return nil
}

// javaPow is Math.pow: unlike C's, 1 to the NaN and -1 to infinity are NaN.
func javaPow(x, y float64) float64 {
	if math.IsNaN(y) || (x == 1 || x == -1) && math.IsInf(y, 0) {
		return math.NaN()
	}
	return math.Pow(x, y)
}

func signum(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

func cot(x float64) float64     { return 1 / math.Tan(x) }
func csc(x float64) float64     { return 1 / math.Sin(x) }
func sec(x float64) float64     { return 1 / math.Cos(x) }
func degrees(x float64) float64 { return x * (180 / math.Pi) }
func radians(x float64) float64 { return x / 180 * math.Pi }

func javaAsinh(x float64) float64 {
	if math.IsInf(x, -1) {
		return x
	}
	return math.Asinh(x)
}
