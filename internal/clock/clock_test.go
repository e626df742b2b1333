package clock

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestManualFiresInOrderAndAtItsOwnTime(t *testing.T) {
	m := NewManual(start)
	var fired []string
	note := func(name string) func() {
		return func() { fired = append(fired, name+" "+m.Now().Sub(start).String()) }
	}
	m.AfterFunc(3*time.Second, note("c"))
	m.AfterFunc(time.Second, note("a"))
	m.AfterFunc(2*time.Second, func() {
		note("b")()
		m.AfterFunc(500*time.Millisecond, note("inside"))
	})
	m.AfterFunc(2*time.Second, note("b2"))
	m.AfterFunc(0, note("at once"))

	m.Advance(2 * time.Second)
	require.Equal(t, []string{"at once 0s", "a 1s", "b 2s", "b2 2s"}, fired)
	m.Advance(10 * time.Second)
	require.Equal(t, []string{"inside 2.5s", "c 3s"}, fired[4:])
	require.Equal(t, start.Add(12*time.Second), m.Now())
	require.Zero(t, m.Pending())
}

func TestManualStopAndReset(t *testing.T) {
	m := NewManual(start)
	timer := m.NewTimer(time.Second)
	require.True(t, timer.Stop())
	require.False(t, timer.Stop())
	m.Advance(2 * time.Second)
	require.Empty(t, timer.C())

	require.False(t, timer.Reset(time.Second))
	require.True(t, timer.Reset(3*time.Second))
	m.Advance(2 * time.Second)
	require.Empty(t, timer.C())
	m.Advance(time.Second)
	require.Equal(t, start.Add(5*time.Second), <-timer.C())

	timer.Reset(time.Second)
	m.Advance(time.Second)
	require.False(t, timer.Reset(time.Second), "it has fired")
	require.Empty(t, timer.C(), "the time before Reset is stale")

	require.Nil(t, m.AfterFunc(time.Second, func() {}).C())
	require.NotEmpty(t, m.NewTimer(-1).C(), "fires at once")
}

func TestSleepOnManual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewManual(start)
		done := make(chan error)
		go func() { done <- Sleep(t.Context(), m, time.Minute) }()
		require.NoError(t, m.Await(t.Context(), 1))
		m.Advance(time.Minute)
		require.NoError(t, <-done)

		ctx, cancel := context.WithCancel(t.Context())
		go func() { done <- Sleep(ctx, m, time.Minute) }()
		require.NoError(t, m.Await(t.Context(), 1))
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Zero(t, m.Pending(), "a cancelled sleep leaves no timer")
		require.ErrorIs(t, Sleep(ctx, m, time.Minute), context.Canceled)
		require.ErrorIs(t, m.Await(ctx, 1), context.Canceled)
	})
}

func TestReal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Real
		before := c.Now()
		require.NoError(t, Sleep(t.Context(), c, time.Hour))
		require.Equal(t, time.Hour, c.Now().Sub(before))

		called := make(chan struct{})
		timer := c.AfterFunc(time.Hour, func() { close(called) })
		<-called
		require.False(t, timer.Stop())
		require.Nil(t, timer.C())
	})
}
