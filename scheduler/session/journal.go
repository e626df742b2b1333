package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Journal is where sessions outlive their process: what it has accepted is
// there for whoever goes on with them. Its errors fail the command that needed
// it, before the client is told that anything was done. Implementations are
// safe for concurrent use and copy nothing: values are not changed afterwards.
type Journal interface {
	// Open begins a session. One that is open is no error.
	Open(ctx context.Context, o Opened) error
	// Put keeps a value of a session, and moves its key behind all others.
	Put(ctx context.Context, session, key string, value []byte) error
	// Delete forgets a value. Unknown keys are no error.
	Delete(ctx context.Context, session, key string) error
	// Close forgets a session with all its values. Unknown ones are no error.
	Close(ctx context.Context, session string) error
}

// Opened is a session in the journal. Session is its server id.
type Opened struct {
	Session string
	Key     Key
}

// Sealer hides values from who can read the journal. Requests, settings and
// artifacts hold secrets of clients.
type Sealer interface {
	Seal(plain []byte) ([]byte, error)
	Open(sealed []byte) ([]byte, error)
}

// Value is one value of a session's durable state.
type Value struct {
	Key   string
	Value []byte
}

// SavedSession is what a journal has of a session, its values in the order of
// their last Put.
type SavedSession struct {
	Opened
	Values []Value
}

// Keys of values. Others are kept for whoever put them.
const (
	keyConf      = "conf/"      // + setting
	keyVariable  = "variable/"  // + name
	keyView      = "view/"      // + name
	keyBlob      = "blob/"      // + name
	keyEffect    = "effect/"    // + operation
	keyOperation = "operation/" // + operation: the gateway's
	keyDatabase  = "database"
)

const (
	// MaxKept is what a value may take: the log sends it to every scheduler.
	MaxKept = 8 << 20
	// maxBlobKept is what an artifact may take in the log where there is shared storage for larger ones.
	maxBlobKept = 64 << 10
	// journalTime bounds a change that no call's context covers.
	journalTime = 10 * time.Second
)

// durable is a session's hold of the journal. A nil one keeps nothing: the
// session ends with its process.
type durable struct {
	journal Journal
	sealer  Sealer
	session string
	turn    chan struct{} // holds a token while a change is made: the log has them in the order of memory

	mu struct {
		sync.Mutex
		kept    []Value             // of others, in order
		views   map[string][]step   // by lower-case name: what makes the view
		effects map[string]*effect  // by operation
		vars    map[string]varSaved // by lower-case name
	}
}

func newDurable(j Journal, sealer Sealer, session string) *durable {
	if j == nil {
		return nil
	}
	d := &durable{journal: j, sealer: sealer, session: session, turn: make(chan struct{}, 1)}
	d.mu.views, d.mu.effects, d.mu.vars = map[string][]step{}, map[string]*effect{}, map[string]varSaved{}
	return d
}

// change runs f alone among the changes of the session.
func (d *durable) change(ctx context.Context, f func() error) error {
	if d == nil {
		return f()
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return errs.E(errs.Canceled, "session.change", ctx.Err())
	}
	defer func() { <-d.turn }()
	return f()
}

// put makes a value durable.
func (d *durable) put(ctx context.Context, key string, value []byte) error {
	if d == nil {
		return nil
	}
	if len(value) > MaxKept {
		return tooLarge(key, len(value))
	}
	if d.sealer != nil {
		var err error
		if value, err = d.sealer.Seal(value); err != nil {
			return err
		}
	}
	return d.journal.Put(ctx, d.session, key, value)
}

// delete forgets a value.
func (d *durable) delete(ctx context.Context, key string) error {
	if d == nil {
		return nil
	}
	return d.journal.Delete(ctx, d.session, key)
}

func tooLarge(key string, size int) error {
	what, name, _ := strings.Cut(key, "/")
	c := errs.Cond(errs.Spark, "SESSION_STATE_TOO_LARGE", "54000",
		fmt.Sprintf("The %s %s takes %d bytes, more than a cluster keeps in its log (%d): upload large data to storage and read it from there.", what, name, size, MaxKept),
		"kind", what, "name", name, "size", fmt.Sprint(size), "limit", fmt.Sprint(MaxKept))
	c.Kind = errs.Exhausted
	return c
}

// Lasting tells whether the session outlives its process.
func (s *Session) Lasting() bool { return s.durable != nil }

// Keep makes a value durable that is not the session's own.
func (s *Session) Keep(ctx context.Context, key string, value []byte) error {
	d := s.durable
	if d == nil {
		return errs.Errorf(errs.Internal, "session.Keep", "the session has no journal")
	}
	return d.change(ctx, func() error {
		if err := d.put(ctx, key, value); err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.mu.kept = append(without(d.mu.kept, key), Value{key, value})
		return nil
	})
}

// Drop forgets what Keep kept. With an operation goes what it had done.
func (s *Session) Drop(ctx context.Context, key string) error {
	d := s.durable
	if d == nil {
		return nil
	}
	err := d.change(ctx, func() error {
		d.mu.Lock()
		d.mu.kept = without(d.mu.kept, key)
		d.mu.Unlock()
		return d.delete(ctx, key)
	})
	if op, ok := strings.CutPrefix(key, keyOperation); ok && err == nil {
		return d.dropEffect(ctx, op)
	}
	return err
}

// Kept are the values that Keep kept, in order.
func (s *Session) Kept() []Value {
	if s.durable == nil {
		return nil
	}
	s.durable.mu.Lock()
	defer s.durable.mu.Unlock()
	return slices.Clone(s.durable.mu.kept)
}

// keeps tells whether an operation is run again if this process ends.
func (d *durable) keeps(operation string) bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.mu.kept, func(v Value) bool { return v.Key == keyOperation+operation })
}

func without(vs []Value, key string) []Value {
	return slices.DeleteFunc(slices.Clone(vs), func(v Value) bool { return v.Key == key })
}
