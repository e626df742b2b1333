package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// successFile marks a folder whose last write was committed, as Spark's does.
	successFile = "_SUCCESS"
	// atOnce is how many files of a job are finished or removed at a time: an
	// object store takes tens of milliseconds for each.
	atOnce = 16
	// undoTime bounds how long a failed write is cleaned up after.
	undoTime = time.Minute
	// removeTries is how often the files of an overwritten table are tried to be removed.
	removeTries = 3
	// A write that has begun to become visible waits for its storage: 3 s in all.
	// What then fails is gone on with by who runs the operation again.
	commitTries = 6
	commitPause = 50 * time.Millisecond
)

// commit makes a write's files visible together. If it cannot begin, none is
// left; once it is in the journal that it has begun, it can only succeed.
func (q *query) commit(ctx context.Context, m manifest) error {
	d := q.s.durable
	if d == nil {
		return q.finish(ctx, m)
	}
	e := &effect{Begun: q.env.Now, Manifest: &m}
	if err := d.putEffect(ctx, q.id, e); err != nil {
		if refused(err) {
			return errors.Join(err, q.undo(ctx, m.Path, m.Pending))
		}
		q.effect = e // it may be in the journal: that and the files stay for who goes on
		return err
	}
	q.effect = e
	return q.finish(context.WithoutCancel(ctx), m)
}

// refused tells whether a journal surely has not taken a value.
func refused(err error) bool {
	return errs.Is(err, errs.Exhausted) || errs.Is(err, errs.Invalid) || errs.Is(err, errs.NotFound)
}

// finish makes the files visible, then removes the ones they replace: a reader
// in between sees too much rather than nothing, and a crash loses no rows. Each
// of its steps may have been done before. Without a journal, if a file cannot
// be made visible, none is left.
func (q *query) finish(ctx context.Context, m manifest) error {
	fs := q.s.fs
	err := each(len(m.Pending), func(i int) error {
		return q.insist(ctx, func() error {
			_, err := fs.Finish(ctx, m.Pending[i])
			return err
		})
	})
	if err != nil {
		return q.giveUp(ctx, m, err)
	}
	q.sweep(ctx, m.Path)
	if err := q.remove(ctx, m.Old); err != nil {
		return err
	}
	w, err := fs.Create(ctx, mux.Join(m.Path, successFile))
	if err != nil {
		return err
	}
	if _, err := w.Commit(ctx); err != nil {
		return err
	}
	if m.Table != nil {
		if _, err := q.s.catalog.CreateTable(ctx, m.Name, *m.Table, m.Replace); q.own(err) != nil {
			return err
		}
	}
	return q.committed(ctx)
}

// giveUp drops the files of a write that its storage refuses to show. With a
// journal that is decided there first, and only where trying again is no use:
// whoever goes on then drops them too.
func (q *query) giveUp(ctx context.Context, m manifest, cause error) error {
	d := q.s.durable
	if d == nil {
		return errors.Join(cause, q.undo(ctx, m.Path, m.Pending))
	}
	if !final(cause) {
		return cause
	}
	e := *q.effect
	e.Refused = cause.Error()
	if err := d.putEffect(ctx, q.id, &e); err != nil {
		return errors.Join(cause, err)
	}
	return errors.Join(cause, q.drop(ctx, &e))
}

// drop ends a write that was given up.
func (q *query) drop(ctx context.Context, e *effect) error {
	q.effect = e
	return errors.Join(q.undo(ctx, e.Manifest.Path, e.Manifest.Pending), q.committed(ctx))
}

// refusal is the error of a write that was given up before.
func (e *effect) refusal() error {
	return errs.Errorf(errs.Conflict, "session.commit", "the storage refused to show the files of this write, which are dropped: %s", e.Refused)
}

// final tells whether a storage's refusal stays one.
func final(err error) bool {
	switch errs.KindOf(err) {
	case errs.Permission, errs.Invalid, errs.NotFound, errs.NotSupported, errs.Conflict:
		return true
	default:
		return false
	}
}

// committed forgets the manifest of a write that nobody runs again; that of
// others goes with what they answer.
func (q *query) committed(ctx context.Context) error {
	d := q.s.durable
	if d == nil || d.keeps(q.id) {
		return nil
	}
	done := *q.effect
	done.Done = true
	d.mu.Lock()
	d.mu.effects[q.id] = &done
	d.mu.Unlock()
	return d.dropEffect(ctx, q.id)
}

// insist tries a step of a write that has begun to become visible again where
// the storage is away for a while.
func (q *query) insist(ctx context.Context, f func() error) error {
	err := f()
	for try := 1; try < commitTries && q.s.durable != nil && errs.Is(err, errs.Unavailable); try++ {
		if clock.Sleep(ctx, q.s.m.cfg.Clock, commitPause<<try) != nil {
			return err
		}
		err = f()
	}
	return err
}

// remove deletes files. The new ones are visible, so there is no way back: it
// tries again where else old and new rows would stay side by side.
func (q *query) remove(ctx context.Context, files []string) (err error) {
	for range removeTries {
		if err = each(len(files), func(i int) error { return q.s.fs.Remove(ctx, files[i]) }); err == nil {
			return nil
		}
	}
	return err
}

// undo drops a job's files, whether pending or visible already: their names
// are the job's own. It goes on when the query was cancelled.
func (q *query) undo(ctx context.Context, path string, pending []vfs.Pending) error {
	if !q.owns(ctx) {
		return nil // somebody else finishes them
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	all := make([]error, len(pending)) // one that fails does not keep the others
	_ = each(len(pending), func(i int) error {
		all[i] = errors.Join(q.s.fs.Discard(ctx, pending[i]), q.s.fs.Remove(ctx, pending[i].Path))
		return nil
	})
	q.sweep(ctx, path)
	return errors.Join(all...)
}

// owns tells whether the files of an operation are this process's to drop.
// Where another one would run the operation again, only who can still write to
// the journal may: one that was stopped for a while finds its files finished, or
// about to be, by its successor.
func (q *query) owns(ctx context.Context) bool {
	d := q.s.durable
	if d == nil || !d.keeps(q.id) {
		return true
	}
	if leaving(ctx) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), journalTime)
	defer cancel()
	e := &effect{Begun: q.env.Now}
	if q.effect != nil && q.effect.Refused != "" {
		e = q.effect
	}
	return d.putEffect(ctx, q.id, e) == nil
}

// leaving tells whether work was cancelled because this process goes and another
// one takes over, not because nobody wants it.
func leaving(ctx context.Context) bool { return errs.Is(context.Cause(ctx), errs.Unavailable) }

// sweep drops what attempts left that died. It may be refused: listing uploads
// is a right of its own, and stores end old uploads by themselves.
func (q *query) sweep(ctx context.Context, path string) { _ = q.s.fs.Sweep(ctx, path, q.id) }

// each calls f for every number below n, atOnce at a time, until one fails;
// the first failure is returned when all calls have ended.
func each(n int, f func(i int) error) error {
	var wg sync.WaitGroup
	var state struct {
		sync.Mutex
		next int
		err  error
	}
	take := func() (int, bool) {
		state.Lock()
		defer state.Unlock()
		state.next++
		return state.next - 1, state.next <= n && state.err == nil
	}
	fail := func(err error) {
		state.Lock()
		defer state.Unlock()
		if state.err == nil || errs.Is(state.err, errs.Canceled) {
			state.err = err
		}
	}
	for range min(n, atOnce) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := f(i); err != nil {
					fail(err)
				}
			}
		})
	}
	wg.Wait()
	return state.err
}
