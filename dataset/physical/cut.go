package physical

// Stage is a part of a plan that runs as equal tasks.
type Stage struct {
	ID     int
	Root   Node
	Output Exchange // how its rows are delivered; Kind Single for the last stage
	Inputs []int
	Tasks  int
}

// Cut makes stages of a plan for a number of workers. With one worker the whole
// plan is one task of many threads: threads share state, nothing is exchanged.
func Cut(root Node, workers int) []Stage {
	if workers <= 1 {
		return []Stage{{ID: 0, Root: root, Tasks: 1}}
	}
	c := &cutter{workers: workers}
	d := c.distribute(root)
	if d.parts != onePart {
		d = c.gather(d)
	}
	c.finish(d.node, Exchange{}, 1)
	return c.stages
}

// Deal spreads the splits of each scan of the stage, in the order of a
// top-down walk, over its tasks: by bytes, largest first, onto the task with
// the least so far.
func (s Stage) Deal() [][][]int32 {
	var out [][][]int32
	walk(s.Root, func(n Node) {
		if scan, ok := n.(*Scan); ok {
			out = append(out, dealScan(scan, s.Tasks))
		}
	})
	return out
}

func walk(n Node, f func(Node)) {
	f(n)
	for _, c := range n.Children() {
		walk(c, f)
	}
}
