// Package physical is how a query will be computed: operators with algorithms
// chosen, expressions bound to input positions, cut into fragments that travel.
// It knows nothing of threads, memory or workers.
package physical

import (
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Node is an operator as data. Expressions refer to the child's columns by
// plan.Bound; for joins, the left child's columns come first, then the right's.
type Node interface {
	Children() []Node
	WithChildren([]Node) Node
	Schema() types.Schema
	// Estimate is the planner's guess of the rows produced, -1 unknown.
	Estimate() int64
	String() string
}

// Rows is embedded for the estimate.
type Rows struct{ N int64 }

// Estimate returns the guess.
func (r Rows) Estimate() int64 { return r.N }

// Scan reads splits of one table. Columns are positions in the table's schema
// (data columns first, then partition columns, whose values are in each split);
// Filters are conjuncts over the output columns and are applied exactly by the
// scan; Runtime names filters that joins above publish.
type Scan struct {
	Rows
	Table      string
	Splits     []format.Split
	Columns    []int
	Out        types.Schema
	DataCols   int // number of the table's data columns
	Filters    []plan.Expr
	Runtime    []RuntimeFilter
	TotalBytes int64
}

// RuntimeFilter ties a join's build side (publisher) to a probe-side scan
// column (consumer) by ID. Column is an output position.
type RuntimeFilter struct {
	ID     int64
	Column int
}

// Values is rows in memory.
type Values struct {
	Rows
	Out  types.Schema
	Data []*batch.Batch
}

// Range makes longs.
type Range struct {
	Rows
	Start, End, Step int64
	Out              types.Schema
}

// Filter keeps rows whose condition is true.
type Filter struct {
	Rows
	Cond  plan.Expr
	Child Node
}

// Project computes columns.
type Project struct {
	Rows
	Exprs []plan.Expr
	Out   types.Schema
	Child Node
}

// AggMode says which part of an aggregation a node does.
type AggMode uint8

const (
	AggComplete AggMode = iota // rows in, results out
	AggPartial                 // rows in, keys and states out
	AggFinal                   // keys and states in, results out
)

// Aggregate groups by Keys. Output: keys, then results (or states) in order.
// In AggFinal, keys are the first columns of the child and states follow.
// Merge[i], if Merge is not nil, says that function i's Args are the columns of
// its partial state, to be merged; the other functions take rows (any Mode but AggFinal).
type Aggregate struct {
	Rows
	Mode  AggMode
	Merge []bool
	Keys  []plan.Expr
	Aggs  []*plan.Agg
	Out   types.Schema
	Child Node
	// states are the types of each function's partial state, nil if there are
	// none; they serve the cut into stages and do not travel.
	states [][]types.Type
}

// HashJoin joins on equality of keys. BuildLeft says which side is built; the
// other side streams. Output: left columns then right columns, as the type asks
// (semi, anti: left only; existence: left and the mark).
// NullSafe[i] makes key i equal on nulls. Residual sees left then right columns.
type HashJoin struct {
	Rows
	Type                plan.JoinType
	Left, Right         Node
	LeftKeys, RightKeys []plan.Expr
	NullSafe            []bool
	Residual            plan.Expr
	BuildLeft           bool
	Publish             []RuntimeFilter // Column is the key's number
	Out                 types.Schema
}

// NestedLoop joins by evaluating a condition on all pairs; Right is materialised.
type NestedLoop struct {
	Rows
	Type        plan.JoinType
	Left, Right Node
	Cond        plan.Expr
	Out         types.Schema
}

// SortKey is a key of an ordering.
type SortKey struct {
	Expr       plan.Expr
	Desc       bool
	NullsFirst bool
}

// Sort orders all rows (Global) or each partition's. Limit < 0 is none; with a
// limit it keeps the first Limit rows after skipping Offset (Top-N).
type Sort struct {
	Rows
	Keys   []SortKey
	Limit  int64
	Offset int64
	Global bool
	Child  Node
}

// Limit passes N rows (-1: all) after skipping Offset; Tail keeps the last N instead.
type Limit struct {
	Rows
	N, Offset int64
	Tail      bool
	Child     Node
}

// WindowFunc is one window expression over the node's partitioning and order.
// Func is an Agg or a Call of a window function.
type WindowFunc struct {
	Func  plan.Expr
	Frame plan.Frame
}

// Window appends a column for each function to the child's columns.
type Window struct {
	Rows
	Partition []plan.Expr
	Order     []SortKey
	Funcs     []WindowFunc
	Out       types.Schema
	Child     Node
}

// Union concatenates inputs of equal schema.
type Union struct {
	Rows
	Inputs []Node
	Out    types.Schema
}

// Expand emits each row once for each projection.
type Expand struct {
	Rows
	Projections [][]plan.Expr
	Out         types.Schema
	Child       Node
}

// Generate appends a generator's columns to the child's.
type Generate struct {
	Rows
	Gen   *plan.Call
	Outer bool
	Out   types.Schema
	Child Node
}

// Sample keeps a random fraction.
type Sample struct {
	Rows
	Lower, Upper    float64
	WithReplacement bool
	Seed            int64
	Child           Node
}

// Shared is a subtree computed once and read at each place with the same ID.
type Shared struct {
	Rows
	ID    int64
	Child Node
}

// ExchangeKind says how rows are spread over partitions.
type ExchangeKind uint8

const (
	ExchangeSingle ExchangeKind = iota
	ExchangeHash
	ExchangeRoundRobin
	ExchangeRange
	ExchangeBroadcast
)

// Exchange crosses processes: the plan is cut into stages here. It never
// appears inside a fragment.
type Exchange struct {
	Rows
	Kind  ExchangeKind
	Keys  []plan.Expr
	Order []SortKey // ExchangeRange
	Parts int
	Child Node
}

// StageInput reads the outputs of another stage, in place of an Exchange.
// With Broadcast every task reads all; otherwise the task reads its partition.
type StageInput struct {
	Rows
	Stage     int
	Broadcast bool
	Out       types.Schema
}

// Write stores the child's rows in files below Path, left pending (vfs.Preparer):
// the job makes them visible together. Output is as WriteSchema says.
// PartitionBy are positions of the columns that become folders.
type Write struct {
	Rows
	Format      string
	Path        string
	JobID       string
	PartitionBy []int
	Options     format.Options
	Child       Node
}

// CacheRead reads rows that the process holds under a key: persisted plans and
// large local relations. They travel by key, not by value.
type CacheRead struct {
	Rows
	Key string
	Out types.Schema
}

// WriteSchema is the output of Write: a row for each pending file (vfs.Pending).
func WriteSchema() types.Schema {
	f := func(n string, t types.Type) types.Field { return types.Field{Name: n, Type: t} }
	return types.NewSchema(f("partition", types.String), f("path", types.String), f("token", types.String),
		f("rows", types.Long), f("bytes", types.Long))
}

// Fragment is the part of a plan that one task runs, with what expressions
// need to know of the session.
type Fragment struct {
	Root Node
	Env  Env
	// Output says how the task's rows are delivered: to the client (single) or
	// hash-partitioned and so on for other stages.
	Output Exchange
}

// Env is the session's part of function.Env that travels.
type Env struct {
	Ansi          bool
	ZoneID        string
	NowMicros     int64
	CaseSensitive bool
	LegacyTime    bool
	User          string
	Catalog       string
	Database      string
	Version       string
	Conf          map[string]string
}
