package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// errDeposed is the cause of a leader's context that has ended.
var errDeposed = errs.Errorf(errs.Unavailable, "cluster.Run", "this scheduler does not lead any more")

// tenure is one time of leading.
type tenure struct {
	ctx    context.Context // ends with the tenure; handed to those who work in it
	cancel context.CancelCauseFunc
	ready  chan struct{} // closed once everything committed before is applied here
	term   uint64        // valid once ready
}

func newTenure(ctx context.Context) *tenure {
	ctx, cancel := context.WithCancelCause(ctx)
	return &tenure{ctx: ctx, cancel: cancel, ready: make(chan struct{})}
}

// tenures is the present tenure and who waits for the next.
type tenures struct {
	mu struct {
		sync.Mutex
		now     *tenure // nil: another one leads, or nobody
		changed chan struct{}
	}
}

func newTenures() *tenures {
	t := &tenures{}
	t.mu.changed = make(chan struct{})
	return t
}

func (t *tenures) present() (*tenure, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.now, t.mu.changed
}

// set ends the tenure before.
func (t *tenures) set(now *tenure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.now != nil {
		t.mu.now.cancel(errDeposed)
	}
	t.mu.now = now
	close(t.mu.changed)
	t.mu.changed = make(chan struct{})
}

// watch follows raft's word on who leads. Raft waits for it to listen.
func (g *Group) watch(ctx context.Context) {
	var serving sync.WaitGroup
	defer serving.Wait()
	defer g.tenures.set(nil)
	for leads := range g.notify {
		if !leads {
			g.tenures.set(nil)
			continue
		}
		t := newTenure(ctx)
		g.tenures.set(t)
		serving.Go(func() { g.serve(t) })
	}
}

// serve is the group's own work while this scheduler leads.
func (g *Group) serve(t *tenure) {
	for t.ctx.Err() == nil {
		if err := g.begin(t); err == nil {
			break
		}
		pause(t.ctx, g.cfg.Timeouts.Heartbeat/5)
	}
	for promising := map[raft.ServerID]bool{}; t.ctx.Err() == nil; pause(t.ctx, g.cfg.Timeouts.Heartbeat) {
		promising = g.promote(t.ctx, promising)
	}
}

// begin makes the tenure ready: what was committed before is applied, and the
// others will tell the right address of this leader.
func (g *Group) begin(t *tenure) error {
	if err := g.barrier(t.ctx); err != nil {
		return err
	}
	term := g.raft.CurrentTerm()
	if err := g.Append(t.ctx, record.MemberUp(g.self)); err != nil {
		return err
	}
	if t.ctx.Err() == nil && g.raft.CurrentTerm() == term {
		t.term = term
		close(t.ready)
	}
	return nil
}

// Run calls lead whenever this scheduler leads, with a context that ends when
// it does not any more, once all that earlier leaders committed can be read
// here. It returns when ctx ends, when lead fails while this scheduler leads, or
// when this scheduler cannot go on. Another leader may be at work before lead
// returns: what it does elsewhere must bear the term.
func (g *Group) Run(ctx context.Context, lead func(ctx context.Context, term uint64) error) error {
	var last *tenure
	for {
		t, changed := g.tenures.present()
		if t != nil && t != last {
			last = t
			if err := g.runTenure(ctx, t, lead); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-g.failed:
			return g.failure
		case <-changed:
		}
	}
}

func (g *Group) runTenure(ctx context.Context, t *tenure, lead func(context.Context, uint64) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(t.ctx, func() { cancel(errDeposed) })
	defer stop()
	select {
	case <-t.ready:
	case <-ctx.Done():
		return nil
	}
	if err := lead(ctx, t.term); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// Resign hands the leadership to another scheduler, so that nobody waits for
// this one to be missed. It is to be followed by Close: should no other take it,
// raft may refuse to write from then on (hashicorp/raft#696).
func (g *Group) Resign(ctx context.Context) error {
	if g.raft.State() != raft.Leader {
		return nil
	}
	err := g.await(ctx, func() error { return g.raft.LeadershipTransfer().Error() })
	return errs.E(errs.Unavailable, "cluster.Resign", err)
}

// Leader is the scheduler that leads as far as this one knows, and the address
// for inner calls; both are empty where none is known.
func (g *Group) Leader() (id, inner string) {
	m, _ := g.leader()
	return m.ID, m.Inner
}

func (g *Group) leader() (m record.Member, raftAddress string) {
	address, id := g.raft.LeaderWithID()
	if string(id) == g.self.ID {
		return g.self, g.self.Raft
	}
	g.machine.view(func(s *record.State) { m, _ = s.Member(string(id)) })
	m.ID = string(id)
	return m, string(address)
}

// Leads tells whether this scheduler leads and is ready to, and its term.
func (g *Group) Leads() (term uint64, ok bool) {
	t, _ := g.tenures.present()
	if t == nil {
		return 0, false
	}
	select {
	case <-t.ready:
		return t.term, t.ctx.Err() == nil
	default:
		return 0, false
	}
}

// NotLeader says whom to ask instead. ID and Address are empty where nobody
// leads yet.
type NotLeader struct{ ID, Address string }

func (e *NotLeader) Error() string {
	if e.ID == "" {
		return "this scheduler does not lead, and knows of none that does"
	}
	return "this scheduler does not lead, " + e.ID + " at " + e.Address + " does"
}

func (g *Group) notLeader(op string) error {
	id, inner := g.Leader()
	if id == g.self.ID { // it is just becoming or ceasing to be
		id, inner = "", ""
	}
	return errs.E(errs.Unavailable, op, &NotLeader{id, inner})
}

// Unknown says that nobody can tell whether an entry was kept: the one who asks
// must ask again, with the same request.
type Unknown struct{ Err error }

func (e *Unknown) Error() string { return "whether the record keeps it is not known: " + e.Err.Error() }
func (e *Unknown) Unwrap() error { return e.Err }

// outcome turns raft's errors into ours.
func (g *Group) outcome(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return g.notLeader(op)
	case errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrAbortedByRestore):
		return errs.E(errs.Unavailable, op, err)
	}
	return errs.E(errs.Unavailable, op, &Unknown{err})
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
