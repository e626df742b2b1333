package jobs

import (
	"context"
	"fmt"
	"io"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
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
	attempt   int             // last attempt read of this partition, -1 none
	stored    bool            // rows are read from the outputs of the finished job
	placed    driver.Placed   // the attempt that is read, if not stored
	output    dispatch.Output // that is read, if stored
	read      []int           // attempts of the partitions before this one, if stored
	blocks    int             // delivered of this partition
	place     [2]int          // partition and number of the last batch
	reader    batch.Reader
	closed    bool
}

func (s *stream) Schema() types.Schema { return s.schema }

// Position is the place of the last batch in the result: the partition, and the
// number of the batch in it. Stored results have the same batches at the same
// places whenever they are read.
func (s *stream) Position() (partition, block int) { return s.place[0], s.place[1] }

func (s *stream) Next(ctx context.Context) (*batch.Batch, error) {
	for s.partition < s.handle.Partitions() {
		if s.reader == nil {
			if err := s.choose(ctx); err != nil {
				return nil, s.cause(ctx, err)
			}
		}
		b, err := s.read1(ctx)
		switch {
		case err == nil:
			s.place = [2]int{s.partition, s.blocks}
			s.blocks++
			return b, nil
		case err == io.EOF:
			s.detach()
			s.read = append(s.read, s.attempt)
			s.partition, s.attempt, s.blocks = s.partition+1, -1, 0
		case ctx.Err() != nil || !errs.KindOf(err).Retryable():
			return nil, s.cause(ctx, err)
		case s.blocks > 0:
			return nil, s.cause(ctx, errs.E(errs.KindOf(err), "jobs.Next",
				fmt.Errorf("rows of partition %d of job %s are gone after some of them were delivered: %w", s.partition, s.handle.ID(), err)))
		default:
			s.retry()
		}
	}
	return nil, s.end(ctx)
}

// read1 gives the next batch of the chosen attempt.
func (s *stream) read1(ctx context.Context) (*batch.Batch, error) {
	if s.reader == nil {
		var err error
		if s.reader, err = s.open(ctx); err != nil {
			s.reader = nil
			return nil, err
		}
	}
	return s.reader.Next(ctx)
}

// retry turns away from an attempt. A running one fails by itself; of a finished
// one the scheduler must hear.
func (s *stream) retry() {
	s.detach()
	if s.stored {
		s.handle.Lost(s.output)
	}
}

// choose waits for an attempt that was not read yet: one that runs, or the
// output of one that has finished. Its errors are the job's.
func (s *stream) choose(ctx context.Context) error {
	if s.stored {
		o, err := s.handle.Output(ctx, s.partition)
		if err != nil {
			return err
		}
		s.attempt, s.output = o.Task.Attempt, o
		return s.unchanged()
	}
	p, err := s.handle.Place(ctx, s.partition, s.attempt)
	if err != nil {
		return err
	}
	if p.Worker == "" {
		return errs.Errorf(errs.Lost, "jobs.Next", "job %s ended without a result", s.handle.ID())
	}
	s.attempt, s.placed = p.Task.Attempt, p
	return nil
}

// open attaches to the chosen attempt.
func (s *stream) open(ctx context.Context) (batch.Reader, error) {
	if !s.stored {
		return s.runner.Results.Open(ctx, s.placed.Worker, s.placed.Epoch, driver.WireTask(s.placed.Task), s.schema)
	}
	out, ok := s.output.Detail.(*pb.Output)
	if !ok {
		return nil, errs.Errorf(errs.Internal, "jobs.Next", "partition %d of job %s has no stored rows", s.partition, s.handle.ID())
	}
	return s.runner.Results.Stored(ctx, out, s.schema)
}

// unchanged refuses to go on after partitions that were delivered have been made
// again with the one to come: rows of an unstable plan would come of two runs.
func (s *stream) unchanged() error {
	outputs, err := s.handle.Result()
	if err != nil {
		return err
	}
	for i, attempt := range s.read {
		if outputs[i].Task.Attempt != attempt {
			return errs.Errorf(errs.Conflict, "jobs.Next", "rows of job %s are gone, and were made again with others that had been delivered", s.handle.ID())
		}
	}
	return nil
}

func (s *stream) detach() {
	if s.reader == nil {
		return
	}
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
	s.detach()
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
