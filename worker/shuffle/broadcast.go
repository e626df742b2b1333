package shuffle

import (
	"context"
	"errors"
	"io"
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
)

// broadcasts holds partitions of other workers that every task reads whole, so
// that one process fetches each once, however many tasks ask. What does not fit
// is read by each task for itself.
type broadcasts struct {
	budget *mem.Budget
	mu     struct {
		sync.Mutex
		held map[sharedKey]*sharedBlocks
	}
}

type sharedKey struct {
	key
	worker string
	part   int
}

// sharedBlocks is one partition: whoever made the entry fills it, the others wait.
type sharedBlocks struct {
	ready  chan struct{} // closed when the fields below are final
	blocks [][]byte
	booked int64
	tooBig bool
	err    error
}

// sharedPart is the part of the budget that broadcasts may fill: a quarter, as
// the tables built of their rows need more than the rows.
const sharedPart = 4

func (c *broadcasts) init(budget *mem.Budget) {
	c.mu.held = map[sharedKey]*sharedBlocks{}
	if budget != nil {
		c.budget = budget.Child("broadcasts", budget.Limit()/sharedPart)
	}
}

// readShared is Read of a partition that other tasks here read too.
func (s *Store) readShared(ctx context.Context, o *pb.Output, p int, schema types.Schema) (batch.Reader, error) {
	if o.GetWorker() == s.cfg.Worker {
		return s.Read(ctx, o, p, schema)
	}
	k := sharedKey{keyOf(o.GetTask()), o.GetWorker(), p}
	e, err := s.shared.get(ctx, k, func() *sharedBlocks { return s.fetchShared(ctx, o, p) })
	if err != nil {
		return nil, err
	}
	f := s.newFetch(o, p)
	if !e.tooBig {
		f.blocks = &heldBlocks{list: e.blocks}
	}
	return s.reader(f, schema), nil
}

// get is the entry of k, filled by the first caller. An entry whose fetch was
// given up is filled by the next.
func (c *broadcasts) get(ctx context.Context, k sharedKey, fill func() *sharedBlocks) (*sharedBlocks, error) {
	for {
		e, mine := c.claim(k)
		if mine {
			c.fill(ctx, k, e, fill)
			return e, e.err
		}
		select {
		case <-e.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.err == nil || !errs.Is(e.err, errs.Canceled) && !errs.Is(e.err, errs.Deadline) {
			return e, e.err
		}
	}
}

func (c *broadcasts) claim(k sharedKey) (e *sharedBlocks, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.mu.held[k]; e != nil {
		return e, false
	}
	e = &sharedBlocks{ready: make(chan struct{})}
	c.mu.held[k] = e
	return e, true
}

// fill ends e. A failure is not kept, and neither is what comes after the end
// of the task that fetched it: its job may have been discarded in between.
func (c *broadcasts) fill(ctx context.Context, k sharedKey, e *sharedBlocks, fetch func() *sharedBlocks) {
	got := fetch()
	c.mu.Lock()
	defer c.mu.Unlock()
	e.blocks, e.booked, e.tooBig, e.err = got.blocks, got.booked, got.tooBig, got.err
	if e.err == nil && ctx.Err() != nil {
		e.err = ctx.Err()
	}
	if current := c.mu.held[k] == e; !current || e.err != nil {
		c.budget.Shrink(e.booked)
		if e.booked = 0; current {
			delete(c.mu.held, k)
		}
	}
	close(e.ready)
}

// discard forgets entries; readers of them keep the blocks until they end.
func (c *broadcasts) discard(which func(k key) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, e := range c.mu.held {
		if which(k.key) {
			c.budget.Shrink(e.booked)
			delete(c.mu.held, k)
		}
	}
}

var errTooBig = errors.New("a broadcast beyond its part of the memory")

// fetchShared reads a partition whole and checks every byte of it.
func (s *Store) fetchShared(ctx context.Context, o *pb.Output, p int) *sharedBlocks {
	e, f := &sharedBlocks{}, s.newFetch(o, p)
	for e.err == nil {
		e.err = f.next(ctx, func(h *header, payload []byte) error {
			if err := h.verify(payload); err != nil {
				return err
			}
			n := int64(headerLen + len(payload))
			if s.shared.budget.Grow(n) != nil {
				return errTooBig
			}
			e.booked += n
			data := mem.Aligned(int(n))
			h.put(data)
			copy(data[headerLen:], payload)
			e.blocks = append(e.blocks, data)
			return nil
		})
	}
	e.err = errors.Join(plainEnd(e.err), f.end())
	if errors.Is(e.err, errTooBig) {
		s.shared.budget.Shrink(e.booked)
		return &sharedBlocks{tooBig: true}
	}
	return e
}

// plainEnd is nil for the end of the rows.
func plainEnd(err error) error {
	if atEnd(err) {
		return nil
	}
	return err
}

// heldBlocks reads blocks in memory.
type heldBlocks struct{ list [][]byte }

func (b *heldBlocks) Next(ctx context.Context, _ *Buffer) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(b.list) == 0 {
		return nil, io.EOF
	}
	next := b.list[0]
	b.list = b.list[1:]
	return next, nil
}

func (b *heldBlocks) Close() error { return nil }
