// Package errs defines the one error type of Spurwheel: a kind that decides
// what the system does next, the operation that failed, and, where a user will
// read it, Spark's error condition. It knows nothing of any other package.
package errs

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind says what the caller may do about an error. Values travel on the wire
// and are never renumbered.
type Kind uint8

const (
	Other        Kind = iota // unclassified: fail the job
	Invalid                  // the user's input is wrong: fail, blame the user
	NotFound                 // a named thing does not exist: fail, blame the user
	Exists                   // a named thing exists already: fail, blame the user
	Permission               // access refused: fail, blame the user
	NotSupported             // valid input for a feature that is not there: fail, name it
	Conflict                 // an input changed under the job, a stale attempt: fail
	Exhausted                // a budget or limit is used up: spill or fail
	Unavailable              // a peer or store did not answer: retry
	Lost                     // a produced output is gone: recompute
	Corrupt                  // stored bytes do not check: recompute or fail
	Canceled                 // somebody asked to stop
	Deadline                 // time ran out
	Internal                 // a bug of ours: fail, keep the stack
)

var kindNames = [...]string{
	"other", "invalid", "not found", "exists", "permission denied", "unsupported", "conflict",
	"exhausted", "unavailable", "lost", "corrupt", "canceled", "deadline exceeded", "internal",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Retryable tells whether running the same task again may succeed.
func (k Kind) Retryable() bool { return k == Unavailable || k == Lost || k == Corrupt }

// Error is the error value. Op names the failing operation as "package.Func".
type Error struct {
	Kind Kind
	Op   string
	Err  error
}

// E wraps err. A nil err returns nil, so that `return errs.E(k, op, f())` is safe.
// Context errors keep their own kind whatever the caller claims.
func E(kind Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	switch {
	case errors.Is(err, context.Canceled):
		kind = Canceled
	case errors.Is(err, context.DeadlineExceeded):
		kind = Deadline
	}
	return &Error{Kind: kind, Op: op, Err: err}
}

// Errorf is E over a formatted message.
func Errorf(kind Kind, op, format string, args ...any) error {
	return &Error{Kind: kind, Op: op, Err: fmt.Errorf(format, args...)}
}

func (e *Error) Error() string {
	if e.Op == "" {
		return e.Err.Error()
	}
	return e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf reports the kind of the outermost classified error in err's chain.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Other {
		return e.Kind
	}
	if c, ok := errors.AsType[*Condition](err); ok {
		return c.Kind
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Deadline
	}
	return Other
}

// Is reports whether err is of the given kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Origin is the place in the user's text that an error is about.
// Line and Pos count from 1 and 0; Start and Stop are byte offsets into Text.
type Origin struct {
	Line, Pos   int
	Start, Stop int
	Text        string // the whole statement
	ObjectType  string // "VIEW" and its name, when the text is a view's body
	ObjectName  string
	CallSite    string // of a DataFrame operation
	Fragment    string // of a DataFrame operation
}

// IsZero tells whether the origin says nothing.
func (o Origin) IsZero() bool { return o.Text == "" && o.CallSite == "" && o.Fragment == "" }

// Snippet is the part of the statement that the origin covers.
func (o Origin) Snippet() string {
	if o.Text == "" || o.Start < 0 || o.Stop > len(o.Text) || o.Start >= o.Stop {
		return o.Fragment
	}
	return o.Text[o.Start:o.Stop]
}

// Condition is an error as Spark's users know it: error class, SQLSTATE and
// named parameters. Class and parameter names are Spark's; the text is ours.
type Condition struct {
	Kind     Kind
	Class    string // "DIVIDE_BY_ZERO", "TABLE_OR_VIEW_NOT_FOUND", "A.B" for sub-classes
	State    string // five characters
	Message  string // our words, without class and state
	Params   map[string]string
	Origin   Origin
	JVMClass string // exception class that clients map; empty: chosen from Category
	Category Category
	Cause    error
}

// Category picks the exception class that a Spark client raises.
type Category uint8

const (
	Analysis   Category = iota // AnalysisException
	Parse                      // ParseException
	Runtime                    // SparkRuntimeException
	Arithmetic                 // SparkArithmeticException
	DateTime                   // SparkDateTimeException
	NumberFmt                  // SparkNumberFormatException
	ArrayIndex                 // SparkArrayIndexOutOfBoundsException
	IllegalArg                 // IllegalArgumentException
	UnsupOp                    // SparkUnsupportedOperationException
	NoElement                  // SparkNoSuchElementException
	Spark                      // SparkException
	Upgrade                    // SparkUpgradeException
)

func (c *Condition) Error() string {
	var b strings.Builder
	b.WriteString("[" + c.Class + "] " + c.Message)
	if c.State != "" {
		b.WriteString(" SQLSTATE: " + c.State)
	}
	if o := c.Origin; o.Text != "" {
		fmt.Fprintf(&b, "\n== SQL (line %d, position %d) ==\n%s", o.Line, o.Pos+1, o.Snippet())
	}
	return b.String()
}

func (c *Condition) Unwrap() error { return c.Cause }

// At returns err with its condition's origin set where it has none yet.
func At(err error, o Origin) error {
	c, ok := errors.AsType[*Condition](err)
	if !ok || o.IsZero() || !c.Origin.IsZero() {
		return err
	}
	d := *c
	d.Origin = o
	return &d
}

// Cond builds a condition. kv are parameter names and values in turn.
func Cond(cat Category, class, state, message string, kv ...string) *Condition {
	c := &Condition{Kind: Invalid, Category: cat, Class: class, State: state, Message: message}
	if len(kv) > 0 {
		c.Params = make(map[string]string, len(kv)/2)
		for i := 0; i+1 < len(kv); i += 2 {
			c.Params[kv[i]] = kv[i+1]
		}
	}
	return c
}

// Unsupported is the condition for valid input whose feature is not there.
func Unsupported(feature string) *Condition {
	c := Cond(Analysis, "UNSUPPORTED_FEATURE", "0A000", "This server does not support: "+feature+".", "feature", feature)
	c.Kind = NotSupported
	return c
}
