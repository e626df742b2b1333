package session

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// isStorage tells whether a setting is one of storage: those hold secrets.
func isStorage(key string) bool {
	return strings.HasPrefix(strings.TrimPrefix(key, prefixHadoop), prefixStorage)
}

// plain is the session's own settings but those of storage.
func (c *Conf) plain() map[string]string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := maps.Clone(c.mu.values)
	maps.DeleteFunc(out, func(k, _ string) bool { return isStorage(k) })
	return out
}

// store changes a setting in memory and in the journal.
func (c *Conf) store(key string, value *string) error {
	ctx, cancel := context.WithTimeout(context.Background(), journalTime)
	defer cancel()
	return c.durable.change(ctx, func() error {
		c.mu.RLock()
		old, ok := c.mu.values[key]
		c.mu.RUnlock()
		if c.durable != nil && ok == (value != nil) && (!ok || old == *value) {
			return nil
		}
		if value == nil {
			if err := c.durable.delete(ctx, keyConf+key); err != nil {
				return err
			}
		} else if err := c.durable.put(ctx, keyConf+key, []byte(*value)); err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if value == nil {
			delete(c.mu.values, key)
		} else {
			c.mu.values[key] = *value
		}
		return nil
	})
}

// useDatabase changes the current database.
func (s *Session) useDatabase(ctx context.Context, name string) error {
	return s.durable.change(ctx, func() error {
		before := s.catalog.CurrentDatabase()
		if err := s.catalog.SetCurrentDatabase(ctx, name); err != nil || s.durable == nil {
			return err
		}
		err := s.durable.put(ctx, keyDatabase, []byte(s.catalog.CurrentDatabase()))
		if err != nil {
			_ = s.catalog.SetCurrentDatabase(context.WithoutCancel(ctx), before) // err says what matters
		}
		return err
	})
}

// varSaved is a variable as it is kept.
type varSaved struct {
	By      string `json:"by,omitempty"` // the operation that gave it its value
	Type    string `json:"type"`
	Default string `json:"default,omitempty"` // SQL
	Value   []byte `json:"value"`             // a block of one row
}

func (v variable) saved(by string) (varSaved, error) {
	b, err := batch.AppendBlock(nil, batchOf(types.NewSchema(types.F("v", v.typ)), [][]any{{v.value}}))
	return varSaved{By: by, Type: sql.TypeJSON(v.typ), Default: v.text, Value: b}, err
}

func (v varSaved) variable(opt sql.Options) (variable, error) {
	typ, err := sql.ParseTypeJSON(v.Type)
	if err != nil {
		return variable{}, err
	}
	out := variable{typ: typ, text: v.Default}
	if v.Default != "" {
		if out.def, err = sql.ParseExpr(v.Default, opt); err != nil {
			return out, err
		}
	}
	b, err := batch.DecodeBlock([]types.Type{typ}, v.Value)
	if err != nil || b.N != 1 {
		return out, errs.Errorf(errs.Corrupt, "session.variable", "a kept variable cannot be read: %v", err)
	}
	out.value = b.Cols[0].Get(0)
	return out, nil
}

