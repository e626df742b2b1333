package function

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/function/regex"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// pattern compiles regular expressions and remembers the last one: patterns
// are nearly always constants.
type pattern struct {
	fn  string // of the function, for errors
	src []byte
	re  *regex.Regexp
	m   *regex.Matcher
}

func (p *pattern) set(src []byte) error {
	if p.m != nil && bytes.Equal(src, p.src) {
		return nil
	}
	re, err := regex.Compile(string(src))
	if err != nil {
		return errParam("PATTERN", p.fn, "regexp", err.Error(), "value", "'"+string(src)+"'")
	}
	p.src, p.re, p.m = append(p.src[:0], src...), re, re.NewMatcher()
	return nil
}

// find is Matcher.Find with the error that users see.
func (p *pattern) find(s []byte, from int) ([]int, error) {
	loc, err := p.m.Find(s, from)
	if err != nil {
		return nil, errs.E(errs.Exhausted, "function."+p.fn, err)
	}
	return loc, nil
}

// patternRows is rows for functions with a regular expression in argument 1.
func patternRows(name string, f func(c *cells, p *pattern) error) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		p := &pattern{fn: name}
		return rowKernel(func(c *cells) error {
			if err := p.set(c.str(1)); err != nil {
				return err
			}
			return f(c, p)
		}), nil
	}
}

// patternLists is patternRows for functions whose result is an array.
func patternLists(name string, f func(c *cells, p *pattern) error) maker {
	return func(*Env, *plan.Call) (Kernel, error) {
		p := &pattern{fn: name}
		return listKernel(func(c *cells) error {
			if err := p.set(c.str(1)); err != nil {
				return err
			}
			return f(c, p)
		}), nil
	}
}

// newRegexpLike is rlike.
func newRegexpLike(*Env, *plan.Call) (Kernel, error) {
	p := &pattern{fn: "rlike"}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		in, pats, dst, nulls := StrsOf(args[0]), StrsOf(args[1]), batch.Values[bool](out), out.HasNulls()
		for i := range n {
			if nulls && !out.Valid(i) {
				continue
			}
			if err := p.set(pats.At(i)); err != nil {
				return err
			}
			loc, err := p.find(in.At(i), 0)
			if err != nil {
				return err
			}
			dst[i] = loc != nil
		}
		return nil
	}, nil
}

// newRegexpReplace is regexp_replace(string, pattern, replacement[, position]).
func newRegexpReplace(_ *Env, _ *plan.Call) (Kernel, error) {
	p := &pattern{fn: "regexp_replace"}
	rep := &replacement{}
	return rowKernel(func(c *cells) error {
		if err := p.set(c.str(1)); err != nil {
			return err
		}
		if err := rep.set(p, c.str(2)); err != nil {
			return err
		}
		s, from := c.str(0), 0
		if len(c.args) > 3 {
			pos := c.int(3)
			if pos < 1 {
				return errParam("ZERO_INDEX", "regexp_replace", "pos", "it has to be greater than 0.")
			}
			if from = charOffset(s, pos-1); from == len(s) && pos > 1 {
				c.setStr(s)
				return nil
			}
		}
		return replaceAll(c, p, rep, s, from)
	}), nil
}

func replaceAll(c *cells, p *pattern, rep *replacement, s []byte, from int) error {
	c.buf = c.buf[:0]
	done := 0
	for from <= len(s) {
		loc, err := p.find(s, from)
		if err != nil {
			return err
		}
		if loc == nil {
			break
		}
		c.buf = append(c.buf, s[done:loc[0]]...)
		c.buf = rep.append(c.buf, s, loc)
		done = loc[1]
		from = regex.Next(s, loc)
	}
	c.buf = append(c.buf, s[done:]...)
	c.setStr(c.buf)
	return nil
}

// replacement is a compiled replacement text: literals and groups in turn.
type replacement struct {
	src   []byte
	re    *regex.Regexp
	parts []replacePart
}

type replacePart struct {
	lit   []byte
	group int // -1: the literal
}

func (r *replacement) append(dst, s []byte, loc []int) []byte {
	for _, p := range r.parts {
		switch {
		case p.group < 0:
			dst = append(dst, p.lit...)
		case loc[2*p.group] >= 0:
			dst = append(dst, s[loc[2*p.group]:loc[2*p.group+1]]...)
		}
	}
	return dst
}

