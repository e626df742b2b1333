// Package function is the registry of SQL functions and operators: for each
// one its names, typing rule, nullability, kernel and documentation. It knows
// nothing of plans beyond expressions, and nothing of how batches reach a kernel.
package function

import (
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Env is what functions may know of the session and task. It is immutable.
type Env struct {
	Ansi          bool
	ZoneID        string
	Zone          *time.Location
	Now           time.Time // start of the query
	CaseSensitive bool
	LegacyTime    bool // spark.sql.legacy.timeParserPolicy = LEGACY
	User          string
	Catalog       string
	Database      string
	Version       string
	Partition     int // of the task that evaluates
	Conf          map[string]string
	// ParseSchema reads a schema in DDL or JSON, for typing from_json and the
	// like; nil where nothing is typed any more.
	ParseSchema func(text string) (types.Schema, error)
}

// ConfKeys are the settings that functions and the analyser read from Env.Conf.
var ConfKeys = []string{
	"spark.sql.mapKeyDedupPolicy", "spark.sql.legacy.sizeOfNull", "spark.sql.legacy.negativeIndexInArrayInsert", "spark.sql.legacy.codingErrorAction",
	"spark.sql.cteRecursionLevelLimit", "spark.sql.cteRecursionRowLimit",
}

// Kind says where a function may stand.
type Kind uint8

const (
	Scalar    Kind = iota
	Aggregate      // over groups and windows
	Window         // only over windows: rank, lag, ...
	Generator      // makes rows: explode, ...
)

// Typing is the result of a typing rule: the types each argument must be cast
// to (equal to its own type where it fits), and the result's type and nullability.
type Typing struct {
	Args     []types.Type
	Result   types.Type
	Nullable bool
}

// Kernel computes one batch: out has n rows of the result type.
//
// Arguments are Flat or Const (Dict only if the entry says DictArgs), each of
// length n. out comes reset; if the entry is NullIn its validity is already the
// AND of the arguments', and slots of null rows need not be written; otherwise
// all rows are valid and the kernel sets nulls. A kernel owns scratch memory:
// it serves one goroutine. An error stops the query; a row that is null in a
// NullIn function must not raise one.
type Kernel func(args []*batch.Vector, n int, out *batch.Vector) error

// Accumulator holds one aggregate's states for groups 0..n-1, column-wise.
// It serves one goroutine. groups[i] is row i's group; nil means all rows
// belong to group 0. Rows where the filter is false never reach it.
type Accumulator interface {
	// Grow makes states for groups [old, n), each as of no rows.
	Grow(n int)
	// Update adds rows. Arguments are Flat or Const.
	Update(groups []int32, args []*batch.Vector, n int) error
	// Merge adds partial states as State wrote them: row i into groups[i].
	Merge(groups []int32, state []*batch.Vector, n int) error
	// State appends the partial states of groups [from, to) to out, one vector
	// for each of the entry's StateTypes.
	State(from, to int, out []*batch.Vector) error
	// Result appends the results of groups [from, to) to out.
	Result(from, to int, out *batch.Vector) error
	// Bytes is the memory held, for accounting.
	Bytes() int64
	// Reset forgets all groups and keeps storage.
	Reset()
}

// RowMaker is a generator's kernel: for a batch of arguments it returns the
// output columns and, for each output row, the input row it came from
// (ascending). Borrowed until the next call. It serves one goroutine.
type RowMaker func(args []*batch.Vector, n int) (cols []*batch.Vector, from []int32, err error)

// LambdaKernel evaluates a lambda's body over element rows: params are vectors
// of m elements, rows[i] is the input row that element i belongs to.
type LambdaKernel func(params []*batch.Vector, rows []int32, m int) (*batch.Vector, error)

// Entry is one function. Exactly one of Rewrite, Kernel, HigherOrder,
// Accumulator, Generate or Builtin gives it meaning.
type Entry struct {
	Name    string
	Aliases []string
	Kind    Kind
	Group   string // as in Spark's documentation: "string_funcs"
	Since   string
	Usage   string // our words
	Example string // SQL, run by the documentation test
	Result  string // what Example gives

	NullIn   bool // null if any argument is null
	Volatile bool // not deterministic: never folded, moved or deduplicated
	DictArgs bool // the kernel takes dictionary vectors as they are
	Builtin  bool // evaluated by package eval itself (and, or, coalesce, if, ...)
	MinArgs  int
	MaxArgs  int // -1: any number

	// Type checks and types a call. Errors are conditions such as
	// DATATYPE_MISMATCH.*; the analyser adds the user's position.
	Type func(env *Env, args []plan.Expr) (Typing, error)
	// Rewrite expresses the call by other (unresolved or resolved) expressions.
	Rewrite func(env *Env, args []plan.Expr) (plan.Expr, error)
	Kernel  func(env *Env, call *plan.Call) (Kernel, error)
	// HigherOrder is Kernel for functions with lambda arguments; lambdas[i]
	// belongs to args[i] (nil where it is no lambda). LambdaParams gives the
	// types and nullabilities of the parameters of the lambda at args[i].
	HigherOrder  func(env *Env, call *plan.Call, lambdas []LambdaKernel) (Kernel, error)
	LambdaParams func(args []plan.Expr, i int) []types.Field
	// StateTypes are the columns of a partial state.
	StateTypes  func(agg *plan.Agg) []types.Type
	Accumulator func(env *Env, agg *plan.Agg) (Accumulator, error)
	// Columns names and types a generator's output.
	Columns  func(args []plan.Expr) ([]types.Field, error)
	Generate func(env *Env, call *plan.Call) (RowMaker, error)
}

// Registry maps names to entries. It is immutable after New.
type Registry struct {
	byName map[string]*Entry
	list   []*Entry
}

// New builds a registry of entry lists; a name given twice is a bug and panics.
func New(lists ...[]*Entry) *Registry {
	r := &Registry{byName: map[string]*Entry{}}
	for _, l := range lists {
		for _, e := range l {
			r.list = append(r.list, e)
			for _, n := range append([]string{e.Name}, e.Aliases...) {
				if _, dup := r.byName[n]; dup {
					panic("function: " + n + " defined twice")
				}
				r.byName[n] = e
			}
		}
	}
	return r
}

// Lookup finds a function by name in any case, nil if absent.
func (r *Registry) Lookup(name string) *Entry {
	if e, ok := r.byName[name]; ok {
		return e
	}
	return r.byName[strings.ToLower(name)]
}

// Entries lists all functions.
func (r *Registry) Entries() []*Entry { return r.list }

// Standard is the registry of everything this package defines.
func Standard() *Registry { return New(standardLists()...) }
