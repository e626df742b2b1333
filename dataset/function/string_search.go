package function

import (
	"bytes"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// testKernel is the kernel of a predicate over two strings.
func testKernel(test func(s, sub []byte) bool) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		return func(args []*batch.Vector, n int, out *batch.Vector) error {
			a, b, dst, nulls := StrsOf(args[0]), StrsOf(args[1]), batch.Values[bool](out), out.HasNulls()
			for i := range n {
				if !nulls || out.Valid(i) {
					dst[i] = test(a.At(i), b.At(i))
				}
			}
			return nil
		}, nil
	}
}

// charPos is the 1-based character position of sub in s at or after character
// start (from 1), 0 if there is none.
func charPos(s, sub []byte, start int) int {
	if start < 1 {
		return 0
	}
	if len(sub) == 0 {
		return 1
	}
	lo := charOffset(s, start-1)
	k := bytes.Index(s[lo:], sub)
	if k < 0 {
		return 0
	}
	return charLen(s[:lo+k]) + 1
}

// replaceText is replace(string, search[, by]).
func replaceText(c *cells) error {
	s, old := c.str(0), c.str(1)
	var by []byte
	if len(c.args) > 2 {
		by = c.str(2)
	}
	c.buf = c.buf[:0]
	for len(old) > 0 {
		k := bytes.Index(s, old)
		if k < 0 {
			break
		}
		c.buf = append(append(c.buf, s[:k]...), by...)
		s = s[k+len(old):]
	}
	c.buf = append(c.buf, s...)
	c.setStr(c.buf)
	return nil
}

// translateText replaces characters of the second argument by those at the
// same place in the third, and drops those that have none.
func translateText(c *cells) error {
	from, to := string(c.str(1)), []rune(string(c.str(2)))
	c.buf = c.buf[:0]
	for _, r := range string(c.str(0)) {
		k, found := 0, false
		for _, f := range from {
			if f == r {
				found = true
				break
			}
			k++
		}
		switch {
		case !found:
			c.buf = utf8.AppendRune(c.buf, r)
		case k < len(to):
			c.buf = utf8.AppendRune(c.buf, to[k])
		}
	}
	c.setStr(c.buf)
	return nil
}

// findInSet is the 1-based place of a string in a comma-separated list, else 0.
func findInSet(c *cells) error {
	s, list := c.str(0), c.str(1)
	c.setInt(0)
	if bytes.IndexByte(s, ',') >= 0 {
		return nil
	}
	for place := 1; ; place++ {
		k := bytes.IndexByte(list, ',')
		part := list
		if k >= 0 {
			part = list[:k]
		}
		if bytes.Equal(part, s) {
			c.setInt(place)
			return nil
		}
		if k < 0 {
			return nil
		}
		list = list[k+1:]
	}
}

// levenshtein is the edit distance of two strings in characters; with a third
// argument, -1 where it exceeds that.
func levenshtein(c *cells) error {
	a, b := []rune(string(c.str(0))), []rune(string(c.str(1)))
	if len(a) < len(b) {
		a, b = b, a
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range a {
		diag := row[0]
		row[0] = i + 1
		for j, y := range b {
			cost := diag
			if x != y {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, diag+1)
		}
	}
	d := row[len(b)]
	if len(c.args) > 2 && d > c.int(2) {
		d = -1
	}
	c.setInt(d)
	return nil
}
