package agent

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/spurwheel/spurwheel/internal/obs"
)

// figures are what an agent shows at one moment.
type figures struct {
	connected, running, dropping, unacknowledged int
	streams, dismissals                          uint64
}

func (a *Agent) figures() figures {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := figures{
		running: a.mu.running, dropping: len(a.mu.dropping), unacknowledged: len(a.mu.reports),
		streams: a.mu.streams, dismissals: a.mu.dismissals,
	}
	if a.mu.session != nil {
		f.connected = 1
	}
	return f
}

// Metrics gives the agent's figures, to be registered by who knows the registry.
func (a *Agent) Metrics() []prometheus.Collector {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: obs.Namespace, Subsystem: "agent", Name: name, Help: help}
	}
	gauge := func(name, help string, of func(figures) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts(opts(name, help)), func() float64 { return float64(of(a.figures())) })
	}
	counter := func(name, help string, of func(figures) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts(opts(name, help)), func() float64 { return float64(of(a.figures())) })
	}
	return []prometheus.Collector{
		gauge("connected", "1 while a leader has welcomed this worker.", func(f figures) int { return f.connected }),
		gauge("running_tasks", "Tasks that were given and have not ended.", func(f figures) int { return f.running }),
		gauge("dropped_tasks", "Tasks of epochs that are over and that have not ended yet.", func(f figures) int { return f.dropping }),
		gauge("unacknowledged_reports", "Reports that the leader has not confirmed.", func(f figures) int { return f.unacknowledged }),
		counter("streams_total", "Streams that a leader has welcomed.", func(f figures) uint64 { return f.streams }),
		counter("dismissals_total", "Epochs that a leader has ended.", func(f figures) uint64 { return f.dismissals }),
	}
}
