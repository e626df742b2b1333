// Package cluster keeps the scheduler's record the same on several machines:
// a replicated log, who leads, who is a member, who else is around. It knows
// the record's entries as bytes and answers only; what a leader does with the
// record, and what workers do, it does not know.
package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// Group is one scheduler's part in the group. It is safe for concurrent use.
type Group struct {
	cfg       Config
	self      record.Member
	store     *store
	stream    *stream
	transport *raft.NetworkTransport
	raft      *raft.Raft
	machine   *machine
	peers     *peers
	tenures   *tenures
	sealer    *sealer
	metrics   *metrics
	notify    chan bool
	pinning   sync.Mutex  // one pin at a time
	entered   atomic.Bool // the record has had this start of this scheduler

	stop    context.CancelFunc
	failed  chan struct{} // closed when this scheduler cannot go on
	failure error         // valid once failed is closed
	once    sync.Once     // for failure
	halt    func() error  // ends raft, once, and waits
	closing sync.Once
	wg      sync.WaitGroup
	waits   sync.WaitGroup // for answers of raft
}

// Start opens the log and looks for the group. It returns before there is a
// leader. The context bounds the start only; Close ends the rest.
func Start(ctx context.Context, cfg Config) (*Group, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	g := &Group{
		cfg: cfg, peers: newPeers(cfg.ID), machine: newMachine(cfg.Log), tenures: newTenures(),
		notify: make(chan bool), failed: make(chan struct{}),
	}
	g.machine.fail = g.fail
	g.machine.member = func(m record.Member) { g.peers.note(m, false) }
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	g.stop = stop
	if err := g.open(ctx); err != nil {
		stop()
		return nil, err
	}
	var err error
	if g.metrics, err = newMetrics(cfg.Metrics, g); err != nil {
		stop()
		return nil, errors.Join(err, g.stream.Close(), g.halt(), g.store.close())
	}
	g.stream.call = g.answer
	g.wg.Go(func() { g.stream.serve(life) })
	g.wg.Go(func() { g.watch(life) })
	g.wg.Go(func() { g.guard(life) })
	g.wg.Go(func() { g.hurry(life) })
	g.wg.Go(func() { g.enter(life) })
	return g, nil
}

// open makes the parts, or undoes what it made.
func (g *Group) open(ctx context.Context) (err error) {
	var undo []func() error
	defer func() {
		if err != nil {
			for _, u := range slices.Backward(undo) {
				err = errors.Join(err, u())
			}
		}
	}()
	if g.sealer, err = newSealer(g.cfg.Secret); err != nil {
		return err
	}
	if err := os.MkdirAll(g.cfg.Data, 0o700); err != nil {
		return errs.E(errs.Other, "cluster.Start", err)
	}
	if g.store, err = openStore(g.cfg.Data, g.cfg.Testing.Unsynced); err != nil {
		return err
	}
	undo = append(undo, g.store.close)
	if g.stream, err = newStream(ctx, &g.cfg); err != nil {
		return err
	}
	undo = append(undo, g.stream.Close)
	g.self = record.Member{ID: g.cfg.ID, Raft: g.stream.address, Inner: g.cfg.Inner, Instance: nonce()}
	g.peers.own = raft.ServerAddress(g.stream.address)
	logger := raftLog{to: g.cfg.Log.Handler()}
	g.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: g.stream, MaxPool: 3, Timeout: transportDelay, Logger: logger, ServerAddressProvider: g.peers,
	})
	undo = append(undo, g.transport.Close)
	return g.openRaft(logger)
}

func (g *Group) openRaft(logger raftLog) error {
	const op = "cluster.Start"
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(g.cfg.Data, snapshotsKept, logger)
	if err != nil {
		return errs.E(errs.Other, op, err)
	}
	cached, err := raft.NewLogCache(512, g.store)
	if err != nil {
		return errs.E(errs.Internal, op, err)
	}
	held, err := raft.HasExistingState(g.store, g.store, snapshots)
	if err != nil {
		return errs.E(errs.Corrupt, op, err)
	}
	if held || len(g.pinned()) > 0 {
		g.stream.openGate()
	}
	g.raft, err = raft.NewRaft(g.raftConfig(logger), g.machine, cached, g.store, snapshots, g.transport)
	g.halt = sync.OnceValue(func() error { return g.raft.Shutdown().Error() })
	return errs.E(errs.Corrupt, op, err)
}

func (g *Group) raftConfig(logger raftLog) *raft.Config {
	c := raft.DefaultConfig()
	c.ProtocolVersion = 3
	c.LocalID = raft.ServerID(g.cfg.ID)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = g.cfg.Timeouts.Heartbeat, g.cfg.Timeouts.Election, g.cfg.Timeouts.Lease
	c.CommitTimeout = min(c.CommitTimeout, c.HeartbeatTimeout/4)
	c.TrailingLogs, c.SnapshotThreshold, c.SnapshotInterval = trailingLogs, snapshotAfter, snapshotEvery
	if n := g.cfg.Testing.Snapshots; n > 0 {
		c.TrailingLogs, c.SnapshotThreshold, c.SnapshotInterval = n, n, g.cfg.Timeouts.Heartbeat
	}
	c.ShutdownOnRemove = false
	c.NoLegacyTelemetry = true
	c.Logger = logger
	c.NotifyCh = g.notify
	return c
}

// guard takes a scheduler that cannot go on out of the log's business.
func (g *Group) guard(ctx context.Context) {
	select {
	case <-g.failed:
		_ = g.halt() // Close reports it
	case <-ctx.Done():
	}
}

// fail ends this scheduler's part: its leadership at once, the rest by Close.
func (g *Group) fail(err error) {
	g.once.Do(func() {
		g.failure = err
		close(g.failed)
		g.cfg.Log.Error("this scheduler cannot go on", slog.Any("err", err))
	})
}

// Failed is closed when this scheduler cannot go on; Err says why.
func (g *Group) Failed() <-chan struct{} { return g.failed }

// Err is why this scheduler cannot go on, nil if it can.
func (g *Group) Err() error {
	select {
	case <-g.failed:
		return g.failure
	default:
		return nil
	}
}

// drainDelay is how long Close waits for answers of the log. A leader without a
// majority gives them after its lease.
const drainDelay = 2 * time.Second

// Close leaves the others alone and waits for all that was started. What was
// appended and not answered may have been kept.
func (g *Group) Close() error {
	var err error
	g.closing.Do(func() {
		g.stop()
		g.metrics.close()
		g.drain()
		err = g.stream.Close() // raft waits for its peers otherwise
		err = errors.Join(err, g.halt(), g.transport.Close())
		close(g.notify) // raft is over: nobody sends any more
		g.wg.Wait()
		g.stream.wg.Wait()
		g.stream.lent.Wait()
		g.drain()
		err = errors.Join(err, g.store.close())
	})
	return errs.E(errs.Other, "cluster.Close", err)
}

// drain waits for raft's answers, not for ever: it leaves some out when it ends.
func (g *Group) drain() {
	done := make(chan struct{})
	go func() {
		g.waits.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drainDelay):
		g.cfg.Log.Warn("the log did not answer all that was asked")
	}
}

// nonce is fresh per start.
func nonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
