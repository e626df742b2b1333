package function

import (
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// fromText casts strings to all other types.
func (c *caster) fromText() Kernel {
	switch c.to.Kind {
	case types.KindBool:
		return c.textToBool
	case types.KindByte:
		return textToInt[int8](c)
	case types.KindShort:
		return textToInt[int16](c)
	case types.KindInt:
		return textToInt[int32](c)
	case types.KindLong:
		return textToInt[int64](c)
	case types.KindFloat:
		return textToFloat[float32](c)
	case types.KindDouble:
		return textToFloat[float64](c)
	case types.KindDecimal:
		return c.textToDecimal
	case types.KindDate:
		return c.textToDate
	case types.KindTimestamp, types.KindTimestampNTZ, types.KindTime:
		return c.textToMicros
	case types.KindCalendarInterval:
		return c.textToInterval
	case types.KindYearMonthInterval, types.KindDayTimeInterval:
		return c.textToUnits
	default:
	}
	return nil
}

// ParseBool reads t, true, y, yes, 1 and their opposites in any case.
func ParseBool(s []byte) (val, ok bool) {
	s = calendar.Trim(s)
	if len(s) > len("false") {
		return false, false
	}
	switch strings.ToLower(string(s)) {
	case "t", "true", "y", "yes", "1":
		return true, true
	case "f", "false", "n", "no", "0":
		return false, true
	}
	return false, false
}

func (c *caster) textToBool(args []*batch.Vector, n int, out *batch.Vector) error {
	dst := batch.Values[bool](out)
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		v, ok := ParseBool(args[0].Str(i))
		dst[i] = v
		if !ok {
			if err := c.malformed(out, i, args[0].Str(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ParseLong reads an integer between blanks. A fraction is cut off if allowed,
// else makes the text invalid.
func ParseLong(s []byte, fraction bool) (int64, bool) {
	s = calendar.Trim(s)
	neg := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 {
		return 0, false
	}
	var v int64 // negative: the smallest number has no opposite
	i := 0
	for ; i < len(s); i++ {
		d := int64(s[i] - '0')
		if s[i] == '.' && fraction {
			i++
			break
		}
		if s[i] < '0' || s[i] > '9' || v < math.MinInt64/10 || v*10 < math.MinInt64+d {
			return 0, false
		}
		v = v*10 - d
	}
	for ; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	if neg {
		return v, true
	}
	return -v, v != math.MinInt64
}

func textToInt[D integer](c *caster) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst, src := batch.Values[D](out), StrsOf(args[0])
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			v, ok := ParseLong(src.At(i), c.wraps())
			dst[i] = D(v)
			if ok && int64(dst[i]) == v {
				continue
			}
			if err := c.malformed(out, i, src.At(i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// ParseDouble reads a number as Java does, and infinity and NaN in any case;
// bits is 32 or 64.
func ParseDouble(text []byte, bits int) (float64, bool) {
	s := calendar.Trim(text)
	if len(s) == 0 {
		return 0, false
	}
	if c := s[len(s)-1]; len(s) > 1 && (c|0x20 == 'd' || c|0x20 == 'f') && (s[len(s)-2] <= '9') {
		s = s[:len(s)-1]
	}
	for _, c := range s {
		if (c < '0' || c > '9') && c != '.' && c != '+' && c != '-' && c|0x20 != 'e' {
			return specialDouble(string(s))
		}
	}
	v, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(s), len(s)), bits)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false
	}
	return v, true
}

func specialDouble(s string) (float64, bool) {
	switch strings.ToLower(s) {
	case "inf", "+inf", "infinity", "+infinity":
		return math.Inf(1), true
	case "-inf", "-infinity":
		return math.Inf(-1), true
	case "nan":
		return math.NaN(), true
	}
	return 0, false
}

func textToFloat[D float](c *caster) Kernel {
	bits := int(unsafe.Sizeof(*new(D))) * 8
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		dst, src := batch.Values[D](out), StrsOf(args[0])
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			v, ok := ParseDouble(src.At(i), bits)
			dst[i] = D(v)
			if !ok {
				if err := c.malformed(out, i, src.At(i)); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func (c *caster) textToDecimal(args []*batch.Vector, n int, out *batch.Vector) error {
	src := StrsOf(args[0])
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		s := calendar.Trim(src.At(i))
		z, valid, fits := decimal.Parse(unsafe.String(unsafe.SliceData(s), len(s)), int(c.to.Scale))
		var err error
		switch {
		case !valid:
			err = c.malformed(out, i, src.At(i))
		case fits && z.Fits(int(c.to.Precision)):
			storeDecimal(out, i, z)
		default:
			err = c.tooLarge(out, i, string(s))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *caster) textToDate(args []*batch.Vector, n int, out *batch.Vector) error {
	src, dst := StrsOf(args[0]), batch.Values[int32](out)
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		d, ok := calendar.ParseDate(src.At(i))
		dst[i] = int32(d)
		if !ok {
			if err := c.malformed(out, i, src.At(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// textToMicros reads timestamps of both kinds, and times.
func (c *caster) textToMicros(args []*batch.Vector, n int, out *batch.Vector) error {
	src, dst := StrsOf(args[0]), batch.Values[int64](out)
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		var v int64
		var ok bool
		switch c.to.Kind {
		case types.KindTimestamp:
			v, ok = calendar.ParseTimestamp(src.At(i), c.zone, c.env.Now)
		case types.KindTimestampNTZ:
			v, ok = calendar.ParseTimestampNTZ(src.At(i), true)
		default:
			v, ok = calendar.ParseTime(src.At(i))
			v = cutTime(v, int(c.to.Precision))
		}
		dst[i] = v
		if !ok {
			if err := c.malformed(out, i, src.At(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *caster) textToInterval(args []*batch.Vector, n int, out *batch.Vector) error {
	dst := batch.Values[batch.Interval](out)
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		months, days, micros, ok := calendar.ParseInterval(string(args[0].Str(i)))
		dst[i] = batch.Interval{Months: months, Days: days, Micros: micros}
		if !ok { // null in every mode
			out.SetNull(i)
		}
	}
	return nil
}

func (c *caster) textToUnits(args []*batch.Vector, n int, out *batch.Vector) error {
	for i := range n {
		if !out.Valid(i) {
			continue
		}
		s := string(args[0].Str(i))
		var ok bool
		if c.to.Kind == types.KindYearMonthInterval {
			batch.Values[int32](out)[i], ok = calendar.ParseYearMonth(s, int(c.to.Precision), int(c.to.Scale))
		} else {
			batch.Values[int64](out)[i], ok = calendar.ParseDayTime(s, int(c.to.Precision), int(c.to.Scale))
		}
		if ok {
			continue
		}
		if !c.strict() {
			out.SetNull(i)
			continue
		}
		return IntervalFormat(s, c.to)
	}
	return nil
}
