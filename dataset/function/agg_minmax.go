package function

import (
	"math"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// newExtreme makes min or max over values of type t.
func newExtreme(t types.Type, greatest bool) Accumulator {
	switch t.Phys() {
	case types.PhysBool, types.PhysInt8:
		if t.Kind == types.KindBool {
			return &extremeInt[uint8]{max: greatest}
		}
		return &extremeInt[int8]{max: greatest}
	case types.PhysInt16:
		return &extremeInt[int16]{max: greatest}
	case types.PhysInt32:
		return &extremeInt[int32]{max: greatest}
	case types.PhysInt64:
		return &extremeInt[int64]{max: greatest}
	case types.PhysFloat32, types.PhysFloat64:
		return &extremeFloat{extremeInt: extremeInt[int64]{max: greatest}, single: t.Phys() == types.PhysFloat32}
	case types.PhysView:
		return &extremeText{extremeAny{max: greatest, keeper: newKeeper(t)}}
	default:
	}
	return &extremeAny{max: greatest, keeper: newKeeper(t)}
}

// extremeInt is min or max of integers.
type extremeInt[T uint8 | int8 | int16 | int32 | int64] struct {
	best []T
	seen []bool
	max  bool
	aggScratch
}

func (a *extremeInt[T]) Grow(n int) { a.best, a.seen = grown(a.best, n), grown(a.seen, n) }

func (a *extremeInt[T]) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	if v.Type.Kind == types.KindNull {
		return nil
	}
	a.update(groups, batch.Values[T](v)[:n], v.Validity())
	return nil
}

func (a *extremeInt[T]) update(groups []int32, vals []T, valid []uint64) {
	if groups == nil && valid == nil && len(vals) > 0 {
		a.updateAll(vals)
		return
	}
	groups = a.groups(groups, len(vals))
	switch {
	case valid == nil && a.max:
		maxGroups(a.best, a.seen, groups, vals)
	case valid == nil:
		minGroups(a.best, a.seen, groups, vals)
	case a.max:
		maxGroupsValid(a.best, a.seen, groups, vals, valid)
	default:
		minGroupsValid(a.best, a.seen, groups, vals, valid)
	}
}

func (a *extremeInt[T]) updateAll(vals []T) {
	b := vals[0]
	if a.max {
		for _, x := range vals {
			b = max(b, x)
		}
		if a.seen[0] {
			b = max(b, a.best[0])
		}
	} else {
		for _, x := range vals {
			b = min(b, x)
		}
		if a.seen[0] {
			b = min(b, a.best[0])
		}
	}
	a.best[0], a.seen[0] = b, true
}

func maxGroups[T uint8 | int8 | int16 | int32 | int64](best []T, seen []bool, groups []int32, vals []T) {
	groups = groups[:len(vals)]
	for i, x := range vals {
		if g := groups[i]; !seen[g] || x > best[g] {
			best[g], seen[g] = x, true
		}
	}
}

func minGroups[T uint8 | int8 | int16 | int32 | int64](best []T, seen []bool, groups []int32, vals []T) {
	groups = groups[:len(vals)]
	for i, x := range vals {
		if g := groups[i]; !seen[g] || x < best[g] {
			best[g], seen[g] = x, true
		}
	}
}

func maxGroupsValid[T uint8 | int8 | int16 | int32 | int64](best []T, seen []bool, groups []int32, vals []T, valid []uint64) {
	groups = groups[:len(vals)]
	for i, x := range vals {
		if valid[i>>6]>>(uint(i)&63)&1 == 0 {
			continue
		}
		if g := groups[i]; !seen[g] || x > best[g] {
			best[g], seen[g] = x, true
		}
	}
}

func minGroupsValid[T uint8 | int8 | int16 | int32 | int64](best []T, seen []bool, groups []int32, vals []T, valid []uint64) {
	groups = groups[:len(vals)]
	for i, x := range vals {
		if valid[i>>6]>>(uint(i)&63)&1 == 0 {
			continue
		}
		if g := groups[i]; !seen[g] || x < best[g] {
			best[g], seen[g] = x, true
		}
	}
}

// Merge: a state is a row like any other, null for a group without rows.
func (a *extremeInt[T]) Merge(groups []int32, state []*batch.Vector, n int) error {
	return a.Update(groups, state, n)
}

