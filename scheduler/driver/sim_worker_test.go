package driver_test

import (
	"slices"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
)

// simWorker is a worker process.
type simWorker struct {
	s     *sim
	name  string
	epoch int64
	life  int // counts starts: timers of an earlier one do nothing
	up    bool

	paused, cutIn, cutOut, cutPeers time.Duration // until when

	leader *simLeader
	stream int
	broken bool   // the stream must be made anew
	term   uint64 // the highest that was seen

	seen    map[dispatch.Task]bool
	running []dispatch.Task
	held    []simHeld
	reports []simReport // not acknowledged
	sent    int
}

type simHeld struct {
	task dispatch.Task
	content
}

type simReport struct {
	n  int
	ev dispatch.Event
	of dispatch.Task
}

func (w *simWorker) start() {
	w.epoch++
	w.life++
	w.up, w.leader, w.term = true, nil, 0
	w.fresh()
	w.beat(w.life)
}

// fresh drops all there was of an epoch.
func (w *simWorker) fresh() {
	w.seen, w.running, w.held, w.reports = map[dispatch.Task]bool{}, nil, nil, nil
	w.broken = true
}

func (w *simWorker) kill(down time.Duration) {
	if !w.up {
		return
	}
	w.up = false
	w.paused = 0
	w.life++
	w.fresh()
	s, l, epoch := w.s, w.leader, w.epoch
	if l != nil && s.rng.IntN(10) < 7 { // the connection is reset
		s.after(s.some(time.Millisecond, time.Second), func() { l.down(w, epoch, true) })
	}
	s.after(down, w.start)
}

// then runs f in this life of the worker, after a pause if there is one.
func (w *simWorker) then(d time.Duration, f func()) {
	life := w.life
	w.s.after(d, func() {
		switch {
		case w.life != life:
		case w.paused > w.s.now:
			w.then(w.paused-w.s.now, f)
		default:
			f()
		}
	})
}

// beat is the worker's clockwork.
func (w *simWorker) beat(life int) {
	if w.life != life {
		return
	}
	switch l := w.s.leader; {
	case w.leader != nil && w.leader.alive && !w.broken:
		w.heartbeat()
	case l != nil && l.alive && l.term >= w.term:
		w.leader = l
		w.register()
	}
	w.then(simBeat, func() { w.beat(life) })
}

// tell sends to the leader. A message that does not arrive breaks the stream.
func (w *simWorker) tell(f func(l *simLeader)) {
	l := w.leader
	if l == nil {
		return
	}
	ok := w.s.send(w.cutOut > w.s.now, func() {
		if l.alive {
			f(l)
		}
	})
	if !ok {
		w.breakSoon()
	}
}

func (w *simWorker) breakSoon() {
	w.then(w.s.some(100*time.Millisecond, time.Second), func() { w.broken = true })
}

func (w *simWorker) register() {
	w.stream++
	ev := dispatch.WorkerUp{Worker: w.name, Epoch: w.epoch, Slots: simSlots, Running: slices.Clone(w.running)}
	for _, h := range w.held {
		ev.Held = append(ev.Held, dispatch.Output{Task: h.task, Worker: w.name, Epoch: w.epoch, Detail: &pb.Output{Task: driver.WireTask(h.task), Worker: w.name}})
	}
	for _, r := range w.reports {
		if !slices.Contains(ev.Running, r.of) {
			ev.Running = append(ev.Running, r.of)
		}
	}
	stream, epoch := w.stream, w.epoch
	w.tell(func(l *simLeader) { l.register(w, epoch, stream, ev) })
}

func (w *simWorker) heartbeat() {
	stream, epoch := w.stream, w.epoch
	w.tell(func(l *simLeader) { l.heard(w, epoch, stream, nil, 0) })
	for _, r := range w.reports {
		w.tell(func(l *simLeader) { l.heard(w, epoch, stream, r.ev, r.n) })
	}
}

// welcome, dismiss, acked, launch and abort are what the leader says.
func (w *simWorker) welcome(l *simLeader, stream int) {
	if l.term >= w.term && stream == w.stream {
		w.term, w.broken = l.term, false
		w.heartbeat()
	}
}

func (w *simWorker) dismiss(l *simLeader, epoch int64) {
	if l.term < w.term || epoch != w.epoch {
		return
	}
	w.epoch++
	w.fresh()
}

func (w *simWorker) acked(epoch int64, n int) {
	if epoch == w.epoch {
		w.reports = slices.DeleteFunc(w.reports, func(r simReport) bool { return r.n == n })
	}
}

