package cluster

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/record"
)

func voters(g *Group) (n int) {
	for _, s := range g.configuration() {
		if s.Suffrage == raft.Voter {
			n++
		}
	}
	return n
}

func TestALaterOneJoinsAndGetsAVote(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		w.names = append(w.names, "s3")
		w.start("s3", 0)
		w.settled("a")
		w.eventually("four voters", func() bool { return voters(w.leader()) == 4 })
	})
}

func TestRemovedAndBackAgain(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		leader := w.leader()
		gone := w.others(leader)[0]
		w.settled("a")
		require.NoError(t, leader.Remove(t.Context(), gone))
		require.Equal(t, 2, voters(leader))
		leader.Peek(func(s *record.State) {
			_, ok := s.Member(gone)
			require.False(t, ok)
		})
		w.open("b")
		w.stop(gone)
		forgotten := 0
		w.eventually("nobody looks for it any more, nor is reminded of it", func() bool {
			forgotten++
			for _, g := range w.up {
				if _, err := g.peers.ServerAddr(raft.ServerID(gone)); err == nil {
					forgotten = 0
				}
			}
			return forgotten == 2000 // 20 seconds
		})
		w.start(gone, 3)
		w.eventually("three voters again", func() bool { return voters(w.leader()) == 3 })
		w.settled("b")
	})
}

func TestALeaderLeaves(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		leader := w.leader()
		require.NoError(t, leader.Leave(t.Context()))
		w.stop(leader.self.ID)
		w.open("b")
		require.Equal(t, 2, voters(w.leader()))
		other := w.up[w.others(w.leader())[0]]
		if other == nil || other.self.ID == leader.self.ID {
			other = w.up[w.others(w.leader())[1]]
		}
		require.NoError(t, other.Leave(t.Context()), "a follower asks the leader")
		require.Equal(t, 1, voters(w.leader()))
		w.open("c")
	})
}

// One that has lost its disk may have voted for what it forgot: it must lose its
// vote before it gets a new one, and must not vote in between.
func TestALostDiskIsReplaced(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		w.settled("a")
		leader := w.leader()
		lost, other := w.others(leader)[0], w.others(leader)[1]
		w.stop(lost)
		require.NoError(t, os.RemoveAll(filepath.Join(w.dir, lost)))
		w.stop(leader.self.ID)

		g := w.start(lost, 3) // beside the other one, they would be two of three
		time.Sleep(30 * time.Second)
		require.False(t, g.stream.isOpen(), "it takes no part")
		require.False(t, has(g, "a"))
		_, leads := w.up[other].Leads()
		require.False(t, leads, "nobody voted")

		w.start(leader.self.ID, 3)
		w.open("b")
		w.settled("b")
		w.eventually("three voters", func() bool { return voters(w.leader()) == 3 })
	})
}

func TestAllComeBackElsewhere(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		w.settled("a")
		w.stopAll()
		w.tune = func(c *Config) {
			move := func(a string) string { return a[:len(a)-1] + "9" + a[len(a)-1:] }
			c.Address, c.Inner = move(c.Address), "moved-"+c.ID
			for i := range c.Join {
				c.Join[i] = move(c.Join[i])
			}
		}
		for _, n := range w.names {
			w.start(n, 3)
		}
		w.open("b")
		w.settled("b")
		w.eventually("the record has the new addresses", func() bool {
			leader := w.leader()
			for _, m := range leader.Status(t.Context()).Members {
				if !m.Reachable || m.Inner != "moved-"+m.ID || m.Instance != w.up[m.ID].self.Instance {
					return false
				}
			}
			return true
		})
		id, inner := w.up[w.others(w.leader())[0]].Leader()
		require.Equal(t, "moved-"+id, inner)
	})
}

// A dead process is missed sooner than a silent one, and time-outs are what they
// were afterwards.
func TestADeadLeaderIsMissedAtOnce(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		outage := func(end func(*Group)) time.Duration {
			w.open("a")
			w.settled("a")
			leader := w.leader()
			time.Sleep(5 * time.Second) // all is quiet
			began := time.Now()
			end(leader)
			w.leader(w.others(leader)...)
			took := time.Since(began)
			w.net.heal()
			if w.up[leader.self.ID] == nil {
				w.start(leader.self.ID, 3)
			}
			return took
		}
		var dead, silent []time.Duration
		for range 9 {
			dead = append(dead, outage(func(g *Group) { w.stop(g.self.ID) }))
			silent = append(silent, outage(func(g *Group) { w.net.isolate(g.self.ID, w.names...) }))
		}
		slices.Sort(dead)
		slices.Sort(silent)
		t.Log("dead", dead, "silent", silent)
		heartbeat := w.leader().cfg.Timeouts.Heartbeat
		require.Less(t, dead[4], heartbeat)
		require.GreaterOrEqual(t, silent[0], heartbeat*7/10, "their time-outs are the usual ones") // counted from the last heartbeat
	})
}

