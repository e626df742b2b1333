package cluster

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// promoteLag is how many entries a member without a vote may lack, twice in a
// row, to get one.
const promoteLag = 64

// Add makes a scheduler that runs a member, as Announce does; it must be led by
// this one. One that was started with Join comes by itself.
func (g *Group) Add(ctx context.Context, m record.Member) error { return g.admit(ctx, m, false) }

// admit makes a scheduler a member, or notes where it is now.
func (g *Group) admit(ctx context.Context, m record.Member, fresh bool) error {
	const op = "cluster.admit"
	if _, ok := g.Leads(); !ok {
		return g.notLeader(op)
	}
	if m.ID == "" || m.Raft == "" {
		return errs.Errorf(errs.Invalid, op, "a scheduler needs a name and an address")
	}
	servers := g.configuration()
	i := slices.IndexFunc(servers, func(s raft.Server) bool { return string(s.ID) == m.ID })
	var err error
	switch {
	case i < 0:
		err = g.change(ctx, func(d time.Duration) raft.IndexFuture {
			return g.raft.AddNonvoter(raft.ServerID(m.ID), raft.ServerAddress(m.Raft), 0, d)
		})
	case fresh && !g.isNewborn(m, servers[i]):
		err = g.replace(ctx, m)
	case string(servers[i].Address) != m.Raft:
		err = g.move(ctx, m, servers[i].Suffrage)
	}
	if err != nil {
		return err
	}
	return g.Append(ctx, record.MemberUp(m))
}

// isNewborn tells whether this start of m was admitted already: it asks again
// since it did not hear so.
func (g *Group) isNewborn(m record.Member, s raft.Server) bool {
	var known record.Member
	g.machine.view(func(s *record.State) { known, _ = s.Member(m.ID) })
	return s.Suffrage == raft.Nonvoter && known.Instance == m.Instance
}

// replace takes the vote of a scheduler that has forgotten what it voted.
func (g *Group) replace(ctx context.Context, m record.Member) error {
	err := g.change(ctx, func(d time.Duration) raft.IndexFuture { return g.raft.RemoveServer(raft.ServerID(m.ID), 0, d) })
	if err != nil {
		return err
	}
	return g.change(ctx, func(d time.Duration) raft.IndexFuture {
		return g.raft.AddNonvoter(raft.ServerID(m.ID), raft.ServerAddress(m.Raft), 0, d)
	})
}

// move notes a scheduler's new address.
func (g *Group) move(ctx context.Context, m record.Member, suffrage raft.ServerSuffrage) error {
	add := g.raft.AddNonvoter
	if suffrage == raft.Voter {
		add = g.raft.AddVoter
	}
	return g.change(ctx, func(d time.Duration) raft.IndexFuture {
		return add(raft.ServerID(m.ID), raft.ServerAddress(m.Raft), 0, d)
	})
}

func (g *Group) change(ctx context.Context, f func(time.Duration) raft.IndexFuture) error {
	err := g.await(ctx, func() error { return f(queueDelay).Error() })
	return g.outcome("cluster.member", err)
}

// promote gives votes to those who have caught up, and returns who is about to.
func (g *Group) promote(ctx context.Context, before map[raft.ServerID]bool) map[raft.ServerID]bool {
	promising := map[raft.ServerID]bool{}
	servers := g.configuration()
	voters := 0
	for _, s := range servers {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	for _, s := range servers {
		if s.Suffrage == raft.Voter || voters >= MaxVoters || !g.caughtUp(ctx, s) {
			continue
		}
		if promising[s.ID] = true; !before[s.ID] {
			continue
		}
		err := g.change(ctx, func(d time.Duration) raft.IndexFuture { return g.raft.AddVoter(s.ID, s.Address, 0, d) })
		if err == nil {
			voters++
			g.cfg.Log.Info("a scheduler has a vote now", slog.String("name", string(s.ID)))
		}
	}
	return promising
}

func (g *Group) caughtUp(ctx context.Context, s raft.Server) bool {
	last := g.raft.LastIndex()
	r, err := g.ask(ctx, string(s.Address), &pb.GroupCall{Kind: &pb.GroupCall_Hello_{Hello: &pb.GroupCall_Hello{}}})
	return err == nil && r.GetNode().GetId() == string(s.ID) && r.GetLastIndex()+promoteLag >= last
}

// Remove takes a scheduler out of the group. It may be this one; it runs on,
// alone, until it is closed. Started again with Join it comes back.
func (g *Group) Remove(ctx context.Context, id string) error {
	if _, ok := g.Leads(); !ok {
		return g.notLeader("cluster.Remove")
	}
	if err := g.Append(ctx, record.MemberGone{ID: id}); err != nil {
		return err
	}
	return g.change(ctx, func(d time.Duration) raft.IndexFuture { return g.raft.RemoveServer(raft.ServerID(id), 0, d) })
}

// Leave asks the leader to take this scheduler out of the group.
func (g *Group) Leave(ctx context.Context) error {
	leader, address := g.leader()
	switch {
	case leader.ID == g.self.ID:
		return g.Remove(ctx, g.self.ID)
	case address == "":
		return g.notLeader("cluster.Leave")
	}
	_, err := g.ask(ctx, address, &pb.GroupCall{Kind: &pb.GroupCall_Remove_{Remove: &pb.GroupCall_Remove{Id: g.self.ID}}})
	return err
}

// Status is the group as one of its schedulers sees it.
type Status struct {
	ID, Leader string // Leader is empty where none is known
	Term       uint64
	Members    []MemberStatus
	Installs   uint64 // snapshots read since the start of this scheduler
}

// MemberStatus is one scheduler.
type MemberStatus struct {
	record.Member
	Role      string // leader, follower, candidate, learner; as it says itself where it answers
	Voter     bool
	Reachable bool
	Last      uint64 // index of its last entry
	Committed uint64
	Applied   uint64
}

// Status asks all members how they are.
func (g *Group) Status(ctx context.Context) Status {
	var st Status
	st.ID, st.Term = g.self.ID, g.raft.CurrentTerm()
	st.Leader, _ = g.Leader()
	replies := map[string]*pb.GroupReply{g.self.ID: g.situation()}
	for _, r := range g.round(ctx) {
		replies[r.GetNode().GetId()] = r
	}
	g.machine.view(func(s *record.State) {
		for _, server := range g.configuration() {
			m, ok := s.Member(string(server.ID))
			if !ok {
				m = record.Member{ID: string(server.ID), Raft: string(server.Address)}
			}
			st.Members = append(st.Members, memberStatus(m, server, replies[m.ID]))
		}
	})
	st.Installs = g.machine.installed()
	return st
}

func memberStatus(m record.Member, s raft.Server, r *pb.GroupReply) MemberStatus {
	st := MemberStatus{Member: m, Voter: s.Suffrage == raft.Voter, Reachable: r != nil}
	st.Last, st.Committed, st.Applied = r.GetLastIndex(), r.GetCommitIndex(), r.GetAppliedIndex()
	switch {
	case r.GetState() == raft.Leader.String():
		st.Role = "leader"
	case r.GetState() == raft.Candidate.String():
		st.Role = "candidate"
	case !st.Voter:
		st.Role = "learner"
	default:
		st.Role = "follower"
	}
	return st
}
