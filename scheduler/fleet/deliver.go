package fleet

import (
	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/failure"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
)

// deliver turns reports into events. Only the worker's reader calls it.
func (f *Fleet) deliver(w *worker, reports []*pb.FromWorker) {
	if len(reports) == 0 {
		return
	}
	f.counts.reports.Add(uint64(len(reports)))
	for _, r := range reports {
		switch k := r.GetKind().(type) {
		case *pb.FromWorker_Done:
			f.done(w, k.Done)
		case *pb.FromWorker_Failed:
			f.failed(w, k.Failed)
		}
	}
	w.mu.Lock()
	w.mu.applying--
	w.mu.signs.heard = f.cfg.Clock.Now()
	w.mu.Unlock()
}

func (f *Fleet) done(w *worker, d *pb.TaskDone) {
	if f.cfg.Observer != nil {
		f.cfg.Observer.TaskDone(w.name, d)
	}
	f.cfg.Sink.Report(dispatch.Done{Task: driver.TaskOf(d.GetId()), Worker: w.name, Epoch: w.epoch, Detail: d.GetOutput()})
}

func (f *Fleet) failed(w *worker, t *pb.TaskFailed) {
	if f.cfg.Observer != nil {
		f.cfg.Observer.TaskFailed(w.name, t)
	}
	ev := dispatch.Failed{Task: driver.TaskOf(t.GetId()), Worker: w.name, Epoch: w.epoch, Err: failure.Decode(t.GetFailure())}
	for _, o := range t.GetFailure().GetLost().GetOutputs() {
		name, epoch := f.store(o.GetWorker())
		ev.Lost = append(ev.Lost, dispatch.Output{Task: driver.TaskOf(o.GetTask()), Worker: name, Epoch: epoch})
	}
	f.cfg.Sink.Report(ev)
}

// store names the worker whose outputs lie at an address. One that is gone has
// no name: what it held was lost with it.
func (f *Fleet) store(address string) (name string, epoch int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w := f.mu.stores[address]; w != nil {
		return w.name, w.epoch
	}
	return "", 0
}

// refuse reports a task that cannot be sent.
func (f *Fleet) refuse(w *worker, t *pb.Task) {
	w.mu.Lock()
	delete(w.mu.given, keyOf(t.GetId()))
	w.mu.Unlock()
	err := errs.Errorf(errs.Exhausted, "fleet.Launch", "a task of stage %d needs a message beyond %d bytes", t.GetId().GetStage(), maxTemplate)
	f.cfg.Sink.Report(dispatch.Failed{Task: driver.TaskOf(t.GetId()), Worker: w.name, Epoch: w.epoch, Err: err})
}

// wishes are what a worker says of itself.
func (f *Fleet) wishes(w *worker, m *pb.WorkerFrame) {
	if m.GetDraining() && w.drain(false) {
		f.cfg.Sink.Report(dispatch.Drain{Worker: w.name})
	}
	if m.GetDrained() {
		w.mu.Lock()
		w.mu.drained = true
		w.mu.Unlock()
	}
	if m.GetLeaving() {
		f.lose(w, w.leaves())
	}
}

// leaves is the reason of a worker that goes by itself.
func (w *worker) leaves() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.drained {
		return Drained
	}
	return Stopped
}

func taskOf(r *pb.FromWorker) *pb.TaskID {
	if d := r.GetDone(); d != nil {
		return d.GetId()
	}
	return r.GetFailed().GetId()
}
