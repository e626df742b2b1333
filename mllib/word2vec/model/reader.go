package model

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

const (
	// maxHeader bounds the first line: two numbers.
	maxHeader = 64
	// maxNumber bounds one decimal number of the text format with its blank.
	maxNumber = 64
	// believed is how many components are allocated on the word of a header alone; more come as they are read.
	believed = 1 << 20
	// sniffed is how many bytes of the first vector tell text from binary.
	sniffed = 16
)

// reader reads word2vec's text and binary formats. Bytes are counted for messages.
type reader struct {
	in   *bufio.Reader
	size int64 // of the file, -1 unknown
	off  int64 // of the next byte
	line int   // of the text format

	total, dim int
	words      []string
	arena      []byte
	vectors    []float32
}

func newReader(in io.Reader, size int64) *reader {
	return &reader{in: bufio.NewReaderSize(in, writeBuffer), size: size}
}

func corrupt(format string, args ...any) error {
	return errs.E(errs.Corrupt, "", fmt.Errorf(format, args...))
}

func (r *reader) read(ctx context.Context) (*Model, error) {
	if err := r.header(); err != nil {
		return nil, err
	}
	text, err := r.isText()
	if err != nil {
		return nil, err
	}
	one := r.binaryWord
	if text {
		one = r.textWord
	}
	room := int64(r.total) * int64(r.dim)
	if r.size < 0 { // otherwise the header has held it against the size
		room = min(room, believed)
	}
	r.vectors = make([]float32, 0, room)
	r.words = make([]string, 0, room/int64(r.dim))
	for len(r.words) < r.total {
		if len(r.words)%1024 == 0 && ctx.Err() != nil {
			return nil, errs.E(errs.Canceled, "", ctx.Err())
		}
		if err := one(); err != nil {
			return nil, err
		}
	}
	if err := r.nothingMore(); err != nil {
		return nil, err
	}
	v, err := vocab.New(r.words, nil)
	if err != nil {
		return nil, errs.E(errs.Corrupt, "", err)
	}
	m, err := New(v, r.dim, r.vectors)
	if err != nil {
		return nil, errs.E(errs.Corrupt, "", err)
	}
	return m, nil
}

// header reads the first line and holds it against the file's size: both formats take at least two bytes a number.
func (r *reader) header() error {
	line, err := r.until('\n', maxHeader)
	if err != nil {
		return noHeader(line)
	}
	fields := bytes.Fields(line)
	if len(fields) != 2 {
		return noHeader(line)
	}
	words, err1 := strconv.ParseInt(string(fields[0]), 10, 64)
	dim, err2 := strconv.ParseInt(string(fields[1]), 10, 64)
	if err1 != nil || err2 != nil {
		return noHeader(line)
	}
	if words < 1 || words > vocab.MaxWords || dim < 1 || dim > MaxDim {
		return corrupt("line 1 tells of %d words of %d components; want 1 to %d and 1 to %d", words, dim, vocab.MaxWords, MaxDim)
	}
	if r.size >= 0 && words*(2*dim+1) > r.size {
		return corrupt("line 1 tells of %d words of %d components, which %d bytes cannot hold", words, dim, r.size)
	}
	r.total, r.dim, r.line = int(words), int(dim), 1
	return nil
}

func noHeader(line []byte) error {
	if len(line) > 20 {
		line = line[:20]
	}
	return corrupt("line 1 is %q: no word2vec file begins so; want the number of words and of components", line)
}

// until reads through a byte, which it drops; longest bytes without it are an error.
func (r *reader) until(end byte, longest int) ([]byte, error) {
	for want := min(512, longest+1); ; want = min(2*want, longest+1) {
		p, err := r.in.Peek(want)
		if k := bytes.IndexByte(p, end); k >= 0 {
			r.discard(k + 1)
			return p[:k], nil
		}
		if err != nil {
			return p, r.ended(err)
		}
		if len(p) > longest {
			return p, corrupt("no end within %d bytes", longest)
		}
	}
}

func (r *reader) discard(n int) {
	_, _ = r.in.Discard(n)
	r.off += int64(n)
}

// ended turns the end of the file into an error; others pass.
func (r *reader) ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return corrupt("the file ends at byte %d", r.off+int64(r.in.Buffered()))
	}
	return damaged(err)
}

