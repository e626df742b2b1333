package physical

import (
	"context"
	"fmt"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Recursive gives Anchor's rows, then runs Step over what came last until that
// is nothing. It runs in one task: Step holds no exchange.
type Recursive struct {
	Rows
	ID           int64
	MaxLevel     int64 // runs of Step, negative: any number
	MaxRows      int64 // rows in all, negative: any number
	Limit        int64 // rows that anybody above reads, -1 all; MaxRows does not hold then
	Anchor, Step Node
	Out          types.Schema
}

// RecursiveRef is the rows that came last.
type RecursiveRef struct {
	Rows
	ID  int64
	Out types.Schema
}

func (n *Recursive) Children() []Node { return []Node{n.Anchor, n.Step} }
func (n *Recursive) WithChildren(cs []Node) Node {
	c := *n
	c.Anchor, c.Step = cs[0], cs[1]
	return &c
}
func (n *Recursive) Schema() types.Schema { return n.Out }
func (n *Recursive) String() string       { return fmt.Sprintf("UnionLoop %d", n.ID) }

func (n *RecursiveRef) Children() []Node         { return nil }
func (n *RecursiveRef) WithChildren([]Node) Node { return n }
func (n *RecursiveRef) Schema() types.Schema     { return n.Out }
func (n *RecursiveRef) String() string           { return fmt.Sprintf("UnionLoopRef %d", n.ID) }

func (p *Planner) recursive(ctx context.Context, n *plan.Recursive) (Node, error) {
	anchor, err := p.node(ctx, n.Anchor)
	if err != nil {
		return nil, err
	}
	step, err := p.node(ctx, n.Step)
	if err != nil {
		return nil, err
	}
	return &Recursive{
		Rows: p.rows(n), ID: n.ID, MaxLevel: n.MaxLevel, MaxRows: n.MaxRows, Limit: -1,
		Anchor: anchor, Step: step, Out: plan.SchemaOf(n),
	}, nil
}

// limited tells a recursive query below that only the first rows are read.
// That is what lets one without an end stop.
func limited(n Node, rows int64) Node {
	switch x := n.(type) {
	case *Recursive:
		c := *x
		c.Limit = rows
		return &c
	case *Project:
		if child := limited(x.Child, rows); child != x.Child {
			return x.WithChildren([]Node{child})
		}
	}
	return n
}
