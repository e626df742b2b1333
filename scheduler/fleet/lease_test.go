package fleet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDue(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for name, c := range map[string]struct {
		signs  signs
		due    int
		reason string
	}{
		"an open stream":                   {signs{heard: at(0)}, 5000, Silent},
		"heard again":                      {signs{heard: at(1000)}, 6000, Silent},
		"a broken stream":                  {signs{heard: at(0), cut: at(1000)}, 1600, Killed},
		"a broken stream, heard by others": {signs{heard: at(0), cut: at(1000), vouched: true}, 1600, Cut},
		"broken at the lease's end":        {signs{heard: at(0), cut: at(4900)}, 5000, Silent},
		"suspected":                        {signs{heard: at(0), suspected: at(500)}, 1500, Silent},
		"suspected, then heard":            {signs{heard: at(600), suspected: at(500)}, 5600, Silent},
		"suspected at the lease's end":     {signs{heard: at(0), suspected: at(4800)}, 5000, Silent},
		"suspected and broken":             {signs{heard: at(0), suspected: at(500), cut: at(600)}, 1200, Killed},
	} {
		t.Run(name, func(t *testing.T) {
			due, reason := StandardTerms().due(c.signs)
			require.Equal(t, at(c.due), due)
			require.Equal(t, c.reason, reason)
		})
	}
}

func TestTimeThatNobodyCouldHear(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var w watch
	every := 100 * time.Millisecond
	require.Zero(t, w.late(start, every), "the first look is late for nothing")
	require.Zero(t, w.late(start.Add(every), every))
	require.Zero(t, w.late(start.Add(2*every+every/2), every), "a little is not late")
	require.Equal(t, 4*time.Second-every, w.late(start.Add(2*every+every/2+4*time.Second), every))
	s := signs{heard: start, suspected: start}.later(time.Second)
	require.Equal(t, signs{heard: start.Add(time.Second), suspected: start.Add(time.Second)}, s, "what never was stays so")
}
