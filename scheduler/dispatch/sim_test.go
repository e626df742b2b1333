package dispatch_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/placement"
)

// world is workers and a network in virtual time: it carries the core's actions
// out, loses workers and outputs, delays, repeats and reorders reports.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	core    *dispatch.Core
	now     time.Time
	epochs  map[string]int64
	up      map[string]int // slots
	used    map[string]int
	running map[dispatch.Task]dispatch.Launch
	stored  map[dispatch.Output]bool
	mail    []dispatch.Event
	jobs    map[string]dispatch.Job
	ended   map[string]int
	trace   []string
}

const workerSlots = 3

func newWorld(t *testing.T, seed uint64) *world {
	return &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), core: dispatch.New(placement.FairLocal{}), now: time.Unix(0, 0),
		epochs: map[string]int64{}, up: map[string]int{}, used: map[string]int{}, running: map[dispatch.Task]dispatch.Launch{},
		stored: map[dispatch.Output]bool{}, jobs: map[string]dispatch.Job{}, ended: map[string]int{},
	}
}

func (w *world) step(ev dispatch.Event) {
	w.now = w.now.Add(time.Duration(w.rng.IntN(1000)) * time.Millisecond)
	w.trace = append(w.trace, fmt.Sprintf("%T%+v", ev, ev))
	for _, a := range w.core.Step(w.now, ev) {
		w.act(a)
	}
	for id, n := range w.used {
		require.LessOrEqual(w.t, n, workerSlots, "worker %s over-booked", id)
	}
}

func (w *world) act(a dispatch.Action) {
	switch a := a.(type) {
	case dispatch.Launch:
		require.Equal(w.t, w.epochs[a.Worker], a.Epoch, "launch on a dead epoch")
		_, twice := w.running[a.Task]
		require.False(w.t, twice, "%s launched twice", a.Task)
		require.Zero(w.t, w.ended[a.Task.Job], "task of an ended job")
		for stage, outs := range a.Inputs {
			require.Len(w.t, outs, w.jobs[a.Task.Job].Stages[stage].Tasks)
			for _, o := range outs {
				require.NotEmpty(w.t, o.Worker, "%s launched before its input %d was there", a.Task, stage)
			}
		}
		w.running[a.Task] = a
		w.used[a.Worker]++
	case dispatch.Abort:
		w.finish(a.Task)
	case dispatch.JobDone:
		w.ended[a.Job]++
		require.Equal(w.t, 1, w.ended[a.Job], "job ended twice")
		seen := map[int]bool{}
		for _, o := range a.Outputs {
			require.False(w.t, seen[o.Task.Partition], "two attempts of one partition in the result")
			seen[o.Task.Partition] = true
		}
		stages := w.jobs[a.Job].Stages
		require.Len(w.t, seen, stages[len(stages)-1].Tasks)
	case dispatch.JobFailed:
		w.ended[a.Job]++
		require.Equal(w.t, 1, w.ended[a.Job], "job ended twice")
	case dispatch.StageDone:
		w.mail = append(w.mail, dispatch.Recorded{Job: a.Job, Stage: a.Stage, Generation: a.Generation})
	case dispatch.RoundDone:
		if a.Round < 2 {
			w.mail = append(w.mail, dispatch.NextRound{Job: a.Job, Stage: a.Stage, Round: a.Round})
		} else {
			w.mail = append(w.mail, dispatch.EndRounds{Job: a.Job, Stage: a.Stage, Round: a.Round})
		}
	}
}

func (w *world) finish(t dispatch.Task) {
	if l, ok := w.running[t]; ok {
		delete(w.running, t)
		if w.epochs[l.Worker] == l.Epoch {
			w.used[l.Worker]--
		}
	}
}

func (w *world) join(id string) {
	w.epochs[id]++
	w.up[id], w.used[id] = workerSlots, 0
	w.step(dispatch.WorkerUp{Worker: id, Epoch: w.epochs[id], Slots: workerSlots})
}

func (w *world) die(id string) {
	epoch := w.epochs[id]
	for t, l := range w.running {
		if l.Worker == id && l.Epoch == epoch {
			delete(w.running, t)
		}
	}
	for o := range w.stored {
		if o.Worker == id && o.Epoch == epoch {
			delete(w.stored, o)
		}
	}
	w.used[id] = 0
	w.step(dispatch.WorkerDown{Worker: id, Epoch: epoch, Reason: "killed"})
}

