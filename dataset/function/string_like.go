package function

import (
	"bytes"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// likePattern is a compiled LIKE pattern: the segments between percent signs.
// The first is anchored at the start and the last at the end.
type likePattern struct {
	segs []likeSeg
}

// likeSeg is text in which any marks the bytes that stand for one character.
type likeSeg struct {
	text []byte
	any  []bool // nil if there are none
}

// compileLike reads a pattern. The escape character may only precede a
// wildcard or itself.
func compileLike(pattern []byte, escape rune) (*likePattern, error) {
	p := &likePattern{}
	var seg likeSeg
	add := func(r rune, wild bool) {
		if wild && seg.any == nil {
			seg.any = make([]bool, len(seg.text))
		}
		at := len(seg.text)
		seg.text = utf8.AppendRune(seg.text, r)
		for seg.any != nil && at < len(seg.text) {
			seg.any = append(seg.any, wild)
			at++
		}
	}
	runes := []rune(string(pattern))
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case escape:
			if i++; i == len(runes) {
				return nil, errLike("ESC_AT_THE_END", string(pattern), "it ends with the escape character.")
			}
			if n := runes[i]; n != '_' && n != '%' && n != escape {
				return nil, errLike("ESC_IN_THE_MIDDLE", string(pattern), "the escape character must not precede "+string(n)+".", "char", string(n))
			}
			add(runes[i], false)
		case '_':
			add('_', true)
		case '%':
			p.segs = append(p.segs, seg)
			seg = likeSeg{}
		default:
			add(r, false)
		}
	}
	p.segs = append(p.segs, seg)
	return p, nil
}

func errLike(sub, pattern, message string, kv ...string) error {
	return errs.Cond(errs.Runtime, "INVALID_FORMAT."+sub, "42601", "The pattern '"+pattern+"' is invalid: "+message, append(kv, "format", "'"+pattern+"'")...)
}

// match tells whether all of s fits the pattern.
func (p *likePattern) match(s []byte) bool {
	first := &p.segs[0]
	n := first.prefix(s)
	if n < 0 {
		return false
	}
	last := len(p.segs) - 1
	if last == 0 {
		return n == len(s)
	}
	s = s[n:]
	for i := 1; i < last; i++ {
		if n = p.segs[i].find(s); n < 0 {
			return false
		}
		s = s[n:]
	}
	return p.segs[last].suffix(s)
}

// prefix is the length of the start of s that fits, -1 if none does.
func (g *likeSeg) prefix(s []byte) int {
	if g.any == nil {
		if bytes.HasPrefix(s, g.text) {
			return len(g.text)
		}
		return -1
	}
	at := 0
	for k, c := range g.text {
		switch {
		case at == len(s):
			return -1
		case g.any[k]:
			_, n := utf8.DecodeRune(s[at:])
			at += n
		case s[at] != c:
			return -1
		default:
			at++
		}
	}
	return at
}

// find is the end of the leftmost fit in s, -1 if there is none.
func (g *likeSeg) find(s []byte) int {
	if g.any == nil {
		k := bytes.Index(s, g.text)
		if k < 0 {
			return -1
		}
		return k + len(g.text)
	}
	for at := 0; ; {
		if n := g.prefix(s[at:]); n >= 0 {
			return at + n
		}
		if at == len(s) {
			return -1
		}
		_, n := utf8.DecodeRune(s[at:])
		at += n
	}
}

// suffix tells whether the end of s fits.
func (g *likeSeg) suffix(s []byte) bool {
	if g.any == nil {
		return bytes.HasSuffix(s, g.text)
	}
	chars := charLen(g.text)
	from := charLen(s) - chars
	return from >= 0 && g.prefix(s[charOffset(s, from):]) == len(s)-charOffset(s, from)
}

// newLike makes like and ilike of (string, pattern[, escape]).
func newLike(fold bool) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		escape := '\\'
		if len(call.Args) > 2 {
			if e, _, _ := constText(call.Args[2]); len(e) > 0 {
				escape, _ = utf8.DecodeRune(e)
			}
		}
		k := &likeKernel{fold: fold, escape: escape}
		return k.run, nil
	}
}

// likeKernel remembers the pattern it compiled last.
type likeKernel struct {
	fold    bool
	escape  rune
	pattern []byte
	ready   *likePattern
}

func (k *likeKernel) compile(pattern []byte) (*likePattern, error) {
	if k.ready != nil && bytes.Equal(pattern, k.pattern) {
		return k.ready, nil
	}
	k.pattern = append(k.pattern[:0], pattern...)
	if k.fold {
		pattern = bytes.ToLower(pattern)
	}
	p, err := compileLike(pattern, k.escape)
	k.ready = p
	return p, err
}

