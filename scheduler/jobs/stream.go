package jobs

import (
	"context"
	"io"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/scheduler/driver"
)

// stream reads the final stage's partitions one after the other. An attempt
// that fails before it delivered a row is replaced by the next one unseen;
// after that, its failure is the query's.
type stream struct {
	runner *Runner
	handle *driver.Handle
	schema types.Schema
	stop   func() bool

	partition int
	attempt   int  // last attempt read of this partition, -1 none
	stored    bool // rows are read from the outputs of the finished job
	delivered bool
	reader    batch.Reader
	closed    bool
}

func (s *stream) Schema() types.Schema { return s.schema }

func (s *stream) Next(ctx context.Context) (*batch.Batch, error) {
	for s.partition < s.handle.Partitions() {
		if s.reader == nil {
			if err := s.attach(ctx); err != nil {
				return nil, s.cause(ctx, err)
			}
		}
		b, err := s.reader.Next(ctx)
		switch {
		case err == nil:
			s.delivered = true
			return b, nil
		case err == io.EOF:
			s.detach()
			s.partition, s.attempt, s.delivered = s.partition+1, -1, false
		case ctx.Err() != nil || s.delivered || !errs.KindOf(err).Retryable():
			return nil, s.cause(ctx, err)
		default:
			s.detach()
		}
	}
	return nil, s.end(ctx)
}

// attach waits for an attempt that was not read yet.
func (s *stream) attach(ctx context.Context) error {
	if s.stored {
		return s.attachStored(ctx)
	}
	p, err := s.handle.Place(ctx, s.partition, s.attempt)
	if err != nil {
		return err
	}
	if p.Worker == "" {
		return errs.Errorf(errs.Lost, "jobs.Next", "job %s ended without a result", s.handle.ID())
	}
	s.attempt = p.Task.Attempt
	s.reader, err = s.runner.Results.Open(ctx, p.Worker, p.Epoch, driver.WireTask(p.Task), s.schema)
	return err
}

// attachStored waits for the job and reads what its final tasks left. A reader
// that fails then has no other attempt to turn to.
func (s *stream) attachStored(ctx context.Context) error {
	select {
	case <-s.handle.Ended():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	outputs, err := s.handle.Result()
	if err != nil {
		return err
	}
	o, ok := outputs[s.partition].Detail.(*pb.Output)
	if !ok {
		return errs.Errorf(errs.Internal, "jobs.Next", "partition %d of job %s has no stored rows", s.partition, s.handle.ID())
	}
	s.delivered = true
	s.reader, err = s.runner.Results.Stored(ctx, o, s.schema)
	return err
}

func (s *stream) detach() {
	_ = s.reader.Close()
	s.reader = nil
}

// cause prefers what ended the job over what a reader saw of it.
func (s *stream) cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errs.E(errs.Canceled, "jobs.Next", context.Cause(ctx))
	}
	s.handle.Cancel(err)
	<-s.handle.Ended()
	if _, jerr := s.handle.Result(); jerr != nil {
		return jerr
	}
	return err
}

// end waits for the job to be over: its last word may be an error.
func (s *stream) end(ctx context.Context) error {
	select {
	case <-s.handle.Ended():
	case <-ctx.Done():
		return errs.E(errs.Canceled, "jobs.Next", context.Cause(ctx))
	}
	if _, err := s.handle.Result(); err != nil {
		return err
	}
	return io.EOF
}

// Close stops what still runs and lets workers drop the job.
func (s *stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.stop()
	if s.reader != nil {
		s.detach()
	}
	return s.handle.Close(context.Background())
}

func (s *stream) Progress() []StageProgress {
	var out []StageProgress
	for _, p := range s.handle.Progress() {
		out = append(out, StageProgress{Stage: p.Stage, Tasks: p.Tasks, Done: p.Done})
	}
	if s.runner.ReadBytes != nil && len(out) > 0 { // by job: stages of one process share readers
		out[0].InputBytes = s.runner.ReadBytes(s.handle.ID())
	}
	return out
}

// Observed is the tasks' observations. A shared subtree that several stages
// compute counts where it comes first.
func (s *stream) Observed() []Observation {
	var out []Observation
	stage := map[int64]int{}
	for i, outputs := range s.handle.Chosen() {
		for _, o := range outputs {
			task, _ := o.Detail.(*pb.Output)
			for _, seen := range task.GetObserved() {
				if first, ok := stage[seen.GetId()]; ok && first != i {
					continue
				}
				stage[seen.GetId()] = i
				out = append(out, Observation{ID: seen.GetId(), State: seen.GetState()})
			}
		}
	}
	return out
}

func (s *stream) Operators() []OperatorStats {
	if s.runner.Finished == nil {
		return nil
	}
	return s.runner.Finished(s.handle.ID())
}