// set reads $1, ${name} and backslash escapes.
func (r *replacement) set(p *pattern, src []byte) error {
	if r.re == p.re && bytes.Equal(r.src, src) {
		return nil
	}
	r.src, r.re, r.parts = append(r.src[:0], src...), p.re, nil
	var lit []byte
	for i := 0; i < len(src); i++ {
		switch {
		case src[i] == '\\' && i+1 < len(src):
			i++
			lit = append(lit, src[i])
		case src[i] == '$':
			group, n := groupRef(p.re, src[i+1:])
			if group < 0 {
				r.re = nil
				return errParam("PATTERN", "regexp_replace", "rep", "it refers to a group that does not exist.", "value", "'"+string(src)+"'")
			}
			r.parts = append(r.parts, replacePart{lit: lit, group: -1}, replacePart{group: group})
			lit = nil
			i += n
		default:
			lit = append(lit, src[i])
		}
	}
	r.parts = append(r.parts, replacePart{lit: lit, group: -1})
	return nil
}

// groupRef reads the group after a dollar sign and how many bytes name it; as
// many digits count as name a group.
func groupRef(re *regex.Regexp, s []byte) (group, n int) {
	if len(s) > 0 && s[0] == '{' {
		end := bytes.IndexByte(s, '}')
		if end < 0 {
			return -1, 0
		}
		return re.Name(string(s[1:end])), end + 1
	}
	if len(s) == 0 || s[0] < '0' || s[0] > '9' {
		return -1, 0
	}
	group, n = int(s[0]-'0'), 1
	for n < len(s) && s[n] >= '0' && s[n] <= '9' && group*10+int(s[n]-'0') <= re.Groups() {
		group = group*10 + int(s[n]-'0')
		n++
	}
	if group > re.Groups() {
		return -1, 0
	}
	return group, n
}

// groupArg is the group that argument k asks for, 1 by default.
func groupArg(c *cells, p *pattern, k int) (int, error) {
	g := 1
	if k < len(c.args) {
		g = c.int(k)
	}
	if g < 0 || g > p.re.Groups() {
		return 0, errParam("REGEX_GROUP_INDEX", p.fn, "idx", "there are "+strconv.Itoa(p.re.Groups())+" groups, and the index is "+strconv.Itoa(g)+".",
			"groupCount", strconv.Itoa(p.re.Groups()), "groupIndex", strconv.Itoa(g))
	}
	return g, nil
}

// regexpExtract gives the empty string where nothing matches.
func regexpExtract(c *cells, p *pattern) error {
	s := c.str(0)
	loc, err := p.find(s, 0)
	if err != nil {
		return err
	}
	if loc == nil {
		c.setStr(nil)
		return nil
	}
	g, err := groupArg(c, p, 2)
	if err != nil {
		return err
	}
	if loc[2*g] < 0 {
		c.setStr(nil)
		return nil
	}
	c.setStr(s[loc[2*g]:loc[2*g+1]])
	return nil
}

// eachMatch calls f for every match.
func (p *pattern) eachMatch(s []byte, f func(loc []int) error) error {
	for from := 0; from <= len(s); {
		loc, err := p.find(s, from)
		if err != nil || loc == nil {
			return err
		}
		from = regex.Next(s, loc)
		if err := f(loc); err != nil {
			return err
		}
	}
	return nil
}

func regexpExtractAll(c *cells, p *pattern) error {
	s, out := c.str(0), c.out.vec.Children[0]
	return p.eachMatch(s, func(loc []int) error {
		g, err := groupArg(c, p, 2)
		if err != nil {
			return err
		}
		if loc[2*g] < 0 {
			addStr(out, nil)
		} else {
			addStr(out, s[loc[2*g]:loc[2*g+1]])
		}
		return nil
	})
}

func regexpCount(c *cells, p *pattern) error {
	n := 0
	err := p.eachMatch(c.str(0), func([]int) error {
		n++
		return nil
	})
	c.setInt(n)
	return err
}

func regexpSubstr(c *cells, p *pattern) error {
	loc, err := p.find(c.str(0), 0)
	if loc == nil {
		c.setNull()
		return err
	}
	c.setStr(c.str(0)[loc[0]:loc[1]])
	return nil
}

