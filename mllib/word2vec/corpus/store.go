package corpus

import (
	"errors"
	"os"
	"syscall"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// segmentBytes is one piece of a store in memory: growing copies nothing.
const segmentBytes = 1 << 20

// store is a growing run of bytes, in memory up to a limit and in a temporary file beyond it. The file has no name: nothing is
// left of it however the process ends. Reading is safe for concurrent use once writing has ended.
type store struct {
	limit    int64
	folder   string
	size     int64
	segments [][]byte
	file     *os.File
}

func (s *store) write(p []byte) error {
	if s.file == nil && s.size+int64(len(p)) > s.limit {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.size += int64(len(p))
	if s.file != nil {
		return s.toFile(p)
	}
	for len(p) > 0 {
		k := len(s.segments) - 1
		if k < 0 || len(s.segments[k]) == segmentBytes {
			s.segments = append(s.segments, make([]byte, 0, segmentBytes))
			k++
		}
		n := min(len(p), segmentBytes-len(s.segments[k]))
		s.segments[k] = append(s.segments[k], p[:n]...)
		p = p[n:]
	}
	return nil
}

// spill moves what is in memory to a file.
func (s *store) spill() error {
	f, err := os.CreateTemp(s.folder, "spurwheel-corpus-*")
	if err != nil {
		return wrap(err)
	}
	s.file = f
	if err := os.Remove(f.Name()); err != nil {
		return wrap(err)
	}
	for _, p := range s.segments {
		if err := s.toFile(p); err != nil {
			return err
		}
	}
	s.segments = nil
	return nil
}

func (s *store) toFile(p []byte) error {
	_, err := s.file.Write(p)
	return wrap(err)
}

func (s *store) readAt(p []byte, off int64) error {
	if s.file != nil {
		_, err := s.file.ReadAt(p, off)
		return wrap(err)
	}
	for len(p) > 0 {
		n := copy(p, s.segments[off/segmentBytes][off%segmentBytes:])
		p, off = p[n:], off+int64(n)
	}
	return nil
}

func (s *store) close() error {
	s.segments = nil
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return wrap(f.Close())
}

func wrap(err error) error {
	kind := errs.Other
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EMFILE) {
		kind = errs.Exhausted
	}
	return errs.E(kind, "corpus: temporary file", err)
}
