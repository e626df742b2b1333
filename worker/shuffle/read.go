package shuffle

import (
	"context"
	"io"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/worker/exec"
)

// Inputs reads the outputs named in a task.
func (s *Store) Inputs(task *pb.Task) exec.Inputs { return &inputs{store: s, task: task} }

// Read gives the rows of one partition of an output, wherever it lies.
func (s *Store) Read(ctx context.Context, o *pb.Output, partition int, schema types.Schema) (batch.Reader, error) {
	bs, err := s.blocks(ctx, o, partition)
	if err != nil {
		return nil, lost(o, err)
	}
	return &reader{schema: schema, types: schema.Types(), blocks: bs, of: o}, nil
}

type inputs struct {
	store *Store
	task  *pb.Task
}

// LostError says which output could not be read, so that just its task runs again.
type LostError struct {
	Stage  int32
	Output *pb.Output
	Err    error
}

func (e *LostError) Error() string { return e.Err.Error() }
func (e *LostError) Unwrap() error { return e.Err }

// Open lists a reader for each output and partition that has rows.
func (in *inputs) Open(_ context.Context, stage int, all bool, schema types.Schema) ([]func(ctx context.Context) (batch.Reader, error), error) {
	var list []func(ctx context.Context) (batch.Reader, error)
	for _, st := range in.task.GetInputs() {
		if int(st.GetStage()) != stage {
			continue
		}
		for _, o := range st.GetOutputs() {
			for p, rows := range o.GetRows() {
				if rows == 0 || !all && p != int(in.task.GetId().GetPartition()) {
					continue
				}
				list = append(list, func(ctx context.Context) (batch.Reader, error) {
					bs, err := in.store.blocks(ctx, o, p)
					if err != nil {
						return nil, lost(o, err)
					}
					return &reader{schema: schema, types: schema.Types(), blocks: bs, of: o}, nil
				})
			}
		}
	}
	return list, nil
}

// lost marks errors that mean the output is gone.
func lost(o *pb.Output, err error) error {
	switch errs.KindOf(err) {
	case errs.Lost, errs.Corrupt, errs.Unavailable:
		return errs.E(errs.Lost, "shuffle.Read", &LostError{Stage: o.GetTask().GetStage(), Output: o, Err: err})
	default:
	}
	return err
}

// blocks opens a partition here or at the worker that has it.
func (s *Store) blocks(ctx context.Context, o *pb.Output, p int) (Blocks, error) {
	if o.GetWorker() == s.cfg.Worker {
		return s.local(o.GetTask(), p)
	}
	if s.cfg.Peers == nil {
		return nil, errs.Errorf(errs.Lost, "shuffle.Read", "worker %s cannot be reached from %s", o.GetWorker(), s.cfg.Worker)
	}
	return s.cfg.Peers.Open(ctx, o.GetWorker(), o.GetTask(), p)
}

// local opens a partition of this store.
func (s *Store) local(id *pb.TaskID, p int) (*localBlocks, error) {
	w, err := s.find(id)
	if err != nil {
		return nil, err
	}
	l := &localBlocks{store: s, out: w}
	if p < 0 || p >= len(w.parts) {
		return nil, errs.Errorf(errs.Internal, "shuffle.Read", "partition %d of %d", p, len(w.parts))
	}
	l.list = w.parts[p].blocks
	return l, nil
}

type localBlocks struct {
	store *Store
	out   *output
	list  []block
	at    int
}

// next is the next block as it is stored.
func (l *localBlocks) next(ctx context.Context) (data []byte, packed bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if l.at == len(l.list) {
		return nil, false, io.EOF
	}
	l.at++
	return l.out.encoded(l.list[l.at-1])
}

func (l *localBlocks) Next(ctx context.Context) ([]byte, error) {
	data, packed, err := l.next(ctx)
	if err != nil {
		return nil, err
	}
	return unpack(data, packed)
}

func (l *localBlocks) Close() error {
	if l.out == nil {
		return nil
	}
	w := l.out
	l.out, l.list = nil, nil
	return l.store.release(w)
}

// reader decodes blocks.
type reader struct {
	schema types.Schema
	types  []types.Type
	blocks Blocks
	of     *pb.Output
}

func (r *reader) Schema() types.Schema { return r.schema }

func (r *reader) Next(ctx context.Context) (*batch.Batch, error) {
	raw, err := r.blocks.Next(ctx)
	if atEnd(err) {
		return nil, err
	}
	if err != nil {
		return nil, lost(r.of, err)
	}
	b, err := batch.DecodeBlock(r.types, raw)
	if err != nil {
		return nil, lost(r.of, err)
	}
	return b, nil
}

func (r *reader) Close() error { return r.blocks.Close() }
