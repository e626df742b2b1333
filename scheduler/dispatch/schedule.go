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

// maxOffered bounds how many tasks of one stage are offered to the policy at
// once: the queue may hold 100,000, slots are far fewer.
const maxOffered = 1024

// schedule launches ready tasks on free slots.
func (c *Core) schedule() {
	for _, j := range c.orphans() {
		c.fail(j, errs.Errorf(errs.Lost, "dispatch", "job %s reads rows of a worker that is gone", j.ID))
	}
	views, free := c.views()
	if free == 0 {
		return
	}
	var tasks []placement.Task
	var from []candidate
	running := map[string]int{}
	for _, j := range c.jobs {
		running[j.User] += j.active
		for _, s := range j.order {
			tasks, from = c.offer(j, s, tasks, from)
		}
	}
	for _, a := range c.policy.Place(views, running, tasks) {
		f := from[a.Task]
		c.launch(f.j, f.s, f.i, a.Worker)
	}
	c.addPeers()
}

// orphans are the jobs with a stage whose only workers are gone.
func (c *Core) orphans() []*job {
	var out []*job
	for _, j := range c.jobs {
		if slices.ContainsFunc(j.order, c.orphaned) {
			out = append(out, j)
		}
	}
	return out
}

func (c *Core) orphaned(s *stage) bool {
	if len(s.Only) == 0 || !slices.ContainsFunc(s.parts, func(p partition) bool { return p.state == ready }) {
		return false
	}
	return !slices.ContainsFunc(c.workers, func(w *worker) bool { return slices.Contains(s.Only, w.id) })
}

func (c *Core) views() (views []placement.Worker, free int) {
	for _, w := range c.workers {
		if w.draining || w.slots <= 0 {
			continue
		}
		views = append(views, placement.Worker{ID: w.id, Slots: w.slots, GPUs: w.gpus, Suspect: c.now.Before(w.restTill)})
		free += w.slots
	}
	return views, free
}

func (c *Core) offer(j *job, s *stage, tasks []placement.Task, from []candidate) ([]placement.Task, []candidate) {
	gang := 0
	if s.Shape == Gang {
		for i := range s.parts {
			if s.parts[i].state == ready {
				gang++
			}
		}
		if gang < len(s.parts) {
			return tasks, from
		}
	}
	n := 0
	for i := range s.parts {
		p := &s.parts[i]
		if p.state != ready {
			continue
		}
		if n++; n > maxOffered && s.Shape != Gang {
			break
		}
		t := placement.Task{User: j.User, Weight: j.Weight, GPUs: s.GPUs, Avoid: p.avoid, Only: s.Only}
		if i < len(s.Prefer) {
			t.Prefer = s.Prefer[i]
		}
		if n == 1 {
			t.Gang = gang
		}
		tasks, from = append(tasks, t), append(from, candidate{j, s, i})
	}
	return tasks, from
}

func (c *Core) launch(j *job, s *stage, i int, workerID string) {
	p := &s.parts[i]
	for _, w := range c.workers {
		if w.id == workerID {
			p.worker, p.epoch = w, w.epoch
		}
	}
	p.state = running
	p.worker.slots--
	p.worker.gpus -= s.GPUs
	j.active++
	inputs := make(map[int][]Output, len(s.Inputs))
	for _, in := range s.Inputs {
		inputs[in] = j.stages[in].outputs()
	}
	c.emit(Launch{Task: Task{j.ID, s.ID, i, p.attempt, s.round}, Worker: p.worker.id, Epoch: p.epoch, Inputs: inputs})
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
			l.Peers = append(l.Peers, s.parts[i].worker.id)
		}
		c.out[k] = l
	}
}
