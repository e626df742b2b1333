package csv

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// shownRecord bounds how much of a bad record an error quotes.
const shownRecord = 200

// reader delivers the records of one split.
type reader struct {
	src     *lines.Reader
	opt     options
	times   *scalar.Temporal
	tok     tokenizer
	schema  types.Schema // of the output
	columns []int        // field of each output column; -1: the corrupt record
	width   int          // fields a record should have
	counted bool         // records of another number of fields are malformed
	rows    int
	out     *batch.Batch
	filters *format.Filters

	block  []byte
	pos    int   // in block
	base   int64 // offset of block in the file
	loaded bool  // multiLine: the file was read
	first  bool  // a header line may come
	starts []int // of the batch's records in block, and their ends
	ends   []int
	bad    []bool // records that do not fit
	good   batch.Batch
}

func (r *reader) Schema() types.Schema { return r.schema }

func (r *reader) Close() error { return r.src.Close() }

func (r *reader) Next(ctx context.Context) (*batch.Batch, error) {
	for {
		if err := r.collect(ctx); err != nil {
			return nil, err
		}
		b, err := r.convert()
		if err != nil {
			return nil, err
		}
		if b, err = r.filters.Apply(b); err != nil || b.N > 0 {
			return b, err
		}
	}
}

// collect cuts the next records of the current block into fields.
func (r *reader) collect(ctx context.Context) error {
	r.tok.reset()
	r.starts, r.ends, r.bad = r.starts[:0], r.ends[:0], r.bad[:0]
	for len(r.starts) == 0 {
		if r.pos >= len(r.block) {
			if err := r.load(ctx); err != nil {
				return err
			}
		}
		for r.pos < len(r.block) && len(r.starts) < r.rows {
			if err := r.record(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) load(ctx context.Context) error {
	r.pos = 0
	if r.opt.multiLine {
		if r.loaded {
			return io.EOF
		}
		r.loaded = true
		all, err := r.src.All(ctx)
		if err != nil {
			return err
		}
		if len(all) > math.MaxUint32 {
			return errs.Errorf(errs.Exhausted, "csv.Read", "%s: a multi-line file is larger than 4 GiB", r.src.Path())
		}
		r.block = bytes.TrimPrefix(all, []byte("\xef\xbb\xbf"))
		return nil
	}
	block, at, err := r.src.Block(ctx)
	if at == 0 {
		block = bytes.TrimPrefix(block, []byte("\xef\xbb\xbf"))
	}
	r.block, r.base = block, at
	return err
}

// record cuts one record off the block, or passes over a comment, an empty
// line or the header.
func (r *reader) record() error {
	start := r.pos
	var end, next int
	at := len(r.tok.fields)
	count := 0
	if r.opt.multiLine {
		if c := r.block[start]; c == '\n' || c == '\r' {
			r.pos++
			return nil
		}
		if r.opt.comment != 0 && r.block[start] == r.opt.comment {
			_, rest := lines.Next(r.block[start:], nil)
			r.pos = len(r.block) - len(rest)
			return nil
		}
		count, next = r.tok.record(r.block, start)
		end = next
	} else {
		line, rest := lines.Next(r.block[start:], r.opt.lineSep)
		end, next = start+len(line), len(r.block)-len(rest)
		if len(trim(line)) == 0 || r.opt.comment != 0 && line[0] == r.opt.comment {
			r.pos = next
			return nil
		}
		if r.width > 0 || r.first {
			// Fields are positions in the block: hand over its start up to the line's end.
			count, _ = r.tok.record(r.block[:end], start)
		}
	}
	r.pos = next
	if r.first {
		r.first = false
		if r.opt.header {
			r.tok.fields = r.tok.fields[:at]
			return nil
		}
	}
	if count > r.opt.maxColumns {
		return errs.E(errs.Invalid, "csv.Read", errs.Cond(errs.Spark, "MALFORMED_CSV_RECORD", "KD000",
			fmt.Sprintf("A record of %s at byte %d has %d columns, more than the option maxColumns allows.", r.src.Path(), r.base+int64(start), count), "badRecord", r.quote(start, end)))
	}
	r.fit(at, count)
	r.starts, r.ends = append(r.starts, start), append(r.ends, end)
	return nil
}

// fit makes the record's fields exactly width many.
func (r *reader) fit(at, count int) {
	r.bad = append(r.bad, r.counted && count != r.width)
	if count > r.width {
		r.tok.fields = r.tok.fields[:at+r.width]
		return
	}
	for ; count < r.width; count++ {
		r.tok.fields = append(r.tok.fields, field{flag: missingField})
	}
}

func (r *reader) quote(start, end int) string {
	return string(r.block[start:min(end, start+shownRecord)])
}
