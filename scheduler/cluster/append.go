package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"github.com/spurwheel/spurwheel/scheduler/record"
)

// queueDelay is how long raft may be too busy to take an entry.
const queueDelay = 10 * time.Second

// Append returns when a majority has the entry on disk and it is applied here,
// with the record's own error where it refuses the entry. Entries of concurrent
// calls are written together. Other errors are of kind Unavailable (or the
// context's): NotLeader names the leader, Unknown says that the entry may or
// may not be kept; without Unknown it is not.
func (g *Group) Append(ctx context.Context, e record.Entry) error {
	const op = "cluster.Append"
	data, err := record.Encode(e)
	if err != nil {
		return err
	}
	if g.raft.State() != raft.Leader {
		return g.notLeader(op)
	}
	began := time.Now()
	refused, err := g.apply(ctx, data)
	err = g.outcome(op, err)
	g.metrics.appended(began, refused, err)
	if err != nil {
		return err
	}
	return refused
}

// apply gives an entry to raft. Refused is the record's answer, valid without err.
func (g *Group) apply(ctx context.Context, data []byte) (refused, err error) {
	var answer any
	err = g.await(ctx, func() error {
		f := g.raft.Apply(data, queueDelay)
		if err := f.Error(); err != nil {
			return err
		}
		answer = f.Response()
		return nil
	})
	if err == nil {
		refused, _ = answer.(error)
	}
	return refused, err
}

// await runs what waits for raft, which cannot be told to give up.
func (g *Group) await(ctx context.Context, wait func() error) error {
	if err := ctx.Err(); err != nil {
		return errors.Join(raft.ErrEnqueueTimeout, context.Cause(ctx)) // nothing has been asked
	}
	done := make(chan error, 1)
	g.waits.Go(func() { done <- wait() })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Read calls f with the record as of some moment after the call, with all that
// was answered before it; f must not block and keep nothing but a Clone.
//
// It writes a barrier to the log. Raft's own check of leadership would be
// cheaper, but takes answers that were on their way before the question: a
// leader that was stopped for a while would read the past.
func (g *Group) Read(ctx context.Context, f func(*record.State)) error {
	if g.raft.State() != raft.Leader {
		return g.notLeader("cluster.Read")
	}
	if err := g.barrier(ctx); err != nil {
		return err
	}
	g.machine.view(f)
	return nil
}

// Peek is Read of the record as it is known here, which may be old.
func (g *Group) Peek(f func(*record.State)) { g.machine.view(f) }

func (g *Group) barrier(ctx context.Context) error {
	err := g.await(ctx, func() error { return g.raft.Barrier(queueDelay).Error() })
	return g.outcome("cluster.Read", err)
}

// VerifyLeader asks a majority whether this scheduler still leads. See Read for
// what it cannot tell.
func (g *Group) VerifyLeader(ctx context.Context) error {
	err := g.await(ctx, func() error { return g.raft.VerifyLeader().Error() })
	return g.outcome("cluster.VerifyLeader", err)
}
