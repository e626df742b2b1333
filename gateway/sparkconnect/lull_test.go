package sparkconnect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSlowClientsShareCollections(t *testing.T) {
	var l lull
	now := time.Unix(1000, 0)
	require.True(t, l.due(now))
	require.False(t, l.due(now.Add(lullEvery/2)))
	require.True(t, l.due(now.Add(lullEvery)))
	l.waited(slowPush-1, now.Add(3*lullEvery))
	require.Equal(t, now.Add(lullEvery), l.mu.last, "a short wait asks for none")
	l.waited(slowPush, now.Add(3*lullEvery))
	require.Equal(t, now.Add(3*lullEvery), l.mu.last)
}
