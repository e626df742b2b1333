package vfs

import (
	"context"
	"io"
)

// ReadAll reads a whole small file.
func ReadAll(ctx context.Context, fs FS, ref FileRef) ([]byte, error) {
	f, err := fs.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Ref().Size == 0 {
		return nil, nil
	}
	p, err := f.ReadRanges(ctx, []Range{{0, f.Ref().Size}}, HintDefault)
	if err != nil {
		return nil, err
	}
	defer p.Release()
	return append([]byte(nil), p.Bytes(0)...), nil
}

// Section reads [off, off+n) of f as a stream, in blocks of chunk bytes.
func Section(ctx context.Context, f File, off, n int64, chunk int) io.Reader {
	return &section{next: func(o int64, want int) (Pages, error) {
		return f.ReadRanges(ctx, []Range{{o, int64(want)}}, HintSequential)
	}, off: off, end: off + n, chunk: chunk}
}

type section struct {
	next     func(off int64, n int) (Pages, error)
	off, end int64
	chunk    int
	pages    Pages
	buf      []byte
}

func (s *section) Read(p []byte) (int, error) {
	if len(s.buf) == 0 {
		if s.pages != nil {
			s.pages.Release()
			s.pages = nil
		}
		if s.off >= s.end {
			return 0, io.EOF
		}
		n := int(min(int64(s.chunk), s.end-s.off))
		pages, err := s.next(s.off, n)
		if err != nil {
			return 0, err
		}
		s.pages, s.buf, s.off = pages, pages.Bytes(0), s.off+int64(n)
	}
	n := copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// ByteSlices is a Pages over plain memory.
type ByteSlices [][]byte

// Bytes returns the i-th range.
func (b ByteSlices) Bytes(i int) []byte { return b[i] }

// Release does nothing.
func (b ByteSlices) Release() {}
