// Package dispatch is the leader's pure task scheduler: jobs of stages of
// tasks, attempts, lost outputs and their recomputation. Events and the time go
// in, actions come out; it does no I/O and knows no plan, only stages as data.
package dispatch

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// MaxAttempts is how often a task may fail by its own doing (Spark's default).
const MaxAttempts = 4

// MaxLost is how often a task may be run again because its worker or output
// was lost; it guards against a job that kills every worker it meets.
const MaxLost = 16

// MaxCrashes is how many different workers may die under a task before it is
// taken for the cause: others are spared it.
const MaxCrashes = 3

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
	// Speculate allows a second copy of a task that takes much longer than the
	// others: only for tasks without effects beside their output, which is read
	// once they have finished.
	Speculate bool
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

// same tells whether two names mean the same attempt. Attempts count on from
// round to round, so the round, which is not on the wire, adds nothing.
func (t Task) same(u Task) bool {
	return t.Job == u.Job && t.Stage == u.Stage && t.Partition == u.Partition && t.Attempt == u.Attempt
}

func (t Task) String() string { return string(t.Append(nil)) }

// Append adds the task's text, like job/stage.partition.attempt, to b.
func (t Task) Append(b []byte) []byte {
	b = append(append(b, t.Job...), '/')
	b = strconv.AppendInt(b, int64(t.Stage), 10)
	b = strconv.AppendInt(append(b, '.'), int64(t.Partition), 10)
	b = strconv.AppendInt(append(b, '.'), int64(t.Attempt), 10)
	if t.Round > 0 {
		b = strconv.AppendInt(append(b, 'r'), int64(t.Round), 10)
	}
	return b
}

// Output says where the result of a finished task lies.
type Output struct {
	Task   Task
	Worker string
	Epoch  int64
	Detail any // sizes and the like, opaque here
}

// Finished is a stage as it was recorded: what StageDone said.
type Finished struct {
	Stage      int
	Generation int
	Outputs    []Output
	// Inputs are the generations of the stages that the outputs were made of.
	Inputs map[int]int
}

// Event is an input of the core.
type Event interface{ event() }

type (
	// WorkerUp announces a worker, a new epoch of it, or that a known epoch has
	// registered again. Held lists the outputs it has and Running its tasks, all
	// of them: what the core believes to run there and is in neither was never
	// started or is gone.
	WorkerUp struct {
		Worker  string
		Epoch   int64
		Slots   int
		GPUs    int
		Held    []Output
		Running []Task
	}
	// WorkerDown ends an epoch: its tasks and outputs are lost. Crashed says that
	// its process is known to have died, maybe of what it ran.
	WorkerDown struct {
		Worker  string
		Epoch   int64
		Reason  string
		Crashed bool
	}
	// Expect holds back the launches of recovered jobs until all these workers
	// have registered, or For is over. It comes before their jobs.
	Expect struct {
		Workers []string
		For     time.Duration
	}
	// Drain stops new tasks on a worker. Drained tells when nothing needs it.
	Drain struct{ Worker string }
	// Submit adds a job.
	Submit struct {
		Job Job
		// New attempts of a job count from Base. A job with one that is not Recovered
		// is planned anew: what earlier leaders launched of it does not count.
		// Recovered jobs began under an earlier leader: Done is what the record
		// has of their finished stages. Their new attempts count from Base, above
		// all attempts of earlier leaders.
		Recovered bool
		Done      []Finished
		Base      int
		// Unclaimed jobs launch nothing until Claim.
		Unclaimed bool
	}
	// Claim lets an unclaimed job go on.
	Claim struct{ Job string }
	// Recorded says that the outputs of a StageDone are durable.
	Recorded struct {
		Job        string
		Stage      int
		Generation int
	}
	// OutputLost reports that a reader of the result found an output of the last
	// stage gone: it is made again.
	OutputLost struct{ Output Output }
	// Close forgets a job, and stops it if it still runs.
	Close struct{ Job string }
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
func (Expect) event()     {}
func (Drain) event()      {}
func (Claim) event()      {}
func (Recorded) event()   {}
func (OutputLost) event() {}
func (Close) event()      {}
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
	// Launch starts a task. Inputs are the outputs of each input stage: one map,
	// not to be changed, for all launches of a job's stage with equal Template.
	// Peers are the workers of a gang by partition.
	Launch struct {
		Task     Task
		Worker   string
		Epoch    int64
		Inputs   map[int][]Output
		Template int
		Peers    []string
	}
	// Abort stops a task whose result is not wanted any more.
	Abort struct {
		Task   Task
		Worker string
		Epoch  int64
	}
	// StageDone reports a finished stage with the chosen attempt of each
	// partition, again after a loss was made good. Generation counts from 1.
	StageDone struct {
		Job        string
		Stage      int
		Outputs    []Output
		Generation int
		Inputs     map[int]int // generations of what it was made of
	}
	// RoundDone asks the driver for its step between rounds.
	RoundDone struct {
		Job     string
		Stage   int
		Round   int
		Outputs []Output
	}
	// JobDone ends a job well: its outputs can be read until Close. It comes
	// again when a lost one was replaced. JobFailed ends a job for good.
	JobDone struct {
		Job     string
		Outputs []Output
	}
	JobFailed struct {
		Job string
		Err error
	}
)

type (
	// Drained says that a draining worker runs nothing and holds nothing needed.
	Drained struct {
		Worker string
		Epoch  int64
	}
	// Unknown says that a worker holds something of a job that the core does not
	// know: it is over, or was never recorded.
	Unknown struct {
		Job    string
		Worker string
		Epoch  int64
	}
)

func (Launch) action()    {}
func (Abort) action()     {}
func (StageDone) action() {}
func (RoundDone) action() {}
func (JobDone) action()   {}
func (JobFailed) action() {}
func (Drained) action()   {}
func (Unknown) action()   {}

// tooMany is the error of a task that used up its attempts.
func tooMany(t Task, n int, last error) error {
	return errs.E(errs.KindOf(last), "dispatch", fmt.Errorf("task %s failed %d times, last: %w", t, n, last))
}
