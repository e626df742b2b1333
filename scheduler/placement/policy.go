// Package placement decides which worker runs which task: a pure policy over
// a view of the workers. It knows nothing of jobs, stages or messages.
package placement

import (
	"container/heap"
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
	Limit  int // tasks of its user that may run at once, 0: any number
	GPUs   int
	Prefer []string
	Only   []string // workers that alone can run it, since they hold what it reads; none: all can
	Avoid  []string // workers that failed it
	Gang   int      // tasks that must start together with this one (consecutive in the list), 0 or 1: alone
	Class  int      // tasks of one class need the same (GPUs, Only): where one does not fit, none does; 0: none
}

// Assignment gives task number Task to a worker.
type Assignment struct {
	Task   int
	Worker string
}

// Policy places as many tasks as fit. Running counts each user's running tasks.
// The slices are the caller's and valid during the call.
type Policy interface {
	Place(workers []Worker, running map[string]int, tasks []Task) []Assignment
}

// FairLocal serves the user with the fewest running tasks per weight first and
// prefers workers that hold the task's input, then the emptiest.
type FairLocal struct{}

// Place implements Policy. Tasks keep their order within a user, save that one
// which does not fit lets others pass; a gang that does not fit does not, since
// it would never start if slots were taken one by one.
func (FairLocal) Place(workers []Worker, running map[string]int, tasks []Task) []Assignment {
	p := newPlacer(workers, running, tasks)
	for p.free > 0 {
		u := p.neediest()
		if u == nil {
			break
		}
		p.serve(u)
	}
	return p.out
}

// queue is a user's tasks that wait for a decision.
type queue struct {
	name    string
	weight  int
	limit   int
	running int
	next    int // first task that may be this user's, -1: none is left
	full    []int
}

type placer struct {
	workers []Worker
	index   map[string]int // made when first asked for
	byRoom  room
	tasks   []Task
	out     []Assignment
	users   []queue // in order of first appearance, for determinism
	free    int
}

func newPlacer(workers []Worker, running map[string]int, tasks []Task) *placer {
	p := &placer{workers: slices.Clone(workers), tasks: tasks}
	for _, w := range workers {
		p.free += max(w.Slots, 0)
	}
	p.out = make([]Assignment, 0, min(p.free, len(tasks)))
	for i := 0; i < len(tasks); i += max(tasks[i].Gang, 1) {
		p.addUser(tasks[i], i, running)
	}
	p.byRoom.workers = p.workers
	for i := range p.workers {
		p.byRoom.order = append(p.byRoom.order, i)
	}
	heap.Init(&p.byRoom)
	return p
}

func (p *placer) addUser(t Task, i int, running map[string]int) {
	for k := range p.users {
		if p.users[k].name == t.User {
			return
		}
	}
	p.users = append(p.users, queue{name: t.User, weight: max(t.Weight, 1), limit: t.Limit, running: running[t.User], next: i})
}

// neediest picks the user to serve next; a user without a name is one too.
func (p *placer) neediest() *queue {
	var best *queue
	for i := range p.users {
		u := &p.users[i]
		if u.next < 0 || u.limit > 0 && u.running >= u.limit {
			continue
		}
		if best == nil || u.running*best.weight < best.running*u.weight {
			best = u
		}
	}
	return best
}

// serve places the user's next task or gang, if it fits.
func (p *placer) serve(u *queue) {
	i := u.next
	t := p.tasks[i]
	n := max(t.Gang, 1)
	p.advance(u, i+n)
	switch {
	case t.Class > 0 && slices.Contains(u.full, t.Class):
	case t.Gang > 1 && (u.limit > 0 && u.running+n > u.limit || !p.placeGang(i, min(i+n, len(p.tasks)))):
		u.next = -1
	case t.Gang > 1:
		u.running += n
	case p.place(i):
		u.running++
	case t.Class > 0:
		u.full = append(u.full, t.Class)
	}
}

