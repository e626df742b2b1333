package regex

import (
	"bytes"
	"errors"
	"unicode"
	"unicode/utf8"
)

// ErrSteps is returned when a match takes too many steps: the pattern
// backtracks without end on this input.
var ErrSteps = errors.New("regex: the pattern takes too long on this input")

// maxSteps bounds one search: about a second of matching.
const maxSteps = 50_000_000

// frame is a choice to come back to.
type frame struct {
	pc  int // where to go on; restoreSlot and restoreReg: what to undo
	pos int
	lo  int // loops: the shortest position left to try; else -1
}

// Kinds of frames that undo instead of going on, in pc.
const (
	restoreSlot = -1 - iota
	restoreReg
)

// Matcher runs searches. It serves one goroutine.
type Matcher struct {
	re    *Regexp
	text  []byte
	start int // of the region searched
	caps  []int
	regs  []int
	stack []frame
	steps int
}

// NewMatcher makes a matcher of re.
func (re *Regexp) NewMatcher() *Matcher {
	return &Matcher{re: re, caps: make([]int, 2*re.groups+2), regs: make([]int, re.regs)}
}

// Find searches text for the leftmost match that starts at from or later.
// Capture k is at [2k], [2k+1], -1 if the group took no part; the slice is
// borrowed until the next call. nil means no match.
func (m *Matcher) Find(text []byte, from int) ([]int, error) {
	m.text, m.start, m.steps = text, from, 0
	re := m.re
	for at := from; at <= len(text); at++ {
		if re.anchored && at > 0 {
			return nil, nil
		}
		if len(re.prefix) > 0 {
			k := bytes.Index(text[at:], re.prefix)
			if k < 0 {
				return nil, nil
			}
			at += k
		} else if re.first != nil {
			for at < len(text) && !re.first[text[at]] {
				at++
			}
			if at == len(text) {
				return nil, nil
			}
		}
		if at < len(text) && text[at]&0xC0 == 0x80 && at > from {
			continue // inside a character
		}
		for i := range m.caps {
			m.caps[i] = -1
		}
		m.stack = m.stack[:0]
		end, ok := m.run(0, at)
		if m.steps > maxSteps {
			return nil, ErrSteps
		}
		if ok {
			m.caps[0], m.caps[1] = at, end
			return m.caps, nil
		}
	}
	return nil, nil
}

// Next is where the search goes on after a match: behind it, and one
// character further if it was empty.
func Next(text []byte, loc []int) int {
	if loc[1] > loc[0] {
		return loc[1]
	}
	if loc[1] >= len(text) {
		return len(text) + 1
	}
	_, n := utf8.DecodeRune(text[loc[1]:])
	return loc[1] + n
}

// decode is the character at pos; ASCII is decided by the caller's fast path.
func (m *Matcher) decode(pos int) (rune, int) {
	if c := m.text[pos]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRune(m.text[pos:])
}

// run matches the program from pc at pos until opMatch or opEnd.
func (m *Matcher) run(pc, pos int) (int, bool) {
	base := len(m.stack)
	for {
		if m.steps++; m.steps > maxSteps {
			return 0, false
		}
		i := &m.re.prog[pc]
		ok := true
		switch i.op {
		case opLit:
			if ok = bytes.HasPrefix(m.text[pos:], i.lit); ok {
				pos += len(i.lit)
			}
			pc++
		case opSet:
			if ok = pos < len(m.text); ok {
				r, n := m.decode(pos)
				ok = i.set.has(r)
				pos += n
			}
			pc++
		case opLoop:
			pos, ok = m.loop(i, pc, pos)
			pc++
		case opSplit:
			m.stack = append(m.stack, frame{i.y, pos, -1})
			pc = i.x
		case opJump:
			pc = i.x
		case opSave:
			m.stack = append(m.stack, frame{restoreSlot, m.caps[i.x], i.x})
			m.caps[i.x] = pos
			pc++
		case opMark:
			m.stack = append(m.stack, frame{restoreReg, m.regs[i.x], i.x})
			m.regs[i.x] = pos
			pc++
		case opProgress:
			if m.regs[i.x] == pos {
				pc = i.y
			} else {
				pc++
			}
		case opMatch, opEnd:
			return pos, true
		default:
			pc, pos, ok = m.rare(i, pc, pos)
		}
		if !ok {
			if pc, pos, ok = m.back(base); !ok {
				return 0, false
			}
		}
	}
}

// rare runs the instructions that are not in every pattern.
func (m *Matcher) rare(i *inst, pc, pos int) (int, int, bool) {
	switch i.op {
	case opAssert:
		return pc + 1, pos, m.holds(i.what, pos)
	case opBackref:
		end, ok := m.backref(i, pos)
		return pc + 1, end, ok
	case opLook:
		base := len(m.stack)
		ok := m.look(i, pc, pos)
		m.cut(base, ok && !i.neg)
		return i.x, pos, ok != i.neg
	default:
	}
	base := len(m.stack)
	end, ok := m.run(pc+1, pos)
	m.cut(base, ok)
	return i.x, end, ok
}

// cut forgets the choices since base but keeps what undoes captures.
func (m *Matcher) cut(base int, matched bool) {
	if !matched {
		for len(m.stack) > base {
			m.undo()
		}
		return
	}
	keep := m.stack[:base]
	for _, f := range m.stack[base:] {
		if f.pc < 0 {
			keep = append(keep, f)
		}
	}
	m.stack = keep
}

