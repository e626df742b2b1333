package cluster

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// A leader whose process is dead is told from one that is slow: the connection
// ends, and nobody listens where it was, or somebody started since. Followers
// that see this need not wait for as long as for one that says nothing. It is
// only about time: who is elected is raft's affair as ever, and if the leader
// lives after all, it keeps the followers by its next heartbeat.

const (
	deathProbes = 5                     // questions until a leader that does not answer is taken for slow
	probePause  = 10 * time.Millisecond // between them: a process that dies closes one file after the other
	hurryPoll   = 10 * time.Millisecond
)

// hurry shortens the time-outs while a leader is known to be dead.
func (g *Group) hurry(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.stream.ended:
		}
		_, id := g.raft.LeaderWithID()
		if g.raft.State() != raft.Follower || id == "" || string(id) == g.self.ID || !g.isDead(ctx, id) {
			continue
		}
		usual := g.raft.ReloadableConfig()
		short := usual
		short.HeartbeatTimeout, short.ElectionTimeout = g.cfg.Timeouts.Lease, g.cfg.Timeouts.Lease // raft takes none below the lease
		if g.raft.ReloadConfig(short) == nil {
			g.awaitSuccessor(ctx, id)
			_ = g.raft.ReloadConfig(usual) // as it was: it cannot be refused
		}
	}
}

// awaitSuccessor waits for another leader, for no longer than it would take
// without hurry.
func (g *Group) awaitSuccessor(ctx context.Context, dead raft.ServerID) {
	for over := time.Now().Add(4 * g.cfg.Timeouts.Election); ctx.Err() == nil && time.Now().Before(over); pause(ctx, hurryPoll) {
		if _, id := g.raft.LeaderWithID(); id != "" && id != dead {
			return
		}
	}
}

func (g *Group) isDead(ctx context.Context, leader raft.ServerID) bool {
	address, err := g.peers.ServerAddr(leader)
	if err != nil {
		return false
	}
	var known record.Member
	g.machine.view(func(s *record.State) { known, _ = s.Member(string(leader)) })
	for range deathProbes {
		ctx, cancel := context.WithTimeout(ctx, g.cfg.Timeouts.Heartbeat/5)
		r, err := g.ask(ctx, string(address), &pb.GroupCall{Kind: &pb.GroupCall_Hello_{Hello: &pb.GroupCall_Hello{}}})
		cancel()
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			return true
		case err == nil:
			return r.GetNode().GetInstance() != known.Instance
		}
		pause(ctx, probePause)
	}
	return false
}
