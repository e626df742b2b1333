// Package placement decides which worker runs which task: a pure policy over
// a view of the workers. It knows nothing of jobs, stages or messages.
package placement

import (
	"maps"
	"slices"
)

// Worker is what the policy sees of a worker.
type Worker struct {
	ID      string
	Slots   int  // free slots
	GPUs    int  // free GPUs
	Suspect bool // on probation after failures: used last
}

// Task is a runnable task. Prefer lists workers that hold its input, best first.
type Task struct {
	User   string
	Weight int // share of its user, ≥ 1
	GPUs   int
	Prefer []string
	Only   []string // workers that alone can run it, since they hold what it reads; none: all can
	Avoid  []string // workers that failed it
	Gang   int      // tasks that must start together with this one (consecutive in the list), 0 or 1: alone
}

// Assignment gives task number Task to a worker.
type Assignment struct {
	Task   int
	Worker string
}

// Policy places as many tasks as fit. Running counts each user's running tasks.
type Policy interface {
	Place(workers []Worker, running map[string]int, tasks []Task) []Assignment
}

// FairLocal serves the user with the fewest running tasks per weight first and
// prefers workers that hold the task's input, then the emptiest.
type FairLocal struct{}

// Place implements Policy. Tasks keep their order within a user.
func (FairLocal) Place(workers []Worker, running map[string]int, tasks []Task) []Assignment {
	p := &placer{workers: append([]Worker{}, workers...), running: map[string]int{}, tasks: tasks}
	maps.Copy(p.running, running)
	next := p.queues()
	for {
		user, ok := p.neediest(next)
		if !ok {
			return p.out
		}
		group := next[user][0]
		next[user] = next[user][1:]
		if !p.placeGroup(group) {
			delete(next, user) // its head does not fit: later tasks of the user wait too
		}
	}
}

type placer struct {
	workers []Worker
	running map[string]int
	tasks   []Task
	out     []Assignment
	order   []string // users in order of first appearance, for determinism
}

// queues cuts the tasks into groups (gangs or single tasks) for each user.
func (p *placer) queues() map[string][][]int {
	out := map[string][][]int{}
	for i := 0; i < len(p.tasks); {
		t := p.tasks[i]
		n := max(t.Gang, 1)
		group := make([]int, 0, n)
		for k := i; k < min(i+n, len(p.tasks)); k++ {
			group = append(group, k)
		}
		if _, ok := out[t.User]; !ok {
			p.order = append(p.order, t.User)
		}
		out[t.User] = append(out[t.User], group)
		i += n
	}
	return out
}

// neediest picks the user to serve next; a user without a name is one too.
func (p *placer) neediest(next map[string][][]int) (best string, ok bool) {
	score := 0.0
	for _, u := range p.order {
		if len(next[u]) == 0 {
			continue
		}
		w := max(p.tasks[next[u][0][0]].Weight, 1)
		if s := float64(p.running[u]) / float64(w); !ok || s < score {
			best, score, ok = u, s, true
		}
	}
	return best, ok
}

// placeGroup places all tasks of a group or none.
func (p *placer) placeGroup(group []int) bool {
	saved := append([]Worker{}, p.workers...)
	at := len(p.out)
	for _, k := range group {
		w := p.choose(p.tasks[k])
		if w < 0 {
			p.workers, p.out = saved, p.out[:at]
			return false
		}
		p.workers[w].Slots--
		p.workers[w].GPUs -= p.tasks[k].GPUs
		p.out = append(p.out, Assignment{Task: k, Worker: p.workers[w].ID})
	}
	p.running[p.tasks[group[0]].User] += len(group)
	return true
}

func (p *placer) choose(t Task) int {
	for _, id := range t.Prefer {
		for i := range p.workers {
			if p.workers[i].ID == id && p.fits(i, t) && !contains(t.Avoid, id) && !p.workers[i].Suspect {
				return i
			}
		}
	}
	best := -1
	for i := range p.workers {
		if p.fits(i, t) && (best < 0 || p.better(i, best, t)) {
			best = i
		}
	}
	return best
}

func (p *placer) fits(i int, t Task) bool {
	if len(t.Only) > 0 && !contains(t.Only, p.workers[i].ID) {
		return false
	}
	return p.workers[i].Slots > 0 && p.workers[i].GPUs >= t.GPUs
}

// better compares two fitting workers: not avoided, not suspect, more free slots.
func (p *placer) better(i, j int, t Task) bool {
	a, b := p.workers[i], p.workers[j]
	if x, y := contains(t.Avoid, a.ID), contains(t.Avoid, b.ID); x != y {
		return y
	}
	if a.Suspect != b.Suspect {
		return b.Suspect
	}
	return a.Slots > b.Slots
}

func contains(xs []string, x string) bool {
	return slices.Contains(xs, x)
}
