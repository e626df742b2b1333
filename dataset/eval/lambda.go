package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// lambdaBody evaluates a lambda over elements: the columns and outer variables
// it captures are gathered by the elements' rows.
type lambdaBody struct {
	sub    *subset
	params []int  // slots
	outer  *input // of the call in progress
}

// higherNode is a call with lambda arguments.
type higherNode struct {
	call   *callNode
	bodies []*lambdaBody
}

func (h *higherNode) eval(in *input) (*batch.Vector, error) {
	for _, b := range h.bodies {
		b.outer = in
	}
	return h.call.eval(in)
}

func (c *compiler) higherOrder(e *plan.Call, entry *function.Entry) (node, error) {
	h := &higherNode{}
	kernels := make([]function.LambdaKernel, len(e.Args))
	children := make([]node, len(e.Args))
	isLambda := make([]bool, len(e.Args))
	ts := function.TypesOf(e.Args)
	for i, a := range e.Args {
		if l, ok := a.(*plan.Lambda); ok {
			b, err := c.lambda(l)
			if err != nil {
				return nil, err
			}
			h.bodies = append(h.bodies, b)
			kernels[i], isLambda[i] = b.eval, true
			children[i] = constNode{batch.NewConst(ts[i], nil, 1)} // the kernel never reads it
			continue
		}
		n, err := c.compile(a)
		if err != nil {
			return nil, err
		}
		children[i] = n
	}
	k, err := entry.HigherOrder(c.env, e, kernels)
	if err != nil {
		return nil, at(err, e.At)
	}
	h.call = c.track(newCallNode(children, ts, e.Typ, k, entry, e.At))
	h.call.lambda = isLambda
	return h, nil
}

func (c *compiler) lambda(l *plan.Lambda) (*lambdaBody, error) {
	b := &lambdaBody{}
	for _, p := range l.Params {
		b.params = append(b.params, c.slot(p.ID))
	}
	n, err := c.compile(l.Body)
	if err != nil {
		return nil, err
	}
	b.sub = &subset{node: n}
	b.sub.cols, b.sub.vars = c.reads(l.Body, l.Params)
	return b, nil
}

// eval is the function.LambdaKernel of the body.
func (b *lambdaBody) eval(params []*batch.Vector, rows []int32, m int) (*batch.Vector, error) {
	in := b.sub.take(b.outer, rows[:m])
	for _, p := range b.params {
		for len(in.vars) <= p {
			in.vars = append(in.vars, nil)
		}
	}
	for i, p := range b.params {
		if i < len(params) {
			in.vars[p] = params[i]
		}
	}
	return b.sub.node.eval(in)
}
