package session

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/spurwheel/spurwheel/dataset/analyze"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// step is a temporary view as the command that made it, with what it was
// analysed under. A view is kept as its steps: those of the views it is over,
// as they were then, and its own last.
type step struct {
	ID       string              `json:"id"`      // the operation's
	Session  string              `json:"session"` // whose artifacts the source may name
	Name     string              `json:"name"`
	Global   bool                `json:"global,omitempty"`
	Source   []byte              `json:"source"`
	Conf     map[string]string   `json:"conf,omitempty"` // the session's settings but those of storage
	Database string              `json:"database"`
	Vars     map[string]varSaved `json:"vars,omitempty"`
	Uses     []string            `json:"uses,omitempty"` // ids of the steps whose views it is over
}

// globalSession is under which global temporary views are kept: they outlive
// the session that made them.
const globalSession = "global_temp"

// lookups is a catalog that notes the temporary views that it found.
type lookups struct {
	*catalog.Catalog
	s  *Session
	mu struct {
		sync.Mutex
		steps [][]step
	}
}

var _ analyze.Catalog = (*lookups)(nil)

// Relation finds a view or table.
func (l *lookups) Relation(ctx context.Context, parts []string, options map[string]string) (*catalog.Relation, error) {
	rel, err := l.Catalog.Relation(ctx, parts, options)
	if rel == nil || rel.View == nil {
		return rel, err
	}
	if steps := l.s.stepsOf(parts); steps != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.mu.steps = append(l.mu.steps, steps)
	}
	return rel, err
}

// stepsOf is what makes a temporary view; nil if none of the name is kept.
func (s *Session) stepsOf(parts []string) []step {
	d := s.durable
	if len(parts) > 1 && strings.EqualFold(parts[0], catalog.GlobalTemp) {
		d = s.m.globals
	} else if len(parts) > 1 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.views[strings.ToLower(last(parts))]
}

// steps is what makes a view that is being created.
func (q *query) steps(c *plan.CreateView) []step {
	own := step{
		ID: q.id, Session: q.s.serverID, Name: last(c.Name), Global: c.Global, Source: q.source, Conf: q.s.conf.plain(), Database: q.s.catalog.CurrentDatabase(), Vars: q.usedVariables(),
	}
	var all []step
	if q.lookups == nil {
		return append(all, own)
	}
	q.lookups.mu.Lock()
	defer q.lookups.mu.Unlock()
	for _, below := range q.lookups.mu.steps {
		own.Uses = append(own.Uses, below[len(below)-1].ID)
		for _, st := range below {
			if !slices.ContainsFunc(all, func(x step) bool { return x.ID == st.ID }) {
				all = append(all, st)
			}
		}
	}
	slices.Sort(own.Uses)
	own.Uses = slices.Compact(own.Uses)
	return append(all, own)
}

// defineTemp stores a temporary view, durable before it is acknowledged.
func (q *query) defineTemp(ctx context.Context, c *plan.CreateView, v *catalog.View) error {
	cat, d := q.s.catalog, q.s.durable
	find, create, drop := cat.TempView, cat.CreateTempView, cat.DropTempView
	if c.Global {
		find, create, drop = cat.GlobalTempView, cat.CreateGlobalTempView, cat.DropGlobalTempView
		if d != nil {
			d = q.s.m.globals
		}
	}
	name := last(c.Name)
	return d.change(ctx, func() error {
		if d != nil && q.again && d.madeBy(name, q.id) {
			return nil
		}
		before := find(name)
		if err := create(name, v, c.Replace); err != nil || d == nil {
			return err
		}
		err := d.putView(ctx, name, q.steps(c))
		if err != nil && before != nil {
			return joined(err, create(name, before, true))
		}
		if err != nil {
			drop(name)
		}
		return err
	})
}

func joined(err, second error) error {
	if second != nil {
		return errs.Errorf(errs.Internal, "session.defineTemp", "%w, and the view before it is lost: %w", err, second)
	}
	return err
}

// madeBy tells whether an operation has made the view of a name.
func (d *durable) madeBy(name, operation string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	steps := d.mu.views[strings.ToLower(name)]
	return len(steps) > 0 && steps[len(steps)-1].ID == operation
}

func (d *durable) putView(ctx context.Context, name string, steps []step) error {
	b, err := json.Marshal(steps)
	if err != nil {
		return errs.E(errs.Internal, "session.putView", err)
	}
	if err := d.put(ctx, keyView+strings.ToLower(name), b); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.views[strings.ToLower(name)] = steps
	return nil
}

// dropTemp drops a temporary view and tells whether there was one.
func (q *query) dropTemp(ctx context.Context, name string, global bool) (dropped bool, err error) {
	cat, d := q.s.catalog, q.s.durable
	find, drop := cat.TempView, cat.DropTempView
	if global {
		find, drop = cat.GlobalTempView, cat.DropGlobalTempView
		if d != nil {
			d = q.s.m.globals
		}
	}
	err = d.change(ctx, func() error {
		if dropped = find(name) != nil; !dropped {
			return nil
		}
		if d != nil {
			if err := d.delete(ctx, keyView+strings.ToLower(name)); err != nil {
				return err
			}
			d.mu.Lock()
			delete(d.mu.views, strings.ToLower(name))
			d.mu.Unlock()
		}
		drop(name)
		return nil
	})
	return dropped && err == nil, err
}
