package cluster

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/raft"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// How a group begins. Schedulers ask each other, at the addresses of Join and
// of whoever they hear of there, until one of these is so:
//
//   - Somebody has a log: ask the leader to be admitted, as one without a vote,
//     promoted when it has caught up.
//   - Expect schedulers without a log are there. The first of the set by name
//     asks each to agree on the set; a scheduler agrees to one set in its life,
//     which it keeps on disk. With all agreed, it alone writes the first entry
//     of the log, which raft brings to the others.
//
// So two groups cannot begin with a common scheduler, and a scheduler that has
// lost its disk begins none and casts no vote that it may have cast before.

// pinName is the key of the agreed set.
const pinName = "spurwheel/first members"

// enter joins the group, lets the leader know where this scheduler is, and sees
// to it that the record keeps that: a restored one may not. One that was
// removed stays out until it is started again.
func (g *Group) enter(ctx context.Context) {
	for ctx.Err() == nil {
		wait := g.cfg.Timeouts.Heartbeat / 3
		switch g.meetConfiguration(); {
		case g.present():
			g.entered.Store(true)
			g.round(ctx) // for the addresses of those who moved
			wait = g.cfg.Timeouts.Heartbeat * 8
		case !g.entered.Load() || g.configured(g.self.ID):
			g.step(ctx, g.round(ctx))
		}
		pause(ctx, wait)
	}
}

// present tells whether the record has this start of this scheduler as a member.
func (g *Group) present() bool {
	if !g.configured(g.self.ID) {
		return false
	}
	var m record.Member
	g.machine.view(func(s *record.State) { m, _ = s.Member(g.self.ID) })
	return m == g.self
}

func (g *Group) configuration() []raft.Server {
	f := g.raft.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	return f.Configuration().Servers
}

// formed tells whether this scheduler knows who is in the group.
func (g *Group) formed() bool { return len(g.configuration()) > 0 }

func (g *Group) configured(id string) bool {
	return slices.ContainsFunc(g.configuration(), func(s raft.Server) bool { return string(s.ID) == id })
}

// meetConfiguration makes peers of those in the log.
func (g *Group) meetConfiguration() {
	for _, s := range g.configuration() {
		g.peers.note(record.Member{ID: string(s.ID), Raft: string(s.Address)}, false)
	}
}

// round says hello to everybody.
func (g *Group) round(ctx context.Context) []*pb.GroupReply {
	addresses := slices.Clone(g.cfg.Join)
	for _, m := range g.peers.list() {
		addresses = append(addresses, m.Raft)
	}
	slices.Sort(addresses)
	return g.everybody(ctx, slices.Compact(addresses), func() *pb.GroupCall {
		return &pb.GroupCall{Kind: &pb.GroupCall_Hello_{Hello: &pb.GroupCall_Hello{}}}
	})
}

// everybody makes the same call to all at once; those who agree answer.
func (g *Group) everybody(ctx context.Context, addresses []string, call func() *pb.GroupCall) []*pb.GroupReply {
	replies := make([]*pb.GroupReply, len(addresses))
	var all sync.WaitGroup
	for i, a := range addresses {
		if a == g.self.Raft {
			continue
		}
		all.Go(func() {
			r, err := g.ask(ctx, a, call())
			switch {
			case r == nil:
				g.peers.forget(a)
			case err != nil:
			case r.GetNode().GetId() != g.self.ID:
				replies[i] = r
			case r.GetNode().GetInstance() != g.self.Instance:
				g.cfg.Log.Error("another scheduler has the same name", slog.String("name", g.self.ID), slog.String("address", a))
			}
		})
	}
	all.Wait()
	return slices.DeleteFunc(replies, func(r *pb.GroupReply) bool { return r == nil })
}

// step does what the answers allow.
func (g *Group) step(ctx context.Context, replies []*pb.GroupReply) {
	switch {
	case g.raft.State() == raft.Leader:
		return // it announces itself
	case slices.ContainsFunc(replies, (*pb.GroupReply).GetFormed):
		g.announce(ctx, replies)
	case !g.formed():
		if first := firstMembers(g.self, g.pinned(), g.cfg.Expect, replies); first != nil {
			g.bootstrap(ctx, first)
		}
	}
}

