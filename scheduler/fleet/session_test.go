package fleet

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// pipe is a Stream in memory: the test is the worker.
type pipe struct {
	ctx    context.Context //nolint:containedctx // a stream has one
	cancel context.CancelFunc
	up     chan *pb.WorkerFrame
	down   chan *pb.SchedulerFrame
	over   chan error // what Work returned

	epoch    int64
	sequence uint64
}

func (p *pipe) Context() context.Context { return p.ctx }

func (p *pipe) Send(m *pb.SchedulerFrame) error {
	select {
	case p.down <- m:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

func (p *pipe) Recv() (*pb.WorkerFrame, error) {
	select {
	case m := <-p.up:
		if m == nil {
			return nil, io.EOF
		}
		return m, nil
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
}

// say sends a frame of the worker, numbered and with its epoch.
func (p *pipe) say(m *pb.WorkerFrame) {
	p.sequence++
	m.Sequence, m.Epoch = p.sequence, p.epoch
	p.up <- m
}

func (p *pipe) beat() { p.say(&pb.WorkerFrame{Term: 1, Heartbeat: &pb.Heartbeat{}}) }

// sync returns once all that was said before is applied.
func (p *pipe) sync(t testing.TB) *pb.SchedulerFrame {
	t.Helper()
	p.beat()
	return hear(t, p.down)
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

// room is a fleet on a clock that the test moves. Nobody runs it: the test
// looks at the leases.
type room struct {
	*Fleet
	t      testing.TB
	clock  *clock.Manual
	events chan dispatch.Event
}

func (r *room) Report(ev dispatch.Event) { r.events <- ev }

func newRoom(t testing.TB, places int) *room {
	r := &room{t: t, clock: clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), events: make(chan dispatch.Event, places)}
	r.Fleet = New(Config{Term: 1, Sink: r, Clock: r.clock})
	r.check()
	t.Cleanup(r.close)
	return r
}

// stream opens one that lives as long as the test.
func (r *room) stream(epoch int64) *pipe { return r.narrow(epoch, 1024) }

// narrow opens a stream with room for so many frames that nobody has read.
func (r *room) narrow(epoch int64, frames int) *pipe {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pipe{ctx: ctx, cancel: cancel, up: make(chan *pb.WorkerFrame, 16), down: make(chan *pb.SchedulerFrame, frames), over: make(chan error, 1), epoch: epoch}
	var serving sync.WaitGroup
	serving.Go(func() {
		p.over <- r.Work(p)
		cancel() // as gRPC does
	})
	r.t.Cleanup(func() { cancel(); serving.Wait() })
	return p
}

// join registers a worker and takes its welcome.
func (r *room) join(name string, epoch int64) *pipe {
	r.t.Helper()
	p := r.stream(epoch)
	p.say(&pb.WorkerFrame{Register: &pb.Register{Name: name, Slots: 2, Shuffle: name + ":1"}})
	require.NotNil(r.t, hear(r.t, p.down).GetWelcome())
	return p
}

// pass lets time go by, with looks at the leases at their times.
func (r *room) pass(d time.Duration) {
	for ; d > 0; d -= r.cfg.Terms.Check {
		r.clock.Advance(r.cfg.Terms.Check)
		r.check()
	}
}

func (r *room) quiet(why string) { require.Empty(r.t, r.events, why) }

func (r *room) event() dispatch.Event { return hear(r.t, r.events) }

func launch(partition int) *pb.Task {
	return &pb.Task{Id: &pb.TaskID{Job: "j", Partition: int32(partition)}, Fragment: []byte("f")}
}

func doneFrame(last uint64, partitions ...int) *pb.WorkerFrame {
	m := &pb.WorkerFrame{Term: 1, LastReport: last}
	for _, p := range partitions {
		m.Reports = append(m.Reports, &pb.FromWorker{Kind: &pb.FromWorker_Done{Done: &pb.TaskDone{Id: launch(p).GetId()}}})
	}
	return m
}

func TestSilenceEndsTheLease(t *testing.T) {
	r := newRoom(t, 100)
	p := r.join("w", 1)
	r.event()
	for range 20 {
		r.pass(4 * time.Second)
		p.sync(t)
	}
	r.quiet("heard every four seconds")
	r.pass(4900 * time.Millisecond)
	r.quiet("the lease is not over")
	r.pass(500 * time.Millisecond)
	require.Equal(t, dispatch.WorkerDown{Worker: "w", Epoch: 1, Reason: Silent}, r.event())
	require.Equal(t, Silent, hear(t, p.down).GetDismiss().GetReason())
	require.Equal(t, codes.Aborted, status.Code(hear(t, p.over)))
}

func TestAStarvedSchedulerBlamesNobody(t *testing.T) {
	r := newRoom(t, 100)
	p := r.join("w", 1)
	r.event()
	for range 10 { // the scheduler wakes every nine seconds only
		r.clock.Advance(9 * time.Second)
		r.check()
	}
	r.quiet("nobody looked at what the worker said")
	r.pass(4 * time.Second)
	r.quiet("the lease was made longer")
	p.sync(t)
	r.pass(5500 * time.Millisecond)
	require.Equal(t, Silent, r.event().(dispatch.WorkerDown).Reason, "but it ends")
}

func TestABusySchedulerBlamesNobody(t *testing.T) {
	r := newRoom(t, 1) // Report blocks
	p := r.join("w", 1)
	p.say(doneFrame(3, 0, 1, 2))
	require.Eventually(t, func() bool { return r.counts.reports.Load() == 3 }, 20*time.Second, time.Millisecond)
	r.pass(time.Minute)
	for range 4 {
		_, down := r.event().(dispatch.WorkerDown)
		require.False(t, down, "its words were here")
	}
	p.sync(t)
	r.quiet("")
}

func TestSuspicionAsksAtOnce(t *testing.T) {
	r := newRoom(t, 100)
	p, q := r.join("p", 1), r.join("q", 1)
	r.event()
	r.event()
	r.pass(500 * time.Millisecond)
	r.Suspect("p", true)
	r.Suspect("q", true)
	require.True(t, hear(t, p.down).GetPing())
	require.True(t, hear(t, q.down).GetPing())
	p.sync(t)
	r.pass(1300 * time.Millisecond)
	require.Equal(t, dispatch.WorkerDown{Worker: "q", Epoch: 1, Reason: Silent}, r.event())
	r.quiet("p answered")
}

func TestABrokenStream(t *testing.T) {
	r := newRoom(t, 100)
	p := r.join("w", 1)
	r.event()
	p.up <- nil
	require.ErrorIs(t, hear(t, p.over), io.EOF)
	r.pass(400 * time.Millisecond)
	again := r.join("w", 1)
	r.pass(time.Second)
	r.quiet("it came back in time")
	r.Suspect("w", false)
	again.up <- nil
	require.ErrorIs(t, hear(t, again.over), io.EOF)
	r.pass(800 * time.Millisecond)
	require.Equal(t, dispatch.WorkerDown{Worker: "w", Epoch: 1, Reason: Cut}, r.event())

	late := r.stream(1)
	late.say(&pb.WorkerFrame{Register: &pb.Register{Name: "w"}})
	require.Equal(t, Cut, hear(t, late.down).GetDismiss().GetReason(), "its epoch is over")
	r.quiet("and stays so")
	r.join("w", 2)
	require.Equal(t, int64(2), r.event().(dispatch.WorkerUp).Epoch)
}

func TestAWorkerOfAnotherProtocolIsRefused(t *testing.T) {
	r := newRoom(t, 100)
	r.cfg.Protocol = 5
	for protocol := int32(3); protocol <= 7; protocol++ {
		p := r.stream(1)
		p.say(&pb.WorkerFrame{Register: &pb.Register{Name: fmt.Sprint("w", protocol), Slots: 2, Protocol: protocol}})
		if protocol >= 4 && protocol <= 6 {
			require.Equal(t, int32(5), hear(t, p.down).GetWelcome().GetProtocol())
			require.IsType(t, dispatch.WorkerUp{}, r.event())
			continue
		}
		err := hear(t, p.over)
		require.Equal(t, codes.FailedPrecondition, status.Code(err))
		require.ErrorContains(t, err, fmt.Sprintf("w%d speaks protocol %d, this process 5", protocol, protocol))
	}
	r.quiet("those refused never came")
}

func TestStaleAndRepeatedFramesChangeNothing(t *testing.T) {
	r := newRoom(t, 100)
	p := r.join("w", 5)
	r.event()
	p.say(doneFrame(2, 0, 1))
	r.event()
	r.event()
	for name, m := range map[string]*pb.WorkerFrame{
		"an earlier frame":     {Sequence: 1, Epoch: 5, Term: 1, LastReport: 9, Reports: doneFrame(0, 7).GetReports()},
		"the last frame":       {Sequence: p.sequence, Epoch: 5, Term: 1, LastReport: 9, Reports: doneFrame(0, 7).GetReports()},
		"an earlier epoch":     {Sequence: 1000, Epoch: 4, Term: 1, LastReport: 9, Reports: doneFrame(0, 7).GetReports()},
		"a later epoch":        {Sequence: 1001, Epoch: 6, Term: 1, LastReport: 9, Reports: doneFrame(0, 7).GetReports()},
		"an earlier leader":    {Sequence: 1002, Epoch: 5, Term: 0, LastReport: 9, Reports: doneFrame(0, 7).GetReports()},
		"reports before those": {Sequence: 1004, Epoch: 5, Term: 1, LastReport: 1, Reports: doneFrame(0, 0).GetReports()},
		"reports that are old": {Sequence: 1003, Epoch: 5, Term: 1, LastReport: 2, Reports: doneFrame(0, 0, 1).GetReports()},
	} {
		if m.GetSequence() >= 1000 {
			p.sequence++
			m.Sequence = p.sequence
		}
		p.up <- m
		p.sync(t)
		r.quiet(name)
	}
	p.say(doneFrame(4, 1, 2, 3)) // overlaps
	require.Equal(t, 2, r.event().(dispatch.Done).Task.Partition)
	require.Equal(t, 3, r.event().(dispatch.Done).Task.Partition)
	require.Equal(t, uint64(4), p.sync(t).GetLastReport())

	q := r.join("w", 5) // the same worker on another stream
	require.Error(t, hear(t, p.over))
	q.say(doneFrame(5, 2, 3, 4))
	require.Equal(t, 4, r.event().(dispatch.Done).Task.Partition)
	q.sync(t)
	r.quiet("the rest came before")
}

func TestALaterLeaderEndsThisOne(t *testing.T) {
	r := newRoom(t, 100)
	p := r.stream(1)
	p.say(&pb.WorkerFrame{Term: 2, Register: &pb.Register{Name: "w"}})
	err := hear(t, p.over)
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.IsType(t, &pb.NotLeader{}, status.Convert(err).Details()[0])
	r.quiet("")
}

func TestARestartedWorkerReplacesItself(t *testing.T) {
	r := newRoom(t, 100)
	p := r.join("w", 1)
	r.event()
	r.join("w", 2)
	require.Equal(t, dispatch.WorkerDown{Worker: "w", Epoch: 1, Reason: Restarted}, r.event())
	require.Equal(t, int64(2), r.event().(dispatch.WorkerUp).Epoch)
	require.Equal(t, Restarted, hear(t, p.down).GetDismiss().GetReason())
	old := r.stream(1)
	old.say(&pb.WorkerFrame{Register: &pb.Register{Name: "w"}})
	require.Equal(t, int64(2), hear(t, old.down).GetDismiss().GetEpoch(), "what to beat, if its clock was set back")
	r.Launch("w", 1, launch(0))
	require.Empty(t, r.find("w", 2).mu.queue, "an order for the old epoch")
}

func TestAStreamWithoutRegistrationEnds(t *testing.T) {
	r := newRoom(t, 100)
	p := r.stream(1)
	require.Eventually(t, func() bool { return r.clock.Pending() == 1 }, 20*time.Second, time.Millisecond)
	r.clock.Advance(helloWithin)
	require.Equal(t, codes.DeadlineExceeded, status.Code(hear(t, p.over)))
	q := r.stream(1)
	q.beat()
	require.Equal(t, codes.FailedPrecondition, status.Code(hear(t, q.over)))
}

// slow is a Sink that takes its time to hear of a worker.
type slow struct{ events chan dispatch.Event }

func (s *slow) Report(ev dispatch.Event) {
	if _, up := ev.(dispatch.WorkerUp); up {
		select {
		case first := <-s.events: // overtook it
			s.events <- first
		case <-time.After(200 * time.Millisecond):
		}
	}
	s.events <- ev
}

func TestReportsDoNotOvertakeTheirWorker(t *testing.T) {
	r := newRoom(t, 0)
	sink := &slow{events: make(chan dispatch.Event, 2)}
	r.cfg.Sink = sink
	register := func() *pb.WorkerFrame { return &pb.WorkerFrame{Register: &pb.Register{Name: "w", Slots: 2}} }
	p := r.stream(1)
	p.say(register())
	require.Eventually(t, func() bool { return r.find("w", 1) != nil }, 20*time.Second, time.Millisecond)
	p.cancel() // it was not patient
	q := r.stream(1)
	q.say(register())
	q.say(doneFrame(1, 0))
	require.IsType(t, dispatch.WorkerUp{}, hear(t, sink.events))
	require.IsType(t, dispatch.Done{}, hear(t, sink.events))
}

func TestAFullQueueEndsTheEpoch(t *testing.T) {
	r := newRoom(t, 100)
	p := r.join("w", 1)
	r.event()
	p.up <- nil
	require.ErrorIs(t, hear(t, p.over), io.EOF)
	for i := range MaxQueued {
		r.Launch("w", 1, launch(i))
	}
	r.check()
	r.quiet("it is full, not over")
	r.Launch("w", 1, launch(0))
	r.check()
	require.Equal(t, dispatch.WorkerDown{Worker: "w", Epoch: 1, Reason: Overflow}, r.event())
}

func TestAWorkerThatReadsNothingHoldsNobodyUp(t *testing.T) {
	r := newRoom(t, 100)
	p := r.narrow(1, 0)
	p.say(&pb.WorkerFrame{Register: &pb.Register{Name: "w", Slots: 2}})
	r.event()
	for i := range 3 {
		r.Launch("w", 1, launch(i)) // never waits
	}
	r.close() // nor does the end of the leadership
	require.Equal(t, codes.Unavailable, status.Code(hear(t, p.over)))
}

func TestSplitsOfManyTasksAreSentInParts(t *testing.T) {
	var c composer
	big := launch(0)
	big.Splits = []*pb.SplitRange{{Splits: make([]int32, maxTemplate/3)}}
	orders := []order{{launch: big}, {launch: big}, {launch: big}, {launch: big}}
	frames, unfit := c.frames(outgoing{orders: orders})
	require.Empty(t, unfit)
	require.Len(t, frames, 2)
	for _, f := range frames {
		require.Less(t, proto.Size(f), MaxMessage)
	}
}

func TestAnInventoryInParts(t *testing.T) {
	r := newRoom(t, 100)
	p := r.stream(1)
	for i := range 3 {
		p.say(&pb.WorkerFrame{Register: &pb.Register{Name: "w", Slots: 2, Held: []*pb.Output{{Task: launch(i).GetId()}}, Running: []*pb.TaskID{launch(i + 10).GetId()}, More: i < 2}})
	}
	up := r.event().(dispatch.WorkerUp)
	require.Len(t, up.Held, 3)
	require.Len(t, up.Running, 3)
}

func TestATaskBeyondAMessageFails(t *testing.T) {
	r := newRoom(t, 100)
	p := r.join("w", 1)
	r.event()
	big := launch(0)
	big.Fragment = make([]byte, maxTemplate)
	r.Launch("w", 1, big)
	failed := r.event().(dispatch.Failed)
	require.True(t, errs.Is(failed.Err, errs.Exhausted), "%v", failed.Err)
	hear(t, p.down)
	r.Launch("w", 1, launch(1))
	require.Len(t, hear(t, p.down).GetLaunches(), 1, "others go on")
}

func TestATemplateIsSentOnce(t *testing.T) {
	var c composer
	var orders []order
	for i := range 3 * maxOrders {
		orders = append(orders, order{launch: launch(i)})
	}
	frames, _ := c.frames(outgoing{orders: orders})
	templates, tasks := 0, 0
	for _, f := range frames {
		templates += len(f.GetTemplates())
		for _, b := range f.GetLaunches() {
			tasks += len(b.GetTasks())
		}
		require.Len(t, f.GetLaunches(), 1)
	}
	require.Equal(t, []int{1, 3 * maxOrders}, []int{templates, tasks})

	other := launch(1)
	other.Inputs = []*pb.StageOutputs{{Stage: 1, Outputs: []*pb.Output{{Worker: "x"}}}} // another attempt reads other outputs
	frames, _ = c.frames(outgoing{orders: []order{{launch: launch(1)}, {launch: other}, {discard: "j"}, {launch: other}, {cancel: other.GetId()}}})
	require.Len(t, frames, 2, "a launch comes before the messages of its frame")
	require.Len(t, frames[0].GetTemplates(), 1)
	require.Len(t, frames[1].GetTemplates(), 1, "after the discard it is sent again")
	require.Len(t, frames[1].GetMessages(), 1)
	frames, _ = c.frames(outgoing{orders: []order{{cancel: other.GetId()}, {launch: other}}})
	require.Len(t, frames, 2)
	require.Len(t, frames[1].GetLaunches(), 1)
}

func TestFramesThatNoWorkerSends(t *testing.T) {
	long := strings.Repeat("x", maxJobName+1)
	for name, m := range map[string]*pb.WorkerFrame{
		"more reports than were counted": doneFrame(1, 0, 1),
		"too many reports":               {LastReport: 1 << 40, Reports: make([]*pb.FromWorker, maxReports+1)},
		"no report":                      {LastReport: 1, Reports: []*pb.FromWorker{{}}},
		"a greeting of pipes":            {LastReport: 1, Reports: []*pb.FromWorker{{Kind: &pb.FromWorker_Hello{}}}},
		"a report of no task":            {LastReport: 1, Reports: []*pb.FromWorker{{Kind: &pb.FromWorker_Done{Done: &pb.TaskDone{}}}}},
		"a partition below none":         doneFrame(1, -1),
		"no name":                        {Register: &pb.Register{}},
		"a long name":                    {Register: &pb.Register{Name: long}},
		"a long address":                 {Register: &pb.Register{Name: "w", Shuffle: long}},
		"slots below none":               {Register: &pb.Register{Name: "w", Slots: -1}},
		"slots beyond sense":             {Register: &pb.Register{Name: "w", Slots: maxSlots + 1}},
		"devices below none":             {Register: &pb.Register{Name: "w", Gpus: -1}},
		"an output of no task":           {Register: &pb.Register{Name: "w", Held: []*pb.Output{{}}}},
		"a task of a long name":          {Register: &pb.Register{Name: "w", Running: []*pb.TaskID{{Job: long}}}},
	} {
		require.Equal(t, codes.InvalidArgument, status.Code(checkFrame(m)), name)
	}
	require.NoError(t, checkFrame(doneFrame(9, 0, 1)))
	require.NoError(t, checkFrame(&pb.WorkerFrame{Register: &pb.Register{Name: "w", Slots: 1, Running: []*pb.TaskID{{Job: "j"}}}}))
}

func TestAnInventoryBeyondItsLimit(t *testing.T) {
	r := newRoom(t, 100)
	p := r.stream(1)
	ids := make([]*pb.TaskID, maxInventory/2+1)
	for i := range ids {
		ids[i] = launch(0).GetId()
	}
	for range 2 {
		p.say(&pb.WorkerFrame{Register: &pb.Register{Name: "w", Running: ids, More: true}})
	}
	require.Equal(t, codes.ResourceExhausted, status.Code(hear(t, p.over)))
}

func TestAThousandWorkers(t *testing.T) {
	const n = 1000
	r := newRoom(t, 3*n)
	pipes := make([]*pipe, n)
	for i := range pipes {
		pipes[i] = r.join(fmt.Sprint("w", i), 1)
		r.event()
	}
	for i, p := range pipes {
		r.Launch(fmt.Sprint("w", i), 1, launch(i))
		require.Equal(t, int32(i), hear(t, p.down).GetLaunches()[0].GetTasks()[0].GetPartition())
		p.say(doneFrame(1, i))
		require.Equal(t, i, r.event().(dispatch.Done).Task.Partition)
	}
	w, slots := r.Usable()
	require.Equal(t, []int{n, 2 * n}, []int{w, slots})
	r.pass(4 * time.Second)
	for _, p := range pipes {
		p.sync(t)
	}
	r.pass(4 * time.Second)
	r.quiet("all were heard")
}
