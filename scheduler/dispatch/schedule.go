package dispatch

import "github.com/spurwheel/spurwheel/scheduler/placement"

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
		t := placement.Task{User: j.User, Weight: j.Weight, GPUs: s.GPUs, Avoid: p.avoid}
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