func (a *extremeInt[T]) State(from, to int, out []*batch.Vector) error {
	return a.Result(from, to, out[0])
}

func (a *extremeInt[T]) Result(from, to int, out *batch.Vector) error {
	if out.Type.Kind == types.KindNull {
		out.AppendNulls(to - from)
		return nil
	}
	appendSeen(out, a.best[from:to], a.seen[from:to])
	return nil
}

func (a *extremeInt[T]) Bytes() int64 {
	return int64(cap(a.best)*types.PhysInt64.Width() + cap(a.seen))
}

func (a *extremeInt[T]) Reset() { a.best, a.seen = a.best[:0], a.seen[:0] }

// signedKey64 is key64 with -0.0 before 0.0, so that the sign of a zero is kept.
func signedKey64(x float64) int64 {
	if x == 0 && math.Signbit(x) {
		return -1
	}
	return key64(x)
}

// extremeFloat is min or max of floats or doubles, by their keys.
type extremeFloat struct {
	extremeInt[int64]
	single bool
	keys   []int64
}

func (a *extremeFloat) Update(groups []int32, args []*batch.Vector, n int) error {
	v := a.flat(0, args[0])
	a.keys = grown(a.keys, n)
	keys := a.keys[:n]
	if a.single {
		for i, x := range batch.Values[float32](v)[:n] {
			keys[i] = signedKey64(float64(x))
		}
	} else {
		for i, x := range batch.Values[float64](v)[:n] {
			keys[i] = signedKey64(x)
		}
	}
	a.update(groups, keys, v.Validity())
	return nil
}

func (a *extremeFloat) Merge(groups []int32, state []*batch.Vector, n int) error {
	return a.Update(groups, state, n)
}

func (a *extremeFloat) State(from, to int, out []*batch.Vector) error {
	return a.Result(from, to, out[0])
}

func (a *extremeFloat) Result(from, to int, out *batch.Vector) error {
	at := out.Len()
	out.SetLen(at + to - from)
	for i, k := range a.best[from:to] {
		if a.single {
			batch.Values[float32](out)[at+i] = float32(unkey64(k))
		} else {
			batch.Values[float64](out)[at+i] = unkey64(k)
		}
		if !a.seen[from+i] {
			out.SetNull(at + i)
		}
	}
	return nil
}

// extremeAny is min or max of values of any orderable type.
type extremeAny struct {
	max    bool
	keeper keeper
	aggScratch
}

func (a *extremeAny) Grow(n int) { a.keeper.grow(n) }

func (a *extremeAny) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, args[0])
	k := &a.keeper
	for _, r := range a.present(n, v) {
		g := groups[r]
		if k.at[g] < 0 {
			k.put(g, v, int(r))
			continue
		}
		c := compareRows(v, int(r), k.vec, int(k.at[g]))
		if a.max && c > 0 || !a.max && c < 0 {
			k.put(g, v, int(r))
		}
	}
	k.tidy()
	return nil
}

func (a *extremeAny) Merge(groups []int32, state []*batch.Vector, n int) error {
	return a.Update(groups, state, n)
}

func (a *extremeAny) State(from, to int, out []*batch.Vector) error {
	return a.Result(from, to, out[0])
}

func (a *extremeAny) Result(from, to int, out *batch.Vector) error {
	a.keeper.appendTo(out, from, to)
	return nil
}

func (a *extremeAny) Bytes() int64 { return a.keeper.bytes() }
func (a *extremeAny) Reset()       { a.keeper.reset() }

// extremeText is extremeAny of strings and binaries, comparing views in place.
type extremeText struct{ extremeAny }

func (a *extremeText) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, args[0])
	k := &a.keeper
	views, nulls, sign := batch.Values[batch.View](v), v.HasNulls(), -1
	if a.max {
		sign = 1
	}
	kept := batch.Values[batch.View](k.vec)
	for i := range n {
		if nulls && !v.Valid(i) {
			continue
		}
		g := groups[i]
		if at := k.at[g]; at >= 0 {
			if sign*batch.CompareViews(&views[i], v.Bufs, &kept[at], k.vec.Bufs) <= 0 {
				continue
			}
		}
		k.put(g, v, i)
		kept = batch.Values[batch.View](k.vec)
	}
	k.tidy()
	return nil
}

func (a *extremeText) Merge(groups []int32, state []*batch.Vector, n int) error {
	return a.Update(groups, state, n)
}
