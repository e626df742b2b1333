package exec

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// scanSource reads a table's splits, each a morsel.
type scanSource struct {
	node    *physical.Scan
	formats func(name string) (format.Format, error)
	fs      vfs.FS
	budget  *mem.Budget
	rows    int
	zone    string
	filters []format.Filter  // on single data columns
	runtime []format.Dynamic // likewise
	prune   []pruneFilter    // on partition columns
	data    []int            // table positions of the data columns read
	out     []outColumn
	read    *atomic.Int64 // bytes of splits opened
	next    atomic.Int64
}

// outColumn says where an output column comes from: the reader's column, or a
// partition value.
type outColumn struct {
	reader    int
	partition int // -1: the reader's
	typ       types.Type
}

// pruneFilter is a runtime filter on a partition column.
type pruneFilter struct {
	filter *scanFilter
	column int
}

// newScan splits the filters: those on one data column go to the format, the
// others are returned and apply to the delivered rows.
func newScan(n *physical.Scan, d *Deps, runtime runtimeFilters, read *atomic.Int64) (*scanSource, plan.Expr) {
	s := &scanSource{node: n, formats: d.Formats, fs: d.FS, budget: d.reading(), rows: d.BatchRows, zone: d.Env.ZoneID, read: read}
	for i, c := range n.Columns {
		o := outColumn{reader: len(s.data), partition: -1, typ: n.Out.Fields[i].Type}
		if c >= n.DataCols {
			o.partition = c - n.DataCols
		} else {
			s.data = append(s.data, c)
		}
		s.out = append(s.out, o)
	}
	var rest []plan.Expr
	for _, f := range n.Filters {
		if col, ok := singleColumn(f); ok && s.out[col].partition < 0 {
			s.filters = append(s.filters, columnFilter(f, s.out[col].reader, d.compiler()))
		} else {
			rest = append(rest, f)
		}
	}
	for _, r := range n.Runtime {
		f := &scanFilter{of: runtime.get(r.ID), column: s.out[r.Column].reader}
		if s.out[r.Column].partition < 0 {
			s.runtime = append(s.runtime, f)
		} else {
			s.prune = append(s.prune, pruneFilter{f, r.Column})
		}
	}
	return s, plan.And(rest...)
}

func (s *scanSource) Width(want int) int      { return min(want, len(s.node.Splits)) }
func (s *scanSource) Stream() (Stream, error) { return &scanStream{src: s}, nil }

// scanStream reads split after split.
type scanStream struct {
	src    *scanSource
	reader batch.Reader
	seq    int64
	consts []*batch.Vector // partition values of the current split, by output column
	out    batch.Batch
}

func (s *scanStream) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		if s.reader == nil {
			if err := s.open(ctx); err != nil {
				return nil, err
			}
			continue
		}
		b, err := s.reader.Next(ctx)
		if atEnd(err) {
			if err := s.Close(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if b.N > 0 {
			return s.arrange(b), nil
		}
	}
}

// open takes the next split, skipping those that runtime filters exclude.
func (s *scanStream) open(ctx context.Context) error {
	src := s.src
	i := src.next.Add(1) - 1
	if i >= int64(len(src.node.Splits)) {
		return io.EOF
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	split := src.node.Splits[i]
	s.seq = i
	if err := s.partitions(split); err != nil {
		return err
	}
	if pruned, err := s.pruned(); pruned || err != nil {
		return err
	}
	f, err := src.formats(split.Format)
	if err != nil {
		return err
	}
	src.read.Add(split.Bytes)
	s.reader, err = f.Open(ctx, src.fs, split, format.ReadRequest{
		Columns: src.data, Filters: src.filters, Dynamic: src.runtime, Budget: src.budget, Rows: src.rows, ZoneID: src.zone,
	})
	return err
}

func (s *scanStream) partitions(split format.Split) error {
	s.consts = s.consts[:0]
	for _, o := range s.src.out {
		if o.partition < 0 {
			s.consts = append(s.consts, nil)
			continue
		}
		if o.partition >= len(split.Partitions) {
			return errs.Errorf(errs.Internal, "exec.Scan", "split of %s has %d partition values", split.File.Path, len(split.Partitions))
		}
		s.consts = append(s.consts, batch.NewConst(o.typ, split.Partitions[o.partition], 1))
	}
	return nil
}

func (s *scanStream) pruned() (bool, error) {
	for _, p := range s.src.prune {
		f := p.filter.Current()
		if f == nil {
			continue
		}
		sel, err := f.New()
		if err != nil {
			return false, err
		}
		kept, err := sel(s.consts[p.column], []int32{0})
		if err != nil || len(kept) == 0 {
			return true, err
		}
	}
	return false, nil
}

// arrange puts the reader's columns and the partition values in output order.
func (s *scanStream) arrange(b *batch.Batch) *batch.Batch {
	s.out.Cols = s.out.Cols[:0]
	for i, o := range s.src.out {
		if o.partition < 0 {
			s.out.Cols = append(s.out.Cols, b.Cols[o.reader])
			continue
		}
		s.consts[i].SetConst(b.N)
		s.out.Cols = append(s.out.Cols, s.consts[i])
	}
	s.out.N, s.out.Seq = b.N, s.seq
	return &s.out
}

func (s *scanStream) Close() error {
	if s.reader == nil {
		return nil
	}
	err := s.reader.Close()
	s.reader = nil
	return err
}
