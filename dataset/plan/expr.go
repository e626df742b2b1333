// Package plan is the tree of a query: expressions and relational nodes, from
// unresolved (as a parser or client gave them) to resolved. It knows nothing of
// functions' meaning, catalogs, optimisation or execution.
package plan

import (
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Expr is an immutable expression tree. Type and Nullable are meaningful once
// Resolved. WithChildren returns a copy with other children, same in number and order.
type Expr interface {
	Children() []Expr
	WithChildren([]Expr) Expr
	Type() types.Type
	Nullable() bool
	Resolved() bool
	String() string // as in Spark's plans: "(a#1 + 2)"
}

// ID identifies a column within a session's plans; 0 is none.
type ID int64

// leaf is embedded by expressions without children.
type leaf struct{}

func (leaf) Children() []Expr { return nil }

// unresolved is embedded by expressions that the analyser replaces.
type unresolved struct{}

func (unresolved) Type() types.Type { return types.Null }
func (unresolved) Nullable() bool   { return true }
func (unresolved) Resolved() bool   { return false }

// ---- resolved ----

// Literal is a constant; Value is boxed as package batch says, nil for null.
type Literal struct {
	leaf
	Value any
	Typ   types.Type
	At    *errs.Origin
	Shown string // what names of columns show instead of the value: a variable
}

// Column is a reference to a column by identity. Two columns with equal ID are the same.
type Column struct {
	leaf
	Name      string
	ID        ID
	Typ       types.Type
	Null      bool
	Qualifier []string // relation name parts, for resolution by name
	Metadata  string   // JSON
	Hidden    bool     // reached only by name (USING's other side, file metadata)
}

// Bound is a reference to a column by position in the input batch (physical plans).
type Bound struct {
	leaf
	Index int
	Typ   types.Type
	Null  bool
	Name  string
}

// Alias names an expression and gives it an identity. Names has several
// entries for a generator's columns.
type Alias struct {
	Child     Expr
	Name      string
	Names     []string
	ID        ID
	Qualifier []string
	Metadata  string
}

// Call is a resolved scalar function or operator, by its registry name, with
// arguments of the types the function asked for.
type Call struct {
	Name string
	Args []Expr
	Typ  types.Type
	Null bool
	Ansi bool // errors instead of nulls, where the function knows the difference
	At   *errs.Origin
	Text string // user's name of it when that differs (for column names)
}

// CastMode is Spark's eval mode of a cast.
type CastMode uint8

const (
	CastLegacy  CastMode = iota // invalid input gives null or wraps
	CastAnsi                    // invalid input is an error
	CastTry                     // ANSI rules, null instead of errors
	CastSession                 // unresolved: as the session says
)

// Cast converts to a type. Implicit casts, put in by the analyser, do not show in names.
type Cast struct {
	Child    Expr
	To       types.Type
	Mode     CastMode
	Implicit bool
	At       *errs.Origin
}

// When is a branch of Case.
type When struct{ Cond, Then Expr }

// Case is CASE WHEN. Else may be nil. Branches are evaluated only for rows that reach them.
type Case struct {
	Whens  []When
	Else   Expr
	FromIf bool // written as if(...): for names
}

// In is membership in a list; resolved when all types are equal.
type In struct {
	Child Expr
	List  []Expr
}

// LambdaVar is a parameter of a lambda, by ID.
type LambdaVar struct {
	leaf
	Name string
	ID   ID
	Typ  types.Type
	Null bool
}

// Lambda is a function argument of a higher-order function. Params are
// unresolved names until the analyser gives them types.
type Lambda struct {
	Params []*LambdaVar
	Body   Expr
}

// Agg is a resolved aggregate function call, inside Aggregate or Window only.
type Agg struct {
	Name        string
	Args        []Expr
	Distinct    bool
	Filter      Expr // or nil
	IgnoreNulls bool
	Order       []SortOrder // WITHIN GROUP
	Typ         types.Type
	Null        bool
	Ansi        bool
	At          *errs.Origin
	Text        string
}

// NullOrder is where nulls sort.
type NullOrder uint8

const (
	NullsDefault NullOrder = iota // first when ascending, last when descending
	NullsFirst
	NullsLast
)

// SortOrder is a sort key. It is an Expr so that trees can be rewritten uniformly.
type SortOrder struct {
	Child Expr
	Desc  bool
	Nulls NullOrder
}

// NullsAreFirst resolves the default.
func (s SortOrder) NullsAreFirst() bool {
	return s.Nulls == NullsFirst || s.Nulls == NullsDefault && !s.Desc
}

// FrameKind is the unit of a window frame.
type FrameKind uint8

const (
	FrameDefault FrameKind = iota // by the function and the presence of ORDER BY
	FrameRows
	FrameRange
)

// BoundKind is the kind of a frame boundary.
type BoundKind uint8

const (
	UnboundedPreceding BoundKind = iota
	CurrentRow
	UnboundedFollowing
	Offset // Value rows or range units; negative = preceding
)

// FrameBound is one end of a window frame.
type FrameBound struct {
	Kind  BoundKind
	Value Expr // Offset only; a foldable expression
	// Preceding says that the offset was written as n PRECEDING: only names show it.
	Preceding bool
}

// Frame is a window frame.
type Frame struct {
	Kind   FrameKind
	Lo, Hi FrameBound
}

// Window is a function over a window. Func is an Agg, or a Call of a window
// function (row_number, rank, lag, ...). Ref names a WINDOW clause while unresolved.
type Window struct {
	Func      Expr
	Partition []Expr
	Order     []SortOrder
	Frame     Frame
	Ref       string
	At        *errs.Origin
}

// SubqueryKind is the shape of a subquery expression.
type SubqueryKind uint8

const (
	ScalarSubquery SubqueryKind = iota
	ExistsSubquery
	InSubquery
	TableArg
)

// Subquery is a query inside an expression. Values are the left side of IN.
// Its plan refers to columns of the enclosing query by OuterRef.
type Subquery struct {
	Kind   SubqueryKind
	Plan   Node
	Values []Expr
	PlanID int64 // reference into WithRelations, while unresolved
	At     *errs.Origin
}

// OuterRef is a column of the enclosing query, inside a correlated subquery.
type OuterRef struct {
	leaf
	Column *Column
}

// GetField takes a struct's member by position. Name is for display.
type GetField struct {
	Child Expr
	Index int
	Name  string
}

// ---- unresolved ----

// Attr is a column by name parts. PlanID, if not 0, says which tagged relation it came from.
type Attr struct {
	leaf
	unresolved
	Parts    []string
	PlanID   int64
	Metadata bool
	At       *errs.Origin
}

// Star is * or qualifier.*, with EXCEPT columns.
type Star struct {
	leaf
	unresolved
	Qualifier []string
	PlanID    int64
	Except    [][]string
	At        *errs.Origin
}

// RegexColumns is all columns whose name matches.
type RegexColumns struct {
	leaf
	unresolved
	Pattern string
	PlanID  int64
}

// Func is a function or operator by name, as written.
type Func struct {
	unresolved
	Name        []string // usually one part
	Args        []Expr
	Distinct    bool
	Filter      Expr
	IgnoreNulls *bool
	Order       []SortOrder // WITHIN GROUP
	UserDefined bool
	At          *errs.Origin
}

// Position is the column of the input at a position, from 1.
type Position struct {
	leaf
	unresolved
	N  int
	At *errs.Origin
}

// Text is an SQL expression still to be parsed.
type Text struct {
	leaf
	unresolved
	SQL string
}

// Extract is child[key] or child.key.
type Extract struct {
	unresolved
	Child, Key Expr
	At         *errs.Origin
}

// UpdateField is withField (Value set) or dropFields (Value nil) of a struct.
type UpdateField struct {
	unresolved
	Child Expr
	Path  string
	Value Expr
}

// NamedArg is name => value.
type NamedArg struct {
	unresolved
	Name  string
	Value Expr
}

// Param is a named (:name) or positional (?) parameter.
type Param struct {
	leaf
	unresolved
	Name string
	Pos  int // from 0, if Name is empty
	At   *errs.Origin
}
