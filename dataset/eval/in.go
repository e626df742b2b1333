package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// in compiles membership: a hash set if the list is constant and the values
// have a fixed width or are strings, else one comparison for each element.
func (c *compiler) in(e *plan.In) (node, error) {
	child, err := c.compile(e.Child)
	if err != nil {
		return nil, err
	}
	list := c.foldArgs(e.List)
	if s := newSet(e.Child.Type(), list); s != nil {
		k := func(args []*batch.Vector, n int, out *batch.Vector) error {
			s.probe(args[0], n, out)
			return nil
		}
		return newCallNode([]node{child}, []types.Type{e.Child.Type()}, types.Bool, k, &function.Entry{NullIn: true}, nil), nil
	}
	return c.inRows(child, e.Child.Type(), list)
}

// inNode compares with each element of a list that is not constant.
type inNode struct {
	child node
	items []*subset
	equal *callNode // over two holders
	a, b  holder
	flat  *batch.Vector
	out   *batch.Vector
	rows  [2][]int32
	held  *batch.Vector
}

// holder is a node whose value is set from outside.
type holder struct{ v *batch.Vector }

func (h *holder) eval(*input) (*batch.Vector, error) { return h.v, nil }

func (c *compiler) inRows(child node, t types.Type, list []plan.Expr) (node, error) {
	n := &inNode{child: child, flat: batch.New(types.Bool, 0), out: batch.New(types.Bool, 0), held: batch.New(t, 0)}
	for _, x := range list {
		s, err := c.subset(x)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, s)
	}
	pair := []plan.Expr{&plan.Bound{Typ: t, Null: true}, &plan.Bound{Typ: t, Null: true}}
	k, err := function.CompareKernel("=", t)
	n.equal = newCallNode([]node{&n.a, &n.b}, function.TypesOf(pair), types.Bool, k, &function.Entry{NullIn: true}, nil)
	return n, err
}

// eval tests the rows that no earlier element matched.
func (c *inNode) eval(in *input) (*batch.Vector, error) {
	v, err := c.child.eval(in)
	if err != nil {
		return nil, err
	}
	c.out.Reset(in.n)
	c.out.AndValidity(rowValidity(v, c.out))
	vals := batch.Values[bool](c.out)
	clear(vals)
	rows := all(c.rows[0][:0], in.n)
	for k, item := range c.items {
		if len(rows) == 0 {
			break
		}
		w, err := item.eval(in, rows)
		if err != nil {
			return nil, err
		}
		c.a.v, c.b.v = c.pick(v, rows, in.n), w
		m, err := c.equal.eval(&input{n: len(rows)})
		if err != nil {
			return nil, err
		}
		into := &c.rows[(k+1)&1]
		*into = c.settle(boolFlat(m, c.flat), rows, (*into)[:0])
		rows = *into
	}
	return c.out, nil
}

// rowValidity is v's validity as a bitmap of rows.
func rowValidity(v, out *batch.Vector) []uint64 {
	if v.ConstNull() {
		out.SetAllNull()
		return nil
	}
	if v.Enc == batch.Const {
		return nil
	}
	return v.Validity()
}

func (c *inNode) pick(v *batch.Vector, rows []int32, n int) *batch.Vector {
	if len(rows) == n {
		return v
	}
	if v.Enc == batch.Const {
		var rep batch.Vector
		rep.Repeat(v, len(rows))
		return &rep
	}
	c.held.Gather(v, rows)
	return c.held
}

// settle notes matches and unknowns; the rows not matched go on. A match
// after an unknown makes the row known again.
func (c *inNode) settle(m *batch.Vector, rows, rest []int32) []int32 {
	vals, hits := batch.Values[bool](c.out), batch.Values[bool](m)
	for i, r := range rows {
		switch {
		case !m.Valid(i):
			c.out.SetNull(int(r))
			rest = append(rest, r)
		case hits[i]:
			vals[r] = true
			c.out.SetValid(int(r))
		default:
			rest = append(rest, r)
		}
	}
	return rest
}
