package driver

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// maxTasks bounds the tasks of a recorded stage: what is read from a record is
// not believed blindly.
const maxTasks = 10_000_000

// EncodeSpec gives a job as it is recorded: without its storage settings and
// without the steps of its rounds.
func EncodeSpec(s JobSpec) ([]byte, error) {
	m := &pb.JobSpec{Id: s.ID, Session: s.Session, User: s.User, Weight: int32(s.Weight), Operation: s.Operation, Description: s.Description, Storage: len(s.Storage) > 0}
	for _, st := range s.Stages {
		m.Stages = append(m.Stages, wireStage(st))
	}
	b, err := proto.Marshal(m)
	return b, errs.E(errs.Internal, "driver.EncodeSpec", err)
}

func wireStage(st StageSpec) *pb.JobStage {
	m := &pb.JobStage{
		Id: int32(st.ID), Tasks: int32(st.Tasks), Inputs: ints[int32](st.Inputs), Shape: uint32(st.Shape), Gpus: int32(st.GPUs),
		Only: st.Only, Volatile: st.Volatile, Speculate: st.Speculate,
		Fragment: st.Fragment, Threads: int32(st.Threads), Memory: st.Memory, Stepped: st.Step != nil,
	}
	for _, p := range st.Prefer {
		m.Prefer = append(m.Prefer, &pb.Workers{Workers: p})
	}
	for _, r := range st.Splits {
		m.Splits = append(m.Splits, &pb.TaskSplits{Ranges: r})
	}
	return m
}

func ints[To, From ~int | ~int32](in []From) []To {
	if in == nil {
		return nil
	}
	out := make([]To, len(in))
	for i, x := range in {
		out[i] = To(x)
	}
	return out
}

// DecodeSpec reads a recorded job. unclaimed tells that it cannot go on before
// its session has brought what is not recorded.
func DecodeSpec(b []byte) (spec JobSpec, unclaimed bool, err error) {
	const op = "driver.DecodeSpec"
	var m pb.JobSpec
	if err := proto.Unmarshal(b, &m); err != nil {
		return spec, false, errs.E(errs.Corrupt, op, err)
	}
	spec = JobSpec{ID: m.GetId(), Session: m.GetSession(), User: m.GetUser(), Weight: int(m.GetWeight()), Operation: m.GetOperation(), Description: m.GetDescription()}
	unclaimed = m.GetStorage()
	seen := map[int]bool{}
	for _, st := range m.GetStages() {
		s, err := readStage(st, seen)
		if err != nil {
			return spec, false, err
		}
		unclaimed = unclaimed || st.GetStepped()
		spec.Stages = append(spec.Stages, s)
		seen[s.ID] = true
	}
	if len(spec.Stages) == 0 {
		return spec, false, errs.Errorf(errs.Corrupt, op, "job %q has no stages", spec.ID)
	}
	return spec, unclaimed, nil
}

// readStage checks what the scheduler relies on: inputs come before, ids once.
func readStage(m *pb.JobStage, seen map[int]bool) (StageSpec, error) {
	s := StageSpec{
		Stage: dispatch.Stage{
			ID: int(m.GetId()), Tasks: int(m.GetTasks()), Inputs: ints[int](m.GetInputs()), Shape: dispatch.Shape(m.GetShape()), GPUs: int(m.GetGpus()),
			Only: m.GetOnly(), Volatile: m.GetVolatile(), Speculate: m.GetSpeculate(),
		},
		Fragment: m.GetFragment(), Threads: int(m.GetThreads()), Memory: m.GetMemory(),
	}
	bad := seen[s.ID] || s.Tasks < 0 || s.Tasks > maxTasks || m.GetShape() > uint32(dispatch.Rounds) || s.GPUs < 0
	for _, in := range s.Inputs {
		bad = bad || !seen[in]
	}
	if bad || len(m.GetPrefer()) > s.Tasks || len(m.GetSplits()) > s.Tasks {
		return s, errs.Errorf(errs.Corrupt, "driver.DecodeSpec", "stage %d makes no sense", s.ID)
	}
	for _, p := range m.GetPrefer() {
		s.Prefer = append(s.Prefer, p.GetWorkers())
	}
	for _, t := range m.GetSplits() {
		s.Splits = append(s.Splits, t.GetRanges())
	}
	return s, nil
}

// EncodeStage gives a finished stage as it is recorded. Sizes by partition are
// kept of the last one only: of the others, the workers who still hold the
// outputs say them again.
func EncodeStage(a dispatch.StageDone, last bool) ([]byte, error) {
	m := &pb.StageResult{Generation: int32(a.Generation)}
	for _, o := range a.Outputs {
		out := wireOutput(o)
		if !last {
			out = &pb.Output{Task: out.Task, Worker: out.Worker, Observed: out.Observed}
		}
		m.Outputs = append(m.Outputs, &pb.StoredOutput{Output: out, Worker: o.Worker, Epoch: o.Epoch})
	}
	if len(a.Inputs) > 0 {
		m.Inputs = map[int32]int32{}
	}
	for stage, generation := range a.Inputs {
		m.Inputs[int32(stage)] = int32(generation)
	}
	b, err := proto.Marshal(m)
	return b, errs.E(errs.Internal, "driver.EncodeStage", err)
}

// wireOutput is what a worker said of an output.
func wireOutput(o dispatch.Output) *pb.Output {
	if out, _ := o.Detail.(*pb.Output); out != nil {
		return out
	}
	return &pb.Output{Task: WireTask(o.Task), Worker: o.Worker}
}

// DecodeStage reads a recorded stage.
func DecodeStage(stage int, b []byte) (dispatch.Finished, error) {
	var m pb.StageResult
	if err := proto.Unmarshal(b, &m); err != nil {
		return dispatch.Finished{}, errs.E(errs.Corrupt, "driver.DecodeStage", err)
	}
	f := dispatch.Finished{Stage: stage, Generation: int(m.GetGeneration()), Inputs: map[int]int{}}
	for _, o := range m.GetOutputs() {
		f.Outputs = append(f.Outputs, dispatch.Output{Task: TaskOf(o.GetOutput().GetTask()), Worker: o.GetWorker(), Epoch: o.GetEpoch(), Detail: o.GetOutput()})
	}
	for in, generation := range m.GetInputs() {
		f.Inputs[int(in)] = int(generation)
	}
	return f, nil
}
