package format

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Filters applies a request's filters to whole batches, for formats that
// cannot skip decoding.
type Filters struct {
	fixed   []column
	dynamic []Dynamic
	last    []*Filter
	late    []column
	sel     []int32
	out     batch.Batch
}

type column struct {
	index int
	sel   Select
}

// NewFilters makes the instances of one reader.
func NewFilters(req ReadRequest) (*Filters, error) {
	f := &Filters{dynamic: req.Dynamic, last: make([]*Filter, len(req.Dynamic)), late: make([]column, len(req.Dynamic))}
	for i := range req.Filters {
		c, err := instance(&req.Filters[i], len(req.Columns))
		if err != nil {
			return nil, err
		}
		f.fixed = append(f.fixed, c)
	}
	return f, nil
}

func instance(f *Filter, columns int) (column, error) {
	if f.Column < 0 || f.Column >= columns {
		return column{}, errs.Errorf(errs.Internal, "format.Filters", "filter on column %d of %d", f.Column, columns)
	}
	c := column{index: f.Column}
	if f.New == nil {
		return c, nil
	}
	var err error
	c.sel, err = f.New()
	return c, err
}

// Apply returns b's rows that pass: b itself if all do. The result is borrowed
// as b is.
func (f *Filters) Apply(b *batch.Batch) (*batch.Batch, error) {
	for i, d := range f.dynamic {
		cur := d.Current()
		if cur == nil || cur == f.last[i] {
			continue
		}
		c, err := instance(cur, len(b.Cols))
		if err != nil {
			return nil, err
		}
		f.last[i], f.late[i] = cur, c
	}
	if len(f.fixed) == 0 && len(f.dynamic) == 0 {
		return b, nil
	}
	sel := f.sel[:0]
	for i := range b.N {
		sel = append(sel, int32(i))
	}
	f.sel = sel
	for _, group := range [][]column{f.fixed, f.late} {
		for _, c := range group {
			if c.sel == nil || len(sel) == 0 {
				continue
			}
			var err error
			if sel, err = c.sel(b.Cols[c.index], sel); err != nil {
				return nil, err
			}
		}
	}
	if len(sel) == b.N {
		return b, nil
	}
	return f.gather(b, sel), nil
}

func (f *Filters) gather(b *batch.Batch, sel []int32) *batch.Batch {
	if f.out.Cols == nil {
		for _, c := range b.Cols {
			f.out.Cols = append(f.out.Cols, batch.New(c.Type, 0))
		}
	}
	for i, c := range b.Cols {
		f.out.Cols[i].Gather(c, sel)
	}
	f.out.N = len(sel)
	return &f.out
}
