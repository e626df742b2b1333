package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func TestThreeBeginAGroup(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		w.settled("a")
		leader := w.leader()
		for name, g := range w.up {
			id, inner := g.Leader()
			require.Equal(t, leader.self.ID, id)
			require.Equal(t, "inner-"+id, inner)
			if g == leader {
				continue
			}
			err := g.Append(t.Context(), record.OpenSession{Session: "b"})
			require.True(t, errs.Is(err, errs.Unavailable), "%s: %v", name, err)
			hint, ok := errors.AsType[*NotLeader](err)
			require.True(t, ok)
			require.Equal(t, NotLeader{id, inner}, *hint)
			require.Error(t, g.Read(t.Context(), func(*record.State) { t.Error("read of a follower") }))
		}
		require.True(t, errs.Is(leader.Append(t.Context(), record.SubmitJob{Job: "j", Session: "none"}), errs.NotFound), "the record's own word")
		w.eventually("all have announced themselves", func() bool { return len(leader.Status(t.Context()).Members) == 3 && members(leader) == 3 })
		for _, m := range leader.Status(t.Context()).Members {
			require.True(t, m.Voter && m.Reachable, "%+v", m)
		}
	})
}

// What a newer version has written stops those who cannot read it, before they
// know something else than the others.
func TestAnEntryOfANewerVersionStops(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		w.settled("a")
		unknown := []byte{0xa2, 0x06, 0x01, 'x'} // field 100, bytes
		first := w.leader()
		_ = first.raft.Apply(unknown, time.Second).Error()
		<-first.Failed()
		stopped := func() (n int) {
			for _, g := range w.up {
				if g.Err() != nil {
					n++
				}
			}
			return n
		}
		// The next leader commits and stops too; a third one alone hears of nothing.
		w.eventually("two have stopped", func() bool { return stopped() >= 2 })
		require.True(t, errs.Is(first.Err(), errs.Internal))
		err := first.Run(t.Context(), func(context.Context, uint64) error { return nil })
		require.ErrorIs(t, err, first.Err())
		require.Error(t, first.Append(t.Context(), record.OpenSession{Session: "b"}))
		for name, g := range w.up {
			require.True(t, has(g, "a"), name)
		}
	})
}

func TestTheLargestEntry(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		value := bytes.Repeat([]byte{7}, record.MaxEntry-100)
		require.NoError(t, w.leader().Append(t.Context(), record.SessionPut{Session: "a", Key: "k", Value: value}))
		w.open("b")
		w.settled("b")
		for name, g := range w.up {
			g.Peek(func(s *record.State) {
				got, _ := s.Session("a").Value("k")
				require.True(t, bytes.Equal(value, got), name)
			})
		}
		err := w.leader().Append(t.Context(), record.SessionPut{Session: "a", Key: "k", Value: make([]byte, record.MaxEntry)})
		require.True(t, errs.Is(err, errs.Exhausted))
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	inWorldTuned(t, 1, func(c *Config) { c.Metrics, c.Expect = registry, 1 }, func(t *testing.T, w *world) {
		w.open("a")
		require.Error(t, w.leader().Append(t.Context(), record.SubmitJob{Job: "j", Session: "none"}))
		families, err := registry.Gather()
		require.NoError(t, err)
		var text strings.Builder
		for _, f := range families {
			fmt.Fprintln(&text, f.String())
		}
		require.Regexp(t, `cluster_append_seconds.*"ok"`, text.String())
		require.Regexp(t, `cluster_append_seconds.*"refused"`, text.String())
		require.Regexp(t, `cluster_leading.*gauge:\{value:1\}`, text.String())
		w.stopAll()
		families, err = registry.Gather()
		require.NoError(t, err)
		require.Empty(t, families)
	})
}

func members(g *Group) (n int) {
	g.Peek(func(s *record.State) { n = len(s.Members()) })
	return n
}

func TestALeaderDiesAndNothingIsLost(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		for i := range 5 {
			w.open(fmt.Sprint("s", i))
			leader := w.leader()
			w.stop(leader.self.ID)
			next := w.leader()
			require.NotEqual(t, leader.self.ID, next.self.ID)
			require.NoError(t, next.Read(t.Context(), func(s *record.State) {
				n, _ := s.Live()
				require.Equal(t, i+1, n)
			}))
			w.start(leader.self.ID, 3)
			w.settled(fmt.Sprint("s", i))
		}
	})
}

func TestAllStopAndComeBack(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		w.stopAll()
		for _, n := range w.names {
			w.start(n, 3)
		}
		require.NoError(t, w.leader().Read(t.Context(), func(s *record.State) { require.NotNil(t, s.Session("a")) }))
	})
}
