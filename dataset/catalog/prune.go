package catalog

import (
	"cmp"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// prunePartitions keeps the files whose partition values may pass the
// predicates over partition columns alone. A predicate that fails on some
// value prunes nothing: the query reports it if it comes to that.
func (t *FileTable) prunePartitions(files []*dataFile, preds []plan.Expr) []*dataFile {
	if t.partitions == 0 || len(files) == 0 {
		return files
	}
	var in *batch.Batch
	for _, p := range preds {
		if !t.overPartitions(p) {
			continue
		}
		prog, err := eval.Compile(t.env, t.registry, p)
		if err != nil {
			continue
		}
		if in == nil {
			in = t.partitionBatch(files)
		}
		v, err := prog.EvalFlat(in)
		if err != nil {
			continue
		}
		var kept []*dataFile
		pass := batch.Values[bool](v)
		for i, f := range files {
			if v.Valid(i) && pass[i] {
				kept = append(kept, f)
			}
		}
		if len(kept) < len(files) {
			files, in = kept, nil
		}
		if len(files) == 0 {
			return nil
		}
	}
	return files
}

// overPartitions tells whether a predicate reads partition columns only, and
// can be computed ahead of the query.
func (t *FileTable) overPartitions(p plan.Expr) bool {
	ok, reads := p.Type().Kind == types.KindBool, false
	plan.WalkExpr(p, func(x plan.Expr) bool {
		switch x := x.(type) {
		case *plan.Bound:
			reads = true
			ok = ok && x.Index >= t.data.Len()
		case *plan.Column, *plan.Subquery, *plan.OuterRef, *plan.Agg, *plan.Window:
			ok = false
		case *plan.Call:
			e := t.registry.Lookup(x.Name)
			ok = ok && e != nil && !e.Volatile
		}
		return ok
	})
	return ok && reads
}

// partitionBatch has a row for each file; its data columns are never read.
func (t *FileTable) partitionBatch(files []*dataFile) *batch.Batch {
	n := t.data.Len()
	b := &batch.Batch{Cols: make([]*batch.Vector, t.schema.Len()), N: len(files)}
	for c := n; c < len(b.Cols); c++ {
		v := batch.New(t.schema.Fields[c].Type, len(files))
		v.Reset(0)
		for _, f := range files {
			if c-n < len(f.values) {
				v.Append(f.values[c-n])
			} else {
				v.AppendNulls(1)
			}
		}
		b.Cols[c] = v
	}
	return b
}

// excluded tells whether a file's statistics show that no row passes.
func (t *FileTable) excluded(p *format.FilePlan, preds []plan.Expr) bool {
	for _, e := range preds {
		if never(e, p) {
			return true
		}
	}
	return false
}

// never tells whether e is true for no row of a file with these statistics.
func never(e plan.Expr, p *format.FilePlan) bool {
	c, ok := e.(*plan.Call)
	if !ok {
		return false
	}
	switch {
	case c.Name == "and":
		return never(c.Args[0], p) || never(c.Args[1], p)
	case c.Name == "or":
		return never(c.Args[0], p) && never(c.Args[1], p)
	case len(c.Args) != 2:
		return false
	}
	op := c.Name
	col, lit, ok := columnAndLiteral(c.Args[0], c.Args[1])
	if !ok {
		if col, lit, ok = columnAndLiteral(c.Args[1], c.Args[0]); !ok {
			return false
		}
		op = plan.Mirrored(op)
	}
	if col.Index >= len(p.Stats) || !col.Typ.Equal(lit.Typ) || col.Typ.IsFractional() {
		return false // a NaN is not in the statistics of doubles
	}
	return outside(op, p.Stats[col.Index], lit.Value, col.Typ)
}

func columnAndLiteral(a, b plan.Expr) (*plan.Bound, *plan.Literal, bool) {
	col, ok := a.(*plan.Bound)
	lit, ok2 := b.(*plan.Literal)
	return col, lit, ok && ok2 && lit.Value != nil
}

// outside tells whether no value between the bounds compares to v as op says.
func outside(op string, s format.ColumnStats, v any, t types.Type) bool {
	lo, lok := compareBoxed(s.Min, v, t)
	hi, hok := compareBoxed(s.Max, v, t)
	switch op {
	case "=", "==", "<=>":
		return lok && lo > 0 || hok && hi < 0
	case "<":
		return lok && lo >= 0
	case "<=":
		return lok && lo > 0
	case ">":
		return hok && hi <= 0
	case ">=":
		return hok && hi < 0
	}
	return false
}

// compareBoxed orders two boxed values of type t; false if it cannot.
func compareBoxed(a, b any, t types.Type) (int, bool) {
	if t.Kind == types.KindString && t.Length < 0 {
		return 0, false // CHAR(n) is padded
	}
	switch x := a.(type) {
	case int8:
		return ordered(x, b)
	case int16:
		return ordered(x, b)
	case int32:
		return ordered(x, b)
	case int64:
		return ordered(x, b)
	case float32:
		return ordered(x, b)
	case float64:
		return ordered(x, b)
	case string:
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	case batch.Int128:
		y, ok := b.(batch.Int128)
		return x.Cmp(y), ok
	}
	return 0, false
}

func ordered[T cmp.Ordered](x T, b any) (int, bool) {
	y, ok := b.(T)
	return cmp.Compare(x, y), ok
}