func regexpInstr(c *cells, p *pattern) error {
	loc, err := p.find(c.str(0), 0)
	c.setInt(0)
	if loc != nil {
		c.setInt(charLen(c.str(0)[:loc[0]]) + 1)
	}
	return err
}

// splitText is split(string, pattern[, limit]).
func splitText(c *cells, p *pattern) error {
	s, out, limit := c.str(0), c.out.vec.Children[0], -1
	if len(c.args) > 2 {
		limit = c.int(2)
	}
	switch {
	case len(s) > 0 && len(p.src) == 0:
		splitChars(out, s, limit)
		return nil
	case !bytes.ContainsAny(p.src, regexMeta):
		splitLiteral(out, s, p.src, limit)
		return nil
	}
	parts, done := 1, 0
	for from := 0; from <= len(s) && (limit <= 0 || parts < limit); {
		loc, err := p.find(s, from)
		if err != nil {
			return err
		}
		if loc == nil || loc[0] == len(s) && loc[1] == loc[0] {
			break
		}
		from = regex.Next(s, loc)
		if loc[1] == 0 {
			continue // an empty match at the beginning splits nothing
		}
		addStr(out, s[done:loc[0]])
		done = loc[1]
		parts++
	}
	addStr(out, s[done:])
	return nil
}

// regexMeta are the characters that mean more than themselves.
const regexMeta = `\^$.|?*+()[]{}`

func splitLiteral(out *batch.Vector, s, sep []byte, limit int) {
	for parts := 1; limit <= 0 || parts < limit; parts++ {
		k := bytes.Index(s, sep)
		if k < 0 || len(sep) == 0 {
			break
		}
		addStr(out, s[:k])
		s = s[k+len(sep):]
	}
	addStr(out, s)
}

func splitChars(out *batch.Vector, s []byte, limit int) {
	for len(s) > 0 && limit != 0 {
		n := charOffset(s, 1)
		addStr(out, s[:n])
		s = s[n:]
		limit--
	}
}

// strToMap is str_to_map(text[, pair delimiter[, key-value delimiter]]), both patterns.
func newStrToMap(*Env, *plan.Call) (Kernel, error) {
	pairs, kv := &pattern{fn: "str_to_map"}, &pattern{fn: "str_to_map"}
	part := batch.New(plan.LitString("").Typ, 0)
	return listKernel(func(c *cells) error {
		delims := [2]string{",", ":"}
		for k := range delims {
			if k+1 < len(c.args) {
				delims[k] = string(c.str(k + 1))
			}
		}
		if err := pairs.set([]byte(delims[0])); err != nil {
			return err
		}
		if err := kv.set([]byte(delims[1])); err != nil {
			return err
		}
		part.Reset(0)
		sub := cells{args: c.args[:1], out: cell{vec: &batch.Vector{Children: []*batch.Vector{part}}}, i: c.i}
		if err := splitText(&sub, pairs); err != nil {
			return err
		}
		return addPairs(c, part, kv)
	}), nil
}

func addPairs(c *cells, part *batch.Vector, kv *pattern) error {
	keys, vals := c.out.vec.Children[0], c.out.vec.Children[1]
	seen := map[string]bool{}
	for i := range part.Len() {
		s := part.Str(i)
		key, val, has := string(s), "", false
		loc, err := kv.find(s, 0)
		if err != nil {
			return err
		}
		if loc != nil && loc[1] > 0 {
			key, val, has = string(s[:loc[0]]), string(s[loc[1]:]), true
		}
		if seen[key] {
			return errDuplicateKey(key)
		}
		seen[key] = true
		addStr(keys, []byte(key))
		if has {
			addStr(vals, []byte(val))
		} else {
			vals.AppendNulls(1)
		}
	}
	return nil
}

// splitSentences is sentences(text[, language, country]): words by sentence.
func splitSentences(c *cells) error {
	list := c.out.vec.Children[0]
	words := 0
	flush := func() {
		if words > 0 {
			closeList(list)
			words = 0
		}
	}
	for f := range strings.FieldsSeq(string(c.str(0))) {
		word := strings.Trim(f, ".,;:!?\"'()[]")
		if word != "" {
			addStr(list.Children[0], []byte(word))
			words++
		}
		if strings.ContainsAny(f[len(f)-1:], ".!?") {
			flush()
		}
	}
	flush()
	return nil
}
