package batch

import (
	"slices"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Scatter writes src's row i to row rows[i] of the flat vector v of fixed
// width or views, sharing src's bytes: v is then valid as long as src. v must
// have been Reset to its final length before the first Scatter.
func (v *Vector) Scatter(src *Vector, rows []int32) {
	if len(rows) == 0 || v.Type.Kind == types.KindNull {
		return
	}
	v.scatterValidity(src, rows)
	if src.Type.Kind == types.KindNull {
		return
	}
	values, codes := src, []int32(nil)
	switch src.Enc {
	case Const:
		if src.ConstNull() {
			return
		}
	case Dict:
		values, codes = src.Dict, src.Codes
	default:
	}
	one := src.Enc == Const
	switch v.Phys().Width() {
	case 1:
		scatter(slotsOf[uint8](v), slotsOf[uint8](values), rows, codes, one)
	case 2:
		scatter(slotsOf[int16](v), slotsOf[int16](values), rows, codes, one)
	case 4:
		scatter(slotsOf[int32](v), slotsOf[int32](values), rows, codes, one)
	case 8:
		scatter(slotsOf[int64](v), slotsOf[int64](values), rows, codes, one)
	case 16:
		if v.Phys() == types.PhysView {
			v.scatterViews(values, rows, codes, one)
			return
		}
		scatter(slotsOf[Int128](v), slotsOf[Int128](values), rows, codes, one)
	default:
		panic("batch: Scatter of " + v.Type.String())
	}
}

func (v *Vector) scatterValidity(src *Vector, rows []int32) {
	if !src.HasNulls() {
		return
	}
	for i, r := range rows {
		if !src.Valid(i) {
			v.SetNull(int(r))
		}
	}
}

func scatter[T any](dst, src []T, rows, codes []int32, one bool) {
	switch {
	case one:
		x := src[0]
		for _, r := range rows {
			dst[r] = x
		}
	case codes != nil:
		if len(src) == 0 {
			return
		}
		for i, r := range rows {
			dst[r] = src[codes[i]]
		}
	default:
		for i, r := range rows {
			dst[r] = src[i]
		}
	}
}

// scatterViews adopts src's buffers behind v's own and moves the indices.
func (v *Vector) scatterViews(src *Vector, rows, codes []int32, one bool) {
	v.tail = 0 // the own buffer, if any, is no longer the last
	base := uint64(len(v.Bufs))
	v.Bufs = append(slices.Clip(v.Bufs), src.Bufs...)
	d, s := slotsOf[View](v), slotsOf[View](src)
	for i, r := range rows {
		j := i
		switch {
		case one:
			j = 0
		case codes != nil:
			j = int(codes[i])
		}
		if !v.Valid(int(r)) {
			d[r] = View{}
			continue
		}
		x := s[j]
		if x.Len() > InlineLen {
			x.B += base
		}
		d[r] = x
	}
}
