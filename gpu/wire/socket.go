package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Socket is one end of a conversation. One goroutine may read while others write.
type Socket struct {
	conn *net.UnixConn
	mu   struct {
		sync.Mutex // orders writes, so that frames do not mix
	}
	files []*os.File // received and not taken yet; the reader's
}

// Pair makes both ends; the second is for a child process to inherit.
func Pair() (*Socket, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, errs.E(errs.Exhausted, "wire.Pair", err)
	}
	child := os.NewFile(uintptr(fds[1]), "helper")
	ours := os.NewFile(uintptr(fds[0]), "parent")
	socket, err := NewSocket(ours)
	if err != nil {
		_ = child.Close()
		return nil, nil, err
	}
	return socket, child, nil
}

// NewSocket takes a connected Unix socket over.
func NewSocket(file *os.File) (*Socket, error) {
	conn, err := net.FileConn(file)
	_ = file.Close() // FileConn has its own copy
	if err != nil {
		return nil, errs.E(errs.Invalid, "wire.NewSocket", err)
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		_ = conn.Close()
		return nil, errs.Errorf(errs.Invalid, "wire.NewSocket", "not a Unix socket")
	}
	return &Socket{conn: unixConn}, nil
}

// Send writes one message; file, where it is not nil, goes with it and stays the caller's.
func (s *Socket) Send(t Type, message any, file *os.File) error {
	data, err := Encode(t, message)
	if err != nil {
		return err
	}
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, _, err := s.conn.WriteMsgUnix(data, rights, nil)
	if err == nil && n < len(data) {
		_, err = s.conn.Write(data[n:])
	}
	return errs.E(errs.Unavailable, "wire.Send", err)
}

// Receive reads the next message; a bare io.EOF when the other side has closed.
func (s *Socket) Receive() (Frame, error) { return Read(reader{s}) }

// TakeFile returns the file that came with the messages read so far, once.
func (s *Socket) TakeFile() (*os.File, error) {
	if len(s.files) == 0 {
		return nil, errs.Errorf(errs.Invalid, "wire.TakeFile", "the message came without shared memory")
	}
	file := s.files[0]
	s.files = s.files[1:]
	return file, nil
}

// Close ends the conversation.
func (s *Socket) Close() error {
	for _, f := range s.files {
		_ = f.Close()
	}
	s.files = nil
	return s.conn.Close()
}

// maxFiles is how many files may wait to be taken: no call sends more than one.
const maxFiles = 4

// reader collects the files that come with the bytes.
type reader struct{ *Socket }

func (r reader) Read(p []byte) (int, error) {
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, rn, _, _, err := r.conn.ReadMsgUnix(p, rights)
	if rn > 0 {
		r.keep(rights[:rn])
	}
	if errors.Is(err, net.ErrClosed) || errors.Is(err, unix.ECONNRESET) || (n == 0 && err == nil && len(p) > 0) {
		return n, io.EOF
	}
	return n, err
}

func (r reader) keep(rights []byte) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			file := os.NewFile(uintptr(fd), "shared")
			if len(r.files) >= maxFiles {
				_ = file.Close()
				continue
			}
			r.files = append(r.files, file)
		}
	}
}
