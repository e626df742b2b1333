package dispatch

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/placement"
)

// candidate is a ready partition in the list handed to the policy.
type candidate struct {
	j *job
	s *stage
	i int
}

// maxOffered bounds how many tasks are offered to the policy at once.
const maxOffered = 4096

// scratch is memory that scheduling uses again.
type scratch struct {
	turn    int
	free    int // slots of the workers in views
	class   int
	gangs   bool
	views   []placement.Worker
	tasks   []placement.Task
	from    []candidate
	running map[string]int
}

// schedule launches ready tasks on free slots.
func (c *Core) schedule() {
	if c.ready == 0 {
		return
	}
	c.failOrphans()
	if len(c.open) == 0 || c.ready == 0 {
		return
	}
	c.startTurn()
	for _, j := range c.live {
		if j.ready > 0 && !j.unclaimed && !c.held(j) {
			c.offerJob(j)
		}
	}
	sc := &c.scratch
	if len(sc.tasks) == 0 {
		return
	}
	for _, a := range c.cfg.Policy.Place(sc.views, sc.running, sc.tasks) {
		f := sc.from[a.Task]
		c.launch(f.j, f.s, f.i, c.workers[a.Worker])
	}
	if sc.gangs {
		c.addPeers()
	}
}

func (c *Core) startTurn() {
	sc := &c.scratch
	sc.turn++
	sc.free, sc.class, sc.gangs = 0, 0, false
	sc.views, sc.tasks, sc.from = sc.views[:0], sc.tasks[:0], sc.from[:0]
	if sc.running == nil {
		sc.running = map[string]int{}
	}
	clear(sc.running)
	for _, w := range c.open {
		sc.views = append(sc.views, placement.Worker{ID: w.id, Slots: w.slots, GPUs: w.gpus, Suspect: c.at < w.restTill})
		sc.free += w.slots
		w.shown = sc.turn
	}
}

// failOrphans ends the jobs with a stage whose only workers are gone.
func (c *Core) failOrphans() {
	var list []*job
	for _, j := range c.live {
		if j.ready > 0 && slices.ContainsFunc(j.order, c.orphaned) {
			list = append(list, j)
		}
	}
	for _, j := range list {
		c.fail(j, errs.Errorf(errs.Lost, "dispatch", "job %s reads rows of a worker that is gone", j.ID))
	}
}

func (c *Core) orphaned(s *stage) bool {
	return len(s.Only) > 0 && s.ready > 0 && !slices.ContainsFunc(s.Only, func(id string) bool { return c.workers[id] != nil })
}

// offerJob offers of a job what could start now. A user gets no more slots than
// there are, so no more of his tasks are looked at.
func (c *Core) offerJob(j *job) {
	sc := &c.scratch
	if _, ok := sc.running[j.User]; !ok {
		sc.running[j.User], j.user.offered = j.user.running, 0
	}
	share := c.cfg.Users[j.User]
	t := placement.Task{User: j.User, Weight: j.Weight, Limit: share.MaxRunning}
	if share.Weight > 0 {
		t.Weight = share.Weight
	}
	for _, s := range j.order {
		if s.ready == 0 || j.user.offered >= sc.free || len(sc.tasks) >= maxOffered {
			continue
		}
		sc.class++
		t.GPUs, t.Only, t.Class = s.GPUs, s.Only, sc.class
		if s.Shape == Gang {
			c.offerGang(j, s, t)
		} else {
			c.offerStage(j, s, t)
		}
	}
}

// offerGang offers all tasks of a gang or none.
func (c *Core) offerGang(j *job, s *stage, t placement.Task) {
	if s.ready < len(s.parts) {
		return
	}
	c.scratch.gangs = true
	for i := range s.parts {
		t.Gang = 0
		if i == 0 {
			t.Gang = len(s.parts)
		}
		c.offer(j, s, i, t)
	}
}

// offerStage offers tasks that a free worker is near to first, then the oldest.
func (c *Core) offerStage(j *job, s *stage, t placement.Task) {
	sc := &c.scratch
	limit := min(sc.free, maxOffered)
	if len(s.near) > 0 {
		for _, w := range c.open {
			if q := s.near[w.id]; q != nil {
				c.offerQueue(j, s, q, t, w.slots, nil)
			}
		}
	}
	n := limit
	c.offerQueue(j, s, &s.queue, t, n, func(i int) { s.parts[i].queued = false })
	if s.GPUs == 0 && len(s.Only) == 0 {
		j.user.offered += min(limit, s.ready)
	}
}

// offerQueue offers the first n tasks of a queue that are ready and not offered
// yet; what is not ready leaves it.
func (c *Core) offerQueue(j *job, s *stage, q *fifo, t placement.Task, n int, left func(i int)) {
	q.each(func(i int) (drop, stop bool) {
		p := &s.parts[i]
		switch {
		case n == 0:
			return false, true
		case p.state != ready:
			if left != nil {
				left(i)
			}
			return true, false
		case p.offered == c.scratch.turn:
			return false, false
		}
		c.offer(j, s, i, t)
		n--
		return false, false
	})
}

func (c *Core) offer(j *job, s *stage, i int, t placement.Task) {
	p := &s.parts[i]
	p.offered = c.scratch.turn
	t.Avoid = p.avoid
	if i < len(s.Prefer) {
		t.Prefer = s.Prefer[i]
	}
	c.scratch.tasks = append(c.scratch.tasks, t)
	c.scratch.from = append(c.scratch.from, candidate{j, s, i})
}

func (c *Core) launch(j *job, s *stage, i int, w *worker) {
	p := &s.parts[i]
	p.run, p.copy = run{attempt: p.next, w: w, since: c.at}, run{}
	p.next++
	c.set(j, s, i, running)
	c.take(j, s, w)
	c.emitLaunch(j, s, i, p.run)
}

func (c *Core) emitLaunch(j *job, s *stage, i int, r run) {
	if s.inputs == nil {
		s.inputs = make(map[int][]Output, len(s.Inputs))
		for _, in := range s.Inputs {
			from := j.stages[in]
			if from.chosen == nil { // a stage of an earlier leader
				from.chosen = from.outputs()
			}
			s.inputs[in] = from.chosen
		}
		s.template++
	}
	c.emit(Launch{
		Task: Task{j.ID, s.ID, i, r.attempt, s.round}, Worker: r.w.id, Epoch: r.w.epoch, Inputs: s.inputs, Template: s.template,
	})
}

// addPeers tells the members of gangs launched in this step of each other.
func (c *Core) addPeers() {
	for k, a := range c.out {
		l, ok := a.(Launch)
		if !ok {
			continue
		}
		s, _ := c.stage(l.Task.Job, l.Task.Stage)
		if s == nil || s.Shape != Gang {
			continue
		}
		for i := range s.parts {
			if w := s.parts[i].run.w; w != nil {
				l.Peers = append(l.Peers, w.id)
			}
		}
		c.out[k] = l
	}
}
