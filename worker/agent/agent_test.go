package agent

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/failure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipe is a stream in memory: the test is the leader.
type pipe struct {
	ctx  context.Context //nolint:containedctx // a stream has one
	up   chan *pb.WorkerFrame
	down chan *pb.SchedulerFrame
}

func (p *pipe) Send(m *pb.WorkerFrame) error {
	select {
	case p.up <- m:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

func (p *pipe) Recv() (*pb.SchedulerFrame, error) {
	select {
	case m := <-p.down:
		if m == nil {
			return nil, io.EOF
		}
		return m, nil
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
}

func (p *pipe) CloseSend() error { return nil }

// book notes what a worker's runner is asked for.
type book struct {
	lock                          sync.Mutex
	launched, canceled, discarded []string
}

func (b *book) note(list *[]string, s string) {
	b.lock.Lock()
	defer b.lock.Unlock()
	*list = append(*list, s)
}

func (b *book) noted(list *[]string) int {
	b.lock.Lock()
	defer b.lock.Unlock()
	return len(*list)
}

func (b *book) Launch(t *pb.Task)    { b.note(&b.launched, name(t.GetId())) }
func (b *book) Cancel(id *pb.TaskID) { b.note(&b.canceled, name(id)) }
func (b *book) Discard(job string)   { b.note(&b.discarded, job) }

func name(id *pb.TaskID) string { return id.GetJob() + "/" + string('0'+id.GetPartition()) }

// stage is an agent on a clock that the test moves.
type stage struct {
	*Agent
	book
	t     testing.TB
	clock *clock.Manual
}

func newStage(t testing.TB) *stage {
	s := &stage{t: t, clock: clock.NewManual(time.Unix(1000, 0))}
	s.Agent = New(Config{Name: "w", Slots: 4, Clock: s.clock})
	return s
}

// meeting is one stream of the agent.
type meeting struct {
	*pipe
	s        *stage
	ended    chan error
	leave    context.CancelFunc
	sequence uint64
	term     uint64
}

// open opens a stream up to the registration, which it returns.
func (s *stage) open(term uint64) (*meeting, *pb.WorkerFrame) {
	ctx, cancel := context.WithCancelCause(context.Background())
	life, leave := context.WithCancel(context.Background())
	m := &meeting{
		pipe: &pipe{ctx: ctx, up: make(chan *pb.WorkerFrame, 100), down: make(chan *pb.SchedulerFrame, 100)},
		s:    s, ended: make(chan error, 1), leave: leave, term: term,
	}
	var running sync.WaitGroup
	running.Go(func() {
		m.ended <- newSession(s.Agent, m.pipe, s, cancel).run(life, ctx, func() bool { return true })
	})
	s.t.Cleanup(func() { cancel(nil); running.Wait(); leave() })
	return m, hear(s.t, m.up)
}

// welcome opens a stream and reads the first heartbeat.
func (s *stage) welcome(term uint64) *meeting {
	s.t.Helper()
	m, first := s.open(term)
	require.Equal(s.t, "w", first.GetRegister().GetName())
	m.say(&pb.SchedulerFrame{Welcome: &pb.Welcome{HeartbeatMillis: 1000, LeaseMillis: 5000}})
	require.NotNil(s.t, hear(s.t, m.up).GetHeartbeat())
	return m
}

func (m *meeting) say(f *pb.SchedulerFrame) {
	m.sequence++
	f.Sequence, f.Term, f.Epoch = m.sequence, m.term, m.s.mu.epoch
	m.down <- f
}

// sync returns the answer to a ping: all that was said before is applied.
func (m *meeting) sync() *pb.WorkerFrame {
	m.s.t.Helper()
	m.say(&pb.SchedulerFrame{Ping: true})
	for {
		if f := hear(m.s.t, m.up); f.GetHeartbeat() != nil {
			return f
		}
	}
}

func hear[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}

func launches(number uint64, partitions ...int32) *pb.SchedulerFrame {
	b := &pb.LaunchBatch{Template: number}
	for _, p := range partitions {
		b.Tasks = append(b.Tasks, &pb.Assignment{Partition: p})
	}
	return &pb.SchedulerFrame{Templates: []*pb.Template{{Number: number, Job: "j"}}, Launches: []*pb.LaunchBatch{b}}
}

func done(p int32) *pb.TaskDone { return &pb.TaskDone{Id: &pb.TaskID{Job: "j", Partition: p}} }

func TestRepeatedAndStaleFramesChangeNothing(t *testing.T) {
	s := newStage(t)
	m := s.welcome(2)
	m.say(launches(1, 0, 1))
	for name, f := range map[string]*pb.SchedulerFrame{
		"an earlier frame": {Sequence: m.sequence, Term: 2, Epoch: s.mu.epoch},
		"an old leader":    {Sequence: 1000, Term: 1, Epoch: s.mu.epoch, Dismiss: &pb.Dismiss{}},
		"another epoch":    {Sequence: 1001, Term: 2, Epoch: s.mu.epoch - 1},
	} {
		f.Launches, f.Messages = launches(1, 5).GetLaunches(), []*pb.ToWorker{{Kind: &pb.ToWorker_Discard{Discard: name}}}
		m.down <- f
		m.sync()
	}
	m.say(launches(1, 1, 2)) // the first is known
	m.sync()
	require.Equal(t, []string{"j/0", "j/1", "j/2"}, s.launched)
	require.Empty(t, s.discarded)
	s.TaskDone(done(7)) // nobody gave it
	s.TaskDone(done(0))
	s.TaskDone(done(0))
	require.Equal(t, uint64(1), m.sync().GetLastReport())
	m.say(launches(1, 0))
	m.sync()
	require.Len(t, s.launched, 3, "it has ended")
}

func TestALeaderOfThePastIsRefused(t *testing.T) {
	s := newStage(t)
	m := s.welcome(5)
	m.down <- nil
	require.ErrorIs(t, hear(t, m.ended), io.EOF)
	old, first := s.open(4)
	require.Equal(t, uint64(5), first.GetTerm())
	old.say(&pb.SchedulerFrame{Welcome: &pb.Welcome{HeartbeatMillis: 1000, LeaseMillis: 5000}})
	require.True(t, errs.Is(hear(t, old.ended), errs.Conflict))
	s.welcome(6)
}

func TestReportsAreKeptUntilTheyAreAcknowledged(t *testing.T) {
	s := newStage(t)
	m := s.welcome(1)
	m.say(launches(1, 0, 1, 2))
	m.sync()
	s.TaskDone(done(0))
	s.TaskFailed(&pb.TaskFailed{Id: done(1).GetId(), Failure: failure.Encode(io.ErrUnexpectedEOF)}, nil)
	m.sync()
	m.say(&pb.SchedulerFrame{LastReport: 1})
	m.say(&pb.SchedulerFrame{LastReport: 99}) // was never sent
	m.sync()
	m.down <- nil
	require.ErrorIs(t, hear(t, m.ended), io.EOF)
	s.TaskDone(done(2)) // nobody listens

	again, first := s.open(2)
	require.Len(t, first.GetRegister().GetRunning(), 2, "known until the answer: %v", first)
	again.say(&pb.SchedulerFrame{Welcome: &pb.Welcome{HeartbeatMillis: 1000, LeaseMillis: 5000}})
	f := hear(t, again.up)
	require.Len(t, f.GetReports(), 2)
	require.Equal(t, uint64(3), f.GetLastReport())
	again.say(&pb.SchedulerFrame{LastReport: 3})
	again.sync()
	require.Empty(t, s.mu.tasks)
	require.Empty(t, s.mu.reports)
}

func TestADismissalBeginsAfresh(t *testing.T) {
	s := newStage(t)
	m := s.welcome(1)
	m.say(launches(1, 0, 1))
	m.sync()
	s.TaskDone(done(0))
	epoch := s.mu.epoch
	m.say(&pb.SchedulerFrame{Dismiss: &pb.Dismiss{Reason: "silent"}})
	err := hear(t, m.ended)
	require.EqualError(t, err, "dismissed: silent")
	s.beginAfresh(s, epoch+1_000_000_000) // somebody's clock was ahead
	require.Greater(t, s.mu.epoch, epoch+1_000_000_000)
	require.Equal(t, []string{"j/1"}, s.canceled)

	m = s.welcome(1)
	m.say(launches(1, 1)) // the same attempt, while the old one ends
	m.sync()
	s.TaskDone(done(1)) // of the old one
	require.Equal(t, uint64(1), m.sync().GetLastReport(), "refused, and the old one is nobody's")
	require.True(t, errs.Is(failure.Decode(s.mu.reports[0].m.GetFailed().GetFailure()), errs.Unavailable))
	m.say(launches(1, 2))
	m.sync()
	require.Equal(t, []string{"j/0", "j/1", "j/2"}, s.launched)
}

func TestASilentLeaderIsLeft(t *testing.T) {
	s := newStage(t)
	m := s.welcome(1)
	for n := range 3 {
		s.clock.Advance(2 * time.Second)
		m.say(&pb.SchedulerFrame{Messages: []*pb.ToWorker{{Kind: &pb.ToWorker_Discard{Discard: "j"}}}})
		require.Eventually(t, func() bool { return s.noted(&s.discarded) == n+1 }, 20*time.Second, time.Millisecond)
	}
	s.clock.Advance(2500 * time.Millisecond)
	select {
	case err := <-m.ended:
		require.FailNow(t, "one look is not enough", "%v", err)
	default:
	}
	s.clock.Advance(time.Second)
	require.ErrorIs(t, hear(t, m.ended), errSilent)
}

func TestHeartbeatsDoNotWaitForTasks(t *testing.T) {
	s := newStage(t)
	block := &blocking{stage: s, held: make(chan struct{})}
	defer block.let()
	ctx, cancel := context.WithCancelCause(context.Background())
	m := &meeting{pipe: &pipe{ctx: ctx, up: make(chan *pb.WorkerFrame, 100), down: make(chan *pb.SchedulerFrame, 100)}, s: s, term: 1}
	var running sync.WaitGroup
	running.Go(func() {
		_ = newSession(s.Agent, m.pipe, block, cancel).run(context.Background(), ctx, func() bool { return true })
	})
	defer running.Wait()
	defer cancel(nil)
	defer block.let()
	hear(t, m.up)
	m.say(&pb.SchedulerFrame{Welcome: &pb.Welcome{HeartbeatMillis: 1000, LeaseMillis: 5000}})
	require.NotNil(t, hear(t, m.up).GetHeartbeat())
	m.say(launches(1, 0)) // does not return
	require.Eventually(t, func() bool { return s.noted(&s.launched) == 1 }, 20*time.Second, time.Millisecond)
	for range 20 {
		require.Eventually(t, func() bool { s.clock.Advance(time.Second); return len(m.up) > 0 }, 20*time.Second, time.Millisecond)
		require.NotNil(t, (<-m.up).GetHeartbeat(), "and the watchdog does not bite")
	}
}

// blocking never comes back from a launch.
type blocking struct {
	*stage
	held chan struct{}
	once sync.Once
}

func (b *blocking) let() { b.once.Do(func() { close(b.held) }) }

func (b *blocking) Launch(t *pb.Task) {
	b.stage.Launch(t)
	<-b.held
}

func TestTooManyReportsEndTheEpoch(t *testing.T) {
	s := newStage(t)
	m := s.welcome(1)
	for range maxUnacked + 1 {
		s.mu.reports = append(s.mu.reports, report{m: &pb.FromWorker{}})
	}
	m.say(launches(1, 0))
	m.sync()
	s.TaskDone(done(0))
	m.say(&pb.SchedulerFrame{})
	require.ErrorAs(t, hear(t, m.ended), new(*dismissed))
}

func TestFramesAreOfABoundedSize(t *testing.T) {
	a := newStage(t).Agent
	a.mu.tasks = map[key]bool{}
	for i := range int32(3 * maxReports) {
		a.mu.tasks[keyOf(done(i).GetId())] = false
		a.TaskDone(done(i))
	}
	for n, more := 0, true; more; n++ {
		var f pb.WorkerFrame
		more = a.take(&f)
		require.Len(t, f.GetReports(), maxReports)
		require.Equal(t, n < 2, more)
	}
	large := done(9)
	large.Output = &pb.Output{Observed: []*pb.Observation{{State: make([]byte, maxReport)}}}
	a.mu.tasks[keyOf(large.GetId())] = false
	a.TaskDone(large)
	var f pb.WorkerFrame
	a.take(&f)
	require.True(t, errs.Is(failure.Decode(f.GetReports()[0].GetFailed().GetFailure()), errs.Exhausted))

	part, rest := firstPart([]*pb.Output{large.GetOutput(), large.GetOutput()})
	require.Len(t, part, 1, "one may be larger than a part")
	require.Len(t, rest, 1)
}

func TestGoodbye(t *testing.T) {
	s := newStage(t)
	m := s.welcome(1)
	m.leave()
	require.True(t, hear(t, m.up).GetLeaving())
	require.NoError(t, s.clock.Await(t.Context(), 2))
	s.clock.Advance(leaveWithin)
	require.ErrorIs(t, hear(t, m.ended), errLeft)
}
