package physical

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// parts is how the rows of a subplan lie over tasks.
type parts uint8

const (
	onePart  parts = iota // all in one task
	anyParts              // spread without a rule
	hashed                // equal keys are in one task
)

// spread is a subplan with its distribution.
type spread struct {
	node  Node
	parts parts
	keys  []plan.Expr // hashed: over the node's output
	tasks int
}

// broadcastRows is the most estimated rows that are copied to every worker:
// beyond it, sending both sides of a join once is cheaper for a few workers.
const broadcastRows = 500_000

// cutter inserts exchanges where an operator needs rows of other tasks and cuts
// the plan there.
type cutter struct {
	workers int
	stages  []Stage
}

// finish makes a stage of a subplan and returns its number.
func (c *cutter) finish(n Node, out Exchange, tasks int) int {
	var inputs []int
	walk(n, func(x Node) {
		if in, ok := x.(*StageInput); ok && !slices.Contains(inputs, in.Stage) {
			inputs = append(inputs, in.Stage)
		}
	})
	id := len(c.stages)
	c.stages = append(c.stages, Stage{ID: id, Root: n, Output: out, Inputs: inputs, Tasks: tasks})
	return id
}

// exchange ends a stage and reads it in the next.
func (c *cutter) exchange(s spread, x Exchange) spread {
	id := c.finish(s.node, x, s.tasks)
	in := &StageInput{Rows: Rows{s.node.Estimate()}, Stage: id, Broadcast: x.Kind == ExchangeBroadcast, Out: s.node.Schema()}
	out := spread{node: in, parts: anyParts, tasks: max(x.Parts, 1)}
	switch x.Kind {
	case ExchangeSingle:
		out.parts = onePart
	case ExchangeHash:
		out.parts, out.keys = hashed, x.Keys
	default:
	}
	return out
}

func (c *cutter) gather(s spread) spread {
	if s.parts == onePart {
		return s
	}
	return c.exchange(s, Exchange{Kind: ExchangeSingle, Parts: 1})
}

func (c *cutter) hash(s spread, keys []plan.Expr) spread {
	if s.parts == hashed && sameKeys(s.keys, keys) {
		return s
	}
	return c.exchange(s, Exchange{Kind: ExchangeHash, Keys: keys, Parts: c.workers})
}

func sameKeys(a, b []plan.Expr) bool {
	return slices.EqualFunc(a, b, plan.Same)
}

// spreadOut gives a one-task subplan to all tasks in turn.
func (c *cutter) spreadOut(s spread) spread {
	if s.parts != onePart {
		return s
	}
	return c.exchange(s, Exchange{Kind: ExchangeRoundRobin, Parts: c.workers})
}

func (c *cutter) distribute(n Node) spread {
	switch n := n.(type) {
	case *Scan:
		if len(n.Splits) > 1 {
			return spread{node: n, parts: anyParts, tasks: min(c.workers, len(n.Splits))}
		}
		return spread{node: n, tasks: 1}
	case *Filter, *Project, *Expand, *Generate, *Sample, *CollectMetrics, *Write:
		s := c.distribute(n.Children()[0])
		keys := s.keys
		switch n.(type) {
		case *Filter, *CollectMetrics:
		default:
			keys = nil // positions change
		}
		p := s.parts
		if p == hashed && keys == nil {
			p = anyParts
		}
		return spread{node: n.WithChildren([]Node{s.node}), parts: p, keys: keys, tasks: s.tasks}
	case *Aggregate:
		return c.aggregate(n)
	case *HashJoin:
		return c.join(n)
	case *NestedLoop:
		return c.loop(n)
	case *Sort:
		return c.sort(n)
	case *Limit:
		return c.limit(n)
	case *Window:
		return c.window(n)
	case *Union:
		return c.union(n)
	case *Recursive: // the step runs many times, an exchange inside it would run once
		return spread{node: n.WithChildren([]Node{c.gather(c.distribute(n.Anchor)).node, n.Step}), tasks: 1}
	}
	return c.together(n)
}

// together brings all inputs into one task.
func (c *cutter) together(n Node) spread {
	cs := n.Children()
	out := make([]Node, len(cs))
	for i, ch := range cs {
		out[i] = c.gather(c.distribute(ch)).node
	}
	if len(cs) > 0 {
		n = n.WithChildren(out)
	}
	return spread{node: n, tasks: 1}
}

