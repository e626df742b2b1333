package cluster

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/obs"
)

// metrics is what an operator watches of a group. An alarm is worth having on
// snapshot_installs_total that grows, and on leading that is 0 everywhere.
type metrics struct {
	to         prometheus.Registerer
	collectors []prometheus.Collector
	seconds    *prometheus.HistogramVec
}

const subsystem = "cluster"

// newMetrics registers the figures of a group; close takes them back.
func newMetrics(to prometheus.Registerer, g *Group) (*metrics, error) {
	m := &metrics{to: to, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: obs.Namespace, Subsystem: subsystem, Name: "append_seconds",
		Help:    "Time until an entry was kept, or not, by outcome: ok, refused by the record, or the kind of the error.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14), // to 4 seconds
	}, []string{"outcome"})}
	if to == nil {
		return m, nil
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: obs.Namespace, Subsystem: subsystem, Name: name, Help: help}, value)
	}
	installs := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Namespace: obs.Namespace, Subsystem: subsystem, Name: "snapshot_installs_total",
		Help: "Snapshots read since the start. One that follows the log needs none.",
	}, func() float64 { return float64(g.machine.installed()) })
	for _, c := range []prometheus.Collector{
		m.seconds, installs,
		gauge("leading", "1 while this scheduler leads and is ready to.", func() float64 {
			if _, ok := g.Leads(); ok {
				return 1
			}
			return 0
		}),
		gauge("term", "Raft's term as this scheduler knows it.", func() float64 { return float64(g.raft.CurrentTerm()) }),
		gauge("last_index", "Index of the last entry of the log.", func() float64 { return float64(g.raft.LastIndex()) }),
		gauge("applied_index", "Index of the last entry that is applied.", func() float64 { return float64(g.raft.AppliedIndex()) }),
	} {
		if err := to.Register(c); err != nil {
			m.close()
			return nil, errs.E(errs.Internal, "cluster.metrics", err)
		}
		m.collectors = append(m.collectors, c)
	}
	return m, nil
}

// appended notes an outcome.
func (m *metrics) appended(began time.Time, refused, failed error) {
	outcome := "ok"
	switch {
	case failed != nil:
		outcome = errs.KindOf(failed).String()
	case refused != nil:
		outcome = "refused"
	}
	m.seconds.WithLabelValues(outcome).Observe(time.Since(began).Seconds())
}

func (m *metrics) close() {
	for _, c := range m.collectors {
		m.to.Unregister(c)
	}
}
