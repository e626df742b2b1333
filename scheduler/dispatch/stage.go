package dispatch

import "time"

type state uint8

const (
	waiting state = iota // inputs are not there
	ready
	running
	finished
)

// run is an attempt on a worker; w is nil if there is none.
type run struct {
	attempt int
	w       *worker
	since   time.Duration
}

type partition struct {
	state    state
	queued   bool // is in the stage's queue
	claimed  bool // finished by the record, but its worker has not said so yet
	failures int
	losses   int
	next     int // number of the next attempt
	offered  int // number of the scheduling turn that offered it
	run      run // of the running or finished attempt
	copy     run // a speculative second one
	output   Output
	spare    []Output // other outputs that workers hold
	avoid    []string
	crashes  []string // workers that died while they ran it
}

type stage struct {
	Stage
	parts      []partition
	done       int
	ready      int
	reported   bool
	unsure     bool // volatile, and complete, but not yet durable
	generation int  // how often it was complete
	round      int
	between    bool // a Rounds stage that waits for NextRound or EndRounds
	consumers  []*stage
	queue      fifo
	near       map[string]*fifo // by preferred worker
	template   int
	inputs     map[int][]Output // of this template, nil: to be made
	chosen     []Output         // what consumers read, nil: to be made
	times      durations
}

func newStage(st Stage) *stage { return &stage{Stage: st, parts: make([]partition, st.Tasks)} }

// complete tells whether all outputs are there to be read.
func (s *stage) complete() bool {
	return s.done == len(s.parts) && s.reported && !s.between && !s.unsure
}

// outputs lists the outputs as they are now.
func (s *stage) outputs() []Output {
	out := make([]Output, len(s.parts))
	for i := range s.parts {
		out[i] = s.parts[i].output
	}
	return out
}

// set moves a partition from one state to another and keeps the counts.
func (c *Core) set(j *job, s *stage, i int, to state) {
	p := &s.parts[i]
	if p.state == to {
		return
	}
	switch p.state {
	case ready:
		s.ready--
		j.ready--
		c.ready--
	case finished:
		s.done--
		p.claimed, p.spare = false, nil
	case waiting, running:
	}
	p.state = to
	switch to {
	case ready:
		s.ready++
		j.ready++
		c.ready++
		s.enqueue(i)
	case finished:
		s.done++
	case waiting, running:
	}
}

func (s *stage) enqueue(i int) {
	p := &s.parts[i]
	if p.queued {
		return
	}
	p.queued = true
	s.queue.push(i)
	if i >= len(s.Prefer) {
		return
	}
	for _, id := range s.Prefer[i] {
		if s.near == nil {
			s.near = map[string]*fifo{}
		}
		if s.near[id] == nil {
			s.near[id] = &fifo{}
		}
		s.near[id].push(i)
	}
}

// fifo is a queue of partition numbers. Entries that are not wanted any more
// stay until they are seen.
type fifo struct {
	items []int32
	head  int
}

func (q *fifo) push(i int) { q.items = append(q.items, int32(i)) }

// each calls f with the entries in order until it returns stop; those for which
// it returns drop go.
func (q *fifo) each(f func(i int) (drop, stop bool)) {
	k, w := q.head, q.head
	for k < len(q.items) {
		drop, stop := f(int(q.items[k]))
		if stop {
			break
		}
		if !drop {
			q.items[w] = q.items[k]
			w++
		}
		k++
	}
	if w == k {
		return
	}
	// Kept entries lie in [head, w), unseen ones from k on: close the gap from
	// the short side.
	n := copy(q.items[k-(w-q.head):k], q.items[q.head:w])
	q.head = k - n
	if q.head > len(q.items)/2 && q.head > 1024 {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
}
