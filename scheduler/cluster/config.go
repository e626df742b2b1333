package cluster

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Limits and settings that nobody is asked for.
const (
	KeySize        = 32        // bytes of the group's secret
	MaxVoters      = 7         // more voters only make every write slower
	maxExpect      = MaxVoters // schedulers that begin a group
	maxJoin        = 64        // addresses to look for others at
	maxMultiplier  = 20        // of the time-outs
	trailingLogs   = 20480     // kept after a snapshot: few make raft install snapshots for ever (hashicorp/raft#697)
	snapshotAfter  = 16384     // entries
	snapshotEvery  = 30 * time.Second
	snapshotsKept  = 2
	transportDelay = 3 * time.Second // what a peer may take to answer
)

// Config is one scheduler of a group.
type Config struct {
	// ID is the scheduler's name, the same after a restart with the same Data.
	ID string
	// Address is listened on for the log; Advertise is where others find it,
	// by default the address listened on.
	Address, Advertise string
	// Inner is where this scheduler takes inner calls while it leads: what
	// others are told when they ask for the leader.
	Inner string
	// Data is the folder that keeps the log, the snapshots and the votes.
	Data string
	// Expect is how many schedulers begin the group together; 0 only joins one
	// that is there. Join is where some of them may be found, oneself included.
	Expect int
	Join   []string
	// Protocol is what this scheduler speaks; others speak that, one less or one
	// more, or are refused. 0 asks nobody.
	Protocol int32
	// TLS of both ends; nil is plain, which is refused on other addresses than
	// the loopback ones. The configuration must demand the scheduler's role of
	// the other end.
	TLS *TLS
	// Secret is the group's key: it seals what must not be read in the log and
	// the gossip. Nil seals nothing and gossips on loopback addresses only.
	Secret []byte
	// Timeouts of raft, each multiplied by Multiplier (1) on slow machines.
	Timeouts   Timeouts
	Multiplier int
	Log        *slog.Logger
	Metrics    prometheus.Registerer // nil: none

	Testing struct {
		Network   Network // nil: TCP
		Unsynced  bool    // do not wait for the disk
		Snapshots uint64  // entries until a snapshot, and kept after it
	}
}

// TLS is the two ends of mutual TLS. Client's server name is the host dialled
// unless it has one.
type TLS struct{ Server, Client *tls.Config }

// Timeouts are raft's; zero is the default.
type Timeouts struct {
	Heartbeat time.Duration // without a word of the leader: 500 ms
	Election  time.Duration // of a candidate: 500 ms
	Lease     time.Duration // of a leader without a majority: 250 ms
}

// InsecureAddress is an address that others can reach, without TLS.
type InsecureAddress struct{ Address string }

func (e *InsecureAddress) Error() string {
	return fmt.Sprintf("%s is not a loopback address: give the schedulers TLS, or listen on 127.0.0.1", e.Address)
}

// validate fills defaults and refuses what contradicts itself.
func (c *Config) validate() error {
	const op = "cluster.Config"
	switch {
	case c.ID == "" || len(c.ID) > 256:
		return errs.Errorf(errs.Invalid, op, "a scheduler needs a name of 1 to 256 bytes")
	case c.Data == "":
		return errs.Errorf(errs.Invalid, op, "a scheduler needs a folder for its log")
	case c.Expect < 0 || c.Expect > maxExpect:
		return errs.Errorf(errs.Invalid, op, "%d schedulers cannot begin a group, 1 to %d can", c.Expect, maxExpect)
	case len(c.Join) > maxJoin:
		return errs.Errorf(errs.Invalid, op, "%d addresses to join, the limit is %d", len(c.Join), maxJoin)
	case c.Secret != nil && len(c.Secret) != KeySize:
		return errs.Errorf(errs.Invalid, op, "the secret has %d bytes, it must have %d", len(c.Secret), KeySize)
	case c.Multiplier < 0 || c.Multiplier > maxMultiplier:
		return errs.Errorf(errs.Invalid, op, "time-outs multiplied by %d, the limit is %d", c.Multiplier, maxMultiplier)
	}
	c.Join = slices.DeleteFunc(slices.Clone(c.Join), func(a string) bool { return a == c.Advertise || a == c.Address })
	if c.Expect == 0 && len(c.Join) == 0 || c.Expect == 1 && len(c.Join) > 0 {
		return errs.Errorf(errs.Invalid, op, "a scheduler alone expects 1 and joins nobody; one that joins a group expects 0, or as many as begin it")
	}
	if c.TLS == nil {
		for _, a := range []string{c.Address, c.Advertise} {
			if a != "" && !loopback(a) {
				return errs.E(errs.Permission, op, &InsecureAddress{a})
			}
		}
	}
	c.fill()
	return nil
}

func (c *Config) fill() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Testing.Network == nil {
		c.Testing.Network = tcp{}
	}
	t := &c.Timeouts
	m := time.Duration(max(c.Multiplier, 1))
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&t.Heartbeat, 500 * time.Millisecond}, {&t.Election, 500 * time.Millisecond}, {&t.Lease, 250 * time.Millisecond}} {
		if *d.value == 0 {
			*d.value = d.usual
		}
		*d.value *= m
	}
	t.Election = max(t.Election, t.Heartbeat)
	t.Lease = min(t.Lease, t.Heartbeat)
}

// loopback tells whether only this machine reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
