package eval

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// nullFilter is IS NULL and IS NOT NULL of a column: it reads the bitmap only.
type nullFilter struct {
	column columnNode
	null   bool
}

// nullCheck compiles IS [NOT] NULL of a column; nil if e is none.
func nullCheck(e plan.Expr) predicate {
	call, ok := e.(*plan.Call)
	if !ok || call.Name != "isnull" && call.Name != "isnotnull" {
		return nil
	}
	b, ok := call.Args[0].(*plan.Bound)
	if !ok {
		return nil
	}
	return &nullFilter{column: columnNode(b.Index), null: call.Name == "isnull"}
}

func (p *nullFilter) refine(in *input, sel, out []int32) ([]int32, error) {
	v := in.cols[p.column]
	bits := v.Validity()
	switch {
	case v.Type.Kind == types.KindNull || v.Enc == batch.Const || bits == nil:
		if in.n > 0 && v.Valid(0) == p.null {
			return out[:0], nil
		}
		return keepAll(in.n, sel, out), nil
	case p.null:
		return nullRows(bits, in.n, sel, out), nil
	}
	return validRows(bits, in.n, sel, out), nil
}

// keepAll passes a selection on; nil becomes the list of all rows.
func keepAll(n int, sel, out []int32) []int32 {
	if sel != nil {
		return sel
	}
	return all(out[:0], n)
}

// nullRows lists the rows of sel (nil: all n) that are null.
func nullRows(m []uint64, n int, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i := range n {
			out[k] = int32(i)
			k += int(^m[i>>6] >> (uint(i) & 63) & 1)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += int(^m[r>>6] >> (uint(r) & 63) & 1)
	}
	return out[:k]
}
