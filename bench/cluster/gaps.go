package main

import (
	"sync/atomic"
	"time"
)

const (
	gapStep = 50 * time.Microsecond
	gapTop  = 20_000 // steps: a second; what takes longer counts as that
)

// gaps counts waits by their length in steps.
type gaps map[int]int64

// add puts another process's counts to these.
func (g gaps) add(other gaps) {
	for k, n := range other {
		g[k] += n
	}
}

// count is how many there are.
func (g gaps) count() (n int64) {
	for _, c := range g {
		n += c
	}
	return n
}

// quantile is the upper end of the step in which the wait lies that share of all
// waits do not exceed.
func (g gaps) quantile(share float64) time.Duration {
	want := int64(share * float64(g.count()))
	for k := 0; k <= gapTop; k++ {
		if want -= g[k]; want < 0 {
			return time.Duration(k+1) * gapStep
		}
	}
	return 0
}

// meter counts waits in many goroutines.
type meter struct {
	tasks atomic.Int64
	steps [gapTop + 1]atomic.Int64
}

func (m *meter) add(d time.Duration) { m.steps[min(d/gapStep, gapTop)].Add(1) }

// take gives what was counted and begins anew.
func (m *meter) take() sample {
	s := sample{Tasks: m.tasks.Swap(0), Gaps: gaps{}}
	for k := range m.steps {
		if n := m.steps[k].Swap(0); n > 0 {
			s.Gaps[k] = n
		}
	}
	return s
}
