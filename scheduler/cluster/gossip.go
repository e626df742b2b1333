package cluster

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

const (
	gossipLabel = "spurwheel" // a stray process of something else is not taken for one of ours
	rejoinEvery = time.Minute // heals islands that a long cut has left
	loadEvery   = time.Second // between two words on the load
	loadStep    = 16          // a smaller change is not worth a word
	leaveDelay  = time.Second // for saying goodbye
	maxGossips  = 10_000      // processes that are remembered
)

// GossipConfig is one process in the gossip.
type GossipConfig struct {
	ID, Role, Inner string
	// Address is listened on, UDP and TCP; Advertise is where others find it.
	Address, Advertise string
	Join               []string
	// Secret encrypts all that is said. Whoever has it is believed, so gossip
	// only ever hints; without it only loopback addresses are allowed.
	Secret []byte
	Log    *slog.Logger

	Testing struct{ Transport memberlist.Transport }
}

// Peer is a process as the gossip has it.
type Peer struct {
	ID, Role, Inner string
	Load            uint8
}

// Members is who is around: a hint, seconds old, that decides nothing by
// itself. It is safe for concurrent use.
type Members struct {
	cfg  GossipConfig
	list *memberlist.Memberlist
	load atomic.Uint32
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu struct {
		sync.Mutex
		peers   map[string]Peer // by name in the gossip, fresh per start
		changed chan struct{}
	}
}

// StartGossip joins the gossip. Addresses of Join that do not answer are tried
// again for ever. Close ends it.
func StartGossip(ctx context.Context, cfg GossipConfig) (*Members, error) {
	const op = "cluster.StartGossip"
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := &Members{cfg: cfg}
	m.mu.peers, m.mu.changed = map[string]Peer{}, make(chan struct{})
	if n := proto.Size(m.meta()); n > memberlist.MetaMaxSize || cfg.ID == "" {
		return nil, errs.Errorf(errs.Invalid, op, "name, role and address make %d bytes, the limit is %d", n, memberlist.MetaMaxSize)
	}
	c, err := m.settings()
	if err != nil {
		return nil, err
	}
	if m.list, err = memberlist.Create(c); err != nil {
		return nil, errs.E(errs.Unavailable, op, err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	m.stop = stop
	m.wg.Go(func() { m.keepIn(life) })
	m.wg.Go(func() { m.tellLoad(life) })
	return m, nil
}

func (m *Members) settings() (*memberlist.Config, error) {
	const op = "cluster.StartGossip"
	c := memberlist.DefaultLANConfig()
	c.Name = m.cfg.ID + "-" + nonce()
	c.Label = gossipLabel
	c.Delegate, c.Events = meta{m}, events{m}
	c.LogOutput = gossipLog{m.cfg.Log}
	c.Transport = m.cfg.Testing.Transport
	var err error
	if c.BindAddr, c.BindPort, err = hostPort(m.cfg.Address); err != nil {
		return nil, errs.E(errs.Invalid, op, err)
	}
	c.AdvertisePort = c.BindPort
	if m.cfg.Advertise != "" {
		if c.AdvertiseAddr, c.AdvertisePort, err = hostPort(m.cfg.Advertise); err != nil {
			return nil, errs.E(errs.Invalid, op, err)
		}
	}
	switch {
	case m.cfg.Secret == nil && (!loopback(m.cfg.Address) || m.cfg.Advertise != "" && !loopback(m.cfg.Advertise)):
		return nil, errs.Errorf(errs.Permission, op, "gossip at %s needs the group's secret; only loopback addresses do without", m.cfg.Address)
	case m.cfg.Secret != nil && len(m.cfg.Secret) != KeySize:
		return nil, errs.Errorf(errs.Invalid, op, "the secret has %d bytes, it must have %d", len(m.cfg.Secret), KeySize)
	case m.cfg.Secret != nil:
		c.SecretKey, err = derive(m.cfg.Secret, "spurwheel gossip, version 1")
	}
	return c, err
}

func hostPort(address string) (string, int, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return host, int(n), err
}

// Address is where others join.
func (m *Members) Address() string { return m.list.LocalNode().Address() }

// List is who is around, oneself included, by name.
func (m *Members) List() []Peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.mu.peers), func(a, b Peer) int { return cmp.Compare(a.ID, b.ID) })
}

// Watch is closed when List changes for the next time.
func (m *Members) Watch() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.changed
}

