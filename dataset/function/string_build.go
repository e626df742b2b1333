package function

import (
	"bytes"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// maxText is the longest string a function builds: Spark's own limit on arrays.
const maxText = 1<<31 - 16

func errTextTooLong(name string) error {
	return errs.Cond(errs.Runtime, "COLLECTION_SIZE_LIMIT_EXCEEDED.FUNCTION", "54000",
		"The result of "+name+" would be longer than a value may be.", "functionName", types.Quote(name), "numberOfElements", "", "maxRoundedArrayLength", "")
}

// newConcatText is concat of strings or binaries.
func newConcatText(*Env, *plan.Call) (Kernel, error) {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		in := make([]Strs, len(args))
		for k, a := range args {
			in[k] = StrsOf(a)
		}
		dst, nulls := batch.Values[batch.View](out), out.HasNulls()
		for i := range n {
			if nulls && !out.Valid(i) {
				continue
			}
			size := 0
			for k := range in {
				size += in[k].View(i).Len()
			}
			room := out.Room(max(size, 1))
			at := len(*room)
			b := *room
			for k := range in {
				b = append(b, in[k].At(i)...)
			}
			*room = b
			dst[i] = out.TailView(size)
			if size <= batch.InlineLen {
				*room = b[:at]
			}
		}
		return nil
	}, nil
}

// concatWS joins the strings and arrays of strings that are not null.
func concatWS(c *cells) error {
	if c.null(0) {
		c.setNull()
		return nil
	}
	sep, first := c.str(0), true
	c.buf = c.buf[:0]
	add := func(s []byte) {
		if !first {
			c.buf = append(c.buf, sep...)
		}
		first = false
		c.buf = append(c.buf, s...)
	}
	for k := 1; k < len(c.args); k++ {
		if c.null(k) {
			continue
		}
		v := c.vector(k)
		if v.Type.Kind != types.KindArray {
			add(c.str(k))
			continue
		}
		at := c.slot(k)
		for j := v.Offsets[at]; j < v.Offsets[at+1]; j++ {
			if v.Children[0].Valid(int(j)) {
				add(v.Children[0].Str(int(j)))
			}
		}
	}
	c.setStr(c.buf)
	return nil
}

// pad makes lpad and rpad.
func pad(left bool) maker {
	return rows(func(c *cells) error {
		s, n := c.str(0), c.int(1)
		binary := c.vector(0).Type.Kind == types.KindBinary
		fill := []byte(" ")
		if binary {
			fill = []byte{0}
		}
		if len(c.args) > 2 {
			fill = c.str(2)
		}
		c.buf = padded(c.buf[:0], s, fill, n, left, binary)
		c.setStr(c.buf)
		return nil
	})
}

func padded(dst, s, fill []byte, n int, left, binary bool) []byte {
	count, cut := charLen, charOffset
	if binary {
		count = func(b []byte) int { return len(b) }
		cut = func(b []byte, n int) int { return min(max(n, 0), len(b)) }
	}
	missing := n - count(s)
	if missing <= 0 || len(fill) == 0 {
		return append(dst, s[:cut(s, max(n, 0))]...)
	}
	if !left {
		dst = append(dst, s...)
	}
	width := count(fill)
	for ; missing >= width; missing -= width {
		dst = append(dst, fill...)
	}
	dst = append(dst, fill[:cut(fill, missing)]...)
	if left {
		dst = append(dst, s...)
	}
	return dst
}

func repeatText(c *cells) error {
	s, n := c.str(0), max(c.int(1), 0)
	if len(s)*n > maxText {
		return errTextTooLong("repeat")
	}
	c.setStr(bytes.Repeat(s, n))
	return nil
}

func spaces(c *cells) error {
	c.setStr(bytes.Repeat([]byte(" "), max(c.int(0), 0)))
	return nil
}

// overlay replaces length characters from pos on.
func overlay(c *cells) error {
	s, by, pos := c.str(0), c.str(1), c.int(2)
	binary := c.vector(0).Type.Kind == types.KindBinary
	length := -1
	if len(c.args) > 3 {
		length = c.int(3)
	}
	if length < 0 {
		length = charLen(by)
		if binary {
			length = len(by)
		}
	}
	lo, hi := substringRange(s, 1, pos-1, binary)
	c.buf = append(append(c.buf[:0], s[lo:hi]...), by...)
	lo, hi = substringRange(s, pos+length, maxLength, binary)
	c.buf = append(c.buf, s[lo:hi]...)
	c.setStr(c.buf)
	return nil
}

// elt is the n-th of its further arguments.
func newElt(_ *Env, call *plan.Call) (Kernel, error) {
	ansi := call.Ansi
	return rowKernel(func(c *cells) error {
		if c.null(0) {
			c.setNull()
			return nil
		}
		n := c.int(0)
		if n < 1 || n >= len(c.args) {
			if ansi {
				return errArrayIndex(n, len(c.args)-1, "INVALID_ARRAY_INDEX", "get")
			}
			c.setNull()
			return nil
		}
		if c.null(n) {
			c.setNull()
			return nil
		}
		c.setStr(c.str(n))
		return nil
	}), nil
}

// chr is the character of a code modulo 256, empty for negative codes.
func chr(c *cells) error {
	n := c.long(0)
	switch {
	case n < 0:
		c.setStr(nil)
	default:
		c.setStr(utf8.AppendRune(c.buf[:0], rune(n&0xFF)))
	}
	return nil
}

func ascii(c *cells) error {
	r, _ := utf8.DecodeRune(c.str(0))
	if len(c.str(0)) == 0 {
		r = 0
	}
	c.setInt(int(r))
	return nil
}
