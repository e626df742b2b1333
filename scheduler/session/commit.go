package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/connectors/mux"
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
)

// commit makes the files visible, then removes the ones they replace: a reader
// in between sees too much rather than nothing, and a crash loses no rows. If a
// file cannot be made visible, none is left.
func (q *query) commit(ctx context.Context, path string, pending []vfs.Pending, old []string) error {
	fs := q.s.fs
	err := each(len(pending), func(i int) error {
		_, err := fs.Finish(ctx, pending[i])
		return err
	})
	if err != nil {
		return errors.Join(err, q.undo(ctx, path, pending))
	}
	q.sweep(ctx, path)
	if err := q.remove(ctx, old); err != nil {
		return err
	}
	w, err := fs.Create(ctx, mux.Join(path, successFile))
	if err != nil {
		return err
	}
	_, err = w.Commit(ctx)
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