// isText looks at the first word's line: in text it has as many blanks as numbers, and a number behind the last. Binary numbers
// do not look so. Of a line longer than the buffer its beginning has to do.
func (r *reader) isText() (bool, error) {
	p, err := r.in.Peek(writeBuffer)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, r.ended(err)
	}
	p = bytes.TrimLeft(p, "\n")
	line, _, whole := bytes.Cut(p, []byte{'\n'})
	if whole || err != nil {
		line = bytes.TrimRight(line, " \r")
		return bytes.Count(line, []byte{' '}) >= r.dim && isNumber(line[bytes.LastIndexByte(line, ' ')+1:]), nil
	}
	k := bytes.IndexByte(p, ' ')
	return k >= 0 && isNumber(bytes.ReplaceAll(p[k+1:min(len(p), k+1+sniffed)], []byte{' '}, nil)), nil
}

// isNumber tells whether p has only characters of numbers.
func isNumber(p []byte) bool {
	for _, c := range p {
		if (c < '0' || c > '9') && !strings.ContainsRune("+-.eEnaNifIFty", rune(c)) {
			return false
		}
	}
	return len(p) > 0
}

func (r *reader) where(err error) error {
	if err == nil {
		return nil
	}
	return errs.E(errs.KindOf(err), "", fmt.Errorf("word %d of %d, byte %d: %w", len(r.words)+1, r.total, r.off, err))
}

// keep adds a word; words share strings of some kilobytes.
func (r *reader) keep(w []byte) {
	if cap(r.arena)-len(r.arena) < len(w) {
		r.arena = make([]byte, 0, max(16<<10, len(w)))
	}
	at := len(r.arena)
	r.arena = append(r.arena, w...)
	r.words = append(r.words, asString(r.arena[at:]))
}

func (r *reader) binaryWord() error {
	for {
		c, err := r.in.Peek(1)
		if err != nil {
			return r.where(r.ended(err))
		}
		if c[0] != '\n' {
			break
		}
		r.discard(1)
	}
	word, err := r.until(' ', vocab.MaxWordBytes)
	if err != nil {
		return r.where(err)
	}
	r.keep(word)
	return r.binaryRow()
}

// binaryRow reads a vector in pieces of the buffer.
func (r *reader) binaryRow() error {
	for left := r.dim; left > 0; {
		n := min(left, writeBuffer/4)
		p, err := r.in.Peek(4 * n)
		if err != nil {
			r.words = r.words[:len(r.words)-1]
			return r.where(r.ended(err))
		}
		at := len(r.vectors)
		r.vectors = append(r.vectors, make([]float32, n)...)
		decodeBinary(r.vectors[at:], p)
		r.discard(4 * n)
		left -= n
	}
	return nil
}

func (r *reader) textWord() error {
	r.line++
	line, err := r.longLine()
	if err != nil {
		return r.inLine(err)
	}
	at := len(line)
	row := len(r.vectors)
	r.vectors = append(r.vectors, make([]float32, r.dim)...)
	for i := r.dim - 1; i >= 0; i-- {
		from := bytes.LastIndexByte(line[:at], ' ')
		if from < 0 {
			return r.inLine(corrupt("%d numbers; want %d", r.dim-1-i, r.dim))
		}
		x, err := strconv.ParseFloat(asString(line[from+1:at]), 32)
		if err != nil {
			return r.inLine(corrupt("%.20q is no number", line[from+1:at]))
		}
		r.vectors[row+i] = float32(x)
		at = from
	}
	if at == 0 || at > vocab.MaxWordBytes {
		return r.inLine(corrupt("a word of %d bytes; want 1 to %d", at, vocab.MaxWordBytes))
	}
	r.keep(line[:at])
	return nil
}

func (r *reader) inLine(err error) error {
	return errs.E(errs.KindOf(err), "", fmt.Errorf("line %d, word %d of %d: %w", r.line, len(r.words)+1, r.total, err))
}

// longLine reads a line without its end and the blanks before that; the last line may lack it.
func (r *reader) longLine() ([]byte, error) {
	longest := vocab.MaxWordBytes + r.dim*maxNumber
	line, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line = bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) && len(line) <= longest {
			var more []byte
			more, err = r.in.ReadSlice('\n')
			line = append(line, more...)
		}
	}
	r.off += int64(len(line))
	if len(line) > longest {
		return nil, corrupt("no end within %d bytes", longest)
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, r.ended(err)
	}
	return bytes.TrimRight(line, " \r\n\t"), nil
}

// nothingMore refuses what stands behind the last word: the header would be wrong.
func (r *reader) nothingMore() error {
	for {
		c, err := r.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		if c != '\n' && c != '\r' && c != ' ' {
			return corrupt("byte %d: more than the %d words that line 1 tells of", r.off, r.total)
		}
		r.off++
	}
}
