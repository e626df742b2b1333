package dispatch

import "slices"

func (c *Core) markDirty(j *job) {
	if !j.dirty {
		j.dirty = true
		c.dirty = append(c.dirty, j)
	}
}

// settleAll settles the jobs that lost something.
func (c *Core) settleAll() {
	for len(c.dirty) > 0 {
		list := c.dirty
		c.dirty = nil
		for _, j := range list {
			j.dirty = false
			if !j.gone && !c.held(j) {
				c.settle(j)
			}
		}
	}
}

// settle finds out, after losses, what of a job must run: from the result
// backwards, a stage is needed if it is incomplete and what needs it is needed.
// Lost outputs that nobody will read are not computed again.
func (c *Core) settle(j *job) {
	needed := j.needed()
	for _, s := range j.order {
		if needed[s.ID] && s.Volatile && s.reported && s.done < len(s.parts) {
			c.redoConsumers(j, s, needed)
		}
	}
	for _, s := range j.order {
		if needed[s.ID] && s.Shape == Gang {
			c.regang(j, s)
		}
		due := needed[s.ID] && j.complete(s.Inputs)
		for i := range s.parts {
			switch p := &s.parts[i]; {
			case p.state == waiting && due:
				c.set(j, s, i, ready)
			case p.state == ready && !due:
				c.set(j, s, i, waiting)
			}
		}
		if due && s.Tasks == 0 && !s.reported {
			c.stageDone(j, s)
		}
	}
}

func (j *job) needed() map[int]bool {
	needed := map[int]bool{}
	for _, s := range slices.Backward(j.order) {
		need := s == j.last || slices.ContainsFunc(s.consumers, func(t *stage) bool { return needed[t.ID] })
		if need && (s.done < len(s.parts) || !s.reported) {
			needed[s.ID] = true
		}
	}
	return needed
}

// redoConsumers starts consumers of a volatile stage afresh that will give other
// rows than before: what they have read does not fit those. A complete consumer
// keeps its rows, which all come from one run, if nobody reads them beside
// rows of the next run; should it lose one later, this is asked again.
func (c *Core) redoConsumers(j *job, s *stage, needed map[int]bool) {
	for _, t := range s.consumers {
		read := slices.ContainsFunc(t.consumers, func(u *stage) bool { return needed[u.ID] })
		if t.done == len(t.parts) && !read {
			continue
		}
		needed[t.ID] = needed[t.ID] || read
		for i := range t.parts {
			switch t.parts[i].state {
			case running:
				c.abort(j, t, i)
			case finished:
				c.again(j, t, i)
			case waiting, ready: // has read nothing yet
			}
		}
	}
}

// regang starts a gang afresh of which some member is gone.
func (c *Core) regang(j *job, s *stage) {
	if !slices.ContainsFunc(s.parts, func(p partition) bool { return p.state == waiting && p.next > 0 }) {
		return
	}
	for i := range s.parts {
		switch s.parts[i].state {
		case running:
			c.abort(j, s, i)
		case finished:
			c.again(j, s, i)
		case waiting, ready: // starts with the others
		}
	}
}
