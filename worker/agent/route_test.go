package agent

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

func TestRoute(t *testing.T) {
	r := newRoute([]string{"a", "b"})
	require.Equal(t, "a", r.next())
	r.told("c")
	require.Equal(t, "c", r.next(), "a hint is followed")
	require.Zero(t, r.delay(1))
	r.worked(time.Hour)
	r.again()
	require.Equal(t, "c", r.next(), "a broken stream is opened again")
	require.Zero(t, r.delay(1), "at once")
	r.failed()
	require.Equal(t, "a", r.next(), "then the others are asked")
	r.told("")
	require.Equal(t, "b", r.next(), "who knows of no leader is passed over")
	require.Positive(t, r.delay(0))
}

func TestHintsInACircleEnd(t *testing.T) {
	r := newRoute([]string{"a", "b"})
	var waited int
	for i := range 100 {
		r.told([]string{"b", "a"}[i%2])
		if r.delay(0) > 0 {
			waited++
		}
	}
	require.Greater(t, waited, 8)
	for i := range 1000 {
		r.told(string(rune('c' + i)))
	}
	require.LessOrEqual(t, len(r.known), maxKnown)
}

func TestDelaysGrow(t *testing.T) {
	r := newRoute([]string{"a"})
	last := time.Duration(0)
	for i := range 100 {
		r.failed()
		d := r.delay(0.999)
		require.GreaterOrEqual(t, d, last)
		require.LessOrEqual(t, d, idleDelay)
		require.True(t, i >= longAfter || d <= maxDelay)
		require.Equal(t, i == 0, d == 0, "only the first attempt follows at once")
		last = d
	}
	require.Greater(t, last, idleDelay*9/10)
	require.GreaterOrEqual(t, r.delay(0), idleDelay/2)
	r.worked(steady / 2)
	require.Equal(t, idleDelay/2, r.delay(0), "a stream that is dismissed at once is no success")
	r.worked(steady)
	require.Zero(t, r.delay(0))
}

func TestARoundOfSchedulersIsAskedWithoutAPause(t *testing.T) {
	r := newRoute([]string{"a", "b", "c"})
	var asked, waits []string
	for range 9 {
		asked = append(asked, r.next())
		r.failed()
		if r.delay(0) > 0 {
			waits = append(waits, r.known[(r.at-1)%3])
		}
	}
	require.Equal(t, []string{"a", "b", "c", "a", "b", "c", "a", "b", "c"}, asked)
	require.Equal(t, []string{"c", "c", "c"}, waits)
}

func TestOnlyTheFirstOfManyAttemptsIsNews(t *testing.T) {
	r := newRoute([]string{"a"})
	var levels []slog.Level
	for _, welcomed := range []bool{false, false, false, true, true, false, false} {
		levels = append(levels, r.level(welcomed))
	}
	info, debug := slog.LevelInfo, slog.LevelDebug
	require.Equal(t, []slog.Level{info, debug, debug, info, info, info, debug}, levels)
}

func TestLeaderHint(t *testing.T) {
	st, err := status.New(codes.Unavailable, "no").WithDetails(&pb.NotLeader{Address: "x"})
	require.NoError(t, err)
	address, told := leaderHint(st.Err())
	require.Equal(t, []any{"x", true}, []any{address, told})
	_, told = leaderHint(errors.New("x"))
	require.False(t, told)
	_, told = leaderHint(nil)
	require.False(t, told)
}
