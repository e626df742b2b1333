package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	// helloWithin bounds connection, registration and welcome.
	helloWithin = 2 * time.Second
	// leaveWithin bounds a goodbye.
	leaveWithin = 500 * time.Millisecond
	// What a leader may ask for; anything else is taken for its nearest bound.
	minHeartbeat = 10 * time.Millisecond
	maxLease     = 10 * time.Minute
)

// dismissed ends an epoch.
type dismissed struct {
	reason string
	epoch  int64 // a fresh one must be above it
}

func (d *dismissed) Error() string { return "dismissed: " + d.reason }

var (
	errSilent = errors.New("the scheduler says nothing")
	errLeft   = errors.New("the worker ends")
	errFull   = errors.New("too many reports without an answer")
)

// stream is a worker's stream, as gRPC gives it.
type stream interface {
	Send(*pb.WorkerFrame) error
	Recv() (*pb.SchedulerFrame, error)
	CloseSend() error
}

// session is one stream. The caller of run reads, one goroutine writes.
type session struct {
	a      *Agent
	stream stream
	tasks  Tasks
	cancel context.CancelCauseFunc
	kicks  chan struct{} // of one place
	pings  chan struct{} // of one place: a heartbeat is wanted
	quit   chan struct{} // the worker ends

	sequence  uint64 // of the writer
	seen      uint64 // of the reader, as the rest
	welcomed  bool
	heartbeat time.Duration
	lease     time.Duration
	templates map[uint64]*pb.Template
}

// serve keeps a stream to one scheduler for as long as that goes well.
func (a *Agent) serve(ctx context.Context, address string, tasks Tasks) (welcomed bool, err error) {
	conn, err := a.cfg.Dial(address)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }() // what matters was said on the stream
	streamCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	hello := a.cfg.Clock.AfterFunc(helloWithin, func() { cancel(errSilent) })
	defer hello.Stop()
	st, err := pb.NewControlClient(conn).Work(streamCtx, grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage))
	if err != nil {
		return false, cause(streamCtx, err)
	}
	s := newSession(a, st, tasks, cancel)
	err = s.run(ctx, streamCtx, hello.Stop)
	return s.welcomed, err
}

func newSession(a *Agent, st stream, tasks Tasks, cancel context.CancelCauseFunc) *session {
	return &session{
		a: a, stream: st, tasks: tasks, cancel: cancel,
		kicks: make(chan struct{}, 1), pings: make(chan struct{}, 1), quit: make(chan struct{}), templates: map[uint64]*pb.Template{},
	}
}

// run registers, then reads until the stream ends. life ends when the worker
// does, streamCtx ends the stream.
func (s *session) run(life, streamCtx context.Context, greeted func() bool) error {
	hasty := context.AfterFunc(life, func() { s.cancel(errLeft) }) // before the welcome there is no goodbye
	first, err := s.greet()
	hasty()
	greeted()
	if err != nil {
		return cause(streamCtx, err)
	}
	var writing sync.WaitGroup
	writing.Go(func() { s.write(streamCtx) })
	leave := context.AfterFunc(life, s.leave)
	err = s.read(first)
	leave()
	s.a.attach(s, nil)
	err = cause(streamCtx, err)
	s.cancel(err)
	writing.Wait()
	return err
}

// cause prefers why we ended the stream to what gRPC made of that.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	return err
}

// greet registers and waits for the answer.
func (s *session) greet() (*pb.SchedulerFrame, error) {
	if err := s.register(); err != nil {
		return nil, err
	}
	first, err := s.stream.Recv()
	if err != nil {
		return nil, err
	}
	return first, s.welcome(first)
}

// welcome begins the session proper.
func (s *session) welcome(m *pb.SchedulerFrame) error {
	if d := m.GetDismiss(); d != nil {
		return &dismissed{d.GetReason(), d.GetEpoch()}
	}
	w := m.GetWelcome()
	if w == nil {
		return errs.Errorf(errs.Internal, "agent.welcome", "a stream begins with a welcome")
	}
	s.lease = min(max(time.Duration(w.GetLeaseMillis())*time.Millisecond, 2*minHeartbeat), maxLease)
	s.heartbeat = min(max(time.Duration(w.GetHeartbeatMillis())*time.Millisecond, minHeartbeat), s.lease)
	if err := s.a.meet(s, m.GetTerm()); err != nil {
		return err
	}
	s.welcomed = true
	return nil
}

