package corpus

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// tableBytes bounds what the reader of one Parquet file may hold: a row group's pages of one column.
const tableBytes = 1 << 30

// readTable reads the column of a Parquet file: each row is a sentence.
func (s *Source) readTable(ctx context.Context, i int, b *block, hand emit) (*block, error) {
	f := &s.files[i]
	if s.parquet == nil {
		return b, errs.E(errs.NotSupported, "corpus", errs.Unsupported("Parquet as a corpus here"))
	}
	schema, err := s.parquet.Infer(ctx, s.fs, []vfs.FileRef{f.ref}, nil)
	if err != nil {
		return b, err
	}
	column, err := pick(schema, f)
	if err != nil {
		return b, err
	}
	schema = types.NewSchema(schema.Fields[column])
	plan, err := s.parquet.Plan(ctx, s.fs, f.ref, schema, nil)
	if err != nil {
		return b, err
	}
	rows := rows{source: s, file: i, list: schema.Fields[0].Type.Kind == types.KindArray, b: b, hand: hand}
	for _, split := range plan.Splits {
		if err := rows.split(ctx, split); err != nil {
			return rows.b, err
		}
	}
	if len(rows.b.data) > 0 {
		return hand(ctx, rows.b)
	}
	return rows.b, nil
}

// rows turns rows into blocks.
type rows struct {
	source *Source
	file   int
	list   bool
	row    int64
	b      *block
	hand   emit
}

func (r *rows) split(ctx context.Context, split format.Split) (err error) {
	budget := mem.NewBudget("corpus", tableBytes)
	in, err := r.source.parquet.Open(ctx, r.source.fs, split, format.ReadRequest{Columns: []int{0}, Budget: budget})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for {
		rows, err := in.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for k := range rows.N {
			if err := r.add(ctx, rows.Cols[0], k); err != nil {
				return err
			}
		}
	}
}

// add appends a row to the block, and hands the block on when it is full.
func (r *rows) add(ctx context.Context, v *batch.Vector, k int) (err error) {
	if len(r.b.data) == 0 {
		r.b.file, r.b.base, r.b.list = r.file, r.row, r.list
	}
	switch {
	case !v.Valid(k):
		r.b.data = append(r.b.data, r.rowEnd())
	case r.list:
		err = r.addList(v, k)
	default:
		r.addString(v.Str(k))
	}
	r.row++
	if err == nil && len(r.b.data) >= blockBytes {
		r.b, err = r.hand(ctx, r.b)
	}
	return err
}

func (r *rows) rowEnd() byte {
	if r.list {
		return vocab.SentenceEnd
	}
	return '\n'
}

// addString appends a text. Its line ends are blanks like others: the row is the sentence.
func (r *rows) addString(text []byte) {
	at := len(r.b.data)
	r.b.data = append(append(r.b.data, text...), '\n')
	for own := r.b.data[at : len(r.b.data)-1]; ; {
		k := bytes.IndexByte(own, '\n')
		if k < 0 {
			return
		}
		own[k] = ' '
		own = own[k+1:]
	}
}

func (r *rows) addList(v *batch.Vector, k int) error {
	for v.Enc == batch.Dict {
		v, k = v.Dict, int(v.Codes[k])
	}
	if v.Enc == batch.Const {
		k = 0
	}
	words := v.Children[0]
	for i := int(v.Offsets[k]); i < int(v.Offsets[k+1]); i++ {
		if !words.Valid(i) {
			continue
		}
		w := words.Str(i)
		if bytes.IndexByte(w, vocab.WordEnd) >= 0 || bytes.IndexByte(w, vocab.SentenceEnd) >= 0 {
			return errs.Errorf(errs.Invalid, "corpus", "%s, row %d: a word that is not UTF-8", r.source.files[r.file].ref.Path, r.row+1)
		}
		r.b.data = append(append(r.b.data, w...), vocab.WordEnd)
	}
	r.b.data = append(r.b.data, vocab.SentenceEnd)
	return nil
}
