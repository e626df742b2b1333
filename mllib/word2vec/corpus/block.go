package corpus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

const (
	// blockBytes is large beside the cost of handing a block over, and small beside any budget.
	blockBytes = 256 << 10
	fetchBytes = 256 << 10 // of one read
)

// block is a piece of a corpus: whole lines or rows, or, of a line larger than a block, whole words.
type block struct {
	file int
	base int64 // bytes of text, or rows, before it in its file
	data []byte
	list bool // in the list form of package vocab

	out              []byte // encoded
	words, sentences int64
}

// emit hands a block on and returns an empty one.
type emit func(context.Context, *block) (*block, error)

// read walks over all files in order.
func (s *Source) read(ctx context.Context, b *block, hand emit) (err error) {
	for i := range s.files {
		b.file, b.base, b.data, b.list = i, 0, b.data[:0], false
		if s.files[i].table {
			b, err = s.readTable(ctx, i, b, hand)
		} else {
			b, err = s.readText(ctx, i, b, hand)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open starts the text of a file; end must be called.
func (s *Source) open(ctx context.Context, i int) (r io.Reader, end func(), err error) {
	ref := s.files[i].ref
	f, err := s.fs.Open(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	plain := vfs.Section(ctx, f, 0, f.Ref().Size, fetchBytes)
	r, stop, err := lines.Decompress(ref.Path, plain)
	if err != nil {
		_ = f.Close()
		return nil, nil, damaged(ref.Path, err)
	}
	return r, func() { stop(); _ = f.Close() }, nil
}

// damaged is the error of bytes that do not decompress; errors of the store pass.
func damaged(path string, err error) error {
	if errs.KindOf(err) != errs.Other {
		return err
	}
	return errs.Errorf(errs.Corrupt, "corpus", "%s cannot be decompressed: %w", path, err)
}

// utf8Mark may begin a file; it belongs to no word.
var utf8Mark = []byte("\xef\xbb\xbf")

func (s *Source) readText(ctx context.Context, i int, b *block, hand emit) (*block, error) {
	r, end, err := s.open(ctx, i)
	if err != nil {
		return b, err
	}
	defer end()
	t := text{in: r, first: true}
	for !t.done {
		if err := t.fill(b); err != nil {
			return b, damaged(s.files[i].ref.Path, err)
		}
		if len(b.data) == 0 {
			continue
		}
		next := t.base + int64(len(b.data))
		b.file, b.base, b.list = i, t.base, false
		if b, err = hand(ctx, b); err != nil {
			return b, err
		}
		t.base = next
	}
	return b, nil
}

// text cuts a stream into blocks.
type text struct {
	in          io.Reader
	rest        []byte // read beyond the last block
	base        int64  // where the next block begins
	first, done bool
}

// fill makes b.data the next block, which may be empty.
func (t *text) fill(b *block) error {
	b.data = append(b.data[:0], t.rest...)
	t.rest = t.rest[:0]
	for {
		if err := t.top(b); err != nil || t.done {
			return err
		}
		cut := bytes.LastIndexByte(b.data, '\n') + 1
		if cut == 0 {
			cut = lastBlank(b.data)
		}
		if cut > 0 {
			t.rest = append(t.rest, b.data[cut:]...)
			b.data = b.data[:cut]
			return nil
		}
		// One word fills the block. The head of it is enough to tell that it is too long.
		t.base += int64(len(b.data) - vocab.MaxWordBytes - 1)
		b.data = b.data[:vocab.MaxWordBytes+1]
	}
}

// top reads until the block is full or the stream has ended.
func (t *text) top(b *block) error {
	if cap(b.data) < blockBytes {
		b.data = append(make([]byte, 0, blockBytes), b.data...)
	}
	at := len(b.data)
	n, err := io.ReadFull(t.in, b.data[at:blockBytes:blockBytes])
	b.data = b.data[:at+n]
	if t.first && (at+n >= len(utf8Mark) || err != nil) {
		t.first = false
		if rest, ok := bytes.CutPrefix(b.data, utf8Mark); ok {
			b.data = append(b.data[:0], rest...)
		}
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if !t.ended(err) {
		return err
	}
	t.done = true
	if n := len(b.data); n > 0 && b.data[n-1] != '\n' {
		b.data = append(b.data, '\n')
	}
	return nil
}

// ended tells the end of a stream from one that was cut off: a decompressor says so itself when asked again.
func (t *text) ended(err error) bool {
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	var one [1]byte
	_, again := t.in.Read(one[:])
	return errors.Is(again, io.EOF) && !errors.Is(again, io.ErrUnexpectedEOF)
}

func lastBlank(p []byte) int {
	for i, c := range slices.Backward(p) {
		if c <= ' ' {
			return i + 1
		}
	}
	return 0
}

// fault says where in the corpus a block's fault is.
func (s *Source) fault(ctx context.Context, b *block, f *vocab.Fault) error {
	path := s.files[b.file].ref.Path
	if s.files[b.file].table {
		end := byte('\n')
		if b.list {
			end = vocab.SentenceEnd
		}
		row := b.base + int64(bytes.Count(b.data[:f.Offset], []byte{end})) + 1
		return errs.Errorf(errs.Invalid, "corpus", "%s, row %d: %s", path, row, f.What)
	}
	before, err := s.linesBefore(ctx, b.file, b.base)
	if err != nil {
		return err
	}
	return errs.Errorf(errs.Invalid, "corpus", "%s, line %d: %s", path, before+int64(bytes.Count(b.data[:f.Offset], []byte{'\n'}))+1, f.What)
}

// linesBefore counts the line ends before byte n of a file's text: nobody counts them while all is well.
func (s *Source) linesBefore(ctx context.Context, i int, n int64) (int64, error) {
	r, end, err := s.open(ctx, i)
	if err != nil {
		return 0, err
	}
	defer end()
	buf, found := make([]byte, fetchBytes), int64(0)
	r = io.LimitReader(r, n)
	for {
		k, err := r.Read(buf)
		found += int64(bytes.Count(buf[:k], []byte{'\n'}))
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return 0, damaged(s.files[i].ref.Path, err)
		}
	}
}
