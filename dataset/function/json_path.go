package function

import (
	"bytes"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// pathStep is a step of a JSON path: a member, an index or a wildcard.
type pathStep struct {
	name  []byte
	index int // -1: not an index
	all   bool
}

// compilePath reads $, .name, ['name'], [n], [*] and .*; nil if it is no path.
func compilePath(p []byte) ([]pathStep, bool) {
	if len(p) == 0 || p[0] != '$' {
		return nil, false
	}
	var steps []pathStep
	for p = p[1:]; len(p) > 0; {
		switch p[0] {
		case '.':
			end := bytes.IndexAny(p[1:], ".[")
			if end < 0 {
				end = len(p) - 1
			}
			name := p[1 : end+1]
			if len(name) == 0 {
				return nil, false
			}
			steps = append(steps, pathStep{name: name, index: -1, all: string(name) == "*"})
			p = p[end+1:]
		case '[':
			end := bytes.IndexByte(p, ']')
			if len(p) > 1 && p[1] == '\'' {
				if end = bytes.Index(p, []byte("']")); end > 0 {
					end++
				}
			}
			if end < 0 {
				return nil, false
			}
			s, ok := bracketStep(p[1:end])
			if !ok {
				return nil, false
			}
			steps = append(steps, s)
			p = p[end+1:]
		default:
			return nil, false
		}
	}
	return steps, true
}

func bracketStep(s []byte) (pathStep, bool) {
	if string(s) == "*" {
		return pathStep{index: -1, all: true}, true
	}
	if len(s) > 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return pathStep{name: s[1 : len(s)-1], index: -1}, true
	}
	n, err := strconv.Atoi(string(s))
	return pathStep{index: n}, err == nil && n >= 0
}

// follow appends the texts of the values that steps lead to; ok is false for malformed JSON.
func (j *jsonScan) follow(steps []pathStep, out [][]byte) (found [][]byte, ok bool) {
	if len(steps) == 0 {
		text, _, ok := j.value()
		return append(out, text), ok
	}
	s := &steps[0]
	switch kind := j.peek(); {
	case kind == jsonObject && s.index < 0:
		ok = j.members(func(name []byte) bool {
			if !s.all && !bytes.Equal(name, s.name) {
				_, _, ok := j.value()
				return ok
			}
			var ok bool
			out, ok = j.follow(steps[1:], out)
			return ok
		})
		return out, ok
	case kind == jsonArray && (s.index >= 0 || s.all && s.name == nil):
		k := 0
		ok = j.elements(func() bool {
			hit := s.all || k == s.index
			k++
			if !hit {
				_, _, ok := j.value()
				return ok
			}
			var ok bool
			out, ok = j.follow(steps[1:], out)
			return ok
		})
		return out, ok
	case kind == jsonArray && s.name != nil && !s.all:
		ok = j.elements(func() bool { // a member of an array is that of each element
			var ok bool
			out, ok = j.follow(steps, out)
			return ok
		})
		return out, ok
	}
	_, _, ok = j.value()
	return out, ok
}

// newGetJSON is get_json_object(text, path).
func newGetJSON(*Env, *plan.Call) (Kernel, error) {
	var src []byte
	var steps []pathStep
	valid, many := false, false
	return rowKernel(func(c *cells) error {
		if p := c.str(1); src == nil || !bytes.Equal(p, src) {
			src = append([]byte{}, p...)
			steps, valid = compilePath(src)
			many = false
			for k := range steps {
				many = many || steps[k].all
			}
		}
		if !valid {
			c.setNull()
			return nil
		}
		j := jsonScan{s: c.str(0), loose: jsonLoose{singleQuotes: true}}
		found, ok := j.follow(steps, nil)
		if !ok || len(found) == 0 {
			c.setNull()
			return nil
		}
		c.buf = foundText(c.buf[:0], found, many)
		if c.buf == nil {
			c.setNull()
			return nil
		}
		c.setStr(c.buf)
		return nil
	}), nil
}

// foundText is what get_json_object shows: strings bare, several values as an
// array, a null as no value.
func foundText(dst []byte, found [][]byte, many bool) []byte {
	if len(found) > 1 {
		dst = append(dst, '[')
		for i, f := range found {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = compactJSON(dst, f)
		}
		return append(dst, ']')
	}
	one := found[0]
	switch {
	case string(one) == "null" && !many:
		return nil
	case one[0] == '"' && !many:
		dst, _ = unquoteJSON(dst, one)
		return dst
	}
	return compactJSON(dst, one)
}
