package optimize

import (
	"context"
	"math"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Guesses where statistics say nothing (System R's, adapted).
const (
	guessRows      = 100_000 // of a table without statistics
	guessEqual     = 0.05
	guessRange     = 0.33
	guessLike      = 0.1
	guessOther     = 0.33
	guessAggregate = 0.1 // HAVING over an aggregate: users look for outliers
	guessExplode   = 5
	smallTable     = 100 // rows of a table of names, whose strings do not repeat
)

// Estimator guesses rows and distinct values. It remembers what it found and
// serves one query and goroutine.
type Estimator struct {
	ctx  context.Context
	seen map[plan.Node]*relation
}

// NewEstimator makes an estimator; ctx bounds the reading of statistics.
func NewEstimator(ctx context.Context) *Estimator {
	return &Estimator{ctx: ctx, seen: map[plan.Node]*relation{}}
}

// relation is what is believed of a node's output.
type relation struct {
	rows    float64
	columns map[plan.ID]column
}

// column is what is believed of a column. lo and hi are numbers on an
// order-preserving scale, NaN unknown.
type column struct {
	distinct float64
	nulls    float64 // fraction
	lo, hi   float64
	derived  bool       // computed by an aggregate
	base     *plan.Scan // it comes from unchanged, or nil
	of       float64    // rows of base
}

// Rows implements physical.Estimator.
func (e *Estimator) Rows(n plan.Node) int64 {
	r := e.of(n).rows
	if r > math.MaxInt64/4 {
		return math.MaxInt64 / 4
	}
	return int64(math.Ceil(r))
}

func (e *Estimator) of(n plan.Node) *relation {
	if r, ok := e.seen[n]; ok {
		return r
	}
	r := e.compute(n)
	r.rows = max(r.rows, 0)
	e.seen[n] = r
	return r
}

func (e *Estimator) compute(n plan.Node) *relation {
	switch n := n.(type) {
	case *plan.Scan:
		return e.scan(n)
	case *plan.Local:
		rows := 0
		for _, b := range n.Data {
			rows += b.N
		}
		return &relation{rows: float64(rows)}
	case *plan.Range:
		return &relation{rows: math.Ceil(math.Abs(float64(n.End-n.Start) / float64(n.Step)))}
	case *plan.OneRow:
		return &relation{rows: 1}
	case *plan.Filter:
		in := e.of(n.Child)
		return in.scaled(in.selectivity(n.Cond)).bounded(n.Cond)
	case *plan.Project:
		return e.project(n)
	case *plan.Aggregate:
		return e.aggregate(n)
	case *plan.Join:
		return e.join(n)
	case *plan.Union:
		out := &relation{}
		for _, in := range n.Inputs {
			out.rows += e.of(in).rows
		}
		return out
	case *plan.Limit:
		in := *e.of(n.Child)
		if l, ok := n.N.(*plan.Literal); ok {
			if v, ok := number(l.Value); ok {
				in.rows = min(in.rows, v)
			}
		}
		return &in
	case *plan.Distinct:
		in := *e.of(n.Child)
		in.rows = in.groups(columnExprs(n.Child.Output()))
		return &in
	case *plan.Expand:
		return &relation{rows: e.of(n.Child).rows * float64(len(n.Projections))}
	case *plan.Generate:
		in := *e.of(n.Child)
		in.rows *= guessExplode
		return &in
	case *plan.SetOp:
		in := *e.of(n.Left)
		in.rows /= 2
		return &in
	case *occurrence:
		return e.renamed(n.def.plan, n.columns)
	case *plan.Shared:
		return e.renamed(n.Child, n.Columns)
	}
	return e.passing(n)
}

// renamed is what is believed of n under other identities, by position.
func (e *Estimator) renamed(n plan.Node, cols []*plan.Column) *relation {
	in := e.of(n)
	out := &relation{rows: in.rows, columns: map[plan.ID]column{}}
	for i, c := range n.Output() {
		if known, ok := in.columns[c.ID]; ok && i < len(cols) {
			out.columns[cols[i].ID] = known
		}
	}
	return out
}

// passing is for nodes that keep their only child's rows.
func (e *Estimator) passing(n plan.Node) *relation {
	if cs := n.Children(); len(cs) == 1 {
		return e.of(cs[0])
	}
	return &relation{rows: guessRows}
}

func columnExprs(cs []*plan.Column) []plan.Expr {
	out := make([]plan.Expr, len(cs))
	for i, c := range cs {
		out[i] = c
	}
	return out
}

func (e *Estimator) scan(n *plan.Scan) *relation {
	t, ok := n.Source.(catalog.Table)
	if !ok {
		return &relation{rows: guessRows}
	}
	st, err := t.Stats(e.ctx)
	if err != nil || st.Rows < 0 {
		return &relation{rows: guessRows}
	}
	r := &relation{rows: float64(st.Rows), columns: map[plan.ID]column{}}
	for _, c := range n.Columns {
		if i := t.Schema().Index(c.Name); i >= 0 && i < len(st.Columns) {
			col := columnOf(c.Typ, st.Columns[i], r.rows)
			col.base, col.of = n, r.rows
			r.columns[c.ID] = col
		}
	}
	return r
}

// columnOf reads a column's statistics. Distinct values of integers, dates and
// decimals are at most as many as their range has; strings without a count are
// taken to repeat ten times.
func columnOf(t types.Type, s format.ColumnStats, rows float64) column {
	c := column{distinct: rows, lo: math.NaN(), hi: math.NaN()}
	lo, lok := number(s.Min)
	hi, hok := number(s.Max)
	if lok && hok {
		c.lo, c.hi = lo, hi
	}
	switch {
	case s.Distinct > 0:
		c.distinct = min(float64(s.Distinct), rows)
	case lok && hok && !t.IsFractional():
		c.distinct = min(rows, hi-lo+1)
	case t.Phys() == types.PhysView:
		c.distinct = max(rows/10, min(rows, smallTable))
	}
	if s.Nulls > 0 && rows > 0 {
		c.nulls = float64(s.Nulls) / rows
	}
	c.distinct = max(c.distinct, 1)
	return c
}

// number puts a boxed value on a scale that keeps order.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int8:
		return float64(v), true
	case int16:
		return float64(v), true
	case int32:
		return float64(v), true
	case int64:
		return float64(v), true
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func (r *relation) column(id plan.ID) column {
	c, ok := r.columns[id]
	if !ok {
		return column{distinct: max(r.rows/10, 1), lo: math.NaN(), hi: math.NaN()}
	}
	c.distinct = min(c.distinct, max(r.rows, 1))
	return c
}

// scaled keeps a fraction of the rows; distinct values shrink as in drawing
// without looking: d(1-(1-f)^(n/d)).
func (r *relation) scaled(f float64) *relation {
	out := &relation{rows: r.rows * f, columns: make(map[plan.ID]column, len(r.columns))}
	for id, c := range r.columns {
		if per := r.rows / c.distinct; f < 1 && per > 0 {
			c.distinct = max(1, c.distinct*(1-math.Pow(1-f, per)))
		}
		out.columns[id] = c
	}
	return out
}

func (e *Estimator) project(n *plan.Project) *relation {
	in := e.of(n.Child)
	out := &relation{rows: in.rows, columns: map[plan.ID]column{}}
	for _, x := range n.List {
		switch x := x.(type) {
		case *plan.Column:
			out.columns[x.ID] = in.column(x.ID)
		case *plan.Alias:
			out.columns[x.ID] = in.exprColumn(x.Child)
		}
	}
	return out
}

// exprColumn guesses a computed column: of one input column it has at most as
// many distinct values.
func (r *relation) exprColumn(e plan.Expr) column {
	switch e := e.(type) {
	case *plan.Column:
		return r.column(e.ID)
	case *plan.Literal:
		return column{distinct: 1, lo: math.NaN(), hi: math.NaN()}
	case *plan.Cast:
		return r.exprColumn(e.Child)
	}
	c := column{distinct: 1, lo: math.NaN(), hi: math.NaN()}
	for id := range plan.References(e) {
		in := r.column(id)
		c.distinct *= in.distinct
		c.derived = c.derived || in.derived
	}
	c.distinct = min(c.distinct, max(r.rows, 1))
	return c
}

// groups guesses how many combinations of values expressions have.
func (r *relation) groups(es []plan.Expr) float64 {
	d := 1.0
	for _, e := range es {
		d *= r.exprColumn(e).distinct
	}
	return max(1, min(d, r.rows))
}

func (e *Estimator) aggregate(n *plan.Aggregate) *relation {
	in := e.of(n.Child)
	out := &relation{rows: 1, columns: map[plan.ID]column{}}
	if len(n.GroupBy) > 0 {
		out.rows = in.groups(n.GroupBy)
	}
	for _, x := range n.List {
		switch x := x.(type) {
		case *plan.Column:
			out.columns[x.ID] = in.column(x.ID)
		case *plan.Alias:
			c := in.exprColumn(x.Child)
			c.distinct = min(c.distinct, out.rows)
			plan.WalkExpr(x.Child, func(y plan.Expr) bool {
				if _, ok := y.(*plan.Agg); ok {
					c = column{distinct: out.rows, lo: math.NaN(), hi: math.NaN(), derived: true}
				}
				return !c.derived
			})
			out.columns[x.ID] = c
		}
	}
	return out
}
