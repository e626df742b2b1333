package fleet

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spurwheel/spurwheel/internal/obs"
)

// counts are what a fleet has seen since it was made.
type counts struct {
	frames, reports, stale, malformed, joined, resumed, extended atomic.Uint64

	mu struct {
		sync.Mutex
		lost map[string]uint64 // by reason
	}
}

func (c *counts) lost(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.lost == nil {
		c.mu.lost = map[string]uint64{}
	}
	c.mu.lost[reason]++
}

// Metrics shows a fleet's figures. The fleet may change with the leadership;
// without one there are none.
type Metrics struct {
	now                                               func() *Fleet
	workers, queued, running, awaited                 *prometheus.Desc
	frames, reports, refused, joins, extended, losses *prometheus.Desc
}

// NewMetrics shows what `now` gives, nil while this scheduler does not lead.
func NewMetrics(now func() *Fleet) *Metrics {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(obs.Namespace, "fleet", name), help, labels, nil)
	}
	return &Metrics{
		now:      now,
		workers:  d("workers", "Workers by state.", "state"),
		awaited:  d("awaited_workers", "Workers of the record that have not registered with this leader yet."),
		queued:   d("queued_messages", "Messages that wait to be sent to workers."),
		running:  d("given_tasks", "Tasks that workers were given and have not reported on."),
		frames:   d("frames_total", "Frames sent to workers."),
		reports:  d("reports_total", "Reports of tasks that were new."),
		refused:  d("refused_frames_total", "Frames of workers that were not applied.", "why"),
		joins:    d("registrations_total", "Registrations of workers: a new epoch, or a known one on a new stream.", "kind"),
		extended: d("extended_leases_total", "Times that all leases were made longer, because the scheduler itself was late."),
		losses:   d("lost_workers_total", "Workers that were lost.", "reason"),
	}
}

// Describe lists the metrics.
func (m *Metrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.workers, m.awaited, m.queued, m.running, m.frames, m.reports, m.refused, m.joins, m.extended, m.losses} {
		c <- d
	}
}

// Collect gives the metrics' values.
func (m *Metrics) Collect(c chan<- prometheus.Metric) {
	f := m.now()
	if f == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	l := f.load()
	for _, s := range []State{Awaited, Up, Suspect, Draining, Idle} {
		gauge(m.workers, l.states[s], string(s))
	}
	gauge(m.awaited, l.states[Awaited])
	gauge(m.queued, l.queued)
	gauge(m.running, l.given)
	counter(m.frames, f.counts.frames.Load())
	counter(m.reports, f.counts.reports.Load())
	counter(m.refused, f.counts.stale.Load(), "stale")
	counter(m.refused, f.counts.malformed.Load(), "malformed")
	counter(m.joins, f.counts.joined.Load(), "joined")
	counter(m.joins, f.counts.resumed.Load(), "resumed")
	counter(m.extended, f.counts.extended.Load())
	f.counts.mu.Lock()
	defer f.counts.mu.Unlock()
	for _, r := range []string{Killed, Silent, Cut, Drained, Stopped, Restarted, Overflow} {
		counter(m.losses, f.counts.mu.lost[r], r)
	}
}

// load is what the workers have to do.
type load struct {
	states        map[State]int
	queued, given int
}

func (f *Fleet) load() load {
	l := load{states: map[State]int{}}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range f.mu.workers {
		w.mu.Lock()
		l.states[w.stateLocked(w.awaited)]++
		l.queued += len(w.mu.queue)
		l.given += len(w.mu.given)
		w.mu.Unlock()
	}
	return l
}
