package eval

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// subset evaluates an expression on some rows of the input only: it gathers
// the columns and variables that the expression reads.
type subset struct {
	node       node
	cols, vars []int
	held       []*batch.Vector
	in         input
}

// subset compiles e for evaluation on parts of the input.
func (c *compiler) subset(e plan.Expr) (*subset, error) {
	n, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	s := &subset{node: n}
	s.cols, s.vars = c.reads(e, nil)
	return s, nil
}

// reads lists the columns and the outer lambda variables that e reads.
func (c *compiler) reads(e plan.Expr, own []*plan.LambdaVar) (cols, vars []int) {
	bound := map[plan.ID]bool{}
	for _, p := range own {
		bound[p.ID] = true
	}
	plan.WalkExpr(e, func(x plan.Expr) bool {
		switch x := x.(type) {
		case *plan.Bound:
			cols = append(cols, x.Index)
		case *plan.Lambda:
			for _, p := range x.Params {
				bound[p.ID] = true
			}
		case *plan.LambdaVar:
			if !bound[x.ID] {
				vars = append(vars, c.slot(x.ID))
			}
		}
		return true
	})
	return compact(cols), compact(vars)
}

func compact(xs []int) []int {
	slices.Sort(xs)
	return slices.Compact(xs)
}

// eval computes the rows idx of in.
func (s *subset) eval(in *input, idx []int32) (*batch.Vector, error) {
	if len(idx) == in.n {
		return s.node.eval(in)
	}
	return s.node.eval(s.take(in, idx))
}

// take gathers what the expression reads.
func (s *subset) take(in *input, idx []int32) *input {
	s.in.cols = grow(s.in.cols, len(in.cols))
	s.in.vars = grow(s.in.vars, len(in.vars))
	s.in.n, s.in.seq = len(idx), in.seq
	for k, c := range s.cols {
		s.in.cols[c] = s.gather(k, in.cols[c], idx)
	}
	for k, v := range s.vars {
		s.in.vars[v] = s.gather(len(s.cols)+k, in.vars[v], idx)
	}
	return &s.in
}

// gather keeps constants constant.
func (s *subset) gather(k int, v *batch.Vector, idx []int32) *batch.Vector {
	for len(s.held) <= k {
		s.held = append(s.held, nil)
	}
	if v.Enc == batch.Const {
		var rep batch.Vector
		rep.Repeat(v, len(idx))
		return &rep
	}
	if s.held[k] == nil || !s.held[k].Type.Same(v.Type) {
		s.held[k] = batch.New(v.Type, 0)
	}
	s.held[k].Gather(v, idx)
	return s.held[k]
}

func grow(s []*batch.Vector, n int) []*batch.Vector {
	if cap(s) < n {
		return make([]*batch.Vector, n)
	}
	s = s[:n]
	return s
}
