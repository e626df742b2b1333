package function

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Functions whose result is a part of an argument: they copy no bytes.

// Words of eight bytes, for scanning text without a branch per byte.
const (
	wordOnes = 0x0101010101010101
	wordTops = 0x8080808080808080
)

// charLen is the number of characters of s: of bytes that continue none.
func charLen(s []byte) int {
	n := 0
	for len(s) >= 8 {
		w := binary.LittleEndian.Uint64(s)
		n += 8 - bits.OnesCount64(w>>7&^(w>>6)&wordOnes)
		s = s[8:]
	}
	for _, c := range s {
		if c&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

// isASCII tells whether every character is one byte.
func isASCII(s []byte) bool {
	for len(s) >= 8 {
		if binary.LittleEndian.Uint64(s)&wordTops != 0 {
			return false
		}
		s = s[8:]
	}
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// charOffset is the byte offset of the n-th character (from 0), len(s) if there are fewer.
func charOffset(s []byte, n int) int {
	if n <= 0 {
		return 0
	}
	for i, c := range s {
		if c&0xC0 == 0x80 {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// substringRange is the byte range of SQL's substring: pos counts from 1, from
// the end if negative, and 0 is 1.
func substringRange(s []byte, pos, length int, bin bool) (int, int) {
	start := pos - 1
	count := charLen
	if bin {
		count = func(b []byte) int { return len(b) }
	}
	switch {
	case pos < 0:
		start = pos + count(s)
	case pos == 0:
		start = 0
	}
	end := start + length
	if end <= start || start >= len(s) {
		return 0, 0
	}
	if bin {
		return max(start, 0), min(max(end, 0), len(s))
	}
	lo := charOffset(s, max(start, 0))
	return lo, lo + charOffset(s[lo:], end-max(start, 0))
}

// maxLength stands for "to the end".
const maxLength = math.MaxInt32

// partKernel is the kernel of functions that give a range of their first argument.
func partKernel(part func(c *cells, s []byte) (lo, hi int)) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		c := &cells{}
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			out.Share(args[0])
			c.load(args, out)
			src, nulls := &c.args[0], out.HasNulls()
			for i := range n {
				if nulls && !out.Valid(i) {
					continue
				}
				c.i = i
				v := &src.views[i&src.mask]
				lo, hi := part(c, v.Bytes(src.vec.Bufs))
				c.out.views[i] = v.SubView(src.vec.Bufs, lo, hi)
			}
			return nil
		}, nil
	}
}

// newSubstring is substring, with loops of its own for ASCII-cheap constant bounds.
func newSubstring(_ *Env, call *plan.Call) (Kernel, error) {
	bin := call.Args[0].Type().Kind == types.KindBinary
	pos, ok := constLong(call.Args[1])
	length, ok2 := int64(maxLength), true
	if len(call.Args) > 2 {
		length, ok2 = constLong(call.Args[2])
	}
	if ok && ok2 && pos >= 0 && length >= 0 && !bin {
		return substringConst(int(max(pos-1, 0)), int(length)), nil
	}
	return partKernel(func(c *cells, s []byte) (int, int) {
		length := maxLength
		if len(c.args) > 2 {
			length = c.int(2)
		}
		return substringRange(s, c.int(1), length, bin)
	})(nil, call)
}

func substringConst(start, length int) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := args[0]
		out.Share(src)
		in, dst := StrsOf(src), batch.Values[batch.View](out)
		nulls := out.HasNulls()
		for i := range n {
			if nulls && !out.Valid(i) {
				continue
			}
			v := in.View(i)
			s := v.Bytes(in.bufs)
			if start >= len(s) || length == 0 {
				dst[i] = batch.View{}
				continue
			}
			lo := charOffset(s, start)
			dst[i] = v.SubView(in.bufs, lo, lo+charOffset(s[lo:], length))
		}
		return nil
	}
}

func leftPart(c *cells, s []byte) (int, int) {
	return substringRange(s, 1, max(c.int(1), 0), c.args[0].vec.Type.Kind == types.KindBinary)
}

func rightPart(c *cells, s []byte) (int, int) {
	n := c.int(1)
	if n <= 0 {
		return 0, 0
	}
	return substringRange(s, -n, n, c.args[0].vec.Type.Kind == types.KindBinary)
}

// trimSide says which ends are trimmed.
type trimSide uint8

const (
	trimLeft trimSide = 1 << iota
	trimRight
	trimBoth = trimLeft | trimRight
)

// trim makes a trimming function of (string[, characters]).
func trim(side trimSide) maker {
	return partKernel(func(c *cells, s []byte) (int, int) {
		if len(c.args) > 1 {
			return trimChars(s, c.str(1), side)
		}
		lo, hi := 0, len(s)
		for side&trimLeft != 0 && lo < hi && s[lo] == ' ' {
			lo++
		}
		for side&trimRight != 0 && hi > lo && s[hi-1] == ' ' {
			hi--
		}
		return lo, hi
	})
}

// charsFirst makes a function of (string, characters) one of (characters,
// string): TRIM(c FROM s) hands its arguments over in this order.
func charsFirst(m maker) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		if len(call.Args) < 2 {
			return m(env, call)
		}
		turned := *call
		turned.Args = []plan.Expr{call.Args[1], call.Args[0]}
		k, err := m(env, &turned)
		return swapped(k), err
	}
}

