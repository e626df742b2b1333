package session

import (
	"context"
	"io"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
)

// Result is what Execute gives: a job's rows or a command's.
type Result struct {
	batch.Reader
	progress  func() []jobs.StageProgress
	operators func() []jobs.OperatorStats
	query     *query // what it observes; nil nothing
}

// Observed is the values of a df.observe.
type Observed struct {
	Name   string
	Schema types.Schema
	Row    []any
}

// Progress is totals so far.
func (r *Result) Progress() []jobs.StageProgress {
	if r.progress == nil {
		return nil
	}
	return r.progress()
}

// Operators are counters of the finished execution.
func (r *Result) Operators() []jobs.OperatorStats {
	if r.operators == nil {
		return nil
	}
	return r.operators()
}

// Observed are the metrics collected beside the rows, complete after io.EOF.
func (r *Result) Observed() []Observed {
	if r.query == nil {
		return nil
	}
	return r.query.observed
}

// rowsResult is a small result held in memory.
func rowsResult(schema types.Schema, rows [][]any) *Result {
	return &Result{Reader: &rowsReader{schema: schema, rows: rows}}
}

// rowsReader gives boxed rows as one batch.
type rowsReader struct {
	schema types.Schema
	rows   [][]any
	done   bool
}

func (r *rowsReader) Schema() types.Schema { return r.schema }

func (r *rowsReader) Next(context.Context) (*batch.Batch, error) {
	if r.done || len(r.rows) == 0 {
		return nil, io.EOF
	}
	r.done = true
	return batchOf(r.schema, r.rows), nil
}

func (r *rowsReader) Close() error { return nil }

func batchOf(schema types.Schema, rows [][]any) *batch.Batch {
	b := batch.NewBatch(schema.Types(), len(rows))
	b.Reset(0)
	for _, row := range rows {
		for i, c := range b.Cols {
			c.Append(row[i])
		}
	}
	b.N = len(rows)
	return b
}

// collect reads at most limit rows (-1: all) of r as boxed values.
func collect(ctx context.Context, r batch.Reader, limit int) ([][]any, error) {
	var out [][]any
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range b.N {
			if limit >= 0 && len(out) >= limit {
				return out, nil
			}
			row := make([]any, len(b.Cols))
			for k, c := range b.Cols {
				row[k] = c.Get(i)
			}
			out = append(out, row)
		}
	}
}
