package shuffle

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// DiskError is a disk of this worker that takes or gives no bytes. Its kind is
// errs.Unavailable where a task was writing: the task can run elsewhere, and
// the worker had better get no more of this sort.
type DiskError struct {
	Full bool // no space or no quota, which may pass; else the disk fails
	Err  error
}

func (e *DiskError) Error() string { return "disk: " + e.Err.Error() }
func (e *DiskError) Unwrap() error { return e.Err }

// onDisk gives a failed write its kind.
func onDisk(op string, err error) error {
	if err == nil {
		return nil
	}
	full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
	return errs.E(errs.Unavailable, op, &DiskError{Full: full, Err: err})
}

// spillFile holds blocks that do not fit the memory.
type spillFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// newSpillFile makes a file that loses its name at once, so that nothing is
// left when the process dies.
func newSpillFile(dir string) (spillFile, error) {
	f, err := os.CreateTemp(dir, "shuffle-*")
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			f, err = os.CreateTemp(dir, "shuffle-*")
		}
	}
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
