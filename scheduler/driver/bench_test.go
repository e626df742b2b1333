package driver_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// atOnce is workers that are done with a task as soon as they have it. Reports
// come from goroutines of their own, as streams would bring them.
type atOnce struct {
	lanes []chan launched
}

type launched struct {
	worker string
	task   *pb.Task
}

func (a *atOnce) Launch(worker string, _ int64, t *pb.Task) {
	a.lanes[int(t.GetId().GetPartition())%len(a.lanes)] <- launched{worker, t}
}
func (a *atOnce) Cancel(string, int64, *pb.TaskID) {}
func (a *atOnce) Discard(string)                   {}

// BenchmarkDriver runs a stage of b.N no-op tasks on 1,000 workers of four slots.
func BenchmarkDriver(b *testing.B) {
	hands := &atOnce{lanes: make([]chan launched, 4)}
	for i := range hands.lanes {
		hands.lanes[i] = make(chan launched, 8192)
	}
	log := &book{state: record.New()}
	if err := log.Append(b.Context(), record.OpenSession{Session: "s"}); err != nil {
		b.Fatal(err)
	}
	d := driver.New(driver.Config{Core: dispatch.New(placement.FairLocal{}), Executor: hands, Log: log, Clock: clock.Real{}})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.Run(ctx) })
	for _, lane := range hands.lanes {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case l := <-lane:
					d.Report(dispatch.Done{Task: driver.TaskOf(l.task.GetId()), Worker: l.worker, Epoch: 1, Detail: &pb.Output{Task: l.task.GetId(), Worker: l.worker}})
				}
			}
		})
	}
	defer wg.Wait()
	defer cancel()
	for i := range 1000 {
		d.Report(dispatch.WorkerUp{Worker: fmt.Sprintf("worker-%03d", i), Epoch: 1, Slots: 4})
	}
	b.ReportAllocs()
	b.ResetTimer()
	h, err := d.Submit(b.Context(), driver.JobSpec{ID: "j", Session: "s", Stages: []driver.StageSpec{{Stage: dispatch.Stage{Tasks: b.N}, Fragment: []byte("f")}}})
	if err != nil {
		b.Fatal(err)
	}
	<-h.Ended()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
	if err := h.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}