func trimChars(s, set []byte, side trimSide) (int, int) {
	lo, hi := 0, len(s)
	for side&trimLeft != 0 && lo < hi {
		_, n := utf8.DecodeRune(s[lo:hi])
		if !bytes.Contains(set, s[lo:lo+n]) {
			break
		}
		lo += n
	}
	for side&trimRight != 0 && hi > lo {
		_, n := utf8.DecodeLastRune(s[lo:hi])
		if !bytes.Contains(set, s[hi-n:hi]) {
			break
		}
		hi -= n
	}
	return lo, hi
}

// substringIndex is the part before the count-th delimiter, from the end if count is negative.
func substringIndex(c *cells, s []byte) (int, int) {
	delim, count := c.str(1), c.int(2)
	switch {
	case len(delim) == 0 || count == 0:
		return 0, 0
	case count > 0:
		at := 0
		for ; count > 0; count-- {
			k := bytes.Index(s[at:], delim)
			if k < 0 {
				return 0, len(s)
			}
			at += k + 1
		}
		return 0, at - 1
	}
	end := len(s)
	for ; count < 0; count++ {
		k := bytes.LastIndex(s[:end], delim)
		if k < 0 {
			return 0, len(s)
		}
		end = k + len(delim) - 1
		if count == -1 {
			return k + len(delim), len(s)
		}
	}
	return 0, len(s)
}

// splitPart is the n-th part between delimiters; parts beyond the ends are empty.
func splitPart(c *cells, s []byte) (int, int) {
	delim, n := c.str(1), c.int(2)
	if len(delim) == 0 {
		if n == 1 || n == -1 {
			return 0, len(s)
		}
		return 0, 0
	}
	if n < 0 {
		n += bytes.Count(s, delim) + 2
		if n <= 0 {
			return 0, 0
		}
	}
	lo := 0
	for ; n > 1; n-- {
		k := bytes.Index(s[lo:], delim)
		if k < 0 {
			return 0, 0
		}
		lo += k + len(delim)
	}
	if k := bytes.Index(s[lo:], delim); k >= 0 {
		return lo, lo + k
	}
	return lo, len(s)
}

// newSplitPart refuses index 0 before it takes a part.
func newSplitPart(env *Env, call *plan.Call) (Kernel, error) {
	inner, err := partKernel(splitPart)(env, call)
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		at := SlotsOf[int32](args[2])
		for i := range n {
			if out.Valid(i) && at.At(i) == 0 {
				return errIndexOfZero()
			}
		}
		return inner(args, n, out)
	}, err
}
