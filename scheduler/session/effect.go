package session

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// effect is how far a command has come whose operation is run again if this
// process ends. It makes the command happen once: what is done is answered
// again, and what was begun may find its own traces.
type effect struct {
	Begun    time.Time  `json:"begun"`
	Manifest *manifest  `json:"manifest,omitempty"` // files are being made visible: there is no way back
	Refused  string     `json:"refused,omitempty"`  // why the files are being dropped instead
	Vars     []varSaved `json:"vars,omitempty"`     // are being set together
	Done     bool       `json:"done,omitempty"`
	Schema   string     `json:"schema,omitempty"` // of Rows
	Rows     []byte     `json:"rows,omitempty"`   // a block
}

// manifest is a write whose files are all there.
type manifest struct {
	Path    string             `json:"path"`
	Pending []vfs.Pending      `json:"pending"`
	Old     []string           `json:"old,omitempty"` // to be removed
	Table   *catalog.TableMeta `json:"table,omitempty"`
	Name    []string           `json:"name,omitempty"` // of Table
	Replace bool               `json:"replace,omitempty"`
}

// once tells whether a command must not be run twice.
func once(c plan.Command) bool {
	switch c := c.(type) {
	case *plan.CreateView, *plan.Write, *plan.CreateTable, *plan.DropRelation, *plan.Namespace,
		*plan.DeclareVariable, *plan.SetVariable, *plan.DropVariable:
		return true
	case *plan.CacheTable:
		return c.Child != nil
	case *plan.CatalogCall:
		switch c.Op {
		case "dropTempView", "dropGlobalTempView", "createTable", "createExternalTable", "dropTable", "dropView", "createDatabase", "dropDatabase":
			return true
		}
	}
	return false
}

// command runs a statement with effects and returns what it shows.
func (q *query) command(ctx context.Context, c plan.Command) (*Result, error) {
	d := q.s.durable
	if d == nil || !once(c) || !d.keeps(q.id) {
		return q.do(ctx, c)
	}
	q.effect = d.effect(q.id)
	if q.effect != nil && q.effect.Done {
		if r, err := q.effect.result(); r != nil || err != nil {
			return r, err
		}
	}
	q.again = q.effect != nil
	if !q.again {
		q.effect = &effect{Begun: q.env.Now}
		if err := d.putEffect(ctx, q.id, q.effect); err != nil {
			return nil, err
		}
	}
	res, err := q.do(ctx, c)
	if err != nil {
		if q.effect.Manifest == nil && !leaving(ctx) { // it may be tried again as if for the first time
			_ = d.dropEffect(context.WithoutCancel(ctx), q.id) // the operation's end drops it too
		}
		return nil, err
	}
	return res, q.done(context.WithoutCancel(ctx), res)
}

// done keeps a command's answer. Files that were named in a manifest are visible.
func (q *query) done(ctx context.Context, res *Result) error {
	e := effect{Begun: q.effect.Begun, Done: true}
	if r, ok := res.Reader.(*rowsReader); ok {
		e.Schema = sql.SchemaJSON(r.schema)
		if len(r.rows) > 0 {
			var err error
			if e.Rows, err = batch.AppendBlock(nil, batchOf(r.schema, r.rows)); err != nil {
				return err
			}
		}
	}
	return q.s.durable.putEffect(ctx, q.id, &e)
}

// result is the answer of a command that is done; nil if it has to be made again.
func (e *effect) result() (*Result, error) {
	if e.Schema == "" {
		return nil, nil
	}
	schema, err := sql.ParseSchemaJSON(e.Schema)
	if err != nil || len(e.Rows) == 0 {
		return rowsResult(schema, nil), err
	}
	b, err := batch.DecodeBlock(schema.Types(), e.Rows)
	if err != nil {
		return nil, errs.E(errs.Corrupt, "session.effect", err)
	}
	return rowsResult(schema, boxedRows(b)), nil
}

func boxedRows(b *batch.Batch) [][]any {
	rows := make([][]any, b.N)
	for i := range rows {
		rows[i] = make([]any, len(b.Cols))
		for k, c := range b.Cols {
			rows[i][k] = c.Get(i)
		}
	}
	return rows
}

// own tells whether an error of a command that is run again is about its own traces.
func (q *query) own(err error) error {
	if q.again && (errs.Is(err, errs.Exists) || errs.Is(err, errs.NotFound)) {
		return nil
	}
	return err
}

func (d *durable) effect(operation string) *effect {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.effects[operation]
}

func (d *durable) putEffect(ctx context.Context, operation string, e *effect) error {
	b, err := json.Marshal(e)
	if err != nil {
		return errs.E(errs.Internal, "session.effect", err)
	}
	return d.change(ctx, func() error {
		if err := d.put(ctx, keyEffect+operation, b); err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.mu.effects[operation] = e
		return nil
	})
}

// dropEffect forgets what an operation had done. A write that has begun to make
// files visible is kept until it has ended.
func (d *durable) dropEffect(ctx context.Context, operation string) error {
	e := d.effect(operation)
	if e == nil || e.Manifest != nil && !e.Done && e.Refused == "" {
		return nil
	}
	return d.change(ctx, func() error {
		if err := d.delete(ctx, keyEffect+operation); err != nil {
			return err
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.mu.effects, operation)
		return nil
	})
}
