package model

import (
	"context"
	"errors"
	"io"
	"unsafe"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

// parquetRows of a batch: a megabyte or so of components.
const parquetRows = 1024

func asString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func columns() types.Schema {
	return types.NewSchema(types.F("word", types.String), types.F("vector", types.Array(types.Float, false)))
}

func noParquet() error {
	return errs.E(errs.NotSupported, "", errs.Unsupported("models in Parquet here"))
}

func (f Files) saveParquet(ctx context.Context, m *Model, path string) error {
	if f.Parquet == nil {
		return noParquet()
	}
	schema := columns()
	w, err := f.Parquet.Create(ctx, f.FS, path, schema, format.Options{})
	if err != nil {
		return located(path, err)
	}
	b := batch.NewBatch(schema.Types(), parquetRows)
	for at := 0; at < m.Vocabulary.Len(); at += parquetRows {
		m.fill(b, at, min(parquetRows, m.Vocabulary.Len()-at))
		if err := w.Write(ctx, b); err != nil {
			return errors.Join(located(path, err), w.Abort(context.WithoutCancel(ctx)))
		}
	}
	if _, err := w.Commit(ctx); err != nil {
		return errors.Join(located(path, err), w.Abort(context.WithoutCancel(ctx)))
	}
	return nil
}

// fill makes b the n words from at on.
func (m *Model) fill(b *batch.Batch, at, n int) {
	b.Reset(n)
	words, vectors := b.Cols[0], b.Cols[1]
	for i := range n {
		words.SetString(i, m.Vocabulary.Words[at+i])
		vectors.Offsets = append(vectors.Offsets, int32((i+1)*m.Dim))
	}
	vectors.Children[0].Reset(n * m.Dim)
	copy(batch.Values[float32](vectors.Children[0]), m.Vectors[at*m.Dim:(at+n)*m.Dim])
}

func (f Files) loadParquet(ctx context.Context, ref vfs.FileRef) (*Model, error) {
	if f.Parquet == nil {
		return nil, noParquet()
	}
	schema, err := f.Parquet.Infer(ctx, f.FS, []vfs.FileRef{ref}, nil)
	if err != nil {
		return nil, err
	}
	word, vector := schema.Index("word"), schema.Index("vector")
	if word < 0 || vector < 0 || schema.Fields[word].Type.Kind != types.KindString || !isVector(schema.Fields[vector].Type) {
		return nil, errs.Errorf(errs.Invalid, "", "%s: want the columns word (string) and vector (array of float or double); it has %s", ref.Path, schema.DDL())
	}
	schema = types.NewSchema(schema.Fields[word], schema.Fields[vector])
	plan, err := f.Parquet.Plan(ctx, f.FS, ref, schema, nil)
	if err != nil {
		return nil, err
	}
	r := rows{path: ref.Path}
	for _, s := range plan.Splits {
		if err := f.loadSplit(ctx, &r, s); err != nil {
			return nil, err
		}
	}
	return r.model()
}

func isVector(t types.Type) bool {
	return t.Kind == types.KindArray && (t.Elem.Kind == types.KindFloat || t.Elem.Kind == types.KindDouble)
}

func (f Files) loadSplit(ctx context.Context, r *rows, s format.Split) (err error) {
	in, err := f.Parquet.Open(ctx, f.FS, s, format.ReadRequest{Columns: []int{0, 1}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for {
		b, err := in.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b.N {
			if err := r.add(b.Cols[0], b.Cols[1], i); err != nil {
				return err
			}
		}
	}
}

// rows collects a model's words.
type rows struct {
	path    string
	words   []string
	vectors []float32
	dim     int
}

func (r *rows) add(word, vector *batch.Vector, i int) error {
	if !word.Valid(i) || !vector.Valid(i) {
		return errs.Errorf(errs.Corrupt, "", "%s, row %d: no word or no vector", r.path, len(r.words)+1)
	}
	r.words = append(r.words, string(word.Str(i)))
	for vector.Enc == batch.Dict {
		vector, i = vector.Dict, int(vector.Codes[i])
	}
	if vector.Enc == batch.Const {
		i = 0
	}
	lo, hi := int(vector.Offsets[i]), int(vector.Offsets[i+1])
	if len(r.words) == 1 {
		r.dim = hi - lo
	}
	if hi-lo != r.dim {
		return errs.Errorf(errs.Corrupt, "", "%s, row %d: a vector of %d components; row 1 has %d", r.path, len(r.words), hi-lo, r.dim)
	}
	c := vector.Children[0]
	for k := lo; k < hi; k++ {
		if !c.Valid(k) {
			return errs.Errorf(errs.Corrupt, "", "%s, row %d: component %d is null", r.path, len(r.words), k-lo+1)
		}
		r.vectors = append(r.vectors, component(c, k))
	}
	return nil
}

// component is one number; children may come in any encoding.
func component(c *batch.Vector, k int) float32 {
	for c.Enc == batch.Dict {
		c, k = c.Dict, int(c.Codes[k])
	}
	if c.Enc == batch.Const {
		k = 0
	}
	if c.Type.Kind == types.KindDouble {
		return float32(batch.Values[float64](c)[k])
	}
	return batch.Values[float32](c)[k]
}

func (r *rows) model() (*Model, error) {
	v, err := vocab.New(r.words, nil)
	if err != nil {
		return nil, errs.Errorf(errs.Corrupt, "", "%s: %w", r.path, err)
	}
	m, err := New(v, r.dim, r.vectors)
	if err != nil {
		return nil, errs.Errorf(errs.Corrupt, "", "%s: %w", r.path, err)
	}
	return m, nil
}
