package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
)

func TestATaskThereAndBack(t *testing.T) {
	s, e := newScheduler(t), newEar()
	f, _ := s.lead(t, fleet.Config{Leader: "s", Term: 3, Sink: e})
	n := newNode(t, "w", s)
	up := next[dispatch.WorkerUp](t, e)
	require.Equal(t, []any{"w", 4}, []any{up.Worker, up.Slots})
	sent := task("j", 5)
	sent.Splits = []*pb.SplitRange{{Scan: 1, Splits: []int32{2, 3}}}
	sent.Storage = map[string]string{"fs.s3a.access.key": "k"}
	sent.Inputs = []*pb.StageOutputs{{Stage: 0, Outputs: []*pb.Output{{Task: &pb.TaskID{Job: "j"}, Worker: "x", Rows: []int64{1}}}}}
	f.Launch("w", up.Epoch, sent)
	got := receive(t, n.launched)
	require.True(t, proto.Equal(sent, got), "%v", got)
	n.end(got)
	done := next[dispatch.Done](t, e)
	require.Equal(t, dispatch.Task{Job: "j", Stage: 1, Partition: 5}, done.Task)
	require.Equal(t, up.Epoch, done.Epoch)
	require.Equal(t, []int64{1}, done.Detail.(*pb.Output).GetRows())

	f.Launch("w", up.Epoch, task("j", 6))
	n.TaskFailed(&pb.TaskFailed{Id: receive(t, n.launched).GetId(), Failure: &pb.Failure{
		Kind: uint32(errs.Lost), Message: "gone", Lost: &pb.StageOutputs{Outputs: []*pb.Output{{Task: &pb.TaskID{Job: "j", Partition: 1}, Worker: "w:1"}}},
	}}, nil)
	failed := next[dispatch.Failed](t, e)
	require.True(t, errs.Is(failed.Err, errs.Lost))
	require.Equal(t, []dispatch.Output{{Task: dispatch.Task{Job: "j", Partition: 1}, Worker: "w", Epoch: up.Epoch}}, failed.Lost)

	f.Cancel("w", up.Epoch, sent.GetId())
	require.True(t, proto.Equal(sent.GetId(), receive(t, n.canceled)))
	f.Launch("w", up.Epoch, task("j", 7))
	require.Equal(t, int32(1), f.Status()[0].GetRunning())
	f.Cancel("w", up.Epoch, receive(t, n.launched).GetId())
	require.Zero(t, f.Status()[0].GetRunning(), "its slot is free at once")
	f.Discard("j")
	require.Equal(t, "j", receive(t, n.discarded))
	n.stop()
	require.Equal(t, fleet.Stopped, next[dispatch.WorkerDown](t, e).Reason)
}

func TestACutStreamKeepsTasksAndOutputs(t *testing.T) {
	s, e := newScheduler(t), newEar()
	f, _ := s.lead(t, fleet.Config{Term: 1, Sink: e})
	n := newNode(t, "w", s)
	up := next[dispatch.WorkerUp](t, e)
	f.Launch("w", up.Epoch, task("j", 0))
	f.Launch("w", up.Epoch, task("j", 1))
	first, second := receive(t, n.launched), receive(t, n.launched)
	n.cable.cut(true)
	n.end(first) // while nobody listens
	f.Launch("w", up.Epoch, task("j", 2))
	f.Cancel("w", up.Epoch, second.GetId())
	n.cable.cut(false)
	done := next[dispatch.Done](t, e)
	require.Equal(t, 0, done.Task.Partition)
	require.Equal(t, up.Epoch, done.Epoch, "the same epoch: no outputs were lost")
	require.Equal(t, int32(2), receive(t, n.launched).GetId().GetPartition())
	require.Equal(t, int32(1), receive(t, n.canceled).GetPartition())
	require.Empty(t, n.launched, "what runs or has ended is not launched again")
	require.Empty(t, e.events)
}

func TestAWorkerThatDoesNotComeBackIsKilled(t *testing.T) {
	s, e := newScheduler(t), newEar()
	f, _ := s.lead(t, fleet.Config{Term: 1, Sink: e, Terms: fleet.StandardTerms()})
	n := newNode(t, "w", s)
	up := next[dispatch.WorkerUp](t, e)
	f.Launch("w", up.Epoch, task("j", 0))
	running := receive(t, n.launched)
	n.cable.cut(true)
	down := next[dispatch.WorkerDown](t, e)
	require.Equal(t, dispatch.WorkerDown{Worker: "w", Epoch: up.Epoch, Reason: fleet.Killed, Crashed: true}, down)
	status := f.Status()
	require.Equal(t, []string{"gone", "killed"}, []string{status[0].GetState(), status[0].GetReason()})

	n.cable.cut(false) // it was alive after all
	again := next[dispatch.WorkerUp](t, e)
	require.Greater(t, again.Epoch, up.Epoch, "an epoch that is over stays over")
	require.True(t, proto.Equal(running.GetId(), receive(t, n.canceled)), "its tasks are dropped")
	n.end(running)
	f.Launch("w", up.Epoch, task("j", 1)) // an order for the old epoch
	f.Launch("w", again.Epoch, task("j", 2))
	require.Equal(t, int32(2), receive(t, n.launched).GetId().GetPartition())
	n.end(task("j", 2))
	require.Equal(t, 2, next[dispatch.Done](t, e).Task.Partition, "the report of the dropped task is nobody's")
}

