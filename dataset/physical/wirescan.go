package physical

import (
	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func encodeScan(n *Scan) *pb.Scan {
	out := &pb.Scan{
		Table: n.Table, Columns: ints32(n.Columns), DataCols: int32(n.DataCols), Filters: encodeExprs(n.Filters),
		Runtime: encodeRuntime(n.Runtime), TotalBytes: n.TotalBytes,
	}
	var last types.Schema
	for i, s := range n.Splits {
		if i == 0 || !s.Schema.Struct().Same(last.Struct()) {
			out.Schemas = append(out.Schemas, EncodeSchema(s.Schema))
			last = s.Schema
		}
		out.SchemaOf = append(out.SchemaOf, int32(len(out.Schemas)-1))
		out.Splits = append(out.Splits, &pb.Split{
			Format: s.Format, File: &pb.FileRef{Path: s.File.Path, Version: s.File.Version, Size: s.File.Size},
			Lo: s.Lo, Hi: s.Hi, Rows: s.Rows, Bytes: s.Bytes, Options: s.Options, Partitions: encodeValues(s.Partitions),
		})
	}
	return out
}

func (d *decoder) scan(p *pb.Scan, rows Rows, out types.Schema) Node {
	n := &Scan{
		Rows: rows, Table: p.Table, Columns: ints(p.Columns), Out: out, DataCols: int(p.DataCols), Filters: d.exprs(p.Filters),
		Runtime: decodeRuntime(p.Runtime), TotalBytes: p.TotalBytes,
	}
	if len(n.Columns) != out.Len() || len(p.SchemaOf) != len(p.Splits) {
		d.fail("scan of %s with %d columns for %d fields", p.Table, len(n.Columns), out.Len())
		return n
	}
	schemas := make([]types.Schema, len(p.Schemas))
	for i, s := range p.Schemas {
		schemas[i] = d.schema(s)
	}
	for i, s := range p.Splits {
		if k := p.SchemaOf[i]; k < 0 || int(k) >= len(schemas) {
			d.fail("split schema %d of %d", k, len(schemas))
			return n
		}
		n.Splits = append(n.Splits, d.split(s, schemas[p.SchemaOf[i]], n))
	}
	return n
}

func (d *decoder) split(p *pb.Split, schema types.Schema, n *Scan) format.Split {
	s := format.Split{
		Format: p.Format, File: vfs.FileRef{Path: p.File.GetPath(), Version: p.File.GetVersion(), Size: p.File.GetSize()},
		Lo: p.Lo, Hi: p.Hi, Rows: p.Rows, Bytes: p.Bytes, Options: p.Options, Schema: schema,
	}
	// The value of partition column k belongs to table column DataCols+k, whose
	// type is known only where the scan asks for it; others travel untyped and unread.
	s.Partitions = make([]any, len(p.Partitions))
	for i, c := range n.Columns {
		if k := c - n.DataCols; k >= 0 && k < len(p.Partitions) {
			s.Partitions[k] = d.value(p.Partitions[k], n.Out.Fields[i].Type)
		}
	}
	return s
}
