package plan

import "fmt"

// Recursive is a query of WITH RECURSIVE: the rows of Anchor, then those that
// Step makes of them, then those it makes of these, until there are none.
type Recursive struct {
	ID      int64     // ties RecursiveRef to its Recursive
	Columns []*Column // the output, in the order of both inputs
	Anchor  Node
	Step    Node
	// MaxLevel bounds how often Step runs, MaxRows the rows; negative is no
	// bound. The run fails where they are reached.
	MaxLevel, MaxRows int64
}

// RecursiveRef is the rows that the recursive query of that number made last.
type RecursiveRef struct {
	ID      int64
	Columns []*Column
}

func (n *Recursive) Children() []Node { return []Node{n.Anchor, n.Step} }
func (n *Recursive) WithChildren(cs []Node) Node {
	c := *n
	c.Anchor, c.Step = cs[0], cs[1]
	return &c
}
func (n *Recursive) Exprs() []Expr         { return nil }
func (n *Recursive) WithExprs([]Expr) Node { return n }
func (n *Recursive) Output() []*Column     { return n.Columns }
func (n *Recursive) String() string        { return fmt.Sprintf("UnionLoop %d, %v", n.ID, n.Columns) }

func (n *RecursiveRef) Children() []Node         { return nil }
func (n *RecursiveRef) WithChildren([]Node) Node { return n }
func (n *RecursiveRef) Exprs() []Expr            { return nil }
func (n *RecursiveRef) WithExprs([]Expr) Node    { return n }
func (n *RecursiveRef) Output() []*Column        { return n.Columns }
func (n *RecursiveRef) String() string           { return fmt.Sprintf("UnionLoopRef %d, %v", n.ID, n.Columns) }