func (w *simWorker) launch(l *simLeader, a dispatch.Launch, stages []dispatch.Stage) {
	if l.term < w.term || a.Epoch != w.epoch || w.seen[a.Task] {
		return
	}
	w.seen[a.Task] = true
	w.running = append(w.running, a.Task)
	d := w.s.some(5*time.Millisecond, 400*time.Millisecond)
	if w.s.rng.IntN(30) == 0 {
		d += 4 * time.Second
	}
	epoch := w.epoch
	w.then(d, func() {
		if w.epoch == epoch && slices.Contains(w.running, a.Task) {
			w.finish(a, stages)
		}
	})
}

func (w *simWorker) abort(l *simLeader, t dispatch.Task) {
	if l.term >= w.term {
		t.Round = 0
		w.seen[t] = true
		w.running = slices.DeleteFunc(w.running, func(r dispatch.Task) bool { return r == t })
	}
}

func (w *simWorker) discard(job string) {
	w.held = slices.DeleteFunc(w.held, func(h simHeld) bool { return h.task.Job == job })
	w.running = slices.DeleteFunc(w.running, func(t dispatch.Task) bool { return t.Job == job })
}

// finish ends a task: it reads its inputs and leaves an output, or fails.
func (w *simWorker) finish(a dispatch.Launch, stages []dispatch.Stage) {
	w.running = slices.DeleteFunc(w.running, func(t dispatch.Task) bool { return t == a.Task })
	st := stages[a.Task.Stage]
	c, lost := w.read(a, st)
	var ev dispatch.Event
	switch {
	case len(lost) > 0:
		ev = dispatch.Failed{Task: a.Task, Worker: w.name, Epoch: w.epoch, Lost: lost, Err: errs.Errorf(errs.Lost, "sim", "inputs are gone")}
	case w.s.now < simQuiet && w.s.rng.IntN(60) == 0:
		ev = dispatch.Failed{Task: a.Task, Worker: w.name, Epoch: w.epoch, Err: errs.Errorf(errs.Unavailable, "sim", "shaky")}
	default:
		w.s.ran[a.Task] = true
		w.held = append(w.held, simHeld{a.Task, c})
		ev = dispatch.Done{Task: a.Task, Worker: w.name, Epoch: w.epoch, Detail: &pb.Output{Task: driver.WireTask(a.Task), Worker: w.name}}
	}
	w.sent++
	r := simReport{w.sent, ev, a.Task}
	w.reports = append(w.reports, r)
	stream, epoch := w.stream, w.epoch
	w.tell(func(l *simLeader) { l.heard(w, epoch, stream, r.ev, r.n) })
}

// read makes a task's rows of its inputs.
func (w *simWorker) read(a dispatch.Launch, st dispatch.Stage) (c content, lost []dispatch.Output) {
	c.value, c.lineage = rowsOf(a.Task.Job, st.ID, a.Task.Partition), map[place]uint64{}
	for _, in := range st.Inputs {
		for _, o := range a.Inputs[in] {
			got, ok := w.fetch(o)
			if !ok {
				lost = append(lost, o)
				continue
			}
			c.value += got.value * uint64(a.Task.Partition+2)
			for at, run := range got.lineage {
				if old, ok := c.lineage[at]; ok && old != run {
					w.s.check(false, "%s reads two runs of stage %d", a.Task, at.stage)
				}
				c.lineage[at] = run
			}
		}
	}
	if st.Volatile {
		c.lineage[place{st.ID, a.Task.Partition}] = w.s.rng.Uint64()
	}
	return c, lost
}

// fetch reads an output of this or another worker.
func (w *simWorker) fetch(o dispatch.Output) (content, bool) {
	for _, h := range w.s.workers {
		if h.name == o.Worker && (h == w || w.cutPeers <= w.s.now && h.cutPeers <= w.s.now) {
			return h.gives(o)
		}
	}
	return content{}, false
}

func (w *simWorker) gives(o dispatch.Output) (content, bool) {
	if !w.up || w.epoch != o.Epoch || w.paused > w.s.now {
		return content{}, false
	}
	o.Task.Round = 0
	for _, h := range w.held {
		if h.task == o.Task {
			return h.content, true
		}
	}
	return content{}, false
}

// loseOne loses a stored output silently: whoever reads it finds out.
func (w *simWorker) loseOne() {
	if n := len(w.held); n > 0 {
		i := w.s.rng.IntN(n)
		w.s.logf("%v %s loses %s", w.s.now, w.name, w.held[i].task)
		w.held = slices.Delete(w.held, i, i+1)
	}
}
