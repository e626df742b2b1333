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

// Read gives the rows of one partition of an output, wherever it lies. What is
// lost shows at the first Next.
func (s *Store) Read(_ context.Context, o *pb.Output, partition int, schema types.Schema) (batch.Reader, error) {
	return s.reader(s.newFetch(o, partition), schema), nil
}

type inputs struct {
	store *Store
	task  *pb.Task
}

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
					if all {
						return in.store.readShared(ctx, o, p, schema)
					}
					return in.store.Read(ctx, o, p, schema)
				})
			}
		}
	}
	return list, nil
}

// blocks opens a partition here or at the worker that has it.
func (s *Store) blocks(ctx context.Context, o *pb.Output, p, from int) (Blocks, error) {
	if o.GetWorker() == s.cfg.Worker {
		return s.local(o.GetTask(), p, from)
	}
	if s.cfg.Peers == nil {
		return nil, errs.Errorf(errs.Lost, "shuffle.Read", "worker %s cannot be reached from %s", o.GetWorker(), s.cfg.Worker)
	}
	return s.cfg.Peers.Open(ctx, o.GetWorker(), o.GetTask(), p, from)
}

// local opens a partition of this store.
func (s *Store) local(id *pb.TaskID, p, from int) (*localBlocks, error) {
	w, err := s.find(id)
	if err != nil {
		return nil, err
	}
	l := &localBlocks{store: s, out: w}
	if p < 0 || p >= len(w.parts) || from < 0 || from > len(w.parts[p].blocks) {
		_ = l.Close() // there is nothing to say about it
		return nil, errs.Errorf(errs.Internal, "shuffle.Read", "block %d of partition %d of %d", from, p, len(w.parts))
	}
	l.list = w.parts[p].blocks[from:]
	return l, nil
}

// localBlocks reads this store: memory by reference, the file through a buffer.
type localBlocks struct {
	store *Store
	out   *output
	list  []block
}

// pop is the next block's place.
func (l *localBlocks) pop() (block, bool) {
	if len(l.list) == 0 {
		return block{}, false
	}
	b := l.list[0]
	l.list = l.list[1:]
	return b, true
}

func (l *localBlocks) Next(ctx context.Context, room *Buffer) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, ok := l.pop()
	switch {
	case !ok:
		return nil, io.EOF
	case b.mem != nil:
		return b.mem, nil
	}
	data, err := room.Grow(b.size)
	if err != nil {
		return nil, err
	}
	return data, l.out.load(b, data)
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
	fetch  *fetch
	schema types.Schema
	types  []types.Type
	raw    Buffer // of compressed blocks
}

func (s *Store) reader(f *fetch, schema types.Schema) *reader {
	return &reader{fetch: f, schema: schema, types: schema.Types(), raw: Buffer{budget: s.cfg.Budget}}
}

func (r *reader) Schema() types.Schema { return r.schema }

func (r *reader) Next(ctx context.Context) (b *batch.Batch, err error) {
	err = r.fetch.next(ctx, func(h *header, payload []byte) error {
		room, err := r.room(h)
		if err != nil {
			return err
		}
		raw, err := h.unpack(payload, room)
		if err != nil {
			return err
		}
		if b, err = batch.DecodeBlock(r.types, raw); err == nil && b.N != int(h.rows) {
			err = errSum
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (r *reader) room(h *header) ([]byte, error) {
	if h.codec == codecRaw {
		return nil, nil
	}
	return r.raw.Grow(int(h.raw))
}

func (r *reader) Close() error {
	err := r.fetch.end()
	r.raw.Free()
	return err
}
