package regex

import (
	"unicode/utf8"
)

// assertion is a condition on a position.
type assertion uint8

const (
	beginText     assertion = iota // \A, ^
	beginLine                      // ^ with MULTILINE
	endText                        // \z
	endTextOrLine                  // \Z, $: the end, or before a line terminator there
	endLine                        // $ with MULTILINE
	wordBound                      // \b
	notWordBound                   // \B
	lastMatch                      // \G
)

var escapedAsserts = map[byte]assertion{'A': beginText, 'z': endText, 'Z': endTextOrLine, 'b': wordBound, 'B': notWordBound, 'G': lastMatch}

// opcode is an instruction of the matcher.
type opcode uint8

const (
	opLit      opcode = iota // the bytes lit
	opSet                    // one character of set
	opLoop                   // min to max characters of set
	opSplit                  // try x, then y
	opJump                   // go to x
	opSave                   // capture slot x
	opAssert                 // what
	opBackref                // group x
	opLook                   // sub-program up to x, then go on at x
	opAtomic                 // likewise, moving
	opEnd                    // of a sub-program
	opMark                   // remember the position in register x
	opProgress               // leave the loop for y if nothing was read since mark x
	opMatch
)

type inst struct {
	op       opcode
	x, y     int
	min, max int
	mode     mode
	set      *charset
	lit      []byte
	what     assertion
	fold     bool
	neg      bool
	behind   bool
}

// maxProgram bounds what counted repetitions may expand to.
const maxProgram = 1 << 16

// Regexp is a compiled pattern. It is immutable.
type Regexp struct {
	prog     []inst
	groups   int
	names    map[string]int
	regs     int
	prefix   []byte     // every match starts with it
	first    *[256]bool // bytes a match may start with, nil: any or none
	anchored bool       // matches start at the beginning only
	tooBig   bool
}

// Compile reads a pattern.
func Compile(pattern string) (*Regexp, error) {
	p := &parser{src: pattern, names: map[string]int{}}
	n, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if p.more() {
		return nil, p.fail("Unmatched closing ')'")
	}
	re := &Regexp{groups: p.groups, names: p.names}
	re.emit(n)
	re.add(inst{op: opMatch})
	if re.tooBig {
		return nil, p.fail("the pattern is too large")
	}
	for _, i := range re.prog {
		if i.op == opBackref && i.x > p.groups {
			return nil, p.fail("the group %d does not exist", i.x)
		}
	}
	re.analyze()
	return re, nil
}

// Groups is the number of capturing groups.
func (re *Regexp) Groups() int { return re.groups }

// Name is the group of a name, -1 if there is none.
func (re *Regexp) Name(name string) int {
	if n, ok := re.names[name]; ok {
		return n
	}
	return -1
}

func (re *Regexp) add(i inst) int {
	if len(re.prog) >= maxProgram {
		re.tooBig = true
		return 0
	}
	re.prog = append(re.prog, i)
	return len(re.prog) - 1
}

func (re *Regexp) emit(n *node) {
	if re.tooBig {
		return
	}
	switch n.kind {
	case nodeSet:
		re.emitSet(n.set)
	case nodeCat:
		for _, s := range n.subs {
			re.emit(s)
		}
	case nodeAlt:
		re.emitAlt(n.subs)
	case nodeRepeat:
		re.emitRepeat(n)
	case nodeGroup:
		re.add(inst{op: opSave, x: 2 * n.n})
		re.emit(n.subs[0])
		re.add(inst{op: opSave, x: 2*n.n + 1})
	case nodeAssert:
		re.add(inst{op: opAssert, what: n.what})
	case nodeBackref:
		re.add(inst{op: opBackref, x: n.n, fold: n.fold})
	case nodeLook:
		re.emitSub(inst{op: opLook, neg: n.neg, behind: n.behind}, n.subs[0])
	case nodeAtomic:
		re.emitSub(inst{op: opAtomic}, n.subs[0])
	default:
	}
}

// emitSet writes one character, joining literals in a row.
func (re *Regexp) emitSet(s *charset) {
	if len(s.spans) != 1 || s.spans[0].lo != s.spans[0].hi || s.spans[0].lo > 0xD7FF && s.spans[0].lo < 0xE000 {
		re.add(inst{op: opSet, set: s})
		return
	}
	re.add(inst{op: opLit, lit: utf8.AppendRune(nil, s.spans[0].lo)})
}

func (re *Regexp) emitAlt(subs []*node) {
	var jumps []int
	for i, s := range subs {
		if i == len(subs)-1 {
			re.emit(s)
			break
		}
		split := re.add(inst{op: opSplit})
		re.prog[split].x = len(re.prog)
		re.emit(s)
		jumps = append(jumps, re.add(inst{op: opJump}))
		re.prog[split].y = len(re.prog)
	}
	for _, j := range jumps {
		re.prog[j].x = len(re.prog)
	}
}

func (re *Regexp) emitSub(i inst, sub *node) {
	at := re.add(i)
	re.emit(sub)
	re.add(inst{op: opEnd})
	re.prog[at].x = len(re.prog)
}

func (re *Regexp) emitRepeat(n *node) {
	sub := n.subs[0]
	if sub.kind == nodeSet {
		re.add(inst{op: opLoop, set: sub.set, min: n.min, max: n.max, mode: n.mode})
		return
	}
	if n.mode == possessive {
		plain := *n
		plain.mode = greedy
		re.emitSub(inst{op: opAtomic}, &plain)
		return
	}
	if n.min > maxRepeat || n.max > maxRepeat {
		re.tooBig = true
		return
	}
	for range n.min {
		re.emit(sub)
	}
	if n.max == unbounded {
		re.emitStar(sub, n.mode)
		return
	}
	var splits []int
	for range n.max - n.min {
		splits = append(splits, re.emitSplit(n.mode))
		re.emit(sub)
	}
	for _, s := range splits {
		re.target(s, n.mode, len(re.prog))
	}
}

// emitSplit writes a choice to enter what follows, first if greedy.
func (re *Regexp) emitSplit(m mode) int {
	at := re.add(inst{op: opSplit})
	if m == greedy {
		re.prog[at].x = at + 1
	} else {
		re.prog[at].y = at + 1
	}
	return at
}

// target sets where a choice leaves to.
func (re *Regexp) target(split int, m mode, to int) {
	if m == greedy {
		re.prog[split].y = to
	} else {
		re.prog[split].x = to
	}
}

func (re *Regexp) emitStar(sub *node, m mode) {
	reg := re.regs
	re.regs++
	split := re.emitSplit(m)
	re.add(inst{op: opMark, x: reg})
	re.emit(sub)
	progress := re.add(inst{op: opProgress, x: reg})
	re.add(inst{op: opJump, x: split})
	re.prog[progress].y = len(re.prog)
	re.target(split, m, len(re.prog))
}

// analyze finds what the search can skip by.
func (re *Regexp) analyze() {
	for _, i := range re.prog {
		switch i.op {
		case opSave:
			continue
		case opLit:
			re.prefix = append(re.prefix, i.lit...)
			continue
		case opAssert:
			re.anchored = len(re.prefix) == 0 && i.what == beginText
		case opSet, opLoop:
			if len(re.prefix) == 0 && (i.op == opSet || i.min > 0) {
				re.first = firstBytes(i.set)
			}
		default:
		}
		return
	}
}

func firstBytes(s *charset) *[256]bool {
	var t [256]bool
	for b := range 256 {
		t[b] = b >= utf8.RuneSelf || s.hasByte(byte(b))
	}
	return &t
}