// meet accepts a leader, unless a later one was seen.
func (a *Agent) meet(s *session, term uint64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if term < a.mu.term {
		return errs.Errorf(errs.Conflict, "agent.meet", "the scheduler led in term %d, the latest is %d", term, a.mu.term)
	}
	a.mu.term, a.mu.session = term, s
	a.mu.streams++
	return nil
}

// attach changes the stream, if the present one is `from`.
func (a *Agent) attach(from, to *session) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mu.session == from {
		a.mu.session = to
	}
}

func (s *session) kick() {
	if s == nil {
		return
	}
	select {
	case s.kicks <- struct{}{}:
	default:
	}
}

// leave lets the writer say goodbye and ends the stream in any case.
func (s *session) leave() {
	close(s.quit)
	s.a.cfg.Clock.AfterFunc(leaveWithin, func() { s.cancel(errLeft) })
}

// write sends reports as they come and heartbeats at their time. It waits for
// nothing but the stream.
func (s *session) write(ctx context.Context) {
	beat := s.a.cfg.Clock.NewTimer(0)
	defer beat.Stop()
	for {
		f, leaving := &pb.WorkerFrame{}, false
		select {
		case <-ctx.Done():
			return
		case <-s.quit:
			leaving = true
		case <-beat.C():
			f.Heartbeat = s.a.heartbeat()
			beat.Reset(s.heartbeat)
		case <-s.pings:
			f.Heartbeat = s.a.heartbeat()
		case <-s.kicks:
		}
		if err := s.flush(f, leaving); err != nil {
			s.cancel(err)
			return
		}
		if leaving {
			_ = s.stream.CloseSend()
			return
		}
	}
}

// flush sends a frame and whatever reports there are, in as many as they need;
// the last one says goodbye.
func (s *session) flush(f *pb.WorkerFrame, leaving bool) error {
	for {
		more := s.a.take(f)
		f.Leaving = leaving && !more
		if empty(f) {
			return nil
		}
		s.sequence++
		f.Sequence = s.sequence
		if err := s.stream.Send(f); err != nil || !more {
			return err
		}
		f = &pb.WorkerFrame{}
	}
}

// empty tells that a frame says nothing.
func empty(f *pb.WorkerFrame) bool {
	return len(f.GetReports()) == 0 && f.GetHeartbeat() == nil && !f.GetLeaving() && !f.GetDraining()
}

func (a *Agent) heartbeat() *pb.Heartbeat {
	h := &pb.Heartbeat{}
	if a.cfg.Load != nil {
		h.Load, h.Memory = a.cfg.Load()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	h.Running = int32(a.mu.running)
	return h
}

// patience is how long the leader may say nothing. It answers every heartbeat;
// asking others costs little, and the lease goes on meanwhile.
func (s *session) patience() time.Duration { return max(s.lease/2, 2*s.heartbeat) }

// watchdog ends a stream on which nothing arrives. Like the leader it looks
// twice, since a starved process reads late what has come in time.
type watchdog struct {
	timer clock.Timer
	mu    struct {
		sync.Mutex
		warned bool
		paused bool
	}
}

func (s *session) guard() *watchdog {
	w := &watchdog{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = s.a.cfg.Clock.AfterFunc(s.patience(), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case w.mu.paused:
		case w.mu.warned:
			s.cancel(errSilent)
		default:
			w.mu.warned = true
			w.timer.Reset(s.heartbeat)
		}
	})
	return w
}

// pause holds the watchdog while a frame is applied.
func (w *watchdog) pause(on bool, patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.paused, w.mu.warned = on, false
	if !on {
		w.timer.Reset(patience)
	}
}
