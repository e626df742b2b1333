// Package analyze turns a plan as a parser or client gave it into one of core
// nodes whose every column, function and type is known, or into Spark's error.
// It knows nothing of how a plan is optimised or run.
package analyze

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Catalog is where relations come from. Implementations are safe for concurrent use.
type Catalog interface {
	// Relation finds a view or table by its name's parts; nil if there is none.
	Relation(ctx context.Context, parts []string, options map[string]string) (*catalog.Relation, error)
	// Source resolves a format and paths to a table with pinned files.
	Source(ctx context.Context, ds *plan.DataSource) (plan.Source, error)
	// SearchPath names the catalog and namespace in force, for messages.
	SearchPath() []string
}

// Parser makes trees of text that arrives inside a plan.
type Parser interface {
	Expr(text string) (plan.Expr, error)
	Query(text string) (plan.Node, error)
	Schema(text string) (types.Schema, error)
}

// Config is what an analyser works with. All fields but Rows and Variable are needed.
type Config struct {
	Registry *function.Registry
	Catalog  Catalog
	Env      *function.Env
	NextID   func() plan.ID
	Parser   Parser
	// Rows runs a resolved plan and returns at most limit boxed rows: pivot
	// without values and transpose need to know data. Nil: those are unsupported.
	Rows func(ctx context.Context, n plan.Node, limit int) ([][]any, error)
	// Variable finds a session variable's value; nil if there is none. May be nil.
	Variable func(name string) *plan.Literal
}

// Analyzer resolves plans of one session. It is immutable and safe for
// concurrent use if its parts are.
type Analyzer struct{ Config }

// New makes an analyser. Functions that take schemas as text read them by its parser.
func New(cfg Config) *Analyzer {
	if cfg.Env != nil && cfg.Env.ParseSchema == nil && cfg.Parser != nil {
		e := *cfg.Env
		e.ParseSchema = cfg.Parser.Schema
		cfg.Env = &e
	}
	return &Analyzer{cfg}
}

// Counter makes a source of ids for tests and sessions.
func Counter() func() plan.ID {
	var last atomic.Int64
	return func() plan.ID { return plan.ID(last.Add(1)) }
}

// Analyze resolves n. The result consists of core nodes only; a command keeps
// its node and has a resolved child.
func (a *Analyzer) Analyze(ctx context.Context, n plan.Node) (plan.Node, error) {
	r := newRun(a)
	out, err := r.node(ctx, n, nil)
	if err != nil {
		return nil, err
	}
	return r.finish(ctx, out)
}

// ResolveExpr resolves an expression over columns.
func (a *Analyzer) ResolveExpr(ctx context.Context, e plan.Expr, columns []*plan.Column) (plan.Expr, error) {
	r := newRun(a)
	e, err := r.expr(ctx, e, r.envOf(nil, &plan.Local{Columns: columns}))
	if err != nil {
		return nil, err
	}
	return r.lowerExpr(ctx, e)
}

// run is the state of one analysis. It serves one goroutine.
type run struct {
	*Analyzer
	depth  int
	views  []string // being expanded, outermost first
	shared map[int64]plan.Node
	// hidden holds what projections of USING joins know beside their list.
	hidden map[*plan.Project][]*plan.Column
	trims  map[*plan.Project]bool // made by trimmed
	// expanded holds grouping sets by the identity of their grouping id.
	expanded map[plan.ID]*expansion
	nshare   int64
}

func newRun(a *Analyzer) *run {
	return &run{
		Analyzer: a, shared: map[int64]plan.Node{}, hidden: map[*plan.Project][]*plan.Column{}, expanded: map[plan.ID]*expansion{},
		trims: map[*plan.Project]bool{},
	}
}

// enter counts nesting; the caller defers leave.
func (r *run) enter() error {
	if r.depth++; r.depth > maxNesting {
		return errs.Cond(errs.Analysis, "FAILED_TO_PARSE_TOO_COMPLEX", "54001",
			"The query is nested too deeply for this server.")
	}
	return nil
}

func (r *run) leave() { r.depth-- }

// maxNesting bounds recursion over nodes and expressions together: both may be
// as deep as the plan package allows.
const maxNesting = 4 * plan.MaxDepth

func (r *run) sameName(a, b string) bool {
	if r.Env.CaseSensitive {
		return a == b
	}
	return a == b || strings.EqualFold(a, b)
}

// castMode is the mode of casts the user did not choose a mode for.
func (r *run) castMode() plan.CastMode {
	if r.Env.Ansi {
		return plan.CastAnsi
	}
	return plan.CastLegacy
}

// castTo converts e to t where it has another type.
func (r *run) castTo(e plan.Expr, t types.Type) plan.Expr {
	if e.Type().Equal(t) {
		return e
	}
	return &plan.Cast{Child: e, To: t, Mode: r.castMode(), Implicit: true}
}

// alias gives e a name and a new identity.
func (r *run) alias(e plan.Expr, name string) *plan.Alias {
	return &plan.Alias{Child: e, Name: name, ID: r.NextID()}
}

// at adds a position to an error.
func at(err error, o *errs.Origin) error {
	if o == nil || err == nil {
		return err
	}
	return errs.At(err, *o)
}