// announce asks the leader that the others name to admit this scheduler.
func (g *Group) announce(ctx context.Context, replies []*pb.GroupReply) {
	fresh := !g.formed() && len(g.pinned()) == 0
	var asked []string
	for _, r := range replies {
		address := r.GetLeaderRaft()
		if address == "" || address == g.self.Raft || slices.Contains(asked, address) {
			continue
		}
		asked = append(asked, address)
		_, err := g.ask(ctx, address, &pb.GroupCall{Kind: &pb.GroupCall_Announce_{Announce: &pb.GroupCall_Announce{Fresh: fresh}}})
		if err == nil {
			g.stream.openGate()
			return
		}
		g.cfg.Log.Debug("not admitted yet", slog.String("leader", address), slog.Any("err", err))
	}
}

// firstMembers are those who may begin a group now, and self is to begin it;
// nil where it is not. It is a pure function of what self has agreed to and heard.
func firstMembers(self record.Member, pinned []string, expect int, replies []*pb.GroupReply) []record.Member {
	here := map[string]record.Member{self.ID: self}
	ids := []string{self.ID}
	for _, r := range replies {
		if m := memberOf(r.GetNode()); here[m.ID].ID == "" {
			here[m.ID] = m
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	switch {
	case len(pinned) > 0:
		ids = pinned
	case expect == 0 || len(ids) < expect:
		return nil
	default:
		ids = ids[:expect]
	}
	if ids[0] != self.ID {
		return nil
	}
	first := make([]record.Member, len(ids))
	for i, id := range ids {
		if first[i] = here[id]; first[i].ID == "" {
			return nil
		}
	}
	return first
}

// bootstrap begins the group if all agree.
func (g *Group) bootstrap(ctx context.Context, first []record.Member) {
	var ids, addresses []string
	var c raft.Configuration
	for _, m := range first {
		ids, addresses = append(ids, m.ID), append(addresses, m.Raft)
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Raft)})
	}
	if err := g.pin(ids); err != nil {
		g.cfg.Log.Warn("the group does not begin", slog.Any("err", err))
		return
	}
	agreed := g.everybody(ctx, addresses, func() *pb.GroupCall {
		return &pb.GroupCall{Kind: &pb.GroupCall_Pin_{Pin: &pb.GroupCall_Pin{Ids: ids}}}
	})
	if len(agreed)+1 < len(first) || ctx.Err() != nil {
		return
	}
	if err := g.raft.BootstrapCluster(c).Error(); err != nil {
		g.cfg.Log.Warn("the group does not begin", slog.Any("err", err))
		return
	}
	g.cfg.Log.Info("the group begins", slog.String("members", strings.Join(ids, " ")))
}

// pin agrees to the members that begin the group, for good.
func (g *Group) pin(ids []string) error {
	const op = "cluster.pin"
	g.pinning.Lock()
	defer g.pinning.Unlock()
	old := g.pinned()
	switch {
	case slices.Equal(old, ids):
		g.stream.openGate()
		return nil
	case old != nil:
		return errs.Errorf(errs.Conflict, op, "scheduler %s has agreed to begin a group of %s", g.self.ID, strings.Join(old, " "))
	case g.formed():
		return errs.Errorf(errs.Exists, op, "scheduler %s is in a group", g.self.ID)
	case len(ids) == 0 || len(ids) > maxExpect || !slices.Contains(ids, g.self.ID) || strings.Contains(strings.Join(ids, ""), "\n"):
		return errs.Errorf(errs.Invalid, op, "scheduler %s cannot begin a group of %d", g.self.ID, len(ids))
	}
	if err := g.store.Set([]byte(pinName), []byte(strings.Join(ids, "\n"))); err != nil {
		return errs.E(errs.Other, op, err)
	}
	g.stream.openGate()
	return nil
}

// pinned is the set agreed to, if any.
func (g *Group) pinned() []string {
	v, err := g.store.Get([]byte(pinName))
	if err != nil || len(v) == 0 {
		return nil
	}
	return strings.Split(string(v), "\n")
}
