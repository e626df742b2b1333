// Package scalar reads and writes single values as text, the way Spark's text
// sources do: numbers, dates and timestamps with or without patterns. It knows
// nothing of files or columns.
package scalar

import (
	"errors"
	"math"
	"strconv"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Int reads an optional sign and digits that fit bits bits.
func Int(b []byte, bits uint) (int64, bool) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, b = b[0] == '-', b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	limit := uint64(1) << (bits - 1)
	var x uint64
	for _, c := range b {
		c -= '0'
		if c > 9 || x > limit/10 {
			return 0, false
		}
		x = x*10 + uint64(c)
	}
	if neg {
		return -int64(x), x <= limit
	}
	return int64(x), x < limit
}

// Text views bytes as a string for the time of a call.
func Text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Double reads a number as Java does, without names for special values, which
// are options of the sources.
func Double(b []byte) (float64, bool) {
	s, ok := plainFloat(b)
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil || isRange(err)
}

// Float is Double in single precision.
func Float(b []byte) (float32, bool) {
	s, ok := plainFloat(b)
	if !ok {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 32)
	return float32(x), err == nil || isRange(err)
}

// isRange tells of a number too large: infinity, as in Java.
func isRange(err error) bool {
	return errors.Is(err, strconv.ErrRange)
}

// plainFloat trims blanks and a type suffix and refuses what Go knows but Java
// does not.
func plainFloat(b []byte) (string, bool) {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	if n := len(b); n > 1 {
		switch b[n-1] {
		case 'd', 'D', 'f', 'F':
			b = b[:n-1]
		}
	}
	for _, c := range b {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return "", false
		}
	}
	return Text(b), len(b) > 0
}

// maxFastDigits is how many digits fit an int64 whatever they are.
const maxFastDigits = 18

// fastDecimal reads plain digits with at most scale behind the point; anything
// else (an exponent, more digits, blanks) is left to the exact parser.
func fastDecimal(b []byte, scale int) (x int64, ok bool) {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, b = b[0] == '-', b[1:]
	}
	if len(b) == 0 || len(b) > maxFastDigits {
		return 0, false
	}
	frac := -1
	for i, c := range b {
		if d := c - '0'; d <= 9 {
			x = x*10 + int64(d)
			continue
		}
		if c != '.' || frac >= 0 {
			return 0, false
		}
		frac = len(b) - i - 1
	}
	digits := len(b)
	if frac >= 0 {
		digits--
	}
	up := scale - max(frac, 0)
	if digits == 0 || up < 0 || digits+up > maxFastDigits {
		return 0, false
	}
	x *= decimal.Pow10Long(up)
	if neg {
		x = -x
	}
	return x, true
}

// Decimal reads an unscaled value of t's precision and scale.
func Decimal(b []byte, t types.Type) (batch.Int128, bool) {
	if x, ok := fastDecimal(b, int(t.Scale)); ok {
		limit := int64(math.MaxInt64)
		if t.Precision <= maxFastDigits {
			limit = decimal.Pow10Long(int(t.Precision))
		}
		return decimal.FromInt64(x), x < limit && x > -limit
	}
	x, valid, fits := decimal.Parse(Text(b), int(t.Scale))
	return x, valid && fits && x.Fits(int(t.Precision))
}

// Bool reads true and false in any case.
func Bool(b []byte) (value, ok bool) {
	switch len(b) {
	case 4:
		return true, b[0]|32 == 't' && b[1]|32 == 'r' && b[2]|32 == 'u' && b[3]|32 == 'e'
	case 5:
		return false, b[0]|32 == 'f' && b[1]|32 == 'a' && b[2]|32 == 'l' && b[3]|32 == 's' && b[4]|32 == 'e'
	}
	return false, false
}
