package plan

import "github.com/spurwheel/spurwheel/internal/types"

// DeclareVariable is DECLARE VARIABLE: session variables of a type with a
// default. Type is VOID where the default decides it; Default is nil for null.
type DeclareVariable struct {
	commandNode
	Names       [][]string
	Type        types.Type
	Typed       bool // Type was given
	Default     Expr
	DefaultText string
	Replace     bool
}

// SetVariable is SET VARIABLE: Names get Values in turn (nil for DEFAULT), or
// the columns of the one row of Child.
type SetVariable struct {
	commandNode
	Names  [][]string
	Values []Expr
	Child  Node
}

// DropVariable is DROP TEMPORARY VARIABLE.
type DropVariable struct {
	commandNode
	Name     []string
	IfExists bool
}

func (n *DeclareVariable) String() string           { return "DeclareVariable" }
func (n *DeclareVariable) WithExprs([]Expr) Node    { return n }
func (n *DeclareVariable) WithChildren([]Node) Node { return n }
func (n *SetVariable) String() string               { return "SetVariable" }
func (n *SetVariable) WithExprs([]Expr) Node        { return n }
func (n *SetVariable) Children() []Node             { return optionalNode(n.Child) }
func (n *SetVariable) WithChildren(cs []Node) Node {
	c := *n
	if c.Child != nil {
		c.Child = cs[0]
	}
	return &c
}
func (n *DropVariable) String() string           { return "DropVariable" }
func (n *DropVariable) WithExprs([]Expr) Node    { return n }
func (n *DropVariable) WithChildren([]Node) Node { return n }