func TestANewLeaderHearsWhatWorkersHold(t *testing.T) {
	a, b := newScheduler(t), newScheduler(t)
	b.door.Follow("a", a.address)
	e1, e2 := newEar(), newEar()
	f1, stepDown := a.lead(t, fleet.Config{Leader: "a", Term: 1, Sink: e1})
	n := newNode(t, "w", b, a) // b names a
	up := next[dispatch.WorkerUp](t, e1)
	for i := range 3 {
		f1.Launch("w", up.Epoch, task("j", i))
	}
	f1.Launch("w", up.Epoch, task("old", 0))
	var tasks []*pb.Task
	for range 4 {
		tasks = append(tasks, receive(t, n.launched))
	}
	n.end(tasks[0])
	n.end(tasks[3])
	next[dispatch.Done](t, e1)
	next[dispatch.Done](t, e1)
	a.door.Follow("x", "nowhere:1")
	require.Equal(t, f1, a.door.Fleet(), "a hint that comes late ends nothing")
	stepDown()
	require.Nil(t, a.door.Fleet())
	a.door.Follow("b", b.address)
	n.end(tasks[1]) // between two leaders
	live := func(job string) bool { return job == "j" }
	f2, _ := b.lead(t, fleet.Config{Leader: "b", Term: 2, Sink: e2, Live: live, Terms: fleet.StandardTerms()}, fleet.Member{Name: "w", Epoch: up.Epoch}, fleet.Member{Name: "dead", Epoch: 9})
	again := next[dispatch.WorkerUp](t, e2)
	require.Equal(t, up.Epoch, again.Epoch)
	held := map[int]bool{}
	for _, o := range again.Held {
		require.Equal(t, "j", o.Task.Job)
		held[o.Task.Partition] = true
	}
	require.Equal(t, map[int]bool{0: true, 1: true}, held)
	require.Contains(t, again.Running, dispatch.Task{Job: "j", Stage: 1, Partition: 2})
	require.Equal(t, "old", receive(t, n.discarded), "outputs of jobs that the record does not know go")
	n.end(tasks[2])
	require.Equal(t, 2, await(t, e2, func(d dispatch.Done) bool { return d.Task.Partition == 2 }).Task.Partition)
	down := await(t, e2, func(dispatch.WorkerDown) bool { return true })
	require.Equal(t, dispatch.WorkerDown{Worker: "dead", Epoch: 9, Reason: fleet.Silent}, down, "who does not come within its lease is lost")
	receive(t, f2.Settled())
	f1.Launch("w", up.Epoch, task("j", 7)) // a deposed leader's order reaches nobody
	f2.Launch("w", up.Epoch, task("j", 8))
	require.Equal(t, int32(8), receive(t, n.launched).GetId().GetPartition())
	require.Equal(t, fleet.Up, fleet.State(f2.Status()[1].GetState()))
}

func TestDraining(t *testing.T) {
	for name, drain := range map[string]func(f *fleet.Fleet, n *node){
		"by the leader": func(f *fleet.Fleet, _ *node) { f.Drain("w") },
		"by itself":     func(_ *fleet.Fleet, n *node) { n.Drain() },
	} {
		t.Run(name, func(t *testing.T) {
			s, e := newScheduler(t), newEar()
			f, _ := s.lead(t, fleet.Config{Term: 1, Sink: e})
			n := newNode(t, "w", s)
			up := next[dispatch.WorkerUp](t, e)
			f.Launch("w", up.Epoch, task("j", 0))
			running := receive(t, n.launched)
			drain(f, n)
			require.Equal(t, "w", next[dispatch.Drain](t, e).Worker)
			eventually(t, "draining", func() bool { return f.Status()[0].GetState() == string(fleet.Draining) })
			require.False(t, closed(n.Drained()), "a task runs")
			n.end(running)
			receive(t, n.Drained())
			next[dispatch.Done](t, e)
			eventually(t, "drained", func() bool { return f.Status()[0].GetState() == string(fleet.Idle) })
			f.Release("w", up.Epoch)
			receive(t, n.Released())
			n.stop()
			require.Equal(t, fleet.Drained, next[dispatch.WorkerDown](t, e).Reason)
		})
	}
}

func TestALeaderWhoseClockWasAhead(t *testing.T) {
	s, e := newScheduler(t), newEar()
	far := time.Now().Add(time.Hour).UnixMicro()
	s.lead(t, fleet.Config{Term: 1, Sink: e}, fleet.Member{Name: "w", Epoch: far})
	newNode(t, "w", s)
	require.Equal(t, fleet.Restarted, next[dispatch.WorkerDown](t, e).Reason)
	require.Greater(t, next[dispatch.WorkerUp](t, e).Epoch, far)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestLeadersInTurn(t *testing.T) {
	group := []*scheduler{newScheduler(t), newScheduler(t), newScheduler(t)}
	n := newNode(t, "w", group...)
	var epoch int64
	var longest time.Duration
	for term := range 12 {
		e := newEar()
		start := time.Now()
		f, step := group[term*2%3].lead(t, fleet.Config{Term: uint64(term + 1), Sink: e})
		up := next[dispatch.WorkerUp](t, e)
		longest = max(longest, time.Since(start))
		require.True(t, epoch == 0 || epoch == up.Epoch, "no epoch ends with a leader")
		epoch = up.Epoch
		require.Len(t, up.Running, term, "tasks go on")
		f.Launch("w", epoch, task("j", term))
		receive(t, n.launched)
		step()
	}
	t.Logf("a new leader was found within %s", longest)
}
