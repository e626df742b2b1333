package cluster

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/raft"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// maxPeers bounds who is remembered; groups have seven members at most.
const maxPeers = 64

// peers is whom this scheduler has heard of since its start. It is where raft
// gets addresses from, so that schedulers that come back at other addresses
// find each other without a leader.
type peers struct {
	self string
	own  raft.ServerAddress // of self, not changed once raft runs
	mu   struct {
		sync.Mutex
		known map[string]record.Member
	}
}

func newPeers(self string) *peers {
	p := &peers{self: self}
	p.mu.known = map[string]record.Member{}
	return p
}

// heard is told by the scheduler itself.
func (p *peers) heard(n *pb.GroupNode) { p.note(memberOf(n), true) }

// heardOf is told by another one: it does not replace what the scheduler said itself.
func (p *peers) heardOf(n *pb.GroupNode) { p.note(memberOf(n), false) }

func (p *peers) note(m record.Member, replace bool) {
	if m.ID == "" || m.ID == p.self || m.Raft == "" || max(len(m.ID), len(m.Raft), len(m.Inner), len(m.Instance)) > record.MaxName {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.mu.known[m.ID]
	if replace && ok || !ok && len(p.mu.known) < maxPeers {
		p.mu.known[m.ID] = m
	}
}

// forget drops who does not answer at an address, so that a word on another
// address is taken.
func (p *peers) forget(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.mu.known, func(_ string, m record.Member) bool { return m.Raft == address })
}

func (p *peers) list() []record.Member {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.mu.known), func(a, b record.Member) int { return cmp.Compare(a.ID, b.ID) })
}

// ServerAddr is where raft finds a peer.
func (p *peers) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	if string(id) == p.self { // it signs its calls with it
		return p.own, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m, ok := p.mu.known[string(id)]; ok {
		return raft.ServerAddress(m.Raft), nil
	}
	return "", errs.Errorf(errs.NotFound, "cluster.peers", "scheduler %s has not been heard of", id)
}