// undo pops a frame, restoring what it remembers.
func (m *Matcher) undo() frame {
	f := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	switch f.pc {
	case restoreSlot:
		m.caps[f.lo] = f.pos
	case restoreReg:
		m.regs[f.lo] = f.pos
	}
	return f
}

// back goes to the latest choice above base.
func (m *Matcher) back(base int) (pc, pos int, ok bool) {
	for len(m.stack) > base {
		f := m.undo()
		switch {
		case f.pc < 0:
			continue
		case f.lo < 0:
			return f.pc, f.pos, true
		}
		i := &m.re.prog[f.pc]
		if i.mode == lazy {
			if pos, ok := m.longer(i, f); ok {
				return f.pc + 1, pos, true
			}
			continue
		}
		pos := f.pos - 1
		for m.text[pos]&0xC0 == 0x80 && pos > f.lo {
			pos--
		}
		if pos > f.lo {
			m.stack = append(m.stack, frame{f.pc, pos, f.lo})
		}
		return f.pc + 1, pos, true
	}
	return 0, 0, false
}

// longer lets a lazy loop take one more character. Frames of lazy loops hold
// the number of characters taken in lo.
func (m *Matcher) longer(i *inst, f frame) (int, bool) {
	if f.pos >= len(m.text) || i.max != unbounded && f.lo >= i.max {
		return 0, false
	}
	r, n := m.decode(f.pos)
	if !i.set.has(r) {
		return 0, false
	}
	m.stack = append(m.stack, frame{f.pc, f.pos + n, f.lo + 1})
	return f.pos + n, true
}

// loop takes characters of a set and leaves a frame for taking fewer (or more, if lazy).
func (m *Matcher) loop(i *inst, pc, pos int) (int, bool) {
	limit := i.max
	if i.mode == lazy {
		limit = i.min
	}
	taken, least, text := 0, pos, m.text
	for pos < len(text) && (limit == unbounded || taken < limit) {
		if c := text[pos]; c < utf8.RuneSelf {
			if !i.set.hasByte(c) {
				break
			}
			pos++
		} else {
			r, n := utf8.DecodeRune(text[pos:])
			if !i.set.has(r) {
				break
			}
			pos += n
		}
		if taken++; taken == i.min {
			least = pos
		}
	}
	m.steps += taken >> 3
	if taken < i.min {
		return pos, false
	}
	switch {
	case i.mode == lazy:
		m.stack = append(m.stack, frame{pc, pos, taken})
	case i.mode == greedy && pos > least:
		m.stack = append(m.stack, frame{pc, pos, least})
	}
	return pos, true
}

func (m *Matcher) backref(i *inst, pos int) (int, bool) {
	lo, hi := m.caps[2*i.x], m.caps[2*i.x+1]
	if lo < 0 || hi < 0 {
		return pos, false
	}
	want := m.text[lo:hi]
	if len(m.text)-pos < len(want) {
		return pos, false
	}
	got := m.text[pos : pos+len(want)]
	return pos + len(want), bytes.Equal(got, want) || i.fold && bytes.EqualFold(got, want)
}

// look runs the sub-program ahead of pos, or behind it from every start that
// could end at pos.
func (m *Matcher) look(i *inst, pc, pos int) bool {
	if !i.behind {
		_, ok := m.run(pc+1, pos)
		return ok
	}
	for from := pos; from >= 0; from-- {
		base := len(m.stack)
		saved := m.text
		m.text = m.text[:pos]
		end, ok := m.run(pc+1, from)
		m.text = saved
		if ok && end == pos {
			return true
		}
		m.cut(base, false)
	}
	return false
}

func (m *Matcher) holds(a assertion, pos int) bool {
	t := m.text
	switch a {
	case beginText:
		return pos == 0
	case beginLine:
		return pos == 0 || pos < len(t) && lineEndBefore(t, pos)
	case endText:
		return pos == len(t)
	case endTextOrLine:
		n := lineEndAt(t, pos)
		return pos == len(t) || n > 0 && pos+n == len(t)
	case endLine:
		return pos == len(t) || lineEndAt(t, pos) > 0
	case wordBound:
		return wordAt(t, pos) != wordBefore(t, pos)
	case notWordBound:
		return wordAt(t, pos) == wordBefore(t, pos)
	default:
	}
	return pos == m.start
}

// lineEndAt is the length of the line terminator at pos, 0 if there is none.
func lineEndAt(t []byte, pos int) int {
	switch {
	case pos >= len(t):
		return 0
	case t[pos] == '\n':
		if pos > 0 && t[pos-1] == '\r' {
			return 0
		}
		return 1
	case t[pos] == '\r':
		if pos+1 < len(t) && t[pos+1] == '\n' {
			return 2
		}
		return 1
	}
	if r, n := utf8.DecodeRune(t[pos:]); r == 0x85 || r == 0x2028 || r == 0x2029 {
		return n
	}
	return 0
}

func lineEndBefore(t []byte, pos int) bool {
	r, _ := utf8.DecodeLastRune(t[:pos])
	return r == '\n' || r == '\r' && t[pos] != '\n' || r == 0x85 || r == 0x2028 || r == 0x2029
}

func wordAt(t []byte, pos int) bool {
	if pos >= len(t) {
		return false
	}
	r, _ := utf8.DecodeRune(t[pos:])
	return isWord(r)
}

func wordBefore(t []byte, pos int) bool {
	r, n := utf8.DecodeLastRune(t[:pos])
	return n > 0 && isWord(r)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
