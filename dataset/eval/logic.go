package eval

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// logicNode is AND and OR. decisive is the value that settles the result: false
// for AND, true for OR. The right side is computed on the rows that the left
// leaves open if it may raise errors or is dear, else on all.
type logicNode struct {
	decisive bool
	left     node
	right    *subset
	dense    bool
	lf, rf   *batch.Vector
	out      *batch.Vector
	open     []int32
}

func (c *compiler) logic(e *plan.Call) (node, error) {
	left, err := c.compile(e.Args[0])
	if err != nil {
		return nil, err
	}
	right, err := c.subset(e.Args[1])
	return &logicNode{
		decisive: e.Name == "or", left: left, right: right, dense: c.safe(e.Args[1]),
		lf: batch.New(types.Bool, 0), rf: batch.New(types.Bool, 0), out: batch.New(types.Bool, 0),
	}, err
}

func (l *logicNode) eval(in *input) (*batch.Vector, error) {
	a, err := l.left.eval(in)
	if err != nil || in.n == 0 {
		return a, err
	}
	a = boolFlat(a, l.lf)
	if !l.dense {
		l.open = undecided(a, l.decisive, in.n, l.open[:0])
		if len(l.open) == 0 {
			return a, nil
		}
		if len(l.open) < in.n {
			return l.sparse(in, a)
		}
	}
	b, err := l.right.node.eval(in)
	if err != nil {
		return nil, err
	}
	b = boolFlat(b, l.rf)
	l.out.Reset(in.n)
	l.combine(l.out, a, b)
	return l.out, nil
}

// sparse computes the right side for the open rows.
func (l *logicNode) sparse(in *input, a *batch.Vector) (*batch.Vector, error) {
	b, err := l.right.eval(in, l.open)
	if err != nil {
		return nil, err
	}
	b = boolFlat(b, l.rf)
	l.out.Reset(in.n)
	dst, av, bv := batch.Values[bool](l.out), batch.Values[bool](a), batch.Values[bool](b)
	for i := range dst {
		dst[i] = av[i]
	}
	for k, r := range l.open {
		// An open left side is either the neutral value or null.
		known := a.Valid(int(r))
		switch {
		case !b.Valid(k):
			l.out.SetNull(int(r))
		case bv[k] == l.decisive || known:
			dst[r] = bv[k]
		default:
			l.out.SetNull(int(r))
		}
	}
	return l.out, nil
}

// combine is three-valued AND or OR of two flat vectors.
func (l *logicNode) combine(out, a, b *batch.Vector) {
	dst, av, bv := batch.Values[uint8](out), batch.Values[uint8](a), batch.Values[uint8](b)
	av, bv = av[:len(dst)], bv[:len(dst)]
	if a.Validity() == nil && b.Validity() == nil {
		if l.decisive {
			for i := range dst {
				dst[i] = av[i] | bv[i]
			}
			return
		}
		for i := range dst {
			dst[i] = av[i] & bv[i]
		}
		return
	}
	d := uint8(0)
	if l.decisive {
		d = 1
	}
	for i := range dst {
		ak, bk := a.Valid(i), b.Valid(i)
		switch {
		case ak && av[i] == d || bk && bv[i] == d:
			dst[i] = d
		case ak && bk:
			dst[i] = 1 - d
		default:
			out.SetNull(i)
		}
	}
}

// boolFlat lays a boolean vector out flat; VOID counts as null.
func boolFlat(v, into *batch.Vector) *batch.Vector {
	if v.Type.Kind == types.KindNull {
		into.Reset(v.Len())
		into.SetAllNull()
		return into
	}
	return v.Flatten(into)
}

// undecided lists the rows of a that are not the decisive value.
func undecided(a *batch.Vector, decisive bool, n int, rows []int32) []int32 {
	vals := batch.Values[bool](a)
	for i := range n {
		if vals[i] != decisive || !a.Valid(i) {
			rows = append(rows, int32(i))
		}
	}
	return rows
}
