package driver_test

import (
	"maps"
	"slices"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func (l *simLeader) book(worker string, t dispatch.Task) {
	t.Round = 0
	if l.booked[worker] == nil {
		l.booked[worker] = map[dispatch.Task]bool{}
	}
	l.booked[worker][t] = true
}

func (l *simLeader) unbook(worker string, t dispatch.Task) {
	t.Round = 0
	delete(l.booked[worker], t)
}

func placeOf(t dispatch.Task) taskPlace { return taskPlace{t.Job, t.Stage, t.Partition} }

// note keeps what an event tells the checks, before the core has it.
func (l *simLeader) note(ev dispatch.Event) {
	switch ev := ev.(type) {
	case dispatch.Done:
		l.s.mix(10, ev.Task.Stage, ev.Task.Partition, ev.Task.Attempt)
		if p := l.peers[ev.Worker]; p != nil && p.epoch == ev.Epoch && l.booked[ev.Worker][ev.Task] {
			l.unbook(ev.Worker, ev.Task)
			l.has[placeOf(ev.Task)] = dispatch.Output{Task: ev.Task, Worker: ev.Worker, Epoch: ev.Epoch}
		}
	case dispatch.Failed:
		l.s.mix(11, ev.Task.Stage, ev.Task.Partition, ev.Task.Attempt)
		if p := l.peers[ev.Worker]; p != nil && p.epoch == ev.Epoch && l.booked[ev.Worker][ev.Task] {
			l.unbook(ev.Worker, ev.Task)
			for _, o := range ev.Lost {
				delete(l.has, placeOf(o.Task))
			}
		}
	case dispatch.OutputLost:
		delete(l.has, placeOf(ev.Output.Task))
	case dispatch.WorkerDown:
		l.s.mix(12, int(ev.Epoch))
		l.forget(ev.Worker)
	case dispatch.WorkerUp:
		l.s.mix(13, int(ev.Epoch))
		l.noteUp(ev)
	}
}

// noteUp takes over what a worker says it has. Of one that is known already, only
// what the core believed: an output that a reader missed stays lost.
func (l *simLeader) noteUp(ev dispatch.WorkerUp) {
	believed := func(dispatch.Output) bool { return true }
	if l.up[ev.Worker] == ev.Epoch {
		had, booked := maps.Clone(l.has), l.booked[ev.Worker]
		believed = func(o dispatch.Output) bool {
			return booked[o.Task] || had[placeOf(o.Task)].Task == o.Task && had[placeOf(o.Task)].Worker == o.Worker
		}
	}
	l.up[ev.Worker] = ev.Epoch
	l.forget(ev.Worker)
	for _, t := range ev.Running {
		l.book(ev.Worker, t)
	}
	for _, o := range ev.Held {
		l.unbook(ev.Worker, o.Task)
		if _, ok := l.has[placeOf(o.Task)]; !ok && believed(o) {
			l.has[placeOf(o.Task)] = o
		}
	}
}

func (l *simLeader) forget(worker string) {
	delete(l.booked, worker)
	for at, o := range l.has {
		if o.Worker == worker {
			delete(l.has, at)
		}
	}
}

func (l *simLeader) launch(a dispatch.Launch) {
	s, lj := l.s, l.jobs[a.Task.Job]
	s.mix(1, a.Task.Stage, a.Task.Partition, a.Task.Attempt, int(a.Epoch), len(a.Worker))
	s.check(l.fenced[a.Worker] < a.Epoch, "%s is launched on %s, which is fenced", a.Task, a.Worker)
	s.check(lj.claimed, "%s is launched without its storage settings", a.Task)
	s.check(!lj.ended, "%s of a job that has ended", a.Task)
	st := lj.stages[a.Task.Stage]
	for _, in := range st.Inputs {
		s.check(len(a.Inputs[in]) == lj.stages[in].Tasks, "%s lacks inputs", a.Task)
		for p, o := range a.Inputs[in] {
			s.check(o.Worker != "" && o.Task.Partition == p, "%s has a hole in its inputs", a.Task)
		}
	}
	a.Task.Round = 0
	if st.Shape == dispatch.Independent && !unstable(lj.stages, st.ID) {
		o, again := l.has[placeOf(a.Task)]
		s.check(!again, "%s is run again, %s holds %s", a.Task, o.Worker, o.Task)
	}
	s.check(!l.booked[a.Worker][a.Task], "%s is launched twice", a.Task)
	l.book(a.Worker, a.Task)
	lj.latest[placeOf(a.Task)] = a
	if p := l.peers[a.Worker]; p != nil && p.epoch == a.Epoch {
		l.tell(p.w, func() { p.w.launch(l, a, lj.stages) })
	}
}

func unstable(stages []dispatch.Stage, id int) bool {
	st := stages[id]
	return st.Volatile || slices.ContainsFunc(st.Inputs, func(in int) bool { return unstable(stages, in) })
}

// goOn does what is next for a job's result: read it, choose, commit, end.
func (l *simLeader) goOn(lj *leaderJob) {
	switch {
	case !l.alive || !lj.claimed || lj.ended || lj.reading:
	case lj.stage == record.Committing:
		l.commitJob(lj)
	case len(lj.chosen) > 0:
		l.commitJob(lj)
	case lj.outputs != nil:
		l.read(lj)
	}
}

// read delivers the next partition.
func (l *simLeader) read(lj *leaderJob) {
	p := len(lj.rows)
	if p == len(lj.outputs) {
		l.choose(lj)
		return
	}
	if lj.missing {
		return // until it is there again
	}
	lj.reading = true
	l.s.after(l.s.some(time.Millisecond, 10*time.Millisecond), func() {
		lj.reading = false
		switch {
		case !l.alive || lj.ended:
		case len(lj.rows) != p: // a leader of the past, not yet aware of it, was faster
			l.goOn(lj)
		default:
			l.fetch(lj, p)
		}
	})
}

func (l *simLeader) fetch(lj *leaderJob, p int) {
	for i, attempt := range lj.attempts {
		if lj.volatile && lj.outputs[i].Task.Attempt != attempt {
			l.finish(lj, errs.Errorf(errs.Conflict, "sim", "delivered rows were made again"))
			return
		}
	}
	o := lj.outputs[p]
	for _, w := range l.s.workers {
		if w.name != o.Worker {
			continue
		}
		if c, ok := w.gives(o); ok && w.cutPeers <= l.s.now {
			lj.deliver(l.s, o, c)
			l.goOn(lj)
			return
		}
	}
	lj.missing = true
	l.hear(dispatch.OutputLost{Output: o})
}

// choose fixes what was read, then makes it visible.
func (l *simLeader) choose(lj *leaderJob) {
	lj.chosen = map[int]int{}
	for p, a := range lj.attempts {
		lj.chosen[p] = a
	}
	lj.reading = true
	l.append(record.Choose{Job: lj.id, Attempts: lj.chosen}, func() { l.commitJob(lj) })
}

func (l *simLeader) commitJob(lj *leaderJob) {
	lj.reading = true
	lj.stage = record.Committing
	l.append(record.Commit{Job: lj.id}, func() { l.finish(lj, nil) })
}

// finish ends a job in the record and for its client. The answer is durable
// before the job goes: another leader would run the job again otherwise.
func (l *simLeader) finish(lj *leaderJob, err error) {
	lj.reading = true
	l.later(func() record.Entry {
		if !lj.answered {
			lj.answered, lj.kept = true, err
		}
		return record.SessionPut{Session: "s", Key: "operation/" + lj.id, Value: []byte("over")}
	}, nil)
	l.append(record.EndJob{Job: lj.id, Failed: err != nil}, func() {
		lj.answer(l.s, lj.kept)
		l.hear(dispatch.Close{Job: lj.id})
		for _, w := range l.s.workers {
			if l.peers[w.name] != nil {
				l.tell(w, func() { w.discard(lj.id) })
			}
		}
	})
}
