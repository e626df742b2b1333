package exec

import (
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// singleColumn tells the only column that a condition refers to.
func singleColumn(e plan.Expr) (int, bool) {
	col, ok := -1, true
	plan.WalkExpr(e, func(x plan.Expr) bool {
		if b, is := x.(*plan.Bound); is {
			ok = ok && (col < 0 || col == b.Index)
			col = b.Index
		}
		return true
	})
	return col, ok && col >= 0
}

// columnFilter turns a condition on one column into a format's filter: the
// exact test, and for simple comparisons bounds that statistics can use.
func columnFilter(e plan.Expr, column int, c compiler) format.Filter {
	f := format.Filter{Column: column}
	setBounds(&f, e)
	moved, _ := plan.TransformExpr(e, func(x plan.Expr) (plan.Expr, error) {
		if b, ok := x.(*plan.Bound); ok {
			n := *b
			n.Index = 0
			return &n, nil
		}
		return x, nil
	})
	f.New = func() (format.Select, error) {
		cond, err := c.Cond(moved)
		if err != nil {
			return nil, err
		}
		b := &batch.Batch{Cols: make([]*batch.Vector, 1)}
		return func(v *batch.Vector, sel []int32) ([]int32, error) {
			b.Cols[0], b.N = v, v.Len()
			kept, err := cond.Select(b, sel)
			return sel[:copy(sel, kept)], err
		}, nil
	}
	return f
}

// setBounds reads column op literal, literal op column, IN and IS NOT NULL.
func setBounds(f *format.Filter, e plan.Expr) {
	switch e := e.(type) {
	case *plan.In:
		if _, ok := e.Child.(*plan.Bound); ok {
			f.In = literals(e.List)
			f.RejectsNull = true
		}
	case *plan.Call:
		if e.Name == "isnotnull" {
			_, f.RejectsNull = e.Args[0].(*plan.Bound)
		}
		if len(e.Args) != 2 {
			return
		}
		_, left := e.Args[0].(*plan.Bound)
		_, right := e.Args[1].(*plan.Bound)
		if lit, ok := e.Args[1].(*plan.Literal); ok && left {
			compareBounds(f, e.Name, lit.Value)
		} else if lit, ok := e.Args[0].(*plan.Literal); ok && right {
			compareBounds(f, plan.Mirrored(e.Name), lit.Value)
		}
	}
}

func literals(es []plan.Expr) []any {
	var out []any
	for _, e := range es {
		l, ok := e.(*plan.Literal)
		if !ok {
			return nil
		}
		if l.Value != nil {
			out = append(out, l.Value)
		}
	}
	return out
}

func compareBounds(f *format.Filter, op string, x any) {
	if x == nil {
		return
	}
	switch op {
	case "=", "==":
		f.Min, f.Max, f.RejectsNull = x, x, true
	case "<", "<=":
		f.Max, f.MaxOpen, f.RejectsNull = x, op == "<", true
	case ">", ">=":
		f.Min, f.MinOpen, f.RejectsNull = x, op == ">", true
	}
}
