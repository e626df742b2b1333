package runner

import (
	"context"
	"errors"
	"io"
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Open attaches to a result task, waiting for it to arrive as long as ctx
// allows. The reader drives the task: rows are computed as they are read, so a
// slow reader holds up nothing but its own task.
func (r *Runner) Open(ctx context.Context, id *pb.TaskID, schema types.Schema) (batch.Reader, error) {
	k := keyOf(id)
	for {
		r.mu.Lock()
		if t := r.mu.tasks[k]; t != nil {
			r.mu.Unlock()
			return &result{t: t, schema: schema}, nil
		}
		if err := r.mu.broken[k]; err != nil {
			r.mu.Unlock()
			return nil, err
		}
		if r.mu.closed {
			r.mu.Unlock()
			return nil, errs.E(errs.Lost, "runner.Open", errGone)
		}
		c := r.mu.waiting[k]
		if c == nil {
			c = make(chan struct{})
			r.mu.waiting[k] = c
		}
		r.mu.Unlock()
		select {
		case <-c:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// result reads one result task.
type result struct {
	t      *task
	schema types.Schema
	mu     sync.Mutex // one Next at a time, and none beside Close
	over   error
}

func (r *result) Schema() types.Schema { return r.schema }

func (r *result) Next(ctx context.Context) (*batch.Batch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over != nil {
		return nil, r.over
	}
	stop := context.AfterFunc(ctx, func() { r.t.cancel(context.Cause(ctx)) })
	defer stop()
	b, err := r.t.next()
	switch err {
	case nil:
		return b, nil
	case io.EOF:
		err = r.t.read()
	default:
		r.t.end(err)
	}
	r.over = err
	return nil, err
}

// read reports a task whose rows were all read, and gives io.EOF.
func (t *task) read() error {
	done := &pb.TaskDone{Id: t.msg.GetId()}
	o := &pb.Output{Task: done.Id}
	if err := t.observe(o); err != nil {
		t.end(err)
		return err
	}
	if len(o.Observed) > 0 {
		done.Output = o
	}
	t.finish(done)
	return io.EOF
}

// next advances the pipelines; a panic in them is the task's failure.
func (t *task) next() (b *batch.Batch, err error) {
	defer func() { err = orPanic(err, recover()) }()
	b, err = t.run.Next(t.ctx)
	if err != nil && !errors.Is(err, io.EOF) && t.ctx.Err() != nil {
		err = errs.E(errs.Canceled, "runner.Next", context.Cause(t.ctx))
	}
	return b, err
}

// Close abandons the task if it has not ended.
func (r *result) Close() error {
	r.t.cancel(errs.Errorf(errs.Canceled, "runner.Close", "the reader of %s went away", r.t.key))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over == nil {
		r.over = errs.E(errs.Canceled, "runner.Close", context.Cause(r.t.ctx))
		r.t.end(r.over)
	}
	return nil
}

// endIfIdle ends a canceled result task that nobody reads.
func (t *task) endIfIdle() {
	t.end(errs.E(errs.Canceled, "runner.Discard", context.Cause(t.ctx)))
}
