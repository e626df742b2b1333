package fleet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// tally is a Sink that looks at every event.
type tally struct {
	t       *testing.T
	reports int
}

func (s *tally) Report(ev dispatch.Event) {
	switch ev := ev.(type) {
	case dispatch.Done:
		s.reports++
		require.NotEmpty(s.t, ev.Task.Job)
	case dispatch.Failed:
		s.reports++
		require.Error(s.t, ev.Err)
	case dispatch.WorkerUp:
		require.NotEmpty(s.t, ev.Worker)
		require.LessOrEqual(s.t, ev.Slots, maxSlots)
	}
}

// FuzzWorkerFrames lets a stream begin and go on with any bytes.
func FuzzWorkerFrames(f *testing.F) {
	for _, m := range []*pb.WorkerFrame{
		{Sequence: 1, Epoch: 1, Register: &pb.Register{Name: "w", Slots: 2, Held: []*pb.Output{{Task: launch(1).GetId()}}, Running: []*pb.TaskID{launch(2).GetId()}}},
		{Sequence: 2, Epoch: 1, Term: 1, LastReport: 1, Reports: doneFrame(1, 0).GetReports(), Heartbeat: &pb.Heartbeat{Load: 1}},
		{Sequence: 3, Epoch: 1, Term: 1, LastReport: 2, Reports: []*pb.FromWorker{{Kind: &pb.FromWorker_Failed{Failed: &pb.TaskFailed{Id: launch(1).GetId(), Failure: &pb.Failure{Kind: 9}}}}}},
		{Sequence: 4, Epoch: 1, Term: 1, Draining: true, Drained: true, Leaving: true},
		{Sequence: 5, Epoch: 1, Register: &pb.Register{Name: "w", More: true}},
		{Sequence: 6, Epoch: 1, Term: 1, LastReport: 1, Reports: []*pb.FromWorker{{}, nil}},
	} {
		b, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		sink := &tally{t: t}
		r := New(Config{Term: 1, Sink: sink, Clock: clock.NewManual(time.Unix(0, 0))})
		fresh := func() *session {
			return &session{f: r, kicks: make(chan struct{}, 1), over: make(chan struct{}), written: make(chan struct{})}
		}
		known := fresh()
		require.NoError(t, known.apply(&pb.WorkerFrame{Sequence: 1, Epoch: 1, Register: &pb.Register{Name: "w", Slots: 1}}))
		r.Launch("w", 1, launch(0))
		other, most := fresh(), 0
		for _, b := range [][]byte{first, second} {
			for _, s := range []*session{known, other} {
				var m pb.WorkerFrame
				if proto.Unmarshal(b, &m) != nil {
					return
				}
				most += len(m.GetReports()) + 1
				_ = s.apply(&m) // an error ends the stream
			}
		}
		require.LessOrEqual(t, sink.reports, most, "a report gives one event")
		for _, w := range r.all() {
			if s := w.open(); s != nil {
				out, _ := w.take(s, nil)
				new(composer).frames(out)
			}
		}
		r.Status()
	})
}