// advance looks for the user's next task, at position i or later.
func (p *placer) advance(u *queue, i int) {
	for i < len(p.tasks) && p.tasks[i].User != u.name {
		i += max(p.tasks[i].Gang, 1)
	}
	u.next = i
	if i >= len(p.tasks) {
		u.next = -1
	}
}

// placeGang places all tasks of a gang or none.
func (p *placer) placeGang(from, to int) bool {
	at := len(p.out)
	for k := from; k < to; k++ {
		if p.place(k) {
			continue
		}
		for _, a := range p.out[at:] {
			p.change(p.at(a.Worker), 1, p.tasks[a.Task].GPUs)
		}
		p.out = p.out[:at]
		return false
	}
	return true
}

func (p *placer) place(k int) bool {
	w := p.choose(p.tasks[k])
	if w < 0 {
		return false
	}
	p.change(w, -1, -p.tasks[k].GPUs)
	p.out = append(p.out, Assignment{Task: k, Worker: p.workers[w].ID})
	return true
}

// change books or returns room on a worker.
func (p *placer) change(w, slots, gpus int) {
	p.workers[w].Slots += slots
	p.workers[w].GPUs += gpus
	p.free += slots
	heap.Fix(&p.byRoom, p.byRoom.place(w))
}

// at is the number of a worker, -1 if it is not there.
func (p *placer) at(id string) int {
	if p.index == nil {
		p.index = make(map[string]int, len(p.workers))
		for i := range p.workers {
			p.index[p.workers[i].ID] = i
		}
	}
	if i, ok := p.index[id]; ok {
		return i
	}
	return -1
}

func (p *placer) choose(t Task) int {
	for _, id := range t.Prefer {
		if i := p.at(id); i >= 0 && p.fits(i, t) && !slices.Contains(t.Avoid, id) && !p.workers[i].Suspect {
			return i
		}
	}
	if len(p.workers) == 0 {
		return -1
	}
	if i := p.byRoom.order[0]; p.fits(i, t) && !slices.Contains(t.Avoid, p.workers[i].ID) {
		return i // the best of all, and nothing speaks against it
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
	if len(t.Only) > 0 && !slices.Contains(t.Only, p.workers[i].ID) {
		return false
	}
	return p.workers[i].Slots > 0 && p.workers[i].GPUs >= t.GPUs
}

// better compares two fitting workers: not avoided, then as room says.
func (p *placer) better(i, j int, t Task) bool {
	a, b := p.workers[i], p.workers[j]
	if x, y := slices.Contains(t.Avoid, a.ID), slices.Contains(t.Avoid, b.ID); x != y {
		return y
	}
	return before(a, b)
}

// before prefers workers that are not suspect, then those with more free slots.
func before(a, b Worker) bool {
	if a.Suspect != b.Suspect {
		return b.Suspect
	}
	return a.Slots > b.Slots
}

// room is a heap of worker numbers, the best for a task without wishes on top.
type room struct {
	workers []Worker
	order   []int
	where   []int // by worker, its place in order
}

func (r *room) Len() int { return len(r.order) }

func (r *room) Less(i, j int) bool {
	a, b := r.order[i], r.order[j]
	if before(r.workers[a], r.workers[b]) || before(r.workers[b], r.workers[a]) {
		return before(r.workers[a], r.workers[b])
	}
	return a < b
}

func (r *room) Swap(i, j int) {
	r.place(0)
	r.order[i], r.order[j] = r.order[j], r.order[i]
	r.where[r.order[i]], r.where[r.order[j]] = i, j
}

// Push and Pop are not used: workers neither come nor go.
func (r *room) Push(any) {}

// Pop is not used.
func (r *room) Pop() any { return nil }

// place is where a worker is in the heap.
func (r *room) place(w int) int {
	if r.where == nil {
		r.where = make([]int, len(r.workers))
		for i, k := range r.order {
			r.where[k] = i
		}
	}
	return r.where[w]
}
