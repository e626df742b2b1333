package fleet

import (
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/skew"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
)

// maxInventory bounds the tasks and outputs of one registration.
const maxInventory = 1 << 20

// register collects a registration and answers it once it is whole. The first
// frame sent on the stream is the welcome.
func (s *session) register(m *pb.WorkerFrame) error {
	r := m.GetRegister()
	if r == nil {
		return status.Error(codes.FailedPrecondition, "a stream begins with a registration")
	}
	if err := skew.Check(r.GetName(), r.GetProtocol(), s.f.cfg.Protocol); err != nil {
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	if s.joining == nil {
		s.joining = r
	} else {
		s.joining.Held = append(s.joining.Held, r.GetHeld()...)
		s.joining.Running = append(s.joining.Running, r.GetRunning()...)
	}
	if n := len(s.joining.GetHeld()) + len(s.joining.GetRunning()); n > maxInventory {
		return status.Errorf(codes.ResourceExhausted, "%d tasks and outputs, the limit is %d", n, maxInventory)
	}
	if r.GetMore() {
		return nil
	}
	return s.f.admit(s, s.joining, m.GetEpoch())
}

// admit decides what a registration means: somebody new, a known worker on a
// new stream, or one whose epoch is over.
func (f *Fleet) admit(s *session, r *pb.Register, epoch int64) error {
	info := &pb.Register{
		Name: r.GetName(), Slots: r.GetSlots(), Gpus: r.GetGpus(), Cpus: r.GetCpus(), Memory: r.GetMemory(),
		Shuffle: r.GetShuffle(), Host: r.GetHost(), Version: r.GetVersion(),
	}
	f.mu.Lock()
	w := f.mu.workers[r.GetName()]
	over := f.overLocked(r.GetName(), epoch)
	switch {
	case f.mu.closed:
		f.mu.Unlock()
		return notLeader("", "")
	case over != nil:
		f.mu.Unlock()
		return over
	case w != nil && w.epoch == epoch && !w.awaited:
		f.mu.Unlock()
		f.resume(s, w, r)
		return nil
	case w == nil && len(f.mu.workers) >= MaxWorkers:
		f.mu.Unlock()
		return status.Errorf(codes.ResourceExhausted, "%d workers, the limit", MaxWorkers)
	}
	fresh := newWorker(f, r.GetName(), epoch, info)
	f.mu.workers[r.GetName()] = fresh
	if w != nil && w.epoch == epoch {
		f.arrivedLocked(w)
		w = nil
	}
	if w != nil {
		f.buryLocked(w, Restarted)
	}
	if a := info.GetShuffle(); a != "" {
		f.mu.stores[a] = fresh
	}
	f.mu.Unlock()
	if w != nil {
		f.mourn(w, Restarted)
	}
	f.join(s, fresh, r)
	return nil
}

// overLocked says of an epoch that has ended already why it did.
func (f *Fleet) overLocked(name string, epoch int64) *dismissal {
	if w := f.mu.workers[name]; w != nil && w.epoch > epoch {
		return &dismissal{Restarted, w.epoch}
	}
	if l, ok := f.mu.gone[name]; ok && l.epoch >= epoch {
		return &dismissal{l.reason, l.epoch}
	}
	return nil
}

// join makes a new epoch known to the scheduler, then to itself: nothing is
// launched on it before the core knows what it holds.
func (f *Fleet) join(s *session, w *worker, r *pb.Register) {
	live := f.live(r)
	up := dispatch.WorkerUp{Worker: w.name, Epoch: w.epoch, Slots: int(r.GetSlots()), GPUs: int(r.GetGpus())}
	for _, o := range r.GetHeld() {
		if live[o.GetTask().GetJob()] {
			up.Held = append(up.Held, dispatch.Output{Task: driver.TaskOf(o.GetTask()), Worker: w.name, Epoch: w.epoch, Detail: o})
		}
	}
	w.mu.Lock()
	for _, id := range r.GetRunning() {
		if live[id.GetJob()] {
			w.mu.given[keyOf(id)] = nil
			up.Running = append(up.Running, driver.TaskOf(id))
		}
	}
	for job, ok := range live {
		if ok {
			w.mu.jobs[job] = struct{}{}
		} else {
			w.putLocked(order{discard: job})
		}
	}
	w.mu.applying++ // until the scheduler knows it
	w.mu.Unlock()
	f.counts.joined.Add(1)
	f.log.Info("worker joined", slog.String("worker", w.name), slog.Int64("epoch", w.epoch), slog.Int("outputs", len(up.Held)),
		slog.Int("running", len(r.GetRunning())))
	f.cfg.Sink.Report(up)
	w.mu.Lock()
	w.mu.applying--
	w.mu.Unlock()
	w.attach(s, f.cfg.Clock.Now())
	close(w.known)
}

// live tells of each job that a worker holds something of whether it is live.
func (f *Fleet) live(r *pb.Register) map[string]bool {
	out := map[string]bool{}
	for _, id := range inventory(r) {
		if _, asked := out[id.GetJob()]; !asked {
			out[id.GetJob()] = f.cfg.Live == nil || f.cfg.Live(id.GetJob())
		}
	}
	return out
}

// resume puts a known worker on its new stream. What was lost with the old one
// is made up for: tasks it never got are sent again, those it should not have
// any more are stopped.
func (f *Fleet) resume(s *session, w *worker, r *pb.Register) {
	select {
	case <-w.known: // or its reports would come before it
	case <-s.over:
		return
	}
	f.counts.resumed.Add(1)
	missed := w.reconcile(r)
	w.attach(s, f.cfg.Clock.Now())
	for _, id := range missed {
		f.forgotten(w, id)
	}
}

// reconcile queues what makes the worker's tasks those that it was given. It
// returns tasks of an earlier leader that the worker does not have.
func (w *worker) reconcile(r *pb.Register) (missed []*pb.TaskID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.session.stop(status.Error(codes.Aborted, "the worker came on another stream"))
	queue := w.mu.queue
	w.mu.session, w.mu.queue, w.mu.drain = nil, nil, w.mu.draining
	for _, o := range queue {
		if o.launch == nil { // launches are those of given
			w.putLocked(o)
		}
	}
	known := map[key]struct{}{}
	for _, id := range r.GetRunning() {
		known[keyOf(id)] = struct{}{}
		if _, given := w.mu.given[keyOf(id)]; !given {
			w.putLocked(order{cancel: id})
		}
	}
	for k, t := range w.mu.given {
		switch _, has := known[k]; {
		case has:
		case t == nil:
			missed = append(missed, &pb.TaskID{Job: k.job, Stage: k.stage, Partition: k.partition, Attempt: k.attempt})
		default:
			w.putLocked(order{launch: t})
		}
	}
	dead := map[string]struct{}{}
	for _, id := range inventory(r) {
		if _, has := w.mu.jobs[id.GetJob()]; !has {
			dead[id.GetJob()] = struct{}{}
		}
	}
	for job := range dead {
		w.putLocked(order{discard: job})
	}
	return missed
}

// inventory is every task that a registration names.
func inventory(r *pb.Register) []*pb.TaskID {
	out := append([]*pb.TaskID{}, r.GetRunning()...)
	for _, o := range r.GetHeld() {
		out = append(out, o.GetTask())
	}
	return out
}

// forgotten fails a task of an earlier leader that its worker does not have.
func (f *Fleet) forgotten(w *worker, id *pb.TaskID) {
	w.mu.Lock()
	delete(w.mu.given, keyOf(id))
	w.mu.Unlock()
	err := errs.Errorf(errs.Lost, "fleet.resume", "worker %s does not know task %v", w.name, id)
	f.cfg.Sink.Report(dispatch.Failed{Task: driver.TaskOf(id), Worker: w.name, Epoch: w.epoch, Err: err})
}

// attach makes the stream the worker's, unless its epoch has ended meanwhile.
func (w *worker) attach(s *session, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.ended {
		s.stop(&dismissal{w.mu.reason, w.epoch})
		return
	}
	w.mu.session.stop(status.Error(codes.Aborted, "the worker came on another stream"))
	w.mu.session, w.mu.answer, w.mu.late = s, true, 0
	w.mu.signs.heard, w.mu.signs.cut, w.mu.signs.suspected = now, time.Time{}, time.Time{}
	s.ready = w
	s.registered.Store(true)
	s.kick()
}
