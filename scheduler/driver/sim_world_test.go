package driver_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// The simulator runs the real core, record and recovery in virtual time, among
// schedulers, workers, a network, a log and clients that are models of ours. A
// run is decided by its story alone.

const (
	simSlots  = 3
	simLease  = 5 * time.Second
	simBeat   = time.Second
	simQuiet  = 22 * time.Second  // no fault reaches beyond
	simLimit  = 400 * time.Second // by then every job must be over
	simRounds = 3
)

// plant is a bug put in on purpose, to see that the simulator finds it.
type plant string

const (
	noBug       plant = ""
	staleBug    plant = "stale attempt accepted"
	leaseBug    plant = "lease ignored"
	commitBug   plant = "commit counted twice"
	volatileBug plant = "generations forgotten"
)

type timer struct {
	at  time.Duration
	seq uint64
	f   func()
}

type timers []timer

func (t *timers) Len() int { return len(*t) }
func (t *timers) Less(i, j int) bool {
	a, b := (*t)[i], (*t)[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
func (t *timers) Swap(i, j int) { (*t)[i], (*t)[j] = (*t)[j], (*t)[i] }
func (t *timers) Push(x any)    { *t = append(*t, x.(timer)) }
func (t *timers) Pop() any {
	old := *t
	x := old[len(old)-1]
	*t = old[:len(old)-1]
	return x
}

// sim is the world.
type sim struct {
	story   story
	plant   plant
	rng     *rand.Rand
	now     time.Duration
	seq     uint64
	timers  timers
	state   *record.State
	term    uint64
	leader  *simLeader // the newest, nil while there is none
	workers []*simWorker
	jobs    []*simJob
	ran     map[dispatch.Task]bool // attempts that finished somewhere
	fsync   time.Duration          // until then, appends are slow
	clock   time.Duration          // what the leader's clock is off
	hash    uint64
	steps   int
	wrong   string // the first violation
	logf    func(format string, args ...any)
}

// simJob is a job as its client sees it.
type simJob struct {
	id       string
	stages   []dispatch.Stage
	volatile bool
	ended    bool
	err      error
	answered bool  // the answer is in the record
	kept     error // and this is it
	rows     []content
	attempts []int
	visible  int // how often its rows were made visible
	lineage  map[place]uint64
}

type place struct{ stage, partition int }

// content is what an output holds: rows, as a number, and which run of unstable
// tasks they come from.
type content struct {
	value   uint64
	lineage map[place]uint64
}

func newSim(s story, p plant) *sim {
	w := &sim{
		story: s, plant: p, rng: rand.New(rand.NewPCG(s.seed, 11)), state: record.New(), ran: map[dispatch.Task]bool{},
		hash: 14695981039346656037, logf: func(string, ...any) {},
	}
	w.apply(record.OpenSession{Session: "s"})
	for i := range s.workers {
		w.workers = append(w.workers, &simWorker{s: w, name: fmt.Sprint("w", i)})
	}
	return w
}

func (s *sim) apply(e record.Entry) { s.check(s.state.Apply(e) == nil, "the record refuses %T", e) }

// check notes a violation.
func (s *sim) check(ok bool, format string, args ...any) {
	if !ok && s.wrong == "" {
		s.wrong = fmt.Sprintf(format, args...)
		s.logf("VIOLATION %s", s.wrong)
	}
}

func (s *sim) after(d time.Duration, f func()) {
	s.seq++
	heap.Push(&s.timers, timer{s.now + d, s.seq, f})
}

// some is a time between two.
func (s *sim) some(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(s.rng.Int64N(int64(hi-lo)))
}

func (s *sim) mix(xs ...int) {
	for _, x := range xs {
		s.hash = (s.hash ^ uint64(x)) * 1099511628211
	}
}

// send carries a message, or not, or twice; it tells whether it will arrive.
func (s *sim) send(cut bool, f func()) bool {
	lossy := s.now < simQuiet
	if cut || lossy && s.rng.IntN(1000) < s.story.loss {
		return false
	}
	s.after(s.some(time.Millisecond, 20*time.Millisecond), f)
	if lossy && s.rng.IntN(1000) < s.story.repeat {
		s.after(s.some(time.Millisecond, 300*time.Millisecond), f)
	}
	return true
}

// run plays the story to its end and returns the first violation.
func (s *sim) run() string {
	for _, w := range s.workers {
		w.start()
	}
	s.after(0, s.elect)
	for i, spec := range s.story.jobs {
		j := &simJob{id: fmt.Sprint("job", i), stages: spec.stages, lineage: map[place]uint64{}}
		volatile := make([]bool, len(spec.stages))
		for k, st := range spec.stages {
			volatile[k] = st.Volatile
			for _, in := range st.Inputs {
				volatile[k] = volatile[k] || volatile[in]
			}
		}
		j.volatile = volatile[len(volatile)-1]
		s.jobs = append(s.jobs, j)
		s.after(spec.at, func() { s.client(j) })
	}
	for _, f := range s.story.faults {
		s.after(f.at, func() { s.strike(f) })
	}
	for len(s.timers) > 0 && s.wrong == "" && !s.over() {
		next := heap.Pop(&s.timers).(timer)
		if next.at > simLimit {
			break
		}
		s.now = next.at
		s.steps++
		next.f()
	}
	for _, j := range s.jobs {
		s.check(j.ended, "%s hangs", j.id)
	}
	return s.wrong
}

func (s *sim) over() bool {
	for _, j := range s.jobs {
		if !j.ended {
			return false
		}
	}
	return true
}

// client wants its job until it has an answer, from whoever leads.
func (s *sim) client(j *simJob) {
	if j.ended {
		return
	}
	if s.leader != nil && s.leader.alive {
		s.leader.want(j)
	}
	s.after(500*time.Millisecond, func() { s.client(j) })
}

// strike makes a fault happen.
func (s *sim) strike(f fault) {
	w := s.workers[f.worker%len(s.workers)]
	till := s.now + f.length
	s.logf("%v fault %s %s %v", s.now, f.kind, w.name, f.length)
	s.mix(len(f.kind), f.worker)
	switch f.kind {
	case "kill":
		w.kill(f.length)
	case "pause":
		w.paused = till
	case "cut-in":
		w.cutIn = till
	case "cut-out":
		w.cutOut = till
	case "cut-both":
		w.cutIn, w.cutOut = till, till
	case "peers":
		w.cutPeers = till
	case "lose":
		w.loseOne()
	case "slow-fsync":
		s.fsync = till
	case "clock":
		s.clock += time.Duration(s.rng.IntN(3)-1) * time.Hour
	default:
		s.strikeLeader(f, w)
	}
}

func (s *sim) strikeLeader(f fault, w *simWorker) {
	l := s.leader
	if l == nil || !l.alive {
		return
	}
	switch f.kind {
	case "drain":
		l.hear(dispatch.Drain{Worker: w.name})
	case "crash-leader":
		l.crash()
		s.after(s.some(300*time.Millisecond, 1500*time.Millisecond), s.elect)
	case "depose-leader": // goes on until it notices
		s.after(s.some(300*time.Millisecond, 1500*time.Millisecond), s.elect)
	}
}

// answer ends a job for its client.
func (j *simJob) answer(s *sim, err error) {
	if j.ended {
		return
	}
	j.ended, j.err = true, err
	s.logf("%v %s ended: %v", s.now, j.id, err)
	s.mix(len(j.id), int(errs.KindOf(err)))
	if err == nil {
		s.check(j.visible == 1, "%s is visible %d times", j.id, j.visible)
		return
	}
	kind := errs.KindOf(err)
	s.check(kind == errs.Lost || kind == errs.Unavailable || kind == errs.Conflict && j.volatile, "%s ended with %v", j.id, err)
	s.check(j.visible == 0, "%s is visible and failed", j.id)
}

// deliver gives the client a partition.
func (j *simJob) deliver(s *sim, o dispatch.Output, c content) {
	last := j.stages[len(j.stages)-1]
	p := len(j.rows)
	s.check(o.Task.Partition == p && o.Task.Stage == last.ID, "%s delivers %s as %d", j.id, o.Task, p)
	if !j.volatile {
		s.check(c.value == j.oracle(last, p), "%s has wrong rows in %d", j.id, p)
	}
	for at, run := range c.lineage {
		if old, ok := j.lineage[at]; ok && old != run {
			s.check(false, "%s has rows of two runs of stage %d", j.id, at.stage)
		}
		j.lineage[at] = run
	}
	j.rows, j.attempts = append(j.rows, c), append(j.attempts, o.Task.Attempt)
}

// oracle is the rows of a partition of a stable job.
func (j *simJob) oracle(st dispatch.Stage, p int) uint64 {
	v := rowsOf(j.id, st.ID, p)
	for _, in := range st.Inputs {
		for q := range j.stages[in].Tasks {
			v += j.oracle(j.stages[in], q) * uint64(p+2)
		}
	}
	return v
}

func rowsOf(job string, stage, p int) uint64 {
	v := uint64(len(job))*31 + uint64(job[len(job)-1])
	return (v*1009+uint64(stage))*7919 + uint64(p)
}
