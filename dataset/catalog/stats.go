package catalog

import (
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Estimates where a format counts no rows: text takes about this many bytes a value.
const bytesPerTextValue = 8

// summed adds up the statistics of a table's files.
func (t *FileTable) summed(plans []*format.FilePlan) Stats {
	s := Stats{Columns: make([]format.ColumnStats, t.schema.Len())}
	for i, f := range t.files {
		s.Bytes += f.ref.Size
		if plans[i].Rows < 0 {
			s.Rows = -1
		} else if s.Rows >= 0 {
			s.Rows += plans[i].Rows
		}
	}
	n := t.data.Len()
	for c := range n {
		s.Columns[c] = columnStats(plans, c, t.data.Fields[c].Type)
	}
	for c := n; c < t.schema.Len(); c++ {
		s.Columns[c] = t.partitionStats(plans, c-n)
	}
	if s.Rows < 0 {
		s.Rows = s.Bytes / int64(bytesPerTextValue*max(1, n))
	}
	return s
}

// columnStats merges one column's statistics; what one file does not know is unknown.
func columnStats(plans []*format.FilePlan, c int, t types.Type) format.ColumnStats {
	out := format.ColumnStats{Nulls: -1}
	for i, p := range plans {
		if c >= len(p.Stats) {
			return format.ColumnStats{Nulls: -1}
		}
		s := p.Stats[c]
		if i == 0 {
			out = s
			continue
		}
		out.Min, out.Max = lesser(out.Min, s.Min, t), greater(out.Max, s.Max, t)
		if out.Nulls < 0 || s.Nulls < 0 {
			out.Nulls = -1
		} else {
			out.Nulls += s.Nulls
		}
		// Files of one table tend to hold different values of key columns and the
		// same values of small ones; the sum would be wrong by the number of files
		// for the latter, which are the ones that are grouped by.
		if out.Distinct == 0 || s.Distinct == 0 {
			out.Distinct = 0
		} else {
			out.Distinct = max(out.Distinct, s.Distinct)
		}
		out.Bytes += s.Bytes
	}
	return out
}

func lesser(a, b any, t types.Type) any {
	if a == nil || b == nil {
		return nil
	}
	if c, ok := compareBoxed(a, b, t); ok && c <= 0 {
		return a
	}
	return b
}

func greater(a, b any, t types.Type) any {
	if a == nil || b == nil {
		return nil
	}
	if c, ok := compareBoxed(a, b, t); ok && c >= 0 {
		return a
	}
	return b
}

// partitionStats are exact but for rows of files that are not counted.
func (t *FileTable) partitionStats(plans []*format.FilePlan, c int) format.ColumnStats {
	var out format.ColumnStats
	typ := t.schema.Fields[t.data.Len()+c].Type
	seen := map[any]bool{}
	for i, f := range t.files {
		var v any
		if c < len(f.values) {
			v = f.values[c]
		}
		if v == nil {
			if out.Nulls >= 0 && plans[i].Rows >= 0 {
				out.Nulls += plans[i].Rows
			} else {
				out.Nulls = -1
			}
			continue
		}
		if b, ok := v.([]byte); ok {
			v = string(b)
		}
		if !seen[v] {
			if len(seen) == 0 {
				out.Min, out.Max = v, v
			} else {
				out.Min, out.Max = lesser(out.Min, v, typ), greater(out.Max, v, typ)
			}
			seen[v] = true
		}
	}
	out.Distinct = int64(len(seen))
	return out
}
