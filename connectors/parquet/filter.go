package parquet

import (
	"context"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// filters are those in force: the request's and dynamic ones as they come up.
type filters struct {
	by      []columnFilter   // by column, in order of first mention
	dynamic []*format.Filter // what each Dynamic gave last
}

type columnFilter struct {
	column int
	preds  []predicate
	basis  []int32 // rows of the window that were decoded; nil: all
	keepAs []int32 // scratch
	cur    []int32 // scratch: positions still in
}

type predicate struct {
	filter *format.Filter
	sel    format.Select
	source int // index of the Dynamic, -1: of the request
	table  *dictTable
}

func (r *reader) addFilter(f *format.Filter, source int) error {
	if f.Column < 0 || f.Column >= len(r.cols) {
		return errs.Errorf(errs.Internal, "parquet.Open", "filter on column %d of %d", f.Column, len(r.cols))
	}
	p := predicate{filter: f, source: source, table: &dictTable{}}
	if f.New != nil {
		sel, err := f.New()
		if err != nil {
			return err
		}
		p.sel = sel
	}
	for i := range r.filters.by {
		if c := &r.filters.by[i]; c.column == f.Column {
			c.preds = append(c.preds, p)
			return nil
		}
	}
	r.filters.by = append(r.filters.by, columnFilter{column: f.Column, preds: []predicate{p}})
	return nil
}

// poll takes up dynamic filters that became ready or changed.
func (r *reader) poll() error {
	for i, d := range r.req.Dynamic {
		f := d.Current()
		if f == nil || f == r.filters.dynamic[i] {
			continue
		}
		if r.filters.dynamic[i] != nil {
			r.filters.drop(i)
		}
		r.filters.dynamic[i] = f
		if err := r.addFilter(f, i); err != nil {
			return err
		}
	}
	return nil
}

func (f *filters) drop(source int) {
	for i := range f.by {
		kept := f.by[i].preds[:0]
		for _, p := range f.by[i].preds {
			if p.source != source {
				kept = append(kept, p)
			}
		}
		f.by[i].preds = kept
	}
}

// filtered reads a window of n rows: filter columns first, the others only for
// rows that survive.
func (r *reader) filtered(ctx context.Context, n int) (int, error) {
	if err := r.fetchFilters(ctx); err != nil {
		return 0, err
	}
	sel, done, err := r.decide(ctx, n)
	if err != nil {
		return 0, err
	}
	if len(sel) == 0 {
		for i, c := range r.cols {
			if !r.decided(i, done) {
				c.skip(n)
			}
		}
		return 0, nil
	}
	if err := r.fetch(ctx, nil); err != nil {
		return 0, err
	}
	all := len(sel) == n
	for i := range r.filters.by[:done] {
		r.filters.by[i].deliver(r, sel, all)
	}
	for i, c := range r.cols {
		if r.decided(i, done) {
			continue
		}
		part := sel
		if all {
			part = nil
		}
		if err := c.append(ctx, n, part); err != nil {
			return 0, locate(err, r.path(), r.schema.Fields[i].Name)
		}
	}
	return len(sel), nil
}

func (r *reader) fetchFilters(ctx context.Context) error {
	var cols []int
	for i := range r.filters.by {
		if c := r.filters.by[i].column; !r.fetched[c] {
			cols = append(cols, c)
		}
	}
	if cols == nil {
		return nil
	}
	return r.fetch(ctx, cols)
}

// decided tells whether column i was decoded by one of the first done filters.
func (r *reader) decided(i, done int) bool {
	for k := range r.filters.by[:done] {
		if r.filters.by[k].column == i {
			return true
		}
	}
	return false
}

// decide runs the filters, column by column, until no row is left; done is the
// number of filter columns decoded.
func (r *reader) decide(ctx context.Context, n int) (sel []int32, done int, err error) {
	for i := range r.filters.by {
		f := &r.filters.by[i]
		if len(f.preds) == 0 {
			// A dynamic filter was withdrawn: decode as any other column.
			return r.decideRest(ctx, n, sel, i)
		}
		if sel, err = f.run(ctx, r, n, sel, i == 0); err != nil {
			return nil, i, locate(err, r.path(), r.schema.Fields[f.column].Name)
		}
		if len(sel) == 0 {
			return nil, i + 1, nil
		}
	}
	return sel, len(r.filters.by), nil
}

// decideRest moves the column without predicates behind the others and goes on.
func (r *reader) decideRest(ctx context.Context, n int, sel []int32, i int) ([]int32, int, error) {
	by := r.filters.by
	r.filters.by = append(by[:i:i], by[i+1:]...)
	for k := i; k < len(r.filters.by); k++ {
		var err error
		f := &r.filters.by[k]
		if sel, err = f.run(ctx, r, n, sel, k == 0); err != nil {
			return nil, k, locate(err, r.path(), r.schema.Fields[f.column].Name)
		}
		if len(sel) == 0 {
			return nil, k + 1, nil
		}
	}
	if len(r.filters.by) == 0 {
		sel = r.iota(n)
	}
	return sel, len(r.filters.by), nil
}

// run decodes the filter's column and applies its predicates. Where few rows
// are left only those are decoded.
func (f *columnFilter) run(ctx context.Context, r *reader, n int, sel []int32, first bool) ([]int32, error) {
	f.basis = nil
	if !first && len(sel)*2 < n {
		f.basis = append(f.keepAs[:0], sel...)
		f.keepAs = f.basis
	}
	v, err := r.cols[f.column].window(ctx, n, f.basis)
	if err != nil {
		return nil, err
	}
	switch {
	case f.basis != nil:
		f.cur = append(f.cur[:0], r.iota(len(f.basis))...)
	case first:
		f.cur = append(f.cur[:0], r.iota(n)...)
	default:
		f.cur = append(f.cur[:0], sel...)
	}
	cur := f.cur
	for i := range f.preds {
		p := &f.preds[i]
		if p.sel == nil || len(cur) == 0 {
			continue
		}
		if p.table.covers(r, p, v) {
			cur = p.table.keep(v, cur)
			continue
		}
		if cur, err = p.sel(v, cur); err != nil {
			return nil, err
		}
	}
	if f.basis != nil {
		for i, x := range cur {
			cur[i] = f.basis[x]
		}
	}
	return cur, nil
}

// deliver appends the surviving rows of the decoded window.
func (f *columnFilter) deliver(r *reader, sel []int32, all bool) {
	c := r.cols[f.column]
	switch {
	case all:
		c.keep(nil)
	case f.basis == nil:
		c.keep(sel)
	case len(f.basis) == len(sel):
		c.keep(nil)
	default:
		idx, k := f.basis[:0:0], 0
		for i, x := range f.basis {
			if k < len(sel) && sel[k] == x {
				idx = append(idx, int32(i))
				k++
			}
		}
		c.keep(idx)
	}
}
