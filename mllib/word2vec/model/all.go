package model

import (
	"context"
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Scorer finds for every query the top rows with the greatest scalar products, best first: count of queries times top ids and
// scores. A device implements it.
type Scorer interface {
	Nearest(ctx context.Context, queries, rows []float32, dim, top int) (ids []uint32, scores []float32, err error)
}

// allAtOnce is how many words are asked about in one call: enough for a device, and their neighbours are no burden.
const allAtOnce = 4096

// Everybody finds the k nearest words of every word, itself left out, and hands them over in the order of ids. A nil Scorer is
// the CPU.
func (m *Model) Everybody(ctx context.Context, k int, s Scorer, each func(id int32, near []Neighbour) error) error {
	if k < 1 || k > maxNeighbours {
		return errs.Errorf(errs.Invalid, "model.Everybody", "%d neighbours; want 1 to %d", k, maxNeighbours)
	}
	var unit []float32
	if s != nil {
		unit = m.units()
	}
	for at := 0; at < m.Vocabulary.Len(); at += allAtOnce {
		if ctx.Err() != nil {
			return errs.E(errs.Canceled, "model.Everybody", ctx.Err())
		}
		n := min(allAtOnce, m.Vocabulary.Len()-at)
		near, err := m.some(ctx, unit, at, n, k, s)
		if err != nil {
			return err
		}
		for i, list := range near {
			if err := each(int32(at+i), list); err != nil {
				return err
			}
		}
	}
	return nil
}

// units are all vectors at length one; words without a vector keep zeros.
func (m *Model) units() []float32 {
	inv, out := m.inverses(), make([]float32, len(m.Vectors))
	for i, x := range m.Vectors {
		out[i] = x * inv[i/m.Dim]
	}
	return out
}

// some answers for n words from at on.
func (m *Model) some(ctx context.Context, unit []float32, at, n, k int, s Scorer) ([][]Neighbour, error) {
	if s == nil {
		qs, except := make([][]float32, n), make([][]int32, n)
		for i := range qs {
			qs[i], except[i] = m.Row(int32(at+i)), []int32{int32(at + i)}
		}
		return m.inBlocks(qs, k, except), nil
	}
	top := min(k+1, m.Vocabulary.Len()) // the word itself is its own nearest, or as near as a twin of it
	ids, scores, err := s.Nearest(ctx, unit[at*m.Dim:(at+n)*m.Dim], unit, m.Dim, top)
	if err != nil {
		return nil, err
	}
	out := make([][]Neighbour, n)
	for i := range out {
		for j := i * top; j < (i+1)*top && len(out[i]) < k; j++ {
			if id := int32(ids[j]); int(id) != at+i {
				out[i] = append(out[i], Neighbour{Word: m.Vocabulary.Words[id], ID: id, Cosine: scores[j]})
			}
		}
	}
	return out, nil
}

// askedAtOnce is how many questions share one reading of the rows: their vectors stay in the second-level cache.
const askedAtOnce = 64

func (m *Model) inBlocks(qs [][]float32, k int, except [][]int32) [][]Neighbour {
	out := make([][]Neighbour, 0, len(qs))
	for part := range slices.Chunk(qs, askedAtOnce) {
		out = append(out, m.NearestAll(part, m.Vocabulary.Len(), k, except[len(out):len(out)+len(part)])...)
	}
	return out
}
