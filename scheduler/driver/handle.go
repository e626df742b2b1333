package driver

import (
	"context"
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// Placed says where an attempt of the final stage runs, so that its rows can
// be read while it goes on.
type Placed struct {
	Task   dispatch.Task
	Worker string
	Epoch  int64
}

// StageProgress counts one stage's tasks.
type StageProgress struct {
	Stage, Tasks, Done int
}

// Handle is a submitted job. It is safe for concurrent use.
type Handle struct {
	d      *Driver
	spec   JobSpec
	stages map[int]*StageSpec
	ended  chan struct{}
	final  int // the last stage's number

	mu struct {
		sync.Mutex
		placed  map[int]Placed // final stage: partition -> latest attempt
		changed chan struct{}  // closed and renewed when placed changes
		done    map[int]int
		chosen  map[int][]dispatch.Output // by stage that is over: the attempts that count
		started int
		outputs []dispatch.Output
		err     error
		over    bool
	}
}

func newHandle(d *Driver, spec JobSpec) *Handle {
	h := &Handle{d: d, spec: spec, stages: map[int]*StageSpec{}, ended: make(chan struct{})}
	for i := range spec.Stages {
		h.stages[spec.Stages[i].ID] = &spec.Stages[i]
		h.final = spec.Stages[i].ID
	}
	h.mu.placed, h.mu.done, h.mu.changed = map[int]Placed{}, map[int]int{}, make(chan struct{})
	h.mu.chosen = map[int][]dispatch.Output{}
	return h
}

// ID is the job's name.
func (h *Handle) ID() string { return h.spec.ID }

// Partitions is the number of partitions of the result.
func (h *Handle) Partitions() int { return h.stages[h.final].Tasks }

// task builds the message for an attempt.
func (h *Handle) task(a dispatch.Launch) *pb.Task {
	s := h.stages[a.Task.Stage]
	t := &pb.Task{Id: WireTask(a.Task), Fragment: s.Fragment, Threads: int32(s.Threads), Memory: s.Memory, Storage: h.spec.Storage}
	for _, in := range s.Inputs {
		so := &pb.StageOutputs{Stage: int32(in)}
		for _, o := range a.Inputs[in] {
			out, _ := o.Detail.(*pb.Output)
			if out == nil {
				out = &pb.Output{Task: WireTask(o.Task), Worker: o.Worker}
			}
			if len(out.Observed) > 0 { // not for other tasks
				out = &pb.Output{Task: out.Task, Worker: out.Worker, Rows: out.Rows, Bytes: out.Bytes}
			}
			so.Outputs = append(so.Outputs, out)
		}
		t.Inputs = append(t.Inputs, so)
	}
	if a.Task.Partition < len(s.Splits) {
		t.Splits = s.Splits[a.Task.Partition]
	}
	return t
}

func (h *Handle) launched(a dispatch.Launch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.started++
	if a.Task.Stage == h.final {
		h.mu.placed[a.Task.Partition] = Placed{a.Task, a.Worker, a.Epoch}
		close(h.mu.changed)
		h.mu.changed = make(chan struct{})
	}
}

func (h *Handle) stageDone(a dispatch.StageDone) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.done[a.Stage], h.mu.chosen[a.Stage] = len(a.Outputs), a.Outputs
}

// taskFinished counts a finished task for progress.
func (h *Handle) taskFinished(stage int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.stages[stage]; s != nil && h.mu.done[stage] < s.Tasks {
		h.mu.done[stage]++
	}
}

// step decides what follows a round: the driver step of the stage, if the job
// brought one, else the stage is over after its first round.
func (s *StageSpec) step(a dispatch.RoundDone) dispatch.Event {
	if s.Step != nil && s.Step(a.Round, a.Outputs) {
		return dispatch.NextRound{Job: a.Job, Stage: a.Stage, Round: a.Round}
	}
	return dispatch.EndRounds{Job: a.Job, Stage: a.Stage, Round: a.Round}
}

func (h *Handle) finish(outputs []dispatch.Output, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.over {
		return
	}
	h.mu.over, h.mu.outputs, h.mu.err, h.mu.chosen[h.final] = true, outputs, err, outputs
	close(h.ended)
}

// Ended is closed when the job is over.
func (h *Handle) Ended() <-chan struct{} { return h.ended }

// Result is the outputs of the final stage, or why there are none. Valid once Ended.
func (h *Handle) Result() ([]dispatch.Output, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.outputs, h.mu.err
}

// Chosen is the outputs of each stage that is over, in the order of the stages,
// one of each task: of an attempt whose rows count. Valid once Ended.
func (h *Handle) Chosen() [][]dispatch.Output {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([][]dispatch.Output, len(h.spec.Stages))
	for i, s := range h.spec.Stages {
		out[i] = h.mu.chosen[s.ID]
	}
	return out
}

// Place waits until an attempt after `after` of a final partition is placed
// (-1: any), or the job is over without one.
func (h *Handle) Place(ctx context.Context, partition, after int) (Placed, error) {
	for {
		h.mu.Lock()
		p, ok := h.mu.placed[partition]
		changed, over, err := h.mu.changed, h.mu.over, h.mu.err
		h.mu.Unlock()
		if ok && p.Task.Attempt > after {
			return p, nil
		}
		if over {
			return Placed{}, err
		}
		select {
		case <-ctx.Done():
			return Placed{}, context.Cause(ctx)
		case <-changed:
		case <-h.ended:
		}
	}
}

// Progress counts tasks by stage.
func (h *Handle) Progress() []StageProgress {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]StageProgress, len(h.spec.Stages))
	for i, s := range h.spec.Stages {
		out[i] = StageProgress{Stage: s.ID, Tasks: s.Tasks, Done: h.mu.done[s.ID]}
	}
	return out
}

// Cancel stops the job if it still runs.
func (h *Handle) Cancel(err error) {
	select {
	case <-h.ended:
	default:
		h.d.Report(dispatch.Cancel{Job: h.spec.ID, Err: err})
	}
}

// Close stops the job if it still runs, ends it in the record and lets workers
// drop what they hold of it.
func (h *Handle) Close(ctx context.Context) error {
	h.Cancel(nil)
	select {
	case <-h.ended:
	case <-h.d.done:
	}
	h.d.cfg.Executor.Discard(h.spec.ID)
	_, err := h.Result()
	return h.d.cfg.Log.Append(ctx, record.EndJob{Job: h.spec.ID, Failed: err != nil})
}
