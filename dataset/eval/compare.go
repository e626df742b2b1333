package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// mirrored are the comparisons with their sides exchanged.
var mirrored = map[string]string{"=": "=", "==": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=", "!=": "!=", "<>": "!="}

// compareConst compiles a comparison of anything with a constant, of a type
// with a selection kernel; nil if e is none.
func (c *compiler) compareConst(e plan.Expr) (predicate, error) {
	call, ok := e.(*plan.Call)
	if !ok || len(call.Args) != 2 || mirrored[call.Name] == "" {
		return nil, nil
	}
	args := c.foldArgs(call.Args)
	op, x := mirrored[mirrored[call.Name]], args[0]
	lit, ok := args[1].(*plan.Literal)
	if !ok {
		if lit, ok = args[0].(*plan.Literal); !ok {
			return nil, nil
		}
		op, x = mirrored[call.Name], args[1]
	}
	kernel := selectKernel(op, x.Type(), lit.Value)
	if kernel == nil {
		return nil, nil
	}
	s, err := c.subset(x)
	if err != nil {
		return nil, err
	}
	p := &compareNode{value: s, kernel: kernel, dense: c.safe(x), flat: batch.New(x.Type(), 0)}
	k, err := function.CompareKernel(op, x.Type())
	p.onDict = &dictTest{kernel: k, lit: batch.NewConst(x.Type(), lit.Value, 1), hits: batch.New(types.Bool, 0)}
	return p, err
}

// selector lists the rows of sel (nil: all n) whose value passes, ignoring validity.
type selector func(v *batch.Vector, n int, sel, out []int32) []int32

// compareNode is value op constant.
type compareNode struct {
	value  *subset
	kernel selector
	dense  bool
	flat   *batch.Vector
	onDict *dictTest
	tmp    []int32
}

func (p *compareNode) refine(in *input, sel, out []int32) ([]int32, error) {
	if sel != nil && (!p.dense || len(sel)*denseShare < in.n) && !p.plain() {
		return p.gathered(in, sel, out)
	}
	v, err := p.value.node.eval(in)
	if err != nil {
		return nil, err
	}
	return p.test(v, in.n, sel, out)
}

// plain tells that the value is a column: nothing is computed for lost rows.
func (p *compareNode) plain() bool {
	_, ok := p.value.node.(columnNode)
	return ok
}

// gathered computes the value of the selected rows only.
func (p *compareNode) gathered(in *input, sel, out []int32) ([]int32, error) {
	v, err := p.value.eval(in, sel)
	if err != nil {
		return nil, err
	}
	if cap(p.tmp) < len(sel)+1 {
		p.tmp = make([]int32, in.n+1)
	}
	kept, err := p.test(v, len(sel), nil, p.tmp[:len(sel)+1])
	for i, k := range kept {
		out[i] = sel[k]
	}
	return out[:len(kept)], err
}

func (p *compareNode) test(v *batch.Vector, n int, sel, out []int32) ([]int32, error) {
	if v.ConstNull() {
		return out[:0], nil
	}
	if v.Enc == batch.Dict && v.Dict.Len() <= n {
		return p.onDict.test(v, n, sel, out)
	}
	v = v.Flatten(p.flat)
	if m := v.Validity(); m != nil {
		sel = validRows(m, n, sel, out)
	}
	return p.kernel(v, n, sel, out), nil
}

// validRows lists the rows of sel (nil: all n) that are not null.
func validRows(m []uint64, n int, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i := range n {
			out[k] = int32(i)
			k += int(m[i>>6] >> (uint(i) & 63) & 1)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += int(m[r>>6] >> (uint(r) & 63) & 1)
	}
	return out[:k]
}

// dictTest compares the entries of a dictionary once and rows by their codes.
type dictTest struct {
	kernel function.Kernel
	lit    *batch.Vector
	hits   *batch.Vector
	args   [2]*batch.Vector
}

func (d *dictTest) test(v *batch.Vector, n int, sel, out []int32) ([]int32, error) {
	m := v.Dict.Len()
	if m == 0 {
		return out[:0], nil
	}
	d.hits.Reset(m)
	d.lit.SetConst(m)
	d.args = [2]*batch.Vector{v.Dict, d.lit}
	if err := d.kernel(d.args[:], m, d.hits); err != nil {
		return nil, err
	}
	if bits := v.Validity(); bits != nil {
		sel = validRows(bits, n, sel, out)
	}
	return byCodes(batch.Values[uint8](d.hits), v.Codes, n, sel, out), nil
}

func byCodes(hits []uint8, codes []int32, n int, sel, out []int32) []int32 {
	k := 0
	if sel == nil {
		for i, c := range codes[:n] {
			out[k] = int32(i)
			k += int(hits[c])
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		k += int(hits[codes[r]])
	}
	return out[:k]
}
