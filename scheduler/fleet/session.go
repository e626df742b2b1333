package fleet

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

// Stream is a worker's stream, as gRPC gives it.
type Stream interface {
	Context() context.Context
	Send(*pb.SchedulerFrame) error
	Recv() (*pb.WorkerFrame, error)
}

const (
	// helloWithin is how long a stream may stay without a registration.
	helloWithin = 5 * time.Second
	// farewellWithin bounds the last word to a worker that may not read.
	farewellWithin = 250 * time.Millisecond
)

// session is one stream: one goroutine reads, one writes, and the handler's
// ends the stream, which ends both wherever they wait.
type session struct {
	f          *Fleet
	stream     Stream
	kicks      chan struct{} // of one place: something waits to be sent
	over       chan struct{}
	written    chan struct{} // the writer has ended
	once       sync.Once
	cause      error // valid once over
	registered atomic.Bool

	// Of the reader:
	seen    uint64 // last frame
	joining *pb.Register
	ready   *worker // registered; the writer reads it after the first kick
	// Of the writer:
	sequence uint64 // last frame
}

// dismissal ends a stream with a last word.
type dismissal struct {
	reason string
	epoch  int64 // that the worker must beat
}

func (d *dismissal) Error() string { return "dismissed: " + d.reason }

// Work serves one worker's stream until it breaks, the worker is dismissed or
// the fleet closes.
func (f *Fleet) Work(stream Stream) error {
	s := &session{f: f, stream: stream, kicks: make(chan struct{}, 1), over: make(chan struct{}), written: make(chan struct{})}
	if !f.begin(s) {
		return notLeader("", "")
	}
	hello := f.cfg.Clock.AfterFunc(helloWithin, func() { s.unregistered() })
	defer hello.Stop()
	select {
	case <-stream.Context().Done():
		s.stop(stream.Context().Err())
	case <-s.over:
	}
	farewell := time.NewTimer(farewellWithin) // of the machine, not of the leases
	defer farewell.Stop()
	select {
	case <-s.written:
	case <-farewell.C:
	}
	if d, ok := errors.AsType[*dismissal](s.cause); ok {
		return status.Error(codes.Aborted, d.Error())
	}
	return s.cause
}

// begin starts a session's goroutines; they end after Work has returned.
func (f *Fleet) begin(s *session) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.closed {
		return false
	}
	f.mu.sessions[s] = struct{}{}
	f.streams.Go(func() {
		s.read()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.mu.sessions, s)
	})
	f.streams.Go(s.write)
	return true
}

// unregistered ends a stream whose worker has not said who it is.
func (s *session) unregistered() {
	if !s.registered.Load() {
		s.stop(status.Error(codes.DeadlineExceeded, "no registration came"))
	}
}

// stop ends the session, for the first cause it is given.
func (s *session) stop(cause error) {
	if s == nil {
		return
	}
	s.once.Do(func() {
		s.cause = cause
		close(s.over)
	})
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

// write sends what is due, as much as there is in one frame.
func (s *session) write() {
	defer close(s.written)
	var c composer
	var spare []order
	for {
		select {
		case <-s.over:
			s.farewell()
			return
		case <-s.kicks:
		}
		out, ok := s.ready.take(s, spare)
		if !ok {
			spare = out.orders
			continue
		}
		if err := s.send(&c, s.ready, out); err != nil {
			s.stop(err)
			return
		}
		clear(out.orders)
		spare = out.orders
	}
}

func (s *session) send(c *composer, w *worker, out outgoing) error {
	frames, unfit := c.frames(out)
	for _, f := range frames {
		s.sequence++
		f.Term, f.Epoch, f.Sequence = s.f.cfg.Term, w.epoch, s.sequence
		if s.sequence == 1 {
			f.Welcome = s.f.welcome()
		}
		if err := s.stream.Send(f); err != nil {
			return err
		}
	}
	s.f.counts.frames.Add(uint64(len(frames)))
	for _, t := range unfit {
		s.f.refuse(w, t)
	}
	return nil
}

func (f *Fleet) welcome() *pb.Welcome {
	t := f.cfg.Terms
	return &pb.Welcome{Leader: f.cfg.Leader, HeartbeatMillis: t.Heartbeat.Milliseconds(), LeaseMillis: t.Lease.Milliseconds(), Protocol: f.cfg.Protocol}
}

// farewell tells a dismissed worker why.
func (s *session) farewell() {
	if d, ok := errors.AsType[*dismissal](s.cause); ok {
		s.sequence++
		_ = s.stream.Send(&pb.SchedulerFrame{Term: s.f.cfg.Term, Sequence: s.sequence, Dismiss: &pb.Dismiss{Reason: d.reason, Epoch: d.epoch}})
	}
}

// read applies the worker's frames in order.
func (s *session) read() {
	for {
		m, err := s.stream.Recv()
		if err == nil {
			err = s.apply(m)
		}
		if err != nil {
			s.stop(err)
			if s.ready != nil {
				s.ready.detach(s, s.f.cfg.Clock.Now())
			}
			return
		}
	}
}

// apply takes one frame. What is stale or repeated changes nothing; an error
// ends the stream.
func (s *session) apply(m *pb.WorkerFrame) error {
	if err := checkFrame(m); err != nil {
		s.f.counts.malformed.Add(1)
		return err
	}
	if m.GetTerm() > s.f.cfg.Term { // the worker has seen a later leader
		return notLeader("", "")
	}
	if m.GetSequence() <= s.seen {
		s.f.counts.stale.Add(1)
		return nil
	}
	s.seen = m.GetSequence()
	w := s.ready
	if w == nil {
		return s.register(m)
	}
	if m.GetEpoch() != w.epoch || m.GetTerm() != s.f.cfg.Term {
		s.f.counts.stale.Add(1)
		return nil
	}
	fresh, ok := w.hear(s, m, s.f.cfg.Clock.Now())
	if !ok {
		s.f.counts.stale.Add(1)
		return nil
	}
	s.f.deliver(w, fresh)
	s.f.wishes(w, m)
	return nil
}

// hear notes a sign of life and gives the reports that are new. It is not ok
// if the stream is not the worker's any more.
func (w *worker) hear(s *session, m *pb.WorkerFrame, now time.Time) ([]*pb.FromWorker, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.session != s {
		return nil, false
	}
	w.mu.signs.heard, w.mu.signs.suspected = now, time.Time{}
	if b := m.GetHeartbeat(); b != nil {
		w.mu.beat, w.mu.answer = b, true
		s.kick()
	}
	fresh := freshReports(m, w.mu.reported)
	w.mu.reported = max(w.mu.reported, m.GetLastReport())
	for _, r := range fresh {
		delete(w.mu.given, keyOf(taskOf(r)))
	}
	if len(fresh) > 0 {
		w.mu.applying++
	}
	if w.mu.reported-w.mu.acked >= ackEvery {
		s.kick()
	}
	return fresh, true
}

// freshReports are the reports of a frame beyond number `known`.
func freshReports(m *pb.WorkerFrame, known uint64) []*pb.FromWorker {
	reports, last := m.GetReports(), m.GetLastReport()
	if len(reports) == 0 || last <= known {
		return nil
	}
	if n := last - known; n < uint64(len(reports)) {
		return reports[uint64(len(reports))-n:]
	}
	return reports
}
