package obs

import "github.com/prometheus/client_golang/prometheus"

// spillingKinds are the kinds of operators that hold rows and spill them. Their
// counters are there from the start, so that zero can be told from unknown.
var spillingKinds = [...]string{"aggregate", "join", "sort", "top_n", "window", "shared", "recursive"}

// Operators counts what operators of all queries did, by kind: "join", "sort".
// It is safe for concurrent use.
type Operators struct {
	rows    *prometheus.CounterVec
	read    *prometheus.CounterVec
	spilled *prometheus.CounterVec
	seconds *prometheus.CounterVec
}

// OperatorTotals is what one operator did in one task.
type OperatorTotals struct {
	Rows    int64 // delivered
	Read    int64 // bytes of input opened, of scans
	Spilled int64 // bytes written to disk for want of memory
	Nanos   int64 // own work over all threads
}

// NewOperators makes counters, all zero.
func NewOperators() *Operators {
	o := &Operators{
		rows:    operatorCounter("rows_total", "Rows that operators delivered."),
		read:    operatorCounter("read_bytes_total", "Size of the splits that scans opened."),
		spilled: operatorCounter("spilled_bytes_total", "Bytes that operators wrote to disk because the memory budget was used up."),
		seconds: operatorCounter("seconds_total", "Time that operators worked, over all threads."),
	}
	for _, kind := range spillingKinds {
		o.spilled.WithLabelValues(kind)
	}
	return o
}

func operatorCounter(name, help string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: Namespace, Subsystem: "operator", Name: name, Help: help}, []string{"operator"})
}

// Add counts one operator of a task that has ended.
func (o *Operators) Add(kind string, t OperatorTotals) {
	o.rows.WithLabelValues(kind).Add(float64(t.Rows))
	o.seconds.WithLabelValues(kind).Add(float64(t.Nanos) / 1e9)
	if t.Read > 0 {
		o.read.WithLabelValues(kind).Add(float64(t.Read))
	}
	if t.Spilled > 0 {
		o.spilled.WithLabelValues(kind).Add(float64(t.Spilled))
	}
}

// Describe lists the metrics.
func (o *Operators) Describe(c chan<- *prometheus.Desc) {
	for _, v := range o.all() {
		v.Describe(c)
	}
}

// Collect gives the metrics' values.
func (o *Operators) Collect(c chan<- prometheus.Metric) {
	for _, v := range o.all() {
		v.Collect(c)
	}
}

func (o *Operators) all() []*prometheus.CounterVec {
	return []*prometheus.CounterVec{o.rows, o.read, o.spilled, o.seconds}
}

// Memory shows an account of bytes as gauges: what is booked now, the most that
// ever was, and the limit.
func Memory(used, peak, limit func() int64) []prometheus.Collector {
	gauge := func(name, help string, f func() int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: Namespace, Subsystem: "memory", Name: name, Help: help},
			func() float64 { return float64(f()) })
	}
	return []prometheus.Collector{
		gauge("booked_bytes", "Bytes that operators, readers and kept rows have booked.", used),
		gauge("booked_peak_bytes", "The most bytes that were ever booked.", peak),
		gauge("budget_bytes", "Bytes that may be booked before operators spill.", limit),
	}
}