// putVariables stores variables together, durable before they are acknowledged.
func (q *query) putVariables(ctx context.Context, names []string, values []variable, replace bool) error {
	d := q.s.durable
	if d == nil {
		return q.s.vars.put(names, values, replace)
	}
	values, err := q.intended(ctx, names, values)
	if err != nil {
		return err
	}
	return d.change(ctx, func() error {
		if q.again && d.setBy(names[0], q.id) {
			replace = true
		}
		if err := q.s.vars.put(names, values, replace); err != nil {
			return err
		}
		for i, name := range names {
			saved, err := values[i].saved(q.id)
			if err == nil {
				err = d.putVariable(ctx, strings.ToLower(name), saved)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// intended are the values that an operation gives variables: those of its first
// run, which the second may not compute from what the first has set.
func (q *query) intended(ctx context.Context, names []string, values []variable) ([]variable, error) {
	if q.effect == nil {
		return values, nil
	}
	if len(q.effect.Vars) == len(names) {
		out := make([]variable, len(names))
		for i, saved := range q.effect.Vars {
			var err error
			if out[i], err = saved.variable(q.s.parseOptions()); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	e := *q.effect
	for _, v := range values {
		saved, err := v.saved(q.id)
		if err != nil {
			return nil, err
		}
		e.Vars = append(e.Vars, saved)
	}
	q.effect = &e
	return values, q.s.durable.putEffect(ctx, q.id, &e)
}

func (d *durable) putVariable(ctx context.Context, name string, v varSaved) error {
	b, err := json.Marshal(v)
	if err != nil {
		return errs.E(errs.Internal, "session.putVariable", err)
	}
	if err := d.put(ctx, keyVariable+name, b); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.vars[name] = v
	return nil
}

// setBy tells whether an operation gave a variable its value.
func (d *durable) setBy(name, operation string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.vars[strings.ToLower(name)].By == operation
}

// takeVariable drops a variable and tells whether there was one.
func (q *query) takeVariable(ctx context.Context, name string) (bool, error) {
	d, there := q.s.durable, false
	err := d.change(ctx, func() error {
		if d != nil {
			if err := d.delete(ctx, keyVariable+strings.ToLower(name)); err != nil {
				return err
			}
			d.mu.Lock()
			delete(d.mu.vars, strings.ToLower(name))
			d.mu.Unlock()
		}
		there = q.s.vars.drop(name)
		return nil
	})
	return there, err
}

// variable finds a variable's value for the analyser and notes that it was used.
func (q *query) variable(name string) *plan.Literal {
	l := q.s.vars.literal(name)
	if d := q.s.durable; l != nil && d != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		if q.vars == nil {
			q.vars = map[string]varSaved{}
		}
		q.vars[strings.ToLower(name)] = d.mu.vars[strings.ToLower(name)]
	}
	return l
}

func (q *query) usedVariables() map[string]varSaved { return q.vars }

// copyDurable keeps for a clone what it has of another session.
func (s *Session) copyDurable(ctx context.Context, src *Session) error {
	d := s.durable
	if d == nil {
		return nil
	}
	src.durable.mu.Lock()
	views, vars := maps.Clone(src.durable.mu.views), maps.Clone(src.durable.mu.vars)
	src.durable.mu.Unlock()
	return d.change(ctx, func() error {
		err := d.put(ctx, keyDatabase, []byte(s.catalog.CurrentDatabase()))
		for k, v := range s.conf.own() {
			err = firstOf(err, func() error { return d.put(ctx, keyConf+k, []byte(v)) })
		}
		for k, v := range vars {
			err = firstOf(err, func() error { return d.putVariable(ctx, k, v) })
		}
		for k, v := range views {
			err = firstOf(err, func() error { return d.putView(ctx, k, v) })
		}
		return err
	})
}

func firstOf(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

// own is the session's own settings.
func (c *Conf) own() map[string]string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return maps.Clone(c.mu.values)
}

// blobSaved is an artifact as it is kept: its bytes, or where they are.
type blobSaved struct {
	Data []byte `json:"data,omitempty"`
	File string `json:"file,omitempty"` // named by the hash of its content
	Size int64  `json:"size"`
}

// keep makes a blob durable that lies in a file.
func (b *Blobs) keep(ctx context.Context, name, path string) error {
	if b.durable == nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return errs.E(errs.Unavailable, "session.Put", err)
	}
	most := int64(MaxKept / 2) // encoded it is a third larger
	if b.shared.folder != "" {
		most = maxBlobKept
	}
	saved := blobSaved{Size: info.Size()}
	switch {
	case info.Size() <= most:
		saved.Data, err = os.ReadFile(path)
	case b.shared.folder == "":
		return tooLarge(keyBlob+name, int(info.Size()))
	default:
		saved.File, err = b.shared.store(ctx, path)
	}
	if err != nil {
		return err
	}
	value, err := json.Marshal(saved)
	if err != nil {
		return errs.E(errs.Internal, "session.Put", err)
	}
	return b.durable.change(ctx, func() error { return b.durable.put(ctx, keyBlob+name, value) })
}

// restore brings a blob back into its file.
func (b *Blobs) restore(ctx context.Context, name string, value []byte) error {
	var saved blobSaved
	if err := json.Unmarshal(value, &saved); err != nil {
		return errs.E(errs.Corrupt, "session.Restore", err)
	}
	if saved.File != "" {
		var err error
		if saved.Data, err = vfs.ReadAll(ctx, b.shared.fs, vfs.FileRef{Path: mux.Join(b.shared.folder, saved.File)}); err != nil {
			return err
		}
		if hashName(string(saved.Data)) != saved.File {
			return errs.Errorf(errs.Corrupt, "session.Restore", "the artifact %s is not what was uploaded", name)
		}
	}
	return b.write(name, bytes.NewReader(saved.Data), nil)
}

// sharedBlobs is a session's folder of storage that every scheduler reaches;
// files are named by the hash of their content, so that what is there already is
// right.
type sharedBlobs struct {
	fs     vfs.FS
	folder string
}

func (s sharedBlobs) store(ctx context.Context, path string) (name string, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", errs.E(errs.Unavailable, "session.Put", err)
	}
	name = hashName(string(data))
	w, err := s.fs.Create(ctx, mux.Join(s.folder, name))
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(w, bytes.NewReader(data)); err != nil {
		return "", joinAbort(err, w.Abort(ctx))
	}
	_, err = w.Commit(ctx)
	return name, err
}

func joinAbort(err, _ error) error { return err }

// clear removes the folder of a session that has ended.
func (s sharedBlobs) clear(ctx context.Context) error {
	if s.folder == "" {
		return nil
	}
	var files []string
	for info, err := range s.fs.List(ctx, s.folder) {
		if err != nil {
			return err
		}
		files = append(files, info.Path)
	}
	for _, f := range files {
		if err := s.fs.Remove(ctx, f); err != nil {
			return err
		}
	}
	return nil
}