// pick chooses a running task in an order that the seed decides.
func (w *world) pick() (dispatch.Launch, bool) {
	var best dispatch.Launch
	found, score := false, uint64(0)
	for t, l := range w.running {
		h := uint64(len(t.Job))*31 + uint64(t.Stage)*1009 + uint64(t.Partition)*7919 + uint64(t.Attempt)*104729 + uint64(t.Round)*13
		for _, c := range t.Job {
			h = h*31 + uint64(c)
		}
		if !found || h < score {
			best, found, score = l, true, h
		}
	}
	return best, found
}

// report ends a running task: well, or with a failure.
func (w *world) report(faulty bool) {
	l, ok := w.pick()
	if !ok {
		return
	}
	w.finish(l.Task)
	var ev dispatch.Event = dispatch.Done{Task: l.Task, Worker: l.Worker, Epoch: l.Epoch}
	lost := w.missing(l)
	switch {
	case len(lost) > 0:
		ev = dispatch.Failed{Task: l.Task, Worker: l.Worker, Epoch: l.Epoch, Lost: lost, Err: errs.Errorf(errs.Lost, "sim", "gone")}
	case faulty && w.rng.IntN(8) == 0:
		ev = dispatch.Failed{Task: l.Task, Worker: l.Worker, Epoch: l.Epoch, Err: errs.Errorf(errs.Unavailable, "sim", "shaky")}
	default:
		w.stored[dispatch.Output{Task: l.Task, Worker: l.Worker, Epoch: l.Epoch}] = true
	}
	w.step(ev)
	if w.rng.IntN(4) == 0 {
		w.mail = append(w.mail, ev) // the network repeats it later
	}
}

func (w *world) missing(l dispatch.Launch) []dispatch.Output {
	var lost []dispatch.Output
	for _, outs := range l.Inputs {
		for _, o := range outs {
			if !w.stored[o] {
				lost = append(lost, o)
			}
		}
	}
	return lost
}

func (w *world) deliver() {
	if len(w.mail) == 0 {
		return
	}
	i := w.rng.IntN(len(w.mail))
	ev := w.mail[i]
	w.mail = append(w.mail[:i], w.mail[i+1:]...)
	w.step(ev)
}

func (w *world) randomJob(n int) dispatch.Job {
	j := dispatch.Job{ID: fmt.Sprintf("job%d", n), User: fmt.Sprintf("u%d", n%2), Weight: 1}
	stages := 1 + w.rng.IntN(4)
	for s := range stages {
		st := dispatch.Stage{ID: s, Tasks: 1 + w.rng.IntN(5), Volatile: w.rng.IntN(4) == 0}
		if s > 0 {
			st.Inputs = []int{s - 1}
			if s > 1 && w.rng.IntN(2) == 0 {
				st.Inputs = append(st.Inputs, s-2)
			}
		}
		switch w.rng.IntN(6) {
		case 0:
			st.Shape, st.Tasks = dispatch.Gang, 1+w.rng.IntN(workerSlots)
		case 1:
			st.Shape = dispatch.Rounds
		}
		j.Stages = append(j.Stages, st)
	}
	return j
}

// run lets a world misbehave for a while, then behave until all jobs ended.
func (w *world) run() {
	for _, id := range []string{"a", "b", "c"} {
		w.join(id)
	}
	for n := range 3 {
		j := w.randomJob(n)
		w.jobs[j.ID] = j
		w.step(dispatch.Submit{Job: j})
	}
	for range 200 {
		switch k := w.rng.IntN(20); {
		case k < 12:
			w.report(true)
		case k < 15:
			w.deliver()
		case k == 15:
			id := string(rune('a' + w.rng.IntN(3)))
			w.die(id)
			w.join(id)
		case k == 16 && len(w.stored) > 0: // silently lost: found by a reader
			for o := range w.stored {
				if int(w.rng.Uint32())%len(w.stored) == 0 {
					delete(w.stored, o)
					break
				}
			}
		default:
			w.step(dispatch.Tick{})
		}
	}
	for i := 0; len(w.ended) < len(w.jobs); i++ {
		require.Less(w.t, i, 5000, "jobs hang: %d of %d ended, %d running, %d in the mail", len(w.ended), len(w.jobs), len(w.running), len(w.mail))
		w.report(false)
		w.deliver()
	}
}

// seeds is what a test run can afford; the scheduled run takes more.
const seeds = 3000

func TestSimulatedFaults(t *testing.T) {
	for seed := range uint64(seeds) {
		w := newWorld(t, seed)
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { w.t = t; w.run() }) {
			t.Logf("seed %d", seed)
			for _, line := range w.trace {
				t.Log(line)
			}
			return
		}
	}
}