// SetLoad is told to others within seconds, if it has changed enough to matter.
func (m *Members) SetLoad(load uint8) { m.load.Store(uint32(load)) }

// keepIn joins, and joins again: who was away for long is forgotten by the others.
func (m *Members) keepIn(ctx context.Context) {
	for ctx.Err() == nil {
		wait := rejoinEvery
		if len(m.cfg.Join) > 0 {
			if _, err := m.list.Join(m.cfg.Join); err != nil && m.list.NumMembers() < 2 {
				wait = loadEvery
			}
		}
		pause(ctx, wait)
	}
}

func (m *Members) tellLoad(ctx context.Context) {
	told := m.load.Load()
	for pause(ctx, loadEvery); ctx.Err() == nil; pause(ctx, loadEvery) {
		now := m.load.Load()
		if d := max(now, told) - min(now, told); d < loadStep {
			continue
		}
		if err := m.list.UpdateNode(loadEvery); err == nil {
			told = now
		}
	}
}

// Close says goodbye and leaves.
func (m *Members) Close() error {
	m.stop()
	m.wg.Wait()
	_ = m.list.Leave(leaveDelay) // the others will notice
	return errs.E(errs.Other, "cluster.Members", m.list.Shutdown())
}

func (m *Members) meta() *pb.GossipMeta {
	return &pb.GossipMeta{Id: m.cfg.ID, Role: m.cfg.Role, Inner: m.cfg.Inner, Load: m.load.Load()}
}

// peerOf reads what a process tells of itself.
func peerOf(data []byte) (Peer, error) {
	p := &pb.GossipMeta{}
	if err := proto.Unmarshal(data, p); err != nil {
		return Peer{}, errs.E(errs.Corrupt, "cluster.gossip", err)
	}
	if p.GetId() == "" || len(p.GetId()) > record.MaxName {
		return Peer{}, errs.Errorf(errs.Corrupt, "cluster.gossip", "a process without a name")
	}
	return Peer{p.GetId(), p.GetRole(), p.GetInner(), uint8(min(p.GetLoad(), 255))}, nil
}

// meta answers memberlist; it says nothing beside who we are.
type meta struct{ m *Members }

// NodeMeta is who we are.
func (d meta) NodeMeta(limit int) []byte {
	data, err := proto.Marshal(d.m.meta())
	if err != nil || len(data) > limit { // cannot be: checked at the start, and a load is two bytes
		return nil
	}
	return data
}

// NotifyMsg ignores messages: there are none.
func (meta) NotifyMsg([]byte) {}

// GetBroadcasts has none.
func (meta) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState has none.
func (meta) LocalState(bool) []byte { return nil }

// MergeRemoteState ignores it.
func (meta) MergeRemoteState([]byte, bool) {}

// events is called within memberlist's packet loop, so it only notes.
type events struct{ m *Members }

// NotifyJoin notes a process.
func (e events) NotifyJoin(n *memberlist.Node) { e.note(n, true) }

// NotifyUpdate notes what it says now.
func (e events) NotifyUpdate(n *memberlist.Node) { e.note(n, true) }

// NotifyLeave forgets it.
func (e events) NotifyLeave(n *memberlist.Node) { e.note(n, false) }

func (e events) note(n *memberlist.Node, here bool) {
	p, err := peerOf(n.Meta)
	e.m.mu.Lock()
	defer e.m.mu.Unlock()
	_, known := e.m.mu.peers[n.Name]
	switch {
	case !here || err != nil:
		delete(e.m.mu.peers, n.Name)
	case known || len(e.m.mu.peers) < maxGossips:
		e.m.mu.peers[strings.Clone(n.Name)] = p
	}
	close(e.m.mu.changed)
	e.m.mu.changed = make(chan struct{})
}

// gossipLog brings memberlist's lines to our log.
type gossipLog struct{ to *slog.Logger }

// Write takes a line like "2026/11/21 07:00:00 [WARN] memberlist: text".
func (l gossipLog) Write(line []byte) (int, error) {
	at := slog.LevelDebug
	if bytes.Contains(line, []byte("[ERR]")) || bytes.Contains(line, []byte("[WARN]")) {
		at = slog.LevelWarn
	}
	_, text, _ := bytes.Cut(line, []byte("memberlist: "))
	l.to.Log(context.Background(), at, "gossip", slog.String("line", string(bytes.TrimSpace(text))))
	return len(line), nil
}
