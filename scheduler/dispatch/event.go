// Package dispatch is the leader's pure task scheduler: jobs of stages of
// tasks, attempts, lost outputs and their recomputation. Events and the time go
// in, actions come out; it does no I/O and knows no plan, only stages as data.
package dispatch

import (
	"fmt"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// MaxAttempts is how often a task may fail by its own doing (Spark's default).
const MaxAttempts = 4

// MaxLost is how often a task may be run again because its worker or output
// was lost; it guards against a job that kills every worker it meets.
const MaxLost = 16

// Shape is how a stage's tasks run.
type Shape uint8

const (
	Independent Shape = iota // tasks start as slots get free
	Gang                     // all tasks start together, with each other's addresses; one fails, all restart
	Rounds                   // all tasks run once per round; between rounds the driver advances shared state
)

// Stage is a set of equal tasks over different partitions.
type Stage struct {
	ID     int
	Tasks  int
	Inputs []int // stages whose outputs this one reads
	Shape  Shape
	GPUs   int // per task
	// Prefer lists, per partition, workers near the input; may be shorter than Tasks.
	Prefer [][]string
	// Only lists the workers that hold what all tasks of the stage read and that
	// no other can read; none: any worker will do. A job is lost with the last of them.
	Only []string
	// Volatile stages give other rows when run again: consumers that have begun
	// must be run again with them.
	Volatile bool
}

// Job is a graph of stages in topological order; the last one is the result.
type Job struct {
	ID     string
	User   string
	Weight int
	Stages []Stage
}

// Task names one attempt. Round counts from 0 in stages of shape Rounds.
type Task struct {
	Job                       string
	Stage, Partition, Attempt int
	Round                     int
}

func (t Task) String() string {
	s := fmt.Sprintf("%s/%d.%d.%d", t.Job, t.Stage, t.Partition, t.Attempt)
	if t.Round > 0 {
		s += fmt.Sprintf("r%d", t.Round)
	}
	return s
}

// Output says where the result of a finished task lies.
type Output struct {
	Task   Task
	Worker string
	Epoch  int64
	Detail any // sizes and the like, opaque here
}

// Event is an input of the core.
type Event interface{ event() }

type (
	// WorkerUp announces a worker, or a new epoch of it. Held lists outputs it
	// still has, when a new leader rebuilds its state.
	WorkerUp struct {
		Worker string
		Epoch  int64
		Slots  int
		GPUs   int
		Held   []Output
	}
	// WorkerDown ends an epoch: its tasks and outputs are lost.
	WorkerDown struct {
		Worker string
		Epoch  int64
		Reason string
	}
	// Drain stops new tasks on a worker.
	Drain struct{ Worker string }
	// Submit adds a job. Done lists stages finished under an earlier leader.
	Submit struct {
		Job  Job
		Done []Output
	}
	// Done reports a finished task.
	Done struct {
		Task   Task
		Worker string
		Epoch  int64
		Detail any
	}
	// Failed reports a failed task. Lost lists inputs it could not read.
	Failed struct {
		Task   Task
		Worker string
		Epoch  int64
		Err    error
		Lost   []Output
	}
	// Cancel ends a job.
	Cancel struct {
		Job string
		Err error
	}
	// NextRound starts another round of a Rounds stage; EndRounds finishes it.
	// Round is the one that was done: repeated messages change nothing.
	NextRound struct {
		Job   string
		Stage int
		Round int
	}
	EndRounds struct {
		Job   string
		Stage int
		Round int
	}
	// Tick lets time pass.
	Tick struct{}
)

func (WorkerUp) event()   {}
func (WorkerDown) event() {}
func (Drain) event()      {}
func (Submit) event()     {}
func (Done) event()       {}
func (Failed) event()     {}
func (Cancel) event()     {}
func (NextRound) event()  {}
func (EndRounds) event()  {}
func (Tick) event()       {}

// Action is an output of the core, to be done by the driver in order.
type Action interface{ action() }

type (
	// Launch starts a task. Inputs are the outputs of each input stage. Peers
	// are the workers of a gang by partition.
	Launch struct {
		Task   Task
		Worker string
		Epoch  int64
		Inputs map[int][]Output
		Peers  []string
	}
	// Abort stops a task whose result is not wanted any more.
	Abort struct {
		Task   Task
		Worker string
		Epoch  int64
	}
	// StageDone reports a finished stage with the chosen attempt of each partition.
	StageDone struct {
		Job     string
		Stage   int
		Outputs []Output
	}
	// RoundDone asks the driver for its step between rounds.
	RoundDone struct {
		Job     string
		Stage   int
		Round   int
		Outputs []Output
	}
	// JobDone and JobFailed end a job; its outputs may be discarded once read.
	JobDone struct {
		Job     string
		Outputs []Output
	}
	JobFailed struct {
		Job string
		Err error
	}
)

func (Launch) action()    {}
func (Abort) action()     {}
func (StageDone) action() {}
func (RoundDone) action() {}
func (JobDone) action()   {}
func (JobFailed) action() {}

// tooMany is the error of a task that used up its attempts.
func tooMany(t Task, n int, last error) error {
	return errs.E(errs.KindOf(last), "dispatch", fmt.Errorf("task %s failed %d times, last: %w", t, n, last))
}