func (c *cutter) join(n *HashJoin) spread {
	l, r := c.distribute(n.Left), c.distribute(n.Right)
	if l.parts == onePart && r.parts == onePart {
		return spread{node: n.WithChildren([]Node{l.node, r.node}), tasks: 1}
	}
	build := r
	if n.BuildLeft {
		build = l
	}
	rows := build.node.Estimate()
	if rows >= 0 && rows <= broadcastRows && copyable(n) && !slices.Contains(n.NullSafe, true) {
		build = c.exchange(build, Exchange{Kind: ExchangeBroadcast, Parts: c.workers})
		if n.BuildLeft {
			r = c.spreadOut(r)
			return spread{node: n.WithChildren([]Node{build.node, r.node}), parts: anyParts, tasks: r.tasks}
		}
		l = c.spreadOut(l)
		return spread{node: n.WithChildren([]Node{l.node, build.node}), parts: anyParts, tasks: l.tasks}
	}
	if n.Type == plan.JoinNullAnti { // one null on the right decides for all rows
		return spread{node: n.WithChildren([]Node{c.gather(l).node, c.gather(r).node}), tasks: 1}
	}
	l, r = c.hash(l, n.LeftKeys), c.hash(r, n.RightKeys)
	return spread{node: n.WithChildren([]Node{l.node, r.node}), parts: anyParts, tasks: c.workers}
}

// copyable tells whether each task may hold the whole build side: then no
// output may depend on what all probe rows matched.
func copyable(n *HashJoin) bool {
	switch n.Type {
	case plan.JoinInner, plan.JoinCross:
		return true
	case plan.JoinLeft, plan.JoinSemi, plan.JoinAnti, plan.JoinExistence, plan.JoinSingle, plan.JoinNullAnti:
		return !n.BuildLeft
	case plan.JoinRight:
		return n.BuildLeft
	default: // full
		return false
	}
}

func (c *cutter) loop(n *NestedLoop) spread {
	switch n.Type {
	case plan.JoinInner, plan.JoinCross, plan.JoinLeft, plan.JoinSemi, plan.JoinAnti, plan.JoinExistence, plan.JoinSingle, plan.JoinNullAnti:
	default:
		return c.together(n)
	}
	l, r := c.distribute(n.Left), c.distribute(n.Right)
	if l.parts == onePart && r.parts == onePart {
		return spread{node: n.WithChildren([]Node{l.node, r.node}), tasks: 1}
	}
	l = c.spreadOut(l)
	r = c.exchange(r, Exchange{Kind: ExchangeBroadcast, Parts: c.workers})
	return spread{node: n.WithChildren([]Node{l.node, r.node}), parts: anyParts, tasks: l.tasks}
}

// sort keeps each task's first rows before it brings them together.
func (c *cutter) sort(n *Sort) spread {
	s := c.distribute(n.Child)
	if !n.Global {
		return spread{node: n.WithChildren([]Node{s.node}), parts: s.parts, keys: s.keys, tasks: s.tasks}
	}
	if s.parts != onePart && n.Limit >= 0 {
		local := *n
		local.Limit, local.Offset, local.Child = n.Limit+n.Offset, 0, s.node
		s.node = &local
	}
	return spread{node: n.WithChildren([]Node{c.gather(s).node}), tasks: 1}
}

func (c *cutter) limit(n *Limit) spread {
	s := c.distribute(n.Child)
	if s.parts != onePart && n.N >= 0 && !n.Tail {
		s.node = &Limit{Rows: n.Rows, N: n.N + n.Offset, Child: s.node}
	}
	return spread{node: n.WithChildren([]Node{c.gather(s).node}), tasks: 1}
}

func (c *cutter) window(n *Window) spread {
	s := c.distribute(n.Child)
	if len(n.Partition) == 0 || s.parts == onePart {
		return spread{node: n.WithChildren([]Node{c.gather(s).node}), tasks: 1}
	}
	s = c.hash(s, n.Partition)
	return spread{node: n.WithChildren([]Node{s.node}), parts: hashed, keys: s.keys, tasks: s.tasks}
}

func (c *cutter) union(n *Union) spread {
	ins := make([]spread, len(n.Inputs))
	single := true
	for i, in := range n.Inputs {
		ins[i] = c.distribute(in)
		single = single && ins[i].parts == onePart
	}
	out := make([]Node, len(ins))
	tasks := 1
	for i, s := range ins {
		if !single {
			s = c.exchange(s, Exchange{Kind: ExchangeRoundRobin, Parts: c.workers})
			tasks = c.workers
		}
		out[i] = s.node
	}
	p := anyParts
	if single {
		p = onePart
	}
	return spread{node: n.WithChildren(out), parts: p, tasks: tasks}
}

// dealScan spreads one scan's splits over tasks: each gets a run of them, so
// that rows read back task by task are in the order of the files, and the runs
// have about the same bytes.
func dealScan(s *Scan, tasks int) [][]int32 {
	var total int64
	for i := range s.Splits {
		total += s.Splits[i].Bytes + 1
	}
	out := make([][]int32, tasks)
	before := int64(0)
	for i := range s.Splits {
		size := s.Splits[i].Bytes + 1
		t := (before + size/2) * int64(tasks) / total // where the middle of the split lies
		out[t] = append(out[t], int32(i))
		before += size
	}
	return out
}
