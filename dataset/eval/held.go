package eval

import "github.com/spurwheel/spurwheel/internal/types"

// Held is how many bytes the texts, lists and maps take that the last Eval
// computed on the way, so that whoever evaluates can take fewer rows at a time:
// a function like repeat makes megabytes of a row. Zero if there are no such values.
func (p *Program) Held() int64 { return heldBy(p.calls) }

// Grows tells whether Held can be other than zero.
func (p *Program) Grows() bool { return len(p.calls) > 0 }

// Held is as for a Program, of the last Select.
func (f *Filter) Held() int64 { return heldBy(f.calls) }

// Grows tells whether Held can be other than zero.
func (f *Filter) Grows() bool { return len(f.calls) > 0 }

func heldBy(calls []*callNode) int64 {
	var n int64
	for _, c := range calls {
		n += c.out.Own()
		if c.dict != nil {
			n += c.dict.Own()
		}
	}
	return n
}

// track notes calls whose values have no fixed width.
func (c *compiler) track(n *callNode) *callNode {
	switch n.out.Phys() {
	case types.PhysView, types.PhysArray, types.PhysMap, types.PhysStruct:
		c.calls = append(c.calls, n)
	default:
	}
	return n
}