func TestALeaderResigns(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		w.settled("a")
		leader := w.leader()
		began := time.Now()
		require.NoError(t, leader.Resign(t.Context()))
		next := w.leader(w.others(leader)...)
		require.Less(t, time.Since(began), leader.cfg.Timeouts.Heartbeat, "nobody waits for a time-out")
		require.NoError(t, next.Resign(t.Context()))
		w.open("b")
		require.NoError(t, w.up[w.others(w.leader())[0]].Resign(t.Context()), "it does not lead")
	})
}

func TestFirstMembers(t *testing.T) {
	reply := func(id string) replyOf { return replyOf{id: id} }
	for _, c := range []struct {
		name   string
		self   string
		pinned []string
		expect int
		here   []replyOf
		want   []string
	}{
		{"alone", "a", nil, 1, nil, []string{"a"}},
		{"not enough", "a", nil, 3, []replyOf{reply("b")}, nil},
		{"the first by name begins", "a", nil, 3, []replyOf{reply("c"), reply("b")}, []string{"a", "b", "c"}},
		{"the others wait for it", "b", nil, 3, []replyOf{reply("c"), reply("a")}, nil},
		{"one too many", "a", nil, 2, []replyOf{reply("c"), reply("b")}, []string{"a", "b"}},
		{"the same twice", "a", nil, 3, []replyOf{reply("b"), reply("b")}, nil},
		{"only joins", "a", nil, 0, []replyOf{reply("b")}, nil},
		{"what was agreed stays", "b", []string{"b", "c"}, 2, []replyOf{reply("a"), reply("c")}, []string{"b", "c"}},
		{"one of the agreed is not here", "b", []string{"b", "c"}, 2, []replyOf{reply("a")}, nil},
		{"agreed to what another begins", "b", []string{"a", "b"}, 2, []replyOf{reply("a")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, m := range firstMembers(record.Member{ID: c.self, Raft: "r"}, c.pinned, c.expect, replies(c.here)) {
				got = append(got, m.ID)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestAgreesOnce(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.names = []string{"s0", "s5"} // s5 never comes
		g := w.start("s5", 2)
		require.Error(t, g.pin([]string{"s1", "s2"}), "not of it")
		require.NoError(t, g.pin([]string{"s4", "s5"}))
		require.NoError(t, g.pin([]string{"s4", "s5"}))
		require.Error(t, g.pin([]string{"s5", "s6"}))
		require.True(t, g.stream.isOpen())
	})
}

// A follower that was away for longer than the log goes back gets a snapshot.
func TestASnapshotCatchesUp(t *testing.T) {
	tune := func(c *Config) { c.Testing.Snapshots = 32 }
	inWorldTuned(t, 3, tune, func(t *testing.T, w *world) {
		w.open("a")
		leader := w.leader()
		away := w.others(leader)[0]
		w.stop(away)
		value := make([]byte, 1000)
		for i := range 400 {
			require.NoError(t, leader.Append(t.Context(), record.SessionPut{Session: "a", Key: "k" + string(rune('a'+i%5)), Value: value}))
		}
		w.eventually("the log is cut", func() bool {
			first, err := leader.store.FirstIndex()
			return err == nil && first > 200
		})
		back := w.start(away, 3)
		w.open("b")
		w.settled("b")
		require.Positive(t, back.Status(t.Context()).Installs)
		back.Peek(func(s *record.State) { require.Len(t, s.Session("a").Values(), 5) })
	})
}

func TestInstallsRaiseAnAlarm(t *testing.T) {
	var i installs
	at := time.Unix(0, 0)
	for n := range 10 {
		require.False(t, i.add(at), "%d", n)
		at = at.Add(installsWithin/installsAlarm + time.Second)
	}
	require.False(t, i.add(at))
	require.True(t, i.add(at), "a fourth within a minute")
}

func TestRunFollowsTheLeadership(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		type turn struct {
			name string
			term uint64
		}
		var turns []turn
		turnc := make(chan turn, 100)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for name, g := range w.up {
			go func() {
				_ = g.Run(ctx, func(ctx context.Context, term uint64) error {
					turnc <- turn{name, term}
					<-ctx.Done()
					return context.Cause(ctx)
				})
			}()
		}
		for range 3 {
			now := <-turnc
			turns = append(turns, now)
			require.Equal(t, now.name, w.leader().self.ID)
			w.net.isolate(now.name, w.names...)
			w.eventually("it notices", func() bool {
				_, leads := w.up[now.name].Leads()
				return !leads
			})
			w.leader(w.others(w.up[now.name])...)
			w.net.heal()
		}
		require.Less(t, turns[0].term, turns[1].term)
		require.Less(t, turns[1].term, turns[2].term)
		require.NotEqual(t, turns[0].name, turns[1].name)
	})
}
