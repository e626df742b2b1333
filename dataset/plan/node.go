package plan

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Node is an immutable relational operator. Output is nil until the node is
// resolved; a resolved node without columns has an empty, non-nil Output.
type Node interface {
	Children() []Node
	WithChildren([]Node) Node
	Exprs() []Expr
	WithExprs([]Expr) Node
	Output() []*Column
	String() string // one line, without children
}

// Source is what a Scan reads: a catalog table. Higher rooms know more of it.
type Source interface {
	Name() string
	Schema() types.Schema
}

// ---- leaves ----

// Table is a relation by name.
type Table struct {
	Parts   []string
	Options map[string]string
	At      *errs.Origin
}

// DataSource is a relation read from a format and paths. SchemaText is DDL or JSON.
type DataSource struct {
	Format     string
	SchemaText string
	Options    map[string]string
	Paths      []string
	Predicates []string
}

// TableFunction is a table-valued function call.
type TableFunction struct {
	Name []string
	Args []Expr
	At   *errs.Origin
}

// Scan reads a source's columns. Filters are predicates the source may use to
// skip data; they stay in the plan above unless Exact says they were taken over.
type Scan struct {
	Source  Source
	Columns []*Column
	Filters []Expr
}

// Local is rows held in memory.
type Local struct {
	Columns []*Column
	Data    []*batch.Batch
}

// Range is spark.range: longs from Start to End (exclusive) by Step.
type Range struct {
	Start, End, Step int64
	Parts            int
	Column           *Column
}

// Values is an inline table, unresolved until made Local or a union of projects.
type Values struct {
	Rows  [][]Expr
	Names []string
	At    *errs.Origin
}

// OneRow is a single row without columns: SELECT without FROM.
type OneRow struct{}

// ---- one child ----

// Project computes expressions: Columns, Aliases, or anything while unresolved.
// Pipe is the operator of |> that it was written as, whose list has no aggregate functions.
type Project struct {
	List  []Expr
	Child Node
	Pipe  string
}

// Filter keeps rows whose condition is true.
type Filter struct {
	Cond  Expr
	Child Node
	// Having marks a filter above an aggregate whose condition may hold aggregates.
	Having bool
}

// Grouping is how GroupBy expressions make grouping sets.
type Grouping uint8

const (
	GroupPlain Grouping = iota
	GroupRollup
	GroupCube
	GroupSets // Sets holds them
	GroupAll  // GROUP BY ALL
)

// Aggregate groups by GroupBy and computes List (grouping expressions,
// aggregates and expressions over both).
type Aggregate struct {
	GroupBy  []Expr
	Grouping Grouping
	Sets     [][]Expr
	List     []Expr
	Child    Node
	// ImplicitKeys: the client's groupBy().agg(): keys come before List in the output.
	ImplicitKeys bool
	// Pipe marks |> AGGREGATE: the items of List after the keys have aggregate functions.
	Pipe bool
}

// Pivot is groupBy().pivot(): Values may be nil (to be found by running the child).
type Pivot struct {
	GroupBy  []Expr
	Implicit bool // SQL: group by all columns not used
	Column   []Expr
	Values   []Expr // literals or aliases of them
	Aggs     []Expr
	Child    Node
}

// Unpivot turns columns into rows. Values: one list per output row group.
type Unpivot struct {
	IDs          []Expr
	Values       [][]Expr // nil: all other columns
	Aliases      []string // per value group, "" none
	VariableName string
	ValueNames   []string
	IncludeNulls bool
	// SQL form: IDs are all columns not mentioned.
	ImplicitIDs bool
	Child       Node
}

// Sort orders rows, within partitions if not Global.
type Sort struct {
	Orders []SortOrder
	Global bool
	Child  Node
	All    bool // ORDER BY ALL, direction in Orders[0] if given
}

// Limit keeps the first N rows, Offset skips N, Tail keeps the last N.
type Limit struct {
	N     Expr
	Child Node
}
type OffsetRows struct {
	N     Expr
	Child Node
}
type Tail struct {
	N     Expr
	Child Node
}

// Distinct removes duplicate rows.
type Distinct struct{ Child Node }

// Deduplicate keeps one row for each combination of the named columns (all if none).
type Deduplicate struct {
	Columns []string
	Child   Node
}

// Sample keeps a random fraction [Lower, Upper).
type Sample struct {
	Lower, Upper    float64
	WithReplacement bool
	Seed            int64
	Rows            Expr // TABLESAMPLE (n ROWS), else nil
	Child           Node
}

// SubqueryAlias names a relation, and its columns if Columns is not empty.
type SubqueryAlias struct {
	Name    []string
	Columns []string
	Child   Node
}

// Tagged marks the relation that a client's plan id stands for.
type Tagged struct {
	PlanID int64
	Child  Node
}

// CTE is a named query of WITH.
type CTE struct {
	Name    string
	Columns []string
	Plan    Node
	// MaxLevel is MAX RECURSION LEVEL, nil where it is not given.
	MaxLevel *int64
}

// With brings named queries into scope.
type With struct {
	CTEs      []CTE
	Recursive bool
	Child     Node
}