func (k *likeKernel) run(args []*batch.Vector, n int, out *batch.Vector) error {
	in, pats, dst, nulls := StrsOf(args[0]), StrsOf(args[1]), batch.Values[bool](out), out.HasNulls()
	if args[1].Enc == batch.Const && !k.fold {
		p, err := k.compile(pats.At(0))
		if err != nil {
			return err
		}
		p.all(&in, dst, n, out)
		return nil
	}
	for i := range n {
		if nulls && !out.Valid(i) {
			continue
		}
		p, err := k.compile(pats.At(i))
		if err != nil {
			return err
		}
		s := in.At(i)
		if k.fold {
			s = bytes.ToLower(s)
		}
		dst[i] = p.match(s)
	}
	return nil
}

// all matches n rows, with loops of their own for the frequent shapes.
func (p *likePattern) all(in *Strs, dst []bool, n int, out *batch.Vector) {
	nulls := out.HasNulls()
	plain := true
	for _, g := range p.segs {
		plain = plain && g.any == nil
	}
	empty := func(i int) bool { return len(p.segs[i].text) == 0 }
	switch {
	case plain && len(p.segs) == 3 && empty(0) && empty(2) && !empty(1):
		f := finder{first: p.segs[1].text}
		f.all(in, dst, n, out)
	case plain && len(p.segs) == 2 && empty(1):
		needle := p.segs[0].text
		for i := range n {
			if !nulls || out.Valid(i) {
				dst[i] = bytes.HasPrefix(in.At(i), needle)
			}
		}
	case plain && len(p.segs) == 2 && empty(0):
		needle := p.segs[1].text
		for i := range n {
			if !nulls || out.Valid(i) {
				dst[i] = bytes.HasSuffix(in.At(i), needle)
			}
		}
	case plain && len(p.segs) == 4 && empty(0) && empty(3) && !empty(1):
		f := finder{first: p.segs[1].text, second: p.segs[2].text}
		f.all(in, dst, n, out)
	default:
		for i := range n {
			if !nulls || out.Valid(i) {
				dst[i] = p.match(in.At(i))
			}
		}
	}
}

// finder is LIKE '%first%' and '%first%second%'. Values that lie one after the
// other in a buffer are searched together: one search over many rows costs a
// fraction of a search per row.
type finder struct {
	first, second []byte
	run           []int32 // rows of the run under construction
}

// maxGap is the most bytes between values of a run: length prefixes of pages.
const maxGap = 16

func (f *finder) all(in *Strs, dst []bool, n int, out *batch.Vector) {
	nulls := out.HasNulls()
	buf, end := -1, 0
	for i := range n {
		if nulls && !out.Valid(i) {
			continue
		}
		v := in.View(i)
		if v.Len() <= batch.InlineLen || in.mask == 0 {
			dst[i] = f.in(v.Bytes(in.bufs))
			continue
		}
		if v.Buf() != buf || v.Off() < end || v.Off() > end+maxGap {
			f.flush(in, dst)
		}
		dst[i] = false
		f.run = append(f.run, int32(i))
		buf, end = v.Buf(), v.Off()+v.Len()
	}
	f.flush(in, dst)
}

// in searches one value.
func (f *finder) in(s []byte) bool {
	k := bytes.Index(s, f.first)
	return k >= 0 && (f.second == nil || bytes.Contains(s[k+len(f.first):], f.second))
}

// flush searches the run's bytes. A hit that crosses the end of a value is none.
func (f *finder) flush(in *Strs, dst []bool) {
	run := f.run
	f.run = f.run[:0]
	if len(run) == 0 {
		return
	}
	last := in.View(int(run[len(run)-1]))
	text := in.bufs[last.Buf()][:last.Off()+last.Len()]
	at := in.View(int(run[0])).Off()
	for len(run) > 0 {
		k := bytes.Index(text[at:], f.first)
		if k < 0 {
			return
		}
		at += k
		v := in.View(int(run[0]))
		for v.Off()+v.Len() <= at {
			if run = run[1:]; len(run) == 0 {
				return
			}
			v = in.View(int(run[0]))
		}
		end := v.Off() + v.Len()
		if at < v.Off() || at+len(f.first) > end {
			at++
			continue
		}
		dst[run[0]] = f.second == nil || bytes.Contains(text[at+len(f.first):end], f.second)
		at, run = end, run[1:]
	}
}
