package function

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/types"
)

// shortest is x as digits·10^exp, the fewest digits that read back as x.
func shortest(x float64, bits int) (digits *big.Int, exp int, neg bool) {
	text := strconv.FormatFloat(math.Abs(x), 'e', -1, bits)
	mant, e, _ := strings.Cut(text, "e")
	exp, _ = strconv.Atoi(e)
	whole, frac, _ := strings.Cut(mant, ".")
	digits, _ = new(big.Int).SetString(whole+frac, 10)
	return digits, exp - len(frac), x < 0
}

// parseScaled is digits·10^exp as a double.
func parseScaled(digits *big.Int, exp int, neg bool) (float64, bool) {
	v, err := strconv.ParseFloat(digits.String()+"e"+strconv.Itoa(exp), 64)
	if neg {
		v = -v
	}
	return v, err == nil
}

// hexNumber is hex of a long.
func hexNumber(x int64) string { return strings.ToUpper(strconv.FormatUint(uint64(x), 16)) }

// convBase is conv(digits, from, to): unsigned 64 bits, signed for a negative target base.
func convBase(ansi bool) rowFn {
	return func(c *cells) error {
		s, from, to := strings.TrimSpace(string(c.str(0))), c.int(1), c.int(2)
		if from < 2 || from > 36 || to == 0 || to == 1 || to == -1 || to > 36 || to < -36 || s == "" {
			c.setNull()
			return nil
		}
		neg := strings.HasPrefix(s, "-")
		v, over := digitsOf(strings.TrimPrefix(s, "-"), uint64(from))
		if over {
			if ansi {
				return Overflow("Overflow in function conv()", "")
			}
			v, neg = math.MaxUint64, false
		}
		c.setText(baseText(v, neg, to))
		return nil
	}
}

// digitsOf reads leading digits of a base.
func digitsOf(s string, base uint64) (v uint64, over bool) {
	for _, r := range s {
		d, err := strconv.ParseUint(string(r), 36, 8)
		if err != nil || d >= base {
			break
		}
		if v > (math.MaxUint64-d)/base {
			return v, true
		}
		v = v*base + d
	}
	return v, false
}

func baseText(v uint64, neg bool, to int) string {
	if to > 0 {
		if neg {
			v = -v
		}
		return strings.ToUpper(strconv.FormatUint(v, to))
	}
	x := int64(v)
	if neg {
		x = -x
	}
	return strings.ToUpper(strconv.FormatInt(x, -to))
}

// factorials fit 64 bits up to 20.
func factorial(c *cells) error {
	n := c.int(0)
	if n < 0 || n > 20 {
		c.setNull()
		return nil
	}
	f := int64(1)
	for k := 2; k <= n; k++ {
		f *= int64(k)
	}
	c.setLong(f)
	return nil
}

// widthBucket is width_bucket(value, least, greatest, buckets).
func widthBucket(c *cells) error {
	var v [3]float64
	for k := range v {
		switch c.vector(k).Type.Kind {
		case types.KindYearMonthInterval:
			v[k] = float64(c.int(k))
		case types.KindDayTimeInterval:
			v[k] = float64(c.long(k))
		default:
			v[k] = c.real(k)
		}
	}
	n := c.long(3)
	x, lo, hi := v[0], v[1], v[2]
	if n <= 0 || n == math.MaxInt64 || math.IsNaN(x) || lo == hi || math.IsNaN(lo) || math.IsNaN(hi) || math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		c.setNull()
		return nil
	}
	c.setLong(bucketOf(x, lo, hi, n))
	return nil
}

func bucketOf(x, lo, hi float64, n int64) int64 {
	lower, upper := math.Min(lo, hi), math.Max(lo, hi)
	switch {
	case lo < hi && x < lower, lo > hi && x > upper:
		return 0
	case lo < hi && x >= upper, lo > hi && x <= lower:
		return n + 1
	case lo < hi:
		return int64(float64(n)*(x-lower)/(upper-lower)) + 1
	}
	return int64(float64(n)*(upper-x)/(upper-lower)) + 1
}