// WithRelations brings plans into scope that Child refers to by plan id.
type WithRelations struct {
	Refs  []Node // Tagged
	Child Node
}

// WindowNode computes window expressions that share partition and order;
// List holds Aliases of Window, appended to the child's columns.
type WindowNode struct {
	List      []Expr
	Partition []Expr
	Order     []SortOrder
	Child     Node
}

// Generate applies a generator (explode, ...) to each row. Columns are its
// output; Outer keeps rows without output.
type Generate struct {
	Gen       Expr
	Outer     bool
	Qualifier string
	Names     []string // unresolved names of the output
	Columns   []*Column
	Child     Node
}

// Expand emits each row once per projection: grouping sets, distinct aggregates.
type Expand struct {
	Projections [][]Expr
	Columns     []*Column
	Child       Node
}

// Repartition asks for N partitions (0: free), by hash or range of By.
type Repartition struct {
	N       int
	Shuffle bool
	By      []Expr // SortOrder for range partitioning
	Child   Node
}

// Hint is an optimiser hint such as broadcast.
type Hint struct {
	Name   string
	Params []Expr
	Child  Node
}

// Shared marks a subtree that occurs several times with the same ID and is
// computed once.
type Shared struct {
	ID      int64
	Columns []*Column // fresh identity per occurrence, in the order of Child's output
	Child   Node
}

// ---- DataFrame operations that need the child's schema; the analyser expands them ----

// WithColumns adds or replaces columns by the aliases.
type WithColumns struct {
	List  []Expr
	Child Node
}

// RenameColumns renames existing columns; missing ones are ignored.
type RenameColumns struct {
	From, To []string
	Child    Node
}

// DropColumns removes columns by expression or name; missing names are ignored.
type DropColumns struct {
	Columns []Expr
	Names   []string
	Child   Node
}

// RenameAll is df.toDF(names).
type RenameAll struct {
	Names []string
	Child Node
}

// ToSchema is df.to(schema): reorder and cast by name.
type ToSchema struct {
	Schema types.Schema
	Child  Node
}

// FillNulls, DropNulls and ReplaceValues are df.na.*.
type FillNulls struct {
	Columns []string
	Values  []*Literal // one for all columns, or one each
	Child   Node
}
type DropNulls struct {
	Columns    []string
	MinNonNull int // < 0: all columns must be non-null
	Child      Node
}
type ReplaceValues struct {
	Columns []string
	Old     []*Literal
	New     []*Literal
	Child   Node
}

// Describe is df.describe(cols), Summary is df.summary(statistics).
type Describe struct {
	Columns []string
	Child   Node
}
type Summary struct {
	Statistics []string
	Child      Node
}

// Stat is a statistic over a data frame: "crosstab", "cov", "corr", "approxQuantile", "freqItems", "sampleBy".
type Stat struct {
	Name          string
	Columns       []string
	Method        string
	Probabilities []float64
	Error         float64
	Support       float64
	Column        Expr
	Fractions     map[*Literal]float64
	Seed          int64
	Child         Node
}

// ShowString is df.show() as one string cell; HTML for notebooks.
type ShowString struct {
	Rows, Truncate int
	Vertical       bool
	HTML           bool
	Child          Node
}

// CollectMetrics is df.observe: Child's rows, with aggregates computed of them
// as they pass. It stands for itself in every plan: no rows may be dropped or
// added below it that were not before.
type CollectMetrics struct {
	Name  string
	List  []Expr
	Child Node
	// Result, once List is nothing but aggregate functions, makes the metrics of
	// their values: over a Local of the functions' columns, in List's order.
	Result Node
}

// Transpose is df.transpose.
type Transpose struct {
	Index []Expr
	Child Node
}

// Cached is a subtree whose result is kept under a key (df.cache, CACHE TABLE);
// the session decides at execution whether stored pages serve it.
type Cached struct {
	Key   string
	Child Node
}

// ---- several children ----

// JoinType is the kind of a join.
type JoinType uint8

const (
	JoinInner JoinType = iota
	JoinLeft
	JoinRight
	JoinFull
	JoinSemi
	JoinAnti
	JoinCross
	JoinExistence // left rows + a bool column: is there a match (from EXISTS in an expression)
	JoinSingle    // left outer that fails when more than one row matches (scalar subquery)
	JoinNullAnti  // anti join with NOT IN's null semantics; exactly the equality of the keys counts
)

// Join joins two relations. Mark is the output of an existence join.
type Join struct {
	Type        JoinType
	Left, Right Node
	Cond        Expr
	Using       []string
	Natural     bool
	Lateral     bool
	Mark        *Column
	Strategy    string // hint: "broadcast_left", "broadcast_right", "merge", "shuffle_hash", ...
}

// SetOpKind is the kind of a set operation.
type SetOpKind uint8

const (
	SetUnion SetOpKind = iota
	SetIntersect
	SetExcept
)

// SetOp combines two relations by position or name. The analyser turns unions into Union.
type SetOp struct {
	Kind         SetOpKind
	All          bool
	ByName       bool
	AllowMissing bool
	Left, Right  Node
}

// Union concatenates inputs with equal types. Columns are its output.
type Union struct {
	Inputs  []Node
	Columns []*Column
}
