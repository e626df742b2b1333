package fleet_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
)

// gather reads metrics as name or name/label.
func gather(t *testing.T, cs ...prometheus.Collector) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range cs {
		require.NoError(t, r.Register(c))
	}
	families, err := r.Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "spurwheel_")
			for _, l := range m.GetLabel() {
				name += "/" + l.GetValue()
			}
			out[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	s, e := newScheduler(t), newEar()
	m := fleet.NewMetrics(s.door.Fleet)
	require.Empty(t, gather(t, m), "who does not lead has no workers")
	f, _ := s.lead(t, fleet.Config{Term: 1, Sink: e, Terms: fleet.StandardTerms()})
	n := newNode(t, "w", s)
	up := next[dispatch.WorkerUp](t, e)
	for i := range 3 {
		f.Launch("w", up.Epoch, task("j", i))
	}
	first := receive(t, n.launched)
	receive(t, n.launched)
	receive(t, n.launched)
	n.end(first)
	next[dispatch.Done](t, e)
	got := gather(t, append(n.Metrics(), m)...)
	for name, want := range map[string]float64{
		"fleet_workers/up": 1, "fleet_given_tasks": 2, "fleet_reports_total": 1, "fleet_registrations_total/joined": 1,
		"fleet_queued_messages": 0, "fleet_lost_workers_total/killed": 0, "fleet_refused_frames_total/stale": 0,
		"agent_connected": 1, "agent_running_tasks": 2, "agent_streams_total": 1, "agent_dismissals_total": 0,
	} {
		value, ok := got[name]
		require.True(t, ok, name)
		require.InDelta(t, want, value, 0, name)
	}
	n.cable.cut(true)
	next[dispatch.WorkerDown](t, e)
	require.InDelta(t, 1, gather(t, m)["fleet_lost_workers_total/killed"], 0)
	n.cable.cut(false)
	next[dispatch.WorkerUp](t, e)
	require.InDelta(t, 1, gather(t, n.Metrics()...)["agent_dismissals_total"], 0)
}
