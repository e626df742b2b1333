package shuffle

import (
	"context"
	"io"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// fetch is a partition's blocks in their order, each once, over as many
// connections as that takes.
type fetch struct {
	store *Store
	of    *pb.Output
	part  int
	want  identity

	blocks Blocks // nil: to be opened
	room   Buffer // of the block at hand
	seq    int    // of the next block
	rows   int64  // seen
	tries  retries
}

func (s *Store) newFetch(o *pb.Output, part int) *fetch {
	epoch := s.cfg.Epoch
	if o.GetWorker() != s.cfg.Worker {
		a, err := ParseAddress(o.GetWorker())
		if epoch = a.Epoch; err != nil {
			epoch = 0 // nobody will answer for it
		}
	}
	return &fetch{store: s, room: Buffer{budget: s.cfg.Budget}, of: o, part: part, want: identityOf(o.GetTask(), part, epoch)}
}

// next hands the next block to use, which must not keep the bytes. If use fails
// with errs.Corrupt the block is fetched again. io.EOF ends the partition.
func (f *fetch) next(ctx context.Context, use func(h *header, payload []byte) error) error {
	for {
		err := f.try(ctx, use)
		if err == nil || atEnd(err) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		why := reasonOf(err)
		if why == reasonNone {
			return err
		}
		wait, again := f.tries.again(why, stalled(err))
		if !again {
			return lost(f.of, why, err)
		}
		_ = f.close() // it has failed already
		if err := clock.Sleep(ctx, f.store.cfg.Clock, wait); err != nil {
			return err
		}
	}
}

func (f *fetch) try(ctx context.Context, use func(h *header, payload []byte) error) (err error) {
	if f.blocks == nil {
		if f.blocks, err = f.store.blocks(ctx, f.of, f.part, f.seq); err != nil {
			f.blocks = nil
			return err
		}
	}
	data, err := f.blocks.Next(ctx, &f.room)
	if atEnd(err) {
		return f.ended()
	}
	if err != nil {
		return err
	}
	h, err := parseHeader(data)
	if err == nil {
		err = h.expect(f.want, f.seq)
	}
	if err == nil {
		err = use(&h, data[headerLen:])
	}
	if err != nil {
		return err
	}
	f.seq, f.rows, f.tries = f.seq+1, f.rows+int64(h.rows), retries{}
	return nil
}

// ended checks that as many rows came as the task reported.
func (f *fetch) ended() error {
	if want := f.of.GetRows(); f.part < len(want) && want[f.part] != f.rows {
		return errs.Errorf(errs.Corrupt, "shuffle.Read", "%d rows where the task reported %d", f.rows, want[f.part])
	}
	return io.EOF
}

// end closes for good.
func (f *fetch) end() error {
	err := f.close()
	f.room.Free()
	return err
}

func (f *fetch) close() error {
	if f.blocks == nil {
		return nil
	}
	bs := f.blocks
	f.blocks = nil
	return bs.Close()
}

// lost says which output is gone, and why.
func lost(o *pb.Output, why Reason, err error) error {
	return errs.E(errs.Lost, "shuffle.Read", &LostError{Stage: o.GetTask().GetStage(), Output: o, Reason: why, Err: err})
}
