package cluster

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func TestACutLeaderKeepsNothing(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("before")
		old := w.leader()
		w.net.isolate(old.self.ID, w.names...)

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := old.Append(ctx, record.OpenSession{Session: "lost"})
		require.True(t, errs.Is(err, errs.Unavailable) || errs.Is(err, errs.Deadline), "%v", err)
		_, unknown := errors.AsType[*Unknown](err)
		require.True(t, unknown, "nobody can tell: %v", err)

		next := w.leader(w.others(old)...)
		require.NoError(t, next.Append(t.Context(), record.OpenSession{Session: "kept"}))
		_, leads := old.Leads()
		require.False(t, leads, "two leaders")
		require.Error(t, old.Read(t.Context(), func(*record.State) { t.Error("a read of the past") }))
		err = old.Append(t.Context(), record.OpenSession{Session: "refused"})
		_, notLeader := errors.AsType[*NotLeader](err)
		require.True(t, notLeader, "%v", err)

		w.net.heal()
		w.settled("kept")
		for name, g := range w.up {
			require.False(t, has(g, "lost") || has(g, "refused"), name)
		}
	})
}

func TestAMinorityWaits(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		leader := w.leader()
		for _, o := range w.others(leader) {
			w.net.isolate(o, w.names...)
		}
		w.eventually("nobody leads", func() bool {
			_, leads := leader.Leads()
			return !leads
		})
		time.Sleep(20 * time.Second)
		for _, g := range w.up {
			_, leads := g.Leads()
			require.False(t, leads)
		}
		w.net.heal()
		w.open("b")
		w.settled("b")
	})
}
