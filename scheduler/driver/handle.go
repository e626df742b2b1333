package driver

import (
	"context"
	"strings"
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
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
	closed chan struct{}
	final  int // the last stage's number

	recovered bool // of an earlier leader
	// inputs are the latest inputs of each stage's tasks on the wire. They belong
	// to the driver's goroutine.
	inputs map[int]wireInputs

	mu struct {
		sync.Mutex
		placed  map[int]Placed // final stage: partition -> latest attempt
		changed chan struct{}  // closed and renewed when placed or outputs change
		done    map[int]int
		chosen  map[int][]dispatch.Output // by stage that is over: the attempts that count
		started int
		outputs []dispatch.Output
		missing map[int]bool // partitions that were reported lost since
		err     error
		over    bool
		stopped error // the driver is gone
		claimed bool
		storage map[string]string
	}
}

// wireInputs are a stage's inputs as the tasks of one template get them.
type wireInputs struct {
	template int
	stages   []*pb.StageOutputs
}

func newHandle(d *Driver, spec JobSpec) *Handle {
	h := &Handle{d: d, spec: spec, stages: map[int]*StageSpec{}, ended: make(chan struct{}), closed: make(chan struct{}), inputs: map[int]wireInputs{}}
	for i := range spec.Stages {
		h.stages[spec.Stages[i].ID] = &spec.Stages[i]
		h.final = spec.Stages[i].ID
	}
	h.mu.placed, h.mu.done, h.mu.changed = map[int]Placed{}, map[int]int{}, make(chan struct{})
	h.mu.chosen, h.mu.storage = map[int][]dispatch.Output{}, spec.Storage
	return h
}

// ID is the job's name.
func (h *Handle) ID() string { return h.spec.ID }

// Partitions is the number of partitions of the result.
func (h *Handle) Partitions() int {
	if s := h.stages[h.final]; s != nil {
		return s.Tasks
	}
	return 0
}

// claim takes over what is not in the record from a spec of the same job.
func (h *Handle) claim(spec JobSpec) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.claimed, h.mu.storage = true, spec.Storage
	for _, st := range spec.Stages {
		if s := h.stages[st.ID]; s != nil && st.Step != nil {
			s.Step = st.Step
		}
	}
}

func (h *Handle) isUnclaimed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.recovered && !h.mu.claimed
}

// task builds the message for an attempt.
func (h *Handle) task(a dispatch.Launch) *pb.Task {
	s := h.stages[a.Task.Stage]
	h.mu.Lock()
	storage := h.mu.storage
	h.mu.Unlock()
	t := &pb.Task{
		Id: WireTask(a.Task), Fragment: s.Fragment, Inputs: h.wireInputs(s, a),
		Threads: int32(s.Threads), Memory: s.Memory, Storage: storage,
	}
	if a.Task.Partition < len(s.Splits) {
		t.Splits = s.Splits[a.Task.Partition]
	}
	return t
}

// wireInputs makes the inputs of a stage's tasks once for all of them.
func (h *Handle) wireInputs(s *StageSpec, a dispatch.Launch) []*pb.StageOutputs {
	if w := h.inputs[s.ID]; w.template == a.Template {
		return w.stages
	}
	w := wireInputs{template: a.Template}
	for _, in := range s.Inputs {
		so := &pb.StageOutputs{Stage: int32(in)}
		for _, o := range a.Inputs[in] {
			out := wireOutput(o)
			if len(out.Observed) > 0 { // not for other tasks
				out = &pb.Output{Task: out.Task, Worker: out.Worker, Rows: out.Rows, Bytes: out.Bytes}
			}
			so.Outputs = append(so.Outputs, out)
		}
		w.stages = append(w.stages, so)
	}
	h.inputs[s.ID] = w
	return w.stages
}

func (h *Handle) launched(a dispatch.Launch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.started++
	if a.Task.Stage == h.final {
		h.mu.placed[a.Task.Partition] = Placed{a.Task, a.Worker, a.Epoch}
		h.change()
	}
}

// change wakes those who wait. mu is held.
func (h *Handle) change() {
	close(h.mu.changed)
	h.mu.changed = make(chan struct{})
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
func (h *Handle) step(a dispatch.RoundDone) dispatch.Event {
	h.mu.Lock()
	step := h.stages[a.Stage].Step
	h.mu.Unlock()
	if step != nil && step(a.Round, a.Outputs) {
		return dispatch.NextRound{Job: a.Job, Stage: a.Stage, Round: a.Round}
	}
	return dispatch.EndRounds{Job: a.Job, Stage: a.Stage, Round: a.Round}
}

// finish tells how the job ended. A result may come again, with outputs that
// replace lost ones, or an error after it, if they cannot be made again.
func (h *Handle) finish(outputs []dispatch.Output, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.err != nil {
		return
	}
	h.mu.outputs, h.mu.err, h.mu.chosen[h.final] = outputs, err, outputs
	h.mu.missing = map[int]bool{}
	h.change()
	if !h.mu.over {
		h.mu.over = true
		close(h.ended)
	}
}

// stop ends the job with the driver. A result that is there stays.
func (h *Handle) stop(err error) {
	h.finishUnlessOver(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.stopped = err
	h.change()
}

func (h *Handle) finishUnlessOver(err error) {
	select {
	case <-h.ended:
	default:
		h.finish(nil, err)
	}
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

// Output waits for the output of a final partition: the job must be over, and
// what was reported lost be there again.
func (h *Handle) Output(ctx context.Context, partition int) (dispatch.Output, error) {
	for {
		h.mu.Lock()
		outputs, missing, changed, err := h.mu.outputs, h.mu.missing[partition], h.mu.changed, h.mu.err
		if err == nil {
			err = h.mu.stopped
		}
		h.mu.Unlock()
		if partition < len(outputs) && !missing {
			return outputs[partition], nil
		}
		if err != nil {
			return dispatch.Output{}, err
		}
		select {
		case <-ctx.Done():
			return dispatch.Output{}, context.Cause(ctx)
		case <-h.closed:
			return dispatch.Output{}, errs.Errorf(errs.Canceled, "driver.Output", "job %s is closed", h.spec.ID)
		case <-changed:
		}
	}
}

// Lost reports that an output of the result is gone; Output waits until it was
// made again, or its worker has shown it after all.
func (h *Handle) Lost(o dispatch.Output) {
	h.mu.Lock()
	if p := o.Task.Partition; p < len(h.mu.outputs) {
		if now := h.mu.outputs[p]; now.Task == o.Task && now.Worker == o.Worker && now.Epoch == o.Epoch {
			h.mu.missing[p] = true
		}
	}
	h.mu.Unlock()
	h.d.Report(dispatch.OutputLost{Output: o})
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
// drop what they hold of it. Closing it again changes nothing. Once the driver
// has stopped, Close leaves the record and the workers alone: another leader may
// go on with the job.
func (h *Handle) Close(ctx context.Context) error {
	h.d.Report(dispatch.Close{Job: h.spec.ID})
	select {
	case <-h.closed:
	case <-h.d.done:
		return nil
	}
	_, err := h.Result()
	return h.d.cfg.Log.Append(ctx, record.EndJob{Job: h.spec.ID, Failed: err != nil, Reason: reasonOf(err)})
}

// maxReason bounds what the record keeps of an error, for people.
const maxReason = 1000

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}
