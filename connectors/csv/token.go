package csv

import "bytes"

// field is a value of a record: a piece of the block, or of the side buffer if
// escapes had to be taken out.
type field struct {
	off  uint32
	n    uint32 // length and the flags below
	side bool
	flag fieldFlag
}

type fieldFlag uint8

const (
	plainField   fieldFlag = iota
	quotedField            // was in quotes
	missingField           // the record has fewer fields
)

// tokenizer cuts records into fields. It works on one line, or on a text of
// many where quotes may hold line ends.
type tokenizer struct {
	opt    *options
	fields []field // of the records cut since reset
	side   []byte
	multi  bool // records end at line ends outside of quotes
}

func (t *tokenizer) reset() {
	t.fields, t.side = t.fields[:0], t.side[:0]
}

// record appends the fields of the record that starts at b[i], returning their
// number and the position behind its end.
func (t *tokenizer) record(b []byte, i int) (count, next int) {
	if !t.multi && len(t.opt.sep) == 1 && !t.opt.trimLeft && !t.opt.trimRight {
		return t.plain(b, i)
	}
	sep := t.opt.sep[0]
	for {
		if t.opt.trimLeft {
			for i < len(b) && b[i] <= ' ' && b[i] != sep && !t.lineEnd(b, i) {
				i++
			}
		}
		start := i
		if i < len(b) && b[i] == t.opt.quote && t.opt.quote != 0 {
			i = t.quoted(b, i)
		} else {
			i = t.fieldEnd(b, i)
			t.add(b, start, i)
		}
		count++
		switch {
		case i >= len(b):
			return count, i
		case t.lineEnd(b, i):
			if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
				i++
			}
			return count, i + 1
		}
		i += len(t.opt.sep)
	}
}

// plain is record for one line with a separator of one byte and nothing to trim.
func (t *tokenizer) plain(b []byte, i int) (count, next int) {
	sep, quote := t.opt.sep[0], t.opt.quote
	fields := t.fields
	for {
		start := i
		if i < len(b) && b[i] == quote && quote != 0 {
			t.fields = fields
			i = t.quoted(b, i)
			fields = t.fields
		} else {
			for i < len(b) && b[i] != sep {
				i++
			}
			fields = append(fields, field{off: uint32(start), n: uint32(i - start)})
		}
		count++
		if i >= len(b) {
			t.fields = fields
			return count, i
		}
		i++
	}
}

// add appends the unquoted field b[from:to].
func (t *tokenizer) add(b []byte, from, to int) {
	if t.opt.trimRight {
		for to > from && b[to-1] <= ' ' {
			to--
		}
	}
	t.fields = append(t.fields, field{off: uint32(from), n: uint32(to - from)})
}

func (t *tokenizer) lineEnd(b []byte, i int) bool {
	return t.multi && (b[i] == '\n' || b[i] == '\r')
}

// fieldEnd is where the unquoted field at i ends.
func (t *tokenizer) fieldEnd(b []byte, i int) int {
	sep := t.opt.sep
	for ; i < len(b); i++ {
		if b[i] == sep[0] && (len(sep) == 1 || bytes.HasPrefix(b[i:], sep)) || t.lineEnd(b, i) {
			return i
		}
	}
	return i
}

// quoted reads the field that opens with a quote at i and returns the position
// of what ends it. A quote inside that is not escaped makes the field what it
// is between separators, quotes included.
func (t *tokenizer) quoted(b []byte, i int) int {
	open := i
	quote, escape := t.opt.quote, t.opt.escape
	from := i + 1
	sideFrom := len(t.side)
	copied := false
	for i = from; i < len(b); i++ {
		c := b[i]
		escaped := c == escape && escape != 0 && i+1 < len(b) && (b[i+1] == quote || b[i+1] == escape && escape != quote)
		if escaped {
			t.side = append(append(t.side, b[from:i]...), b[i+1])
			copied = true
			i++
			from = i + 1
			continue
		}
		if c != quote {
			continue
		}
		end := i + 1
		for end < len(b) && (b[end] == ' ' || b[end] == '\t') && b[end] != t.opt.sep[0] {
			end++
		}
		if end < len(b) && !t.lineEnd(b, end) && !bytes.HasPrefix(b[end:], t.opt.sep) {
			t.side = t.side[:sideFrom]
			end = t.fieldEnd(b, end)
			t.add(b, open, end)
			return end
		}
		t.closed(b, from, i, sideFrom, copied)
		return end
	}
	t.closed(b, from, len(b), sideFrom, copied) // it never closes: the field is all the rest
	return len(b)
}

func (t *tokenizer) closed(b []byte, from, to, sideFrom int, copied bool) {
	if !copied {
		t.fields = append(t.fields, field{off: uint32(from), n: uint32(to - from), flag: quotedField})
		return
	}
	t.side = append(t.side, b[from:to]...)
	t.fields = append(t.fields, field{off: uint32(sideFrom), n: uint32(len(t.side) - sideFrom), side: true, flag: quotedField})
}
