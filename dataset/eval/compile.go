package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// compiler turns expressions into nodes. slots are the places of lambda
// variables: one for each in the whole program, so that nested lambdas never
// share one.
type compiler struct {
	env   *function.Env
	reg   *function.Registry
	slots map[plan.ID]int
	depth int
	calls []*callNode // those that may hold much: see Held
}

func (c *compiler) compile(e plan.Expr) (node, error) {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > plan.MaxDepth {
		return nil, errs.Errorf(errs.Invalid, "eval.Compile", "expression deeper than %d", plan.MaxDepth)
	}
	switch e := e.(type) {
	case *plan.Literal:
		return constNode{batch.NewConst(e.Typ, e.Value, 1)}, nil
	case *plan.Bound:
		return columnNode(e.Index), nil
	case *plan.LambdaVar:
		return varNode(c.slot(e.ID)), nil
	case *plan.Alias:
		return c.compile(e.Child)
	case *plan.GetField:
		child, err := c.compile(e.Child)
		return &fieldNode{child: child, index: e.Index, flat: batch.New(e.Child.Type(), 0)}, err
	case *plan.Cast:
		return c.cast(e)
	case *plan.Case:
		return c.caseExpr(e)
	case *plan.In:
		return c.in(e)
	case *plan.Call:
		return c.call(e)
	}
	return nil, errs.Errorf(errs.Internal, "eval.Compile", "%T is not an executable expression: %s", e, e)
}

func (c *compiler) compileAll(es []plan.Expr) ([]node, error) {
	out := make([]node, len(es))
	for i, e := range es {
		n, err := c.compile(e)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// slot is the place of a lambda variable.
func (c *compiler) slot(id plan.ID) int {
	s, ok := c.slots[id]
	if !ok {
		s = len(c.slots)
		c.slots[id] = s
	}
	return s
}

func (c *compiler) cast(e *plan.Cast) (node, error) {
	child, err := c.compile(e.Child)
	if err != nil {
		return nil, err
	}
	if from := e.Child.Type(); from.Same(e.To) {
		return child, nil
	} else if function.SameLayout(from, e.To) && !from.IsNested() {
		return &relabelNode{child: child, typ: e.To}, nil
	}
	k, err := function.CastKernel(c.env, e.Child.Type(), e.To, e.Mode, e.At)
	if err != nil {
		return nil, err
	}
	return c.track(newCallNode([]node{child}, []types.Type{e.Child.Type()}, e.To, k, &function.Entry{NullIn: true}, e.At)), nil
}

func (c *compiler) call(e *plan.Call) (node, error) {
	entry := c.reg.Lookup(e.Name)
	if entry == nil {
		return nil, errs.Errorf(errs.Internal, "eval.Compile", "no function %s", e.Name)
	}
	switch {
	case entry.Builtin:
		return c.builtin(e)
	case entry.HigherOrder != nil:
		return c.higherOrder(e, entry)
	case entry.Kernel == nil:
		return nil, errs.Unsupported("function " + e.Name + " here")
	}
	args := c.foldArgs(e.Args)
	children, err := c.compileAll(args)
	if err != nil {
		return nil, err
	}
	call := *e
	call.Args = args
	k, err := entry.Kernel(c.env, &call)
	if err != nil {
		return nil, at(err, e.At)
	}
	return c.track(newCallNode(children, function.TypesOf(args), e.Typ, k, entry, e.At)), nil
}

func (c *compiler) builtin(e *plan.Call) (node, error) {
	switch e.Name {
	case "and", "or":
		return c.logic(e)
	case "coalesce":
		return c.coalesce(e)
	}
	return nil, errs.Errorf(errs.Internal, "eval.Compile", "built-in function %s is not there", e.Name)
}

// foldArgs computes constant arguments, so that kernels see literals.
func (c *compiler) foldArgs(args []plan.Expr) []plan.Expr {
	out := make([]plan.Expr, len(args))
	for i, a := range args {
		out[i] = a
		if _, lit := a.(*plan.Literal); !lit && function.IsFoldable(a) {
			if l, err := foldOne(c.env, c.reg, a); err == nil && l != nil {
				out[i] = l
			}
		}
	}
	return out
}

// at adds the place in the user's text to an error.
func at(err error, o *errs.Origin) error {
	if err == nil || o == nil {
		return err
	}
	return errs.At(err, *o)
}
