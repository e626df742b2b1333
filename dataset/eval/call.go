package eval

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// callNode runs a kernel over its arguments.
type callNode struct {
	children []node
	kernel   function.Kernel
	nullIn   bool
	dictArgs bool
	volatile bool
	lambda   []bool // arguments that are lambdas, not values; nil if none is
	at       *errs.Origin

	args  []*batch.Vector
	flats []*batch.Vector // for arguments that come as dictionaries
	views []batch.Vector  // arguments over another number of rows
	out   *batch.Vector
	dict  *batch.Vector // result over a dictionary
	null  *batch.Vector
}

func newCallNode(children []node, ts []types.Type, out types.Type, k function.Kernel, e *function.Entry, at *errs.Origin) *callNode {
	c := &callNode{
		children: children, kernel: k, nullIn: e.NullIn, dictArgs: e.DictArgs, volatile: e.Volatile, at: at,
		args: make([]*batch.Vector, len(children)), flats: make([]*batch.Vector, len(children)), views: make([]batch.Vector, len(children)),
		out: batch.New(out, 0), null: batch.NewConst(out, nil, 1),
	}
	for i, t := range ts {
		c.flats[i] = batch.New(t, 0)
	}
	return c
}

// shape is what the encodings of a call's arguments allow.
type shape struct {
	consts, dicts, dict int // dict: position of the last dictionary
	null                bool
}

func (c *callNode) eval(in *input) (*batch.Vector, error) {
	var s shape
	for i, child := range c.children {
		v, err := child.eval(in)
		if err != nil {
			return nil, err
		}
		c.args[i] = v
		if c.isLambda(i) {
			continue
		}
		switch {
		case v.ConstNull():
			s.null = true
			s.consts++
		case v.Enc == batch.Const:
			s.consts++
		case v.Enc == batch.Dict:
			s.dicts++
			s.dict = i
		}
	}
	return c.run(in, s)
}

func (c *callNode) run(in *input, s shape) (*batch.Vector, error) {
	switch {
	case in.n == 0:
		c.out.Reset(0)
		return c.out, nil
	case s.null && c.nullIn:
		c.null.SetConst(in.n)
		return c.null, nil
	case c.dictArgs || c.volatile || c.lambda != nil:
		return c.rows(in.n)
	case len(c.args) > 0 && s.consts == len(c.args):
		return c.constant(in.n)
	case s.dicts == 1 && s.consts == len(c.args)-1 && c.args[s.dict].Dict.Len() <= in.n && (c.nullIn || !c.args[s.dict].HasNulls()):
		if v, ok := c.overDict(s.dict); ok {
			return v, nil
		}
	}
	return c.rows(in.n)
}

// constant computes one row and repeats it.
func (c *callNode) constant(n int) (*batch.Vector, error) {
	for i, a := range c.args {
		c.views[i].Repeat(a, 1)
		c.args[i] = &c.views[i]
	}
	c.out.Reset(1)
	if err := c.kernel(c.args, 1, c.out); err != nil {
		return nil, at(err, c.at)
	}
	c.out.SetConst(n)
	return c.out, nil
}

// overDict computes the dictionary's entries and keeps the codes. An error may
// come from an entry that no row has: then the rows have to tell.
func (c *callNode) overDict(i int) (*batch.Vector, bool) {
	src := c.args[i]
	saved := append([]*batch.Vector(nil), c.args...)
	m := src.Dict.Len()
	for j, a := range c.args {
		if j == i {
			c.args[j] = src.Dict
			continue
		}
		c.views[j].Repeat(a, m)
		c.args[j] = &c.views[j]
	}
	if c.dict == nil {
		c.dict = batch.New(c.out.Type, 0)
	}
	c.dict.Reset(m)
	err := c.kernel(c.args, m, c.dict)
	copy(c.args, saved)
	if err != nil {
		return nil, false
	}
	return c.rewrap(src), true
}

// rewrap gives the computed dictionary src's codes. Fixed-width results are
// laid out flat: that is as small, and every kernel reads it.
func (c *callNode) rewrap(src *batch.Vector) *batch.Vector {
	if c.dict.Validity() == nil && c.out.Phys().Width() == 0 || c.out.Phys() == types.PhysView && c.dict.Validity() == nil {
		c.out.Reset(src.Len())
		c.out.SetDict(src.Codes, c.dict)
	} else {
		c.out.Gather(c.dict, src.Codes)
	}
	c.out.AndValidity(src.Validity())
	return c.out
}

// rows runs the kernel over all rows.
func (c *callNode) rows(n int) (*batch.Vector, error) {
	c.out.Reset(n)
	for i, a := range c.args {
		if a.Enc == batch.Dict && !c.dictArgs {
			c.args[i] = a.Flatten(c.flats[i])
		}
		if c.nullIn && a.Enc != batch.Const && !c.isLambda(i) {
			c.out.AndValidity(c.args[i].Validity())
		}
	}
	if err := c.kernel(c.args, n, c.out); err != nil {
		return nil, at(err, c.at)
	}
	return c.out, nil
}

func (c *callNode) isLambda(i int) bool { return c.lambda != nil && c.lambda[i] }
