package eval

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// caseNode is CASE: each condition sees the rows that no earlier one took,
// each result the rows of its branch, so that untaken branches never fail.
type caseNode struct {
	conds, thens []*subset
	otherwise    *subset // or nil
	flat         *batch.Vector
	merge        *merger
	rows         [][]int32 // scratch: for each branch the rows taken, then the rest
	rest         [2][]int32
}

func (c *compiler) caseExpr(e *plan.Case) (node, error) {
	n := &caseNode{flat: batch.New(types.Bool, 0), merge: newMerger(e.Type()), rows: make([][]int32, len(e.Whens)+1)}
	for _, w := range e.Whens {
		cond, err := c.subset(w.Cond)
		if err != nil {
			return nil, err
		}
		then, err := c.subset(w.Then)
		if err != nil {
			return nil, err
		}
		n.conds, n.thens = append(n.conds, cond), append(n.thens, then)
	}
	if e.Else == nil {
		return n, nil
	}
	var err error
	n.otherwise, err = c.subset(e.Else)
	return n, err
}

func (c *caseNode) eval(in *input) (*batch.Vector, error) {
	rest := all(c.rest[0][:0], in.n)
	c.rest[0] = rest
	for k, cond := range c.conds {
		c.rows[k] = c.rows[k][:0]
		if len(rest) == 0 {
			continue
		}
		v, err := cond.eval(in, rest)
		if err != nil {
			return nil, err
		}
		into := &c.rest[(k+1)&1]
		c.rows[k], *into = split(boolFlat(v, c.flat), rest, c.rows[k], (*into)[:0])
		rest = *into
	}
	last := len(c.conds)
	c.rows[last] = append(c.rows[last][:0], rest...)
	return c.results(in)
}

// results computes the branches that have rows.
func (c *caseNode) results(in *input) (*batch.Vector, error) {
	c.merge.begin(in.n)
	for k, rows := range c.rows {
		branch := c.otherwise
		if k < len(c.thens) {
			branch = c.thens[k]
		}
		if len(rows) == 0 || branch == nil {
			continue
		}
		v, err := branch.eval(in, rows)
		if err != nil {
			return nil, err
		}
		if len(rows) == in.n {
			return v, nil
		}
		c.merge.add(v, rows)
	}
	return c.merge.finish(), nil
}

// split appends the rows where cond is true to yes, the others to no.
func split(cond *batch.Vector, rows, yes, no []int32) (taken, left []int32) {
	vals := batch.Values[bool](cond)
	for i, r := range rows {
		if vals[i] && cond.Valid(i) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}

func all(rows []int32, n int) []int32 {
	for i := range n {
		rows = append(rows, int32(i))
	}
	return rows
}

// coalesceNode takes the first value that is not null; later arguments are
// computed only where all before them are null.
type coalesceNode struct {
	args  []*subset
	merge *merger
	rows  [2][]int32
}

func (c *compiler) coalesce(e *plan.Call) (node, error) {
	n := &coalesceNode{merge: newMerger(e.Typ)}
	for _, a := range e.Args {
		s, err := c.subset(a)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, s)
	}
	return n, nil
}

func (c *coalesceNode) eval(in *input) (*batch.Vector, error) {
	rows := all(c.rows[0][:0], in.n)
	c.rows[0] = rows
	for k, a := range c.args {
		v, err := a.eval(in, rows)
		if err != nil {
			return nil, err
		}
		if k == 0 {
			if v.NullCount() == 0 {
				return v, nil
			}
			c.merge.begin(in.n)
		}
		if v.Type.Kind != types.KindNull {
			c.merge.add(v, rows)
		}
		into := &c.rows[(k+1)&1]
		*into = nulls(v, rows, (*into)[:0])
		if rows = *into; len(rows) == 0 {
			break
		}
	}
	return c.merge.finish(), nil
}

// nulls appends the rows whose value is null.
func nulls(v *batch.Vector, rows, out []int32) []int32 {
	for i, r := range rows {
		if !v.Valid(i) {
			out = append(out, r)
		}
	}
	return out
}
