package jobs_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
)

// result is what a goroutine has read of a stream.
type result struct {
	ids []int64
	err error
}

func reading(s jobs.Stream) <-chan result {
	out := make(chan result, 1)
	go func() {
		ids, err := read(context.Background(), s)
		out <- result{ids, err}
	}()
	return out
}

func storing(t *testing.T, open ...*rows) *world {
	t.Helper()
	w := newWorld(t, 1, open...)
	w.runner.Stored = true
	return w
}

func TestALostOutputIsReadFromTheNextAttempt(t *testing.T) {
	for name, gone := range map[string]*rows{"its reader": {err: lost()}, "its opening": nil, "its checksum": {err: errs.Errorf(errs.Corrupt, "test", "crc")}} {
		t.Run(name, func(t *testing.T) {
			w := storing(t, gone, &rows{ids: []int64{7, 8}, err: io.EOF})
			s := w.start(t.Context(), t, rangeOf())
			first := receive(t, w.launched)
			frag, err := physical.Decode(first.GetFragment())
			require.NoError(t, err)
			require.Equal(t, physical.ExchangeSingle, frag.Output.Kind, "also one task holds its rows")
			over := reading(s)
			require.Empty(t, w.opened, "nothing is read before the job is over")
			w.done(first)
			again := receive(t, w.launched)
			require.Greater(t, again.GetId().GetAttempt(), first.GetId().GetAttempt())
			w.done(again)
			r := receive(t, over)
			require.NoError(t, r.err)
			require.Equal(t, []int64{7, 8}, r.ids)
			require.NoError(t, s.Close())
			require.Empty(t, w.launched)
		})
	}
}

func TestRowsOfAStoredPartitionAreNotRepeated(t *testing.T) {
	w := storing(t, &rows{ids: []int64{1}, err: lost()}, &rows{ids: []int64{1, 2}, err: io.EOF})
	s := w.start(t.Context(), t, rangeOf())
	w.done(receive(t, w.launched))
	r := receive(t, reading(s))
	require.Equal(t, []int64{1}, r.ids)
	require.True(t, errs.Is(r.err, errs.Lost), "%v", r.err)
	require.ErrorContains(t, r.err, "after some of them were delivered")
	require.NoError(t, s.Close())
}

// Each reader fails with what no other attempt mends; the job itself is fine.
func TestWhatNoAttemptMendsIsNotRetried(t *testing.T) {
	for _, stored := range []bool{false, true} {
		bad := errs.Errorf(errs.Internal, "test", "a bug")
		w := newWorld(t, 1, &rows{err: bad}, &rows{ids: []int64{1}, err: io.EOF})
		w.runner.Stored = stored
		s := w.start(t.Context(), t, rangeOf())
		w.done(receive(t, w.launched))
		r := receive(t, reading(s))
		require.ErrorIs(t, r.err, bad)
		require.Empty(t, r.ids)
		require.Empty(t, w.launched)
		require.NoError(t, s.Close())
	}
}

func TestAnOutputThatIsLostForEverEndsTheQuery(t *testing.T) {
	var open []*rows
	for range 40 {
		open = append(open, &rows{err: lost()})
	}
	w := storing(t, open...)
	s := w.start(t.Context(), t, rangeOf())
	over := reading(s)
	for {
		select {
		case task := <-w.launched:
			w.done(task)
			continue
		case r := <-over:
			require.True(t, errs.Is(r.err, errs.Lost), "%v", r.err)
			require.ErrorContains(t, r.err, "times")
		}
		break
	}
	require.NoError(t, s.Close())
}

func TestALossWhileTheJobIsClosed(t *testing.T) {
	w := storing(t, &rows{err: lost()})
	s := w.start(t.Context(), t, rangeOf())
	w.done(receive(t, w.launched))
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		_, err := s.Next(ctx)
		over <- err
	}()
	receive(t, w.launched) // the lost one again
	cancel()
	require.True(t, errs.Is(receive(t, over), errs.Canceled))
	require.NoError(t, s.Close())
	receive(t, w.canceled)
	require.Equal(t, "j", receive(t, w.discarded))
}

func TestPositionsAreThoseOfStoredBlocks(t *testing.T) {
	w := storing(t, &rows{ids: []int64{5, 6}, err: io.EOF})
	s := w.start(t.Context(), t, rangeOf())
	w.done(receive(t, w.launched))
	placed := s.(interface{ Position() (int, int) })
	for block := range 2 {
		_, err := s.Next(t.Context())
		require.NoError(t, err)
		p, b := placed.Position()
		require.Equal(t, []int{0, block}, []int{p, b})
	}
	require.NoError(t, s.Close())
}

func TestAJobIsRecordedWithItsOperation(t *testing.T) {
	w := storing(t)
	s, err := w.runner.Start(t.Context(), jobs.Job{ID: "j", Session: "s", Operation: "op", Plan: rangeOf(), Storage: map[string]string{"secret": "CANARY"}})
	require.NoError(t, err)
	require.Equal(t, "CANARY", receive(t, w.launched).GetStorage()["secret"])
	w.mu.Lock()
	j := w.state.Job("j")
	require.Equal(t, "op", j.Operation)
	require.NotContains(t, string(j.Spec), "CANARY")
	w.mu.Unlock()
	require.NoError(t, s.Close())
}

func TestOnlyTasksWithoutEffectsMayHaveACopy(t *testing.T) {
	for _, c := range []struct {
		stored bool
		plan   physical.Node
		want   bool
	}{
		{true, rangeOf(), true},
		{true, &physical.Write{Format: "csv", Path: "/x", Child: rangeOf()}, false},
		{false, rangeOf(), false},
	} {
		w := newWorld(t, 1)
		w.runner.Stored = c.stored
		s := w.start(t.Context(), t, c.plan)
		receive(t, w.launched)
		w.mu.Lock()
		spec, _, err := driver.DecodeSpec(w.state.Job("j").Spec)
		w.mu.Unlock()
		require.NoError(t, err)
		require.Equal(t, c.want, spec.Stages[0].Speculate)
		require.NoError(t, s.Close())
	}
}
