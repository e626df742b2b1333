package wire

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Memory is memory that two processes share. It has no name in any file system: it is gone when both have closed it or died.
type Memory struct {
	file  *os.File
	bytes []byte
}

// sealed keeps either side from shrinking the memory under the other, which would be a fatal signal there.
const sealed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW

// NewMemory makes shared memory of a size.
func NewMemory(size int64) (*Memory, error) {
	fd, err := unix.MemfdCreate("spurwheel-gpu", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, errs.E(errs.Exhausted, "wire.NewMemory", err)
	}
	file := os.NewFile(uintptr(fd), "spurwheel-gpu")
	if err = unix.Ftruncate(fd, size); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, sealed)
	}
	if err == nil {
		return mapMemory(file, size)
	}
	_ = file.Close()
	return nil, errs.Errorf(errs.Exhausted, "wire.NewMemory", "shared memory of %d bytes: %v", size, err)
}

// OpenMemory maps memory that the other side has made; it refuses memory that could shrink. It takes the file over.
func OpenMemory(file *os.File) (*Memory, error) {
	seals, err := unix.FcntlInt(file.Fd(), unix.F_GET_SEALS, 0)
	if err == nil && seals&sealed != sealed {
		err = fmt.Errorf("shared memory without seals")
	}
	var stat unix.Stat_t
	if err == nil {
		err = unix.Fstat(int(file.Fd()), &stat)
	}
	if err != nil {
		_ = file.Close()
		return nil, errs.E(errs.Invalid, "wire.OpenMemory", err)
	}
	return mapMemory(file, stat.Size)
}

func mapMemory(file *os.File, size int64) (*Memory, error) {
	bytes, err := unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		_ = file.Close()
		return nil, errs.E(errs.Exhausted, "wire.mapMemory", err)
	}
	return &Memory{file: file, bytes: bytes}, nil
}

// File is what the other side is sent.
func (m *Memory) File() *os.File { return m.file }

// Check tells whether all sections lie within the memory.
func (m *Memory) Check(sections []Section) error {
	for _, s := range sections {
		if s.Offset < 0 || s.Length < 0 || s.Offset > int64(len(m.bytes)) || s.Length > int64(len(m.bytes))-s.Offset {
			return errs.Errorf(errs.Invalid, "wire.Memory", "section of %d bytes at %d outside of %d bytes", s.Length, s.Offset, len(m.bytes))
		}
	}
	return nil
}

// Close gives the memory back. Slices of it must not be used afterwards.
func (m *Memory) Close() error {
	err := unix.Munmap(m.bytes)
	m.bytes = nil
	if closing := m.file.Close(); err == nil {
		err = closing
	}
	return err
}

// Element is what shared memory holds arrays of.
type Element interface{ ~uint32 | ~uint64 | ~float32 }

// Slice is a section as an array.
func Slice[T Element](m *Memory, s Section) []T {
	var zero T
	count := s.Length / int64(unsafe.Sizeof(zero))
	if count == 0 {
		return nil
	}
	bytes := m.bytes[s.Offset : s.Offset+s.Length]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), count)
}

// Plan lays out sections one after the other.
type Plan struct{ size int64 }

// pageSize keeps sections apart, so that one copy does not share a page with the next.
const pageSize = 4096

// Add is the next section, of length bytes.
func (p *Plan) Add(length int64) Section {
	s := Section{Offset: p.size, Length: length}
	p.size += (length + pageSize - 1) / pageSize * pageSize
	return s
}

// Size is that of all sections; never 0, because no memory can be mapped of it.
func (p *Plan) Size() int64 { return max(p.size, pageSize) }
