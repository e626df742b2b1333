package physical

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// count reads a folded row count of LIMIT, OFFSET or TAIL.
func count(e plan.Expr) (int64, error) {
	l, ok := e.(*plan.Literal)
	if ok {
		switch v := l.Value.(type) {
		case int8:
			return int64(v), nil
		case int16:
			return int64(v), nil
		case int32:
			return int64(v), nil
		case int64:
			return v, nil
		}
	}
	return 0, errs.Cond(errs.Analysis, "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE", "42K0E",
		"The row count "+e.String()+" must be a constant.", "name", "limit", "expr", e.String())
}

// limit fuses LIMIT n [OFFSET m] over a sort into a Top-N.
func (p *Planner) limit(ctx context.Context, n *plan.Limit) (Node, error) {
	rows, err := count(n.N)
	if err != nil {
		return nil, err
	}
	below, offset := n.Child, int64(0)
	if o, ok := below.(*plan.OffsetRows); ok {
		if offset, err = count(o.N); err != nil {
			return nil, err
		}
		below = o.Child
	}
	if s, ok := below.(*plan.Sort); ok && s.Global {
		return p.sort(ctx, s, rows, offset)
	}
	if pr, ok := below.(*plan.Project); ok { // a projection over a sort keeps its order
		if s, ok := pr.Child.(*plan.Sort); ok && s.Global {
			child, err := p.sort(ctx, s, rows, offset)
			if err != nil {
				return nil, err
			}
			return p.project(pr.List, pr.Output(), child, s.Output())
		}
	}
	child, err := p.node(ctx, below)
	if err != nil {
		return nil, err
	}
	return &Limit{Rows: p.rows(n), N: rows, Offset: offset, Child: limited(child, rows+offset)}, nil
}

func (p *Planner) offset(ctx context.Context, n *plan.OffsetRows) (Node, error) {
	rows, err := count(n.N)
	if err != nil {
		return nil, err
	}
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	return &Limit{Rows: p.rows(n), N: -1, Offset: rows, Child: child}, nil
}

func (p *Planner) tail(ctx context.Context, n *plan.Tail) (Node, error) {
	rows, err := count(n.N)
	if err != nil {
		return nil, err
	}
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	return &Limit{Rows: p.rows(n), N: rows, Tail: true, Child: child}, nil
}

func (p *Planner) sort(ctx context.Context, n *plan.Sort, limit, offset int64) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	keys, err := bindOrders(n.Orders, n.Child.Output())
	if err != nil {
		return nil, err
	}
	rows := p.rows(n)
	if limit >= 0 && (rows.N < 0 || rows.N > limit) {
		rows.N = limit
	}
	return &Sort{Rows: rows, Keys: keys, Limit: limit, Offset: offset, Global: n.Global, Child: child}, nil
}

func (p *Planner) window(ctx context.Context, n *plan.WindowNode) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	in := n.Child.Output()
	out := &Window{Rows: p.rows(n), Out: plan.SchemaOf(n), Child: child}
	if out.Partition, err = bindAll(n.Partition, in); err != nil {
		return nil, err
	}
	if out.Order, err = bindOrders(n.Order, in); err != nil {
		return nil, err
	}
	for _, e := range n.List {
		w, ok := e.(*plan.Alias).Child.(*plan.Window)
		if !ok {
			return nil, errs.Errorf(errs.Internal, "physical.window", "%s is no window function", e)
		}
		f, err := Bind(w.Func, in)
		if err != nil {
			return nil, err
		}
		out.Funcs = append(out.Funcs, WindowFunc{Func: f, Frame: w.Frame})
	}
	return out, nil
}

func (p *Planner) union(ctx context.Context, n *plan.Union) (Node, error) {
	out := &Union{Rows: p.rows(n), Out: plan.SchemaOf(n)}
	for _, in := range n.Inputs {
		c, err := p.node(ctx, in)
		if err != nil {
			return nil, err
		}
		out.Inputs = append(out.Inputs, c)
	}
	return out, nil
}

// generate evaluates a generator; its child's columns are kept.
func (p *Planner) generate(ctx context.Context, n *plan.Generate) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	g, err := Bind(n.Gen, n.Child.Output())
	if err != nil {
		return nil, err
	}
	call, ok := g.(*plan.Call)
	if !ok {
		return nil, errs.Errorf(errs.Internal, "physical.generate", "%s is no generator", g)
	}
	return &Generate{Rows: p.rows(n), Gen: call, Outer: n.Outer, Out: plan.SchemaOf(n), Child: child}, nil
}

func (p *Planner) expand(ctx context.Context, n *plan.Expand) (Node, error) {
	child, err := p.node(ctx, n.Child)
	if err != nil {
		return nil, err
	}
	out := &Expand{Rows: p.rows(n), Out: plan.SchemaOf(n), Child: child}
	for _, list := range n.Projections {
		es, err := bindAll(list, n.Child.Output())
		if err != nil {
			return nil, err
		}
		out.Projections = append(out.Projections, es)
	}
	return out, nil
}

// setOp plans INTERSECT and EXCEPT. Without ALL they are null-safe semi and
// anti joins of distinct rows; with ALL the copies of each row are numbered
// first, so that the k-th copy matches the k-th.
func (p *Planner) setOp(ctx context.Context, n *plan.SetOp) (Node, error) {
	left, err := p.node(ctx, n.Left)
	if err != nil {
		return nil, err
	}
	right, err := p.node(ctx, n.Right)
	if err != nil {
		return nil, err
	}
	width := left.Schema().Len()
	kind := plan.JoinSemi
	if n.Kind == plan.SetExcept {
		kind = plan.JoinAnti
	}
	if n.All {
		left, right = numbered(left), numbered(right)
	} else {
		left = distinctOf(left, Rows{left.Estimate()})
	}
	j := &HashJoin{Rows: p.rows(n), Type: kind, Left: left, Right: right, LeftKeys: allColumns(left), RightKeys: allColumns(right), Out: left.Schema()}
	for range j.LeftKeys {
		j.NullSafe = append(j.NullSafe, true)
	}
	if !n.All {
		return renamed(j, plan.SchemaOf(n)), nil
	}
	return &Project{Rows: j.Rows, Exprs: allColumns(j)[:width], Out: plan.SchemaOf(n), Child: j}, nil
}

// numbered appends the number of each row among its equals.
func numbered(n Node) Node {
	out := types.Schema{Fields: append(append([]types.Field{}, n.Schema().Fields...), types.Field{Name: "copy", Type: types.Int})}
	f := WindowFunc{
		Func:  &plan.Call{Name: "row_number", Typ: types.Int},
		Frame: plan.Frame{Kind: plan.FrameRows, Hi: plan.FrameBound{Kind: plan.CurrentRow}},
	}
	return &Window{Rows: Rows{n.Estimate()}, Partition: allColumns(n), Funcs: []WindowFunc{f}, Out: out, Child: n}
}
