package dispatch

import (
	"slices"
	"time"
)

// Speculation says when a second copy of a task starts: when Quantile of its
// stage are done and it has run Multiplier times as long as their median, and at
// least AtLeast. Only idle slots are used.
type Speculation struct {
	Multiplier float64 // 1.5 to 3
	Quantile   float64
	AtLeast    time.Duration
}

func (s Speculation) filled() Speculation {
	if s.Multiplier == 0 {
		s.Multiplier = 2
	}
	s.Multiplier = min(max(s.Multiplier, 1.5), 3)
	if s.Quantile <= 0 || s.Quantile > 1 {
		s.Quantile = .75
	}
	if s.AtLeast <= 0 {
		s.AtLeast = 100 * time.Millisecond
	}
	return s
}

// late is how long a task may run before it deserves a copy, 0 if none does.
func (s Speculation) late(done, tasks int, median time.Duration) time.Duration {
	if done == 0 || float64(done) < s.Quantile*float64(tasks) {
		return 0
	}
	return max(time.Duration(s.Multiplier*float64(median)), s.AtLeast)
}

// maxTimes bounds the sample of a stage's run times.
const maxTimes = 512

// durations is the latest run times of a stage's tasks.
type durations struct {
	kept []time.Duration
	n    int
}

func (d *durations) add(t time.Duration) {
	if len(d.kept) < maxTimes {
		d.kept = append(d.kept, t)
	} else {
		d.kept[d.n%maxTimes] = t
	}
	d.n++
}

func (d *durations) median() time.Duration {
	if len(d.kept) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d.kept))
	return sorted[len(sorted)/2]
}

// speculate copies tasks that take much longer than the others of their stage.
func (c *Core) speculate() {
	if c.ready > 0 || len(c.open) == 0 {
		return
	}
	for _, j := range c.live {
		if j.active == 0 || j.unclaimed || c.held(j) {
			continue
		}
		for _, s := range j.order {
			if s.Speculate && s.adoptable() && len(s.Only) == 0 && s.done < len(s.parts) && j.complete(s.Inputs) {
				c.speculateStage(j, s)
			}
		}
	}
}

func (c *Core) speculateStage(j *job, s *stage) {
	late := c.cfg.Speculation.late(s.done, len(s.parts), s.times.median())
	if late == 0 {
		return
	}
	for i := range s.parts {
		p := &s.parts[i]
		if p.state != running || p.copy.w != nil || c.at-p.run.since < late {
			continue
		}
		if w := c.other(s, p.run.w); w != nil && c.mayRun(j) {
			p.copy = run{attempt: p.next, w: w, since: c.at}
			p.next++
			c.take(j, s, w)
			c.emitLaunch(j, s, i, p.copy)
		}
	}
}

// other is a worker with a free slot that is not the given one.
func (c *Core) other(s *stage, not *worker) *worker {
	for _, w := range c.open {
		if w != not && w.gpus >= s.GPUs && c.at >= w.restTill {
			return w
		}
	}
	return nil
}

func (c *Core) mayRun(j *job) bool {
	limit := c.cfg.Users[j.User].MaxRunning
	return limit == 0 || j.user.running < limit
}
