package sparkconnect

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
)

// Engine is what runs the plans: a node's own sessions, or a scheduler
// elsewhere. All methods are safe for concurrent use.
type Engine interface {
	// Session gives the session of a key, made if it is new. The gateway asks
	// once for each session it comes to know and keeps the answer.
	Session(ctx context.Context, who Principal, key SessionKey) (Session, error)
	// CloneSession makes the session `to` with a copy of from's conf, views and
	// catalog state. It fails with errs.Exists if `to` is there already.
	CloneSession(ctx context.Context, from, to SessionKey) (Session, error)
	// CloseSession forgets a session and frees what it holds. Unknown keys are
	// no error. The gateway has cancelled and closed the session's results.
	CloseSession(ctx context.Context, key SessionKey) error
}

// SessionKey names a session as its client does.
type SessionKey struct{ UserID, SessionID string }

// Principal is who is calling, as the Authenticator says. Without a name it is
// whom the client names.
type Principal struct{ Name string }

// Session is a client's conf, views and executions. Plans handed in are
// unresolved, as translated from the client's messages. All methods are safe
// for concurrent use. A session may also be Lasting.
type Session interface {
	// ServerID is stable for the life of the session and never reused: a client
	// that sees another one closes itself for good.
	ServerID() string
	// Execute starts a query or command (plan.Command). ctx covers the whole
	// execution, until Close of the result; its end cancels the work, and Next
	// then reports errs.Canceled. A command has taken effect when Execute
	// returns; rows it yields are the result's rows.
	Execute(ctx context.Context, req ExecuteRequest) (Result, error)
	// Analyze resolves a query: types, names and errors, without running it.
	Analyze(ctx context.Context, n plan.Node) (plan.Node, error)
	// Describe gives texts and facts about a query that is not run.
	Describe() Describer
	// State gives the parts of a session that live longer than a query.
	State() State
}

// ExecuteRequest is one operation.
type ExecuteRequest struct {
	OperationID string
	Tags        []string
	Plan        plan.Node
	// Description is the client's text of the query, for people (UI, logs).
	Description string
	// Source is a command as the client sent it, of which Server.Translate makes
	// the plan again; set for sessions that are Lasting.
	Source []byte
}

// Describer answers questions about plans. Methods analyse the plan first.
type Describer interface {
	// Explain prints the plan. Mode is simple, extended, codegen, cost or formatted.
	Explain(ctx context.Context, n plan.Node, mode string) (string, error)
	// InputFiles lists the files that a query would read.
	InputFiles(ctx context.Context, n plan.Node) ([]string, error)
	// SemanticKey is equal for plans that surely compute the same.
	SemanticKey(ctx context.Context, n plan.Node) (string, error)
}

// State is what a session keeps between queries.
type State interface {
	Conf() Conf
	Storage() Storage
	Blobs() Blobs
}

// Conf is the settings a session was given. Defaults are not its business: the
// gateway knows Spark's and asks here first. Keys reach it validated.
type Conf interface {
	Get(key string) (value string, ok bool)
	Set(key, value string) error // an invalid value is an error; unknown keys are kept
	Unset(key string) error
	All() map[string]string
}

// Storage is df.persist and what it answers. A plan is recognised by meaning.
type Storage interface {
	Persist(ctx context.Context, n plan.Node, level StorageLevel) error
	Unpersist(ctx context.Context, n plan.Node, blocking bool) error
	Level(ctx context.Context, n plan.Node) (StorageLevel, error)
}

// StorageLevel is Spark's.
type StorageLevel struct {
	Disk, Memory, OffHeap, Deserialized bool
	Replication                         int
}

// Blobs are a session's artifacts, by the client's names ("cache/<sha256>",
// "pyfiles/a.py", "files/x").
type Blobs interface {
	// Put stores what r gives until io.EOF. An error of r leaves nothing behind
	// under the name; it is returned as it is. An existing blob is replaced.
	Put(ctx context.Context, name string, r io.Reader) error
	Has(ctx context.Context, name string) (bool, error)
	// Get reads a blob whole; the bytes are not written to. errs.NotFound if absent.
	Get(ctx context.Context, name string) ([]byte, error)
}

// Result is a running or finished execution. Batches are pulled as the client
// takes them, so the engine must not run far ahead of Next. Progress may be
// called from another goroutine until Close; the rest not.
//
// A Result may also have `Position() (partition, block int)`: the place of the
// last batch in the held outputs, which then goes into response ids.
type Result interface {
	batch.Reader
	Progress() Progress
	// Metrics are final after Next returned io.EOF.
	Metrics() Metrics
}

// Progress is totals so far, by stage.
type Progress struct {
	Stages   []StageProgress
	Inflight int // tasks running now
}

// StageProgress is one stage's totals.
type StageProgress struct {
	ID         int64
	Tasks      int64
	Completed  int64
	InputBytes int64
	Done       bool
}

// Metrics are what is known of a finished execution.
type Metrics struct {
	Observed  []Observed
	Operators []OperatorMetrics
}

// Observed is the values of df.observe.
type Observed struct {
	Name   string
	PlanID int64
	Keys   []string
	Values []*plan.Literal
}

// OperatorMetrics is one physical operator's counters; Parent is -1 for roots.
type OperatorMetrics struct {
	Name   string
	ID     int64
	Parent int64
	Values map[string]int64
}

// Authenticator says who is calling, from the value of the "authorization"
// header ("" if there is none) and the address of the peer. An error refuses
// the call.
type Authenticator interface {
	Authenticate(ctx context.Context, authorization, peer string) (Principal, error)
}
