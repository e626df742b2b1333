package fleet

import (
	"cmp"
	"slices"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

// State is what a worker is to the scheduler.
type State string

// The states of a worker.
const (
	Awaited  State = "awaited"  // of the record, not seen by this leader yet
	Up       State = "up"       // takes tasks
	Suspect  State = "suspect"  // its stream is broken, or gossip holds it dead
	Draining State = "draining" // finishes what it has
	Idle     State = "drained"  // has nothing to do and gets nothing
	Gone     State = "gone"
)

// Status lists the workers by name, and those that were lost.
func (f *Fleet) Status() []*pb.WorkerInfo {
	now := f.cfg.Clock.Now()
	var out []*pb.WorkerInfo
	f.mu.Lock()
	for _, w := range f.mu.workers {
		out = append(out, w.statusLocked(now))
	}
	for name, l := range f.mu.gone {
		if f.mu.workers[name] == nil {
			out = append(out, &pb.WorkerInfo{Name: name, Host: l.host, Epoch: l.epoch, State: string(Gone), Reason: l.reason})
		}
	}
	f.mu.Unlock()
	slices.SortFunc(out, func(a, b *pb.WorkerInfo) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out
}

// statusLocked runs under the fleet's lock.
func (w *worker) statusLocked(now time.Time) *pb.WorkerInfo {
	awaited := w.awaited
	w.mu.Lock()
	defer w.mu.Unlock()
	return &pb.WorkerInfo{
		Name: w.name, Host: w.info.GetHost(), Epoch: w.epoch, Version: w.info.GetVersion(), State: string(w.stateLocked(awaited)),
		Slots: w.info.GetSlots(), Running: int32(len(w.mu.given)), LastHeardMs: now.Sub(w.mu.signs.heard).Milliseconds(),
	}
}

func (w *worker) stateLocked(awaited bool) State {
	switch {
	case awaited:
		return Awaited
	case w.mu.session == nil || !w.mu.signs.suspected.IsZero():
		return Suspect
	case w.mu.drained && len(w.mu.given) == 0:
		return Idle
	case w.mu.draining:
		return Draining
	}
	return Up
}

// Usable counts the workers that take tasks, and their slots.
func (f *Fleet) Usable() (workers, slots int) {
	for _, w := range f.all() {
		w.mu.Lock()
		if !w.mu.draining && w.mu.session != nil {
			workers, slots = workers+1, slots+int(w.info.GetSlots())
		}
		w.mu.Unlock()
	}
	return workers, slots
}
