package driver_test

import (
	"maps"
	"slices"
	"time"

	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// simLeader is a scheduler while it leads: the real core, with a log and streams
// of ours. What it does with actions is what Driver does.
type simLeader struct {
	s       *sim
	term    uint64
	alive   bool
	core    *dispatch.Core
	jobs    map[string]*leaderJob
	log     []*logEntry // not durable yet, in order
	inbox   []dispatch.Event
	turning bool
	peers   map[string]*peer
	fenced  map[string]int64

	// What the checks know: tasks by worker that hold a slot, outputs that were
	// told by those who have them.
	booked map[string]map[dispatch.Task]bool
	has    map[taskPlace]dispatch.Output
	up     map[string]int64
}

type taskPlace struct {
	job              string
	stage, partition int
}

type peer struct {
	w      *simWorker
	epoch  int64
	stream int
	heard  time.Duration
}

// leaderJob is a job with the one who reads its result.
type leaderJob struct {
	*simJob
	spec    driver.JobSpec
	claimed bool
	known   bool // the core has it
	outputs []dispatch.Output
	reading bool
	missing bool // the next partition was reported lost
	chosen  map[int]int
	stage   record.Status
	latest  map[taskPlace]dispatch.Launch
}

type logEntry struct {
	entry  func() record.Entry // nil: nothing to write
	then   func()
	failed bool
}

// elect makes a new leader of what the record has.
func (s *sim) elect() {
	if old := s.leader; old != nil {
		old.settleLog()
		s.after(s.some(0, 3*time.Second), old.crash) // it notices, if it lives
	}
	s.term++
	l := &simLeader{
		s: s, term: s.term, alive: true, core: dispatch.New(placement.FairLocal{}), jobs: map[string]*leaderJob{},
		peers: map[string]*peer{}, fenced: map[string]int64{}, booked: map[string]map[dispatch.Task]bool{}, has: map[taskPlace]dispatch.Output{}, up: map[string]int64{},
	}
	s.leader = l
	s.logf("%v leader of term %d", s.now, s.term)
	var names []string
	for _, w := range s.workers {
		names = append(names, w.name)
		w.then(s.some(10*time.Millisecond, 900*time.Millisecond), func() {
			if w.leader == nil || !w.leader.alive {
				w.leader, w.broken = l, true
				w.register()
			}
		})
	}
	l.hear(dispatch.Expect{Workers: names, For: simLease})
	for _, rec := range s.state.Jobs() {
		l.recover(rec)
	}
	l.tick()
}

func (l *simLeader) recover(rec *record.Job) {
	var done []dispatch.Finished
	for _, stage := range slices.Sorted(maps.Keys(rec.Done)) {
		f, err := driver.DecodeStage(stage, rec.Done[stage])
		l.s.check(err == nil, "a recorded stage cannot be read: %v", err)
		if l.s.plant == volatileBug {
			f.Generation = 1
			for in := range f.Inputs {
				f.Inputs[in] = 1
			}
		}
		done = append(done, f)
	}
	spec, unclaimed, err := driver.DecodeSpec(rec.Spec)
	l.s.check(err == nil, "a recorded job cannot be read: %v", err)
	i := slices.IndexFunc(l.s.jobs, func(j *simJob) bool { return j.id == rec.ID })
	lj := l.newJob(l.s.jobs[i], spec)
	lj.known = true
	lj.stage, lj.chosen = rec.Status, maps.Clone(rec.Chosen)
	ev := dispatch.Submit{Job: simJobOf(spec), Recovered: true, Done: done, Base: int(l.term) << 16, Unclaimed: unclaimed}
	l.hear(ev)
}

func simJobOf(spec driver.JobSpec) dispatch.Job {
	j := dispatch.Job{ID: spec.ID, User: spec.User, Weight: spec.Weight}
	for _, st := range spec.Stages {
		j.Stages = append(j.Stages, st.Stage)
	}
	return j
}

func (l *simLeader) newJob(j *simJob, spec driver.JobSpec) *leaderJob {
	lj := &leaderJob{simJob: j, spec: spec, latest: map[taskPlace]dispatch.Launch{}}
	l.jobs[j.id] = lj
	return lj
}

// want is a client that asks for its job.
func (l *simLeader) want(j *simJob) {
	lj := l.jobs[j.id]
	if lj != nil {
		if lj.known && !lj.claimed {
			lj.claimed = true
			l.hear(dispatch.Claim{Job: j.id})
			if j.answered && !lj.reading {
				l.finish(lj, j.kept)
			}
			l.goOn(lj)
		}
		return
	}
	if j.answered && l.s.state.Job(j.id) == nil {
		j.answer(l.s, j.kept)
		return
	}
	spec := driver.JobSpec{ID: j.id, Session: "s", User: j.id[:3], Weight: 1, Storage: map[string]string{"a": "b"}}
	for _, st := range j.stages {
		spec.Stages = append(spec.Stages, driver.StageSpec{Stage: st})
	}
	lj = l.newJob(j, spec)
	lj.claimed = true
	b, err := driver.EncodeSpec(spec)
	l.s.check(err == nil, "%v", err)
	l.append(record.SubmitJob{Job: j.id, Session: "s", Stages: len(j.stages), Spec: b}, func() {
		lj.known = true
		l.hear(dispatch.Submit{Job: simJobOf(spec)})
	})
}

// append writes to the log; then runs once the entry is durable.
func (l *simLeader) append(e record.Entry, then func()) {
	l.later(func() record.Entry { return e }, then)
}

func (l *simLeader) later(entry func() record.Entry, then func()) {
	l.log = append(l.log, &logEntry{entry: entry, then: then})
	d := l.s.some(time.Millisecond, 20*time.Millisecond)
	if l.s.fsync > l.s.now {
		d = l.s.some(100*time.Millisecond, 2*time.Second)
	}
	l.s.after(d, l.commit)
}

// commit makes the oldest entry durable.
func (l *simLeader) commit() {
	if !l.alive || len(l.log) == 0 {
		return
	}
	e := l.log[0]
	if e.failed { // another leads
		l.crash()
		return
	}
	l.log = l.log[1:]
	l.write(e)
	if e.then != nil {
		e.then()
	}
}

func (l *simLeader) write(e *logEntry) {
	if e.entry == nil {
		return
	}
	s := l.s
	switch entry := e.entry().(type) {
	case record.StageDone:
		_ = s.state.Apply(entry) // of a job that was closed meanwhile: refused
	case record.Choose:
		last := l.jobs[entry.Job].stages[len(l.jobs[entry.Job].stages)-1].ID
		for p, a := range entry.Attempts {
			s.check(s.ran[dispatch.Task{Job: entry.Job, Stage: last, Partition: p, Attempt: a}], "attempt %d of %d is chosen and never finished", a, p)
		}
		s.apply(entry)
	case record.Commit:
		j := s.state.Job(entry.Job)
		if j == nil {
			return
		}
		if j.Status < record.Committing || s.plant == commitBug {
			l.jobs[entry.Job].visible++
			s.check(l.jobs[entry.Job].visible == 1, "%s is committed twice", entry.Job)
		}
		s.apply(entry)
	default:
		s.apply(entry)
	}
}

// settleLog decides what becomes of entries on their way when another leader is
// made: some of the first reached a majority.
func (l *simLeader) settleLog() {
	n := 0
	if len(l.log) > 0 {
		n = l.s.rng.IntN(len(l.log) + 1)
	}
	for i, e := range l.log {
		if i < n && !e.failed {
			l.write(e)
		}
		e.failed = true
	}
	if len(l.log) == 0 {
		l.log = append(l.log, &logEntry{failed: true}) // whatever it appends next fails
	}
}

func (l *simLeader) crash() {
	if !l.alive {
		return
	}
	l.s.logf("%v leader of term %d is gone", l.s.now, l.term)
	l.alive = false
	if l.s.leader == l {
		l.settleLog()
	}
}

// tick is time passing: ticks of the core, leases.
func (l *simLeader) tick() {
	if !l.alive {
		return
	}
	l.hear(dispatch.Tick{})
	for _, w := range l.s.workers {
		if p := l.peers[w.name]; p != nil && l.s.now-p.heard > simLease {
			l.down(w, p.epoch, false)
		}
	}
	l.s.after(200*time.Millisecond, l.tick)
}

func (l *simLeader) down(w *simWorker, epoch int64, crashed bool) {
	p := l.peers[w.name]
	if !l.alive || p == nil || p.epoch != epoch {
		return
	}
	l.fenced[w.name] = epoch
	delete(l.peers, w.name)
	l.hear(dispatch.WorkerDown{Worker: w.name, Epoch: epoch, Reason: "gone", Crashed: crashed})
}

// tell sends to a worker; a message that does not arrive breaks the stream.
func (l *simLeader) tell(w *simWorker, f func()) {
	life := w.life
	ok := l.s.send(w.cutIn > l.s.now, func() {
		if w.life == life {
			w.then(0, f)
		}
	})
	if !ok {
		w.breakSoon()
	}
}

func (l *simLeader) register(w *simWorker, epoch int64, stream int, ev dispatch.WorkerUp) {
	p := l.peers[w.name]
	switch {
	case l.fenced[w.name] >= epoch && l.s.plant != leaseBug:
		l.tell(w, func() { w.dismiss(l, epoch) })
		return
	case p != nil && (p.epoch > epoch || p.epoch == epoch && p.stream >= stream):
		return
	}
	l.peers[w.name] = &peer{w, epoch, stream, l.s.now}
	l.hear(ev)
	l.tell(w, func() { w.welcome(l, stream) })
}

// heard takes a heartbeat or a report.
func (l *simLeader) heard(w *simWorker, epoch int64, stream int, ev dispatch.Event, n int) {
	p := l.peers[w.name]
	if p == nil || p.epoch != epoch || p.stream != stream {
		if l.fenced[w.name] >= epoch {
			l.tell(w, func() { w.dismiss(l, epoch) })
		}
		return
	}
	p.heard = l.s.now
	if ev == nil {
		return
	}
	if l.s.plant == staleBug {
		ev = l.freshen(ev)
	}
	l.hear(ev)
	l.tell(w, func() { w.acked(epoch, n) })
}

// freshen is the planted bug of a scheduler that does not look at attempts.
func (l *simLeader) freshen(ev dispatch.Event) dispatch.Event {
	d, ok := ev.(dispatch.Done)
	if lj := l.jobs[d.Task.Job]; ok && lj != nil {
		if a, ok := lj.latest[taskPlace{d.Task.Job, d.Task.Stage, d.Task.Partition}]; ok {
			return dispatch.Done{Task: a.Task, Worker: a.Worker, Epoch: a.Epoch, Detail: d.Detail}
		}
	}
	return ev
}

// hear queues an event; those that come together are one turn.
func (l *simLeader) hear(ev dispatch.Event) {
	l.inbox = append(l.inbox, ev)
	if !l.turning {
		l.turning = true
		l.s.after(l.s.some(0, 2*time.Millisecond), l.turn)
	}
}

func (l *simLeader) turn() {
	l.turning = false
	if !l.alive {
		return
	}
	events := l.inbox
	l.inbox = nil
	for _, ev := range events {
		l.s.logf("%v term %d: %T%+v", l.s.now, l.term, ev, ev)
		l.note(ev)
	}
	for _, a := range l.core.StepAll(time.Unix(1_000_000, 0).Add(l.s.now+l.s.clock), events) {
		l.act(a)
	}
	for name, tasks := range l.booked {
		l.s.check(len(tasks) <= simSlots, "%s is over-booked", name)
	}
}

func (l *simLeader) act(a dispatch.Action) {
	l.s.logf("    %T%+v", a, a)
	switch a := a.(type) {
	case dispatch.Launch:
		l.launch(a)
	case dispatch.Abort:
		l.s.mix(2, a.Task.Stage, a.Task.Partition, a.Task.Attempt)
		l.unbook(a.Worker, a.Task)
		if p := l.peers[a.Worker]; p != nil && p.epoch == a.Epoch {
			l.tell(p.w, func() { p.w.abort(l, a.Task) })
		}
	case dispatch.StageDone:
		l.s.mix(3, a.Stage, a.Generation)
		entry := func() record.Entry {
			b, err := driver.EncodeStage(a, a.Stage == len(l.jobs[a.Job].stages)-1)
			l.s.check(err == nil, "%v", err)
			return record.StageDone{Job: a.Job, Stage: a.Stage, Outputs: b}
		}
		recorded := dispatch.Recorded{Job: a.Job, Stage: a.Stage, Generation: a.Generation}
		l.later(entry, func() { l.hear(recorded) })
	case dispatch.RoundDone:
		if a.Round < simRounds-1 {
			l.hear(dispatch.NextRound{Job: a.Job, Stage: a.Stage, Round: a.Round})
		} else {
			l.hear(dispatch.EndRounds{Job: a.Job, Stage: a.Stage, Round: a.Round})
		}
	default:
		l.actJob(a)
	}
}

func (l *simLeader) actJob(a dispatch.Action) {
	switch a := a.(type) {
	case dispatch.JobDone:
		lj := l.jobs[a.Job]
		l.later(nil, func() {
			lj.outputs, lj.missing = a.Outputs, false
			l.goOn(lj)
		})
	case dispatch.JobFailed:
		l.s.mix(5, len(a.Job))
		lj := l.jobs[a.Job]
		l.s.check(lj.stage < record.Committing, "%s failed while it commits: %v", a.Job, a.Err)
		if !lj.ended {
			l.finish(lj, a.Err)
		}
	case dispatch.Unknown:
		if l.jobs[a.Job] != nil {
			return
		}
		if p := l.peers[a.Worker]; p != nil {
			l.tell(p.w, func() { p.w.discard(a.Job) })
		}
	case dispatch.Drained:
		l.s.check(len(l.booked[a.Worker]) == 0, "%s is drained and runs tasks", a.Worker)
		if p := l.peers[a.Worker]; p != nil && p.epoch == a.Epoch {
			p.w.kill(l.s.some(100*time.Millisecond, 3*time.Second))
		}
	}
}
