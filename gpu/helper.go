package gpu

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/spurwheel/spurwheel/gpu/wire"
	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	// queuedFrames may wait for the caller. A helper that sends more than its protocol allows is stopped by the socket.
	queuedFrames = 64
	// graceful is how long the helper may take to give its devices back when it is asked to end; then it is killed.
	graceful = 5 * time.Second
	// stderrKept is how much of the beginning of what the helper has printed goes into an error: a crash names its reason first.
	stderrKept = 4 << 10
)

// Helper is a running helper process. Calls are made one at a time; further ones wait.
type Helper struct {
	socket  *wire.Socket
	command *exec.Cmd
	stderr  *head
	frames  chan wire.Frame // closed when the helper has gone
	exited  chan struct{}   // closed when the process has been waited for
	driver  int
	devices []Device

	patience time.Duration
	call     sync.Mutex // held for a whole call, which is what it serialises
}

// Start starts the helper and asks for its devices. Errors are of kind NotSupported where there is no driver, device or program.
func Start(ctx context.Context, c Config) (*Helper, error) {
	path, err := c.helper()
	if err != nil {
		return nil, err
	}
	socket, child, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	h := &Helper{socket: socket, stderr: &head{}, frames: make(chan wire.Frame, queuedFrames), exited: make(chan struct{}), patience: c.Patience}
	if h.patience == 0 {
		h.patience = defaultPatience
	}
	var args []string
	if c.Driver != "" {
		args = append(args, "--driver", c.Driver)
	}
	h.command = exec.Command(path, args...) //nolint:noctx // ended by Close, which gives it time to give devices back
	h.command.ExtraFiles = []*os.File{child}
	h.command.Stderr = h.stderr
	// Its own process group: an interrupt from the terminal is for the parent, which decides when the helper ends.
	h.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go h.live(started)
	err = <-started
	_ = child.Close()
	if err != nil {
		_ = socket.Close()
		return nil, errs.E(errs.NotSupported, "gpu.Start", err)
	}
	go h.read()
	if err := h.greet(ctx); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// live starts the process and waits for it, on one thread: the kernel sends the death signal when the thread that started the
// child ends, not the process.
func (h *Helper) live(started chan<- error) {
	defer close(h.exited)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := h.command.Start()
	started <- err
	if err == nil {
		_ = h.command.Wait() // how it ended is in command.ProcessState
	}
}

func (h *Helper) read() {
	defer close(h.frames)
	for {
		frame, err := h.socket.Receive()
		if err != nil {
			return // what went wrong is in how the process ended
		}
		h.frames <- frame
	}
}

func (h *Helper) greet(ctx context.Context) error {
	if err := h.socket.Send(wire.TypeHello, wire.Hello{}, nil); err != nil {
		return h.gone()
	}
	var welcome wire.Welcome
	if err := h.expect(ctx, wire.TypeWelcome, &welcome); err != nil {
		return err
	}
	h.driver, h.devices = welcome.Driver, welcome.Devices
	return nil
}

// Devices are those of the machine, as they were when the helper started.
func (h *Helper) Devices() []Device { return h.devices }

// Info asks for the devices as they are now.
func (h *Helper) Info(ctx context.Context) ([]Device, error) {
	h.call.Lock()
	defer h.call.Unlock()
	err := h.greet(ctx)
	return h.devices, err
}

// Driver is the CUDA version that the driver supports: 12010 is 12.1.
func (h *Helper) Driver() int { return h.driver }

// Process is the helper's process id.
func (h *Helper) Process() int { return h.command.Process.Pid }

// Close ends the helper and waits for it.
func (h *Helper) Close() {
	_ = h.socket.Close()
	for range h.frames { // until the reader has seen the end
	}
	timer := time.AfterFunc(graceful, func() { _ = h.command.Process.Kill() })
	<-h.exited
	timer.Stop()
}

// killIfStuck kills the helper when ctx has ended and the call goes on for longer than the helper's patience. The call ends with
// stop, which waits for whatever was started.
func (h *Helper) killIfStuck(ctx context.Context) (stop func()) {
	over, watched := make(chan struct{}), make(chan struct{})
	unwatch := context.AfterFunc(ctx, func() {
		defer close(watched)
		timer := time.NewTimer(h.patience)
		defer timer.Stop()
		select {
		case <-over:
		case <-timer.C:
			_ = h.command.Process.Kill()
		}
	})
	return func() {
		close(over)
		if !unwatch() {
			<-watched
		}
	}
}

// expect waits for one message.
func (h *Helper) expect(ctx context.Context, want wire.Type, into wire.Message) error {
	select {
	case <-ctx.Done():
		return errs.E(errs.Canceled, "gpu", context.Cause(ctx))
	case frame, ok := <-h.frames:
		if !ok {
			return h.gone()
		}
		if frame.Type != want {
			return h.unexpected(frame)
		}
		return wire.Decode(frame, into)
	}
}

// settle passes over what the helper still says about a call that has failed, until it answers a new greeting.
func (h *Helper) settle() {
	if h.socket.Send(wire.TypeHello, wire.Hello{}, nil) != nil {
		return
	}
	for frame := range h.frames {
		if frame.Type == wire.TypeWelcome {
			return
		}
	}
}

// unexpected is the error of a message that is not the one waited for: a fault, or a breach of the protocol.
func (h *Helper) unexpected(frame wire.Frame) error {
	if frame.Type != wire.TypeFault {
		return errs.Errorf(errs.Internal, "gpu", "the helper sent message %d out of order", frame.Type)
	}
	var fault wire.Fault
	if err := wire.Decode(frame, &fault); err != nil {
		return err
	}
	return errs.E(kind(fault.Code), "gpu", &fault)
}

// gone is the error of a helper that has ended in the middle of a call.
func (h *Helper) gone() error {
	select {
	case <-h.exited:
	case <-time.After(graceful): // it has closed its socket and does not end
		_ = h.command.Process.Kill()
		<-h.exited
	}
	return errs.Errorf(errs.Unavailable, "gpu", "the GPU helper has ended: %s %s", h.command.ProcessState, h.stderr.text())
}

// head keeps the beginning of what is written to it.
type head struct {
	mu struct {
		sync.Mutex
		kept []byte
	}
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.kept = append(h.mu.kept, p[:min(len(p), stderrKept-len(h.mu.kept))]...)
	return len(p), nil
}

func (h *head) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(bytes.TrimSpace(h.mu.kept))
}

// isEnd tells the end of a stream of sentences from an error.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
