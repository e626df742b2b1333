package exec

import (
	"math"
	"time"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// frameBounds computes the frame [lo, hi) of each row of a block.
type frameBounds struct {
	frame  plan.Frame
	lo, hi []int32
	loBy   rangeOffset
	hiBy   rangeOffset
	rowsLo int64
	rowsHi int64
	key    sortKey
	zone   *time.Location
}

// rangeOffset is how far a RANGE bound lies from the row's key.
type rangeOffset struct {
	whole  int64   // integers, decimals (unscaled), days, microseconds
	real   float64 // floats
	wide   batch.Int128
	months int64
}

func newFrameBounds(w *windowPlan, f plan.Frame) (*frameBounds, error) {
	b := &frameBounds{frame: f, zone: w.deps.Env.Zone}
	if b.zone == nil {
		b.zone = time.UTC
	}
	if len(w.order) > 0 {
		b.key = w.order[0]
	}
	for i, bound := range []plan.FrameBound{f.Lo, f.Hi} {
		x, t, err := w.offsetOf(bound)
		if err != nil {
			return nil, err
		}
		if bound.Kind != plan.Offset {
			continue
		}
		if x == nil {
			return nil, errs.Unsupported("a window frame whose offset is null")
		}
		o := offsetValue(x, t, w.keyType())
		if i == 0 {
			b.loBy, b.rowsLo = o, o.whole
		} else {
			b.hiBy, b.rowsHi = o, o.whole
		}
	}
	return b, nil
}

// keyType is the type of the first order key.
func (w *windowPlan) keyType() types.Type {
	if len(w.order) == 0 {
		return types.Null
	}
	return w.sort.ord.types()[w.order[0].col]
}

func offsetValue(x any, t, key types.Type) rangeOffset {
	switch x := x.(type) {
	case int8:
		return rangeOffset{whole: int64(x)}
	case int16:
		return rangeOffset{whole: int64(x)}
	case int32:
		if t.Kind == types.KindYearMonthInterval && key.Kind != types.KindYearMonthInterval {
			return rangeOffset{months: int64(x)}
		}
		return rangeOffset{whole: int64(x)}
	case int64:
		if key.Kind == types.KindDate && t.Kind == types.KindDayTimeInterval {
			return rangeOffset{whole: x / (24 * 3600 * 1e6)}
		}
		return rangeOffset{whole: x}
	case float32:
		return rangeOffset{real: float64(x)}
	case float64:
		return rangeOffset{real: x}
	case batch.Int128:
		return rangeOffset{wide: x}
	case batch.Interval:
		return rangeOffset{months: int64(x.Months), whole: int64(x.Days)*24*3600*1e6 + x.Micros}
	}
	return rangeOffset{}
}

// load computes the bounds of all rows.
func (f *frameBounds) load(b *windowBlock) error {
	f.lo, f.hi = f.lo[:0], f.hi[:0]
	if f.frame.Kind == plan.FrameRange && (f.frame.Lo.Kind == plan.Offset || f.frame.Hi.Kind == plan.Offset) {
		return f.loadRange(b)
	}
	for i := range int32(b.n) {
		lo, hi := f.plain(b, i)
		f.lo, f.hi = append(f.lo, lo), append(f.hi, max(lo, hi))
	}
	return nil
}

// plain is the frame of row i without range offsets.
func (f *frameBounds) plain(b *windowBlock, i int32) (lo, hi int32) {
	lo, hi = b.starts[i], b.ends[i]
	rows := f.frame.Kind == plan.FrameRows
	switch f.frame.Lo.Kind {
	case plan.CurrentRow:
		if lo = i; !rows {
			lo = b.peerFirst[i]
		}
	case plan.UnboundedFollowing:
		lo = hi
	case plan.Offset:
		lo = clampRow(int64(i)+f.rowsLo, lo, hi)
	default:
	}
	switch f.frame.Hi.Kind {
	case plan.CurrentRow:
		if hi = i + 1; !rows {
			hi = b.peerEnd[i]
		}
	case plan.UnboundedPreceding:
		hi = b.starts[i]
	case plan.Offset:
		hi = clampRow(int64(i)+f.rowsHi+1, b.starts[i], b.ends[i])
	default:
	}
	return lo, hi
}

func clampRow(x int64, lo, hi int32) int32 { return int32(max(int64(lo), min(int64(hi), x))) }

// loadRange finds bounds at a distance of key values. Within a partition the
// keys are sorted with nulls at one end, and so are the targets: two pointers
// move forward. A row whose key is null has its peers as offset bounds.
func (f *frameBounds) loadRange(b *windowBlock) error {
	keys := b.cols[f.key.col]
	for i := int32(0); i < int32(b.n); {
		end := b.ends[i]
		first, last := i, end // rows with a key
		for first < end && !keys.Valid(int(first)) {
			first++
		}
		for last > first && !keys.Valid(int(last-1)) {
			last--
		}
		lo, hi := first, first
		for ; i < end; i++ {
			l, h := f.plain(b, i)
			if i < first || i >= last {
				if f.frame.Lo.Kind == plan.Offset {
					l = b.peerFirst[i]
				}
				if f.frame.Hi.Kind == plan.Offset {
					h = b.peerEnd[i]
				}
			} else {
				if f.frame.Lo.Kind == plan.Offset {
					for lo < last && f.side(keys, lo, i, &f.loBy) < 0 {
						lo++
					}
					l = lo
				}
				if f.frame.Hi.Kind == plan.Offset {
					for hi < last && f.side(keys, hi, i, &f.hiBy) <= 0 {
						hi++
					}
					h = hi
				}
			}
			f.lo, f.hi = append(f.lo, l), append(f.hi, max(l, h))
		}
	}
	return nil
}

// side compares row j's key with row i's key moved by the offset, in sort order.
func (f *frameBounds) side(keys *batch.Vector, j, i int32, by *rangeOffset) int {
	o := *by
	if f.key.desc {
		o = rangeOffset{whole: -o.whole, real: -o.real, wide: o.wide.Neg(), months: -o.months}
	}
	c := f.distance(keys, int(j), int(i), &o)
	if f.key.desc {
		return -c
	}
	return c
}

// distance compares key j with key i plus o.
func (f *frameBounds) distance(keys *batch.Vector, j, i int, o *rangeOffset) int {
	switch keys.Phys() {
	case types.PhysFloat32:
		v := batch.Values[float32](keys)
		return batch.CompareFloats(float64(v[j]), float64(v[i])+o.real)
	case types.PhysFloat64:
		v := batch.Values[float64](keys)
		return batch.CompareFloats(v[j], v[i]+o.real)
	case types.PhysInt128:
		v := batch.Values[batch.Int128](keys)
		return v[j].Cmp(v[i].Add(o.wide.Add(batch.Int128{Lo: uint64(o.whole), Hi: o.whole >> 63})))
	default:
	}
	return compareInt(intKey(keys, j), f.moved(keys, i, o))
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func intKey(v *batch.Vector, i int) int64 {
	switch v.Phys() {
	case types.PhysInt8:
		return int64(batch.Values[int8](v)[i])
	case types.PhysInt16:
		return int64(batch.Values[int16](v)[i])
	case types.PhysInt32:
		return int64(batch.Values[int32](v)[i])
	default:
	}
	return batch.Values[int64](v)[i]
}

// moved is key i plus o, at the ends of the range rather than beyond it.
func (f *frameBounds) moved(keys *batch.Vector, i int, o *rangeOffset) int64 {
	x := intKey(keys, i)
	if o.months != 0 {
		x = f.addMonths(keys.Type.Kind, x, o.months)
	}
	r := x + o.whole
	if (x^r)&(o.whole^r) < 0 {
		if x < 0 {
			return math.MinInt64
		}
		return math.MaxInt64
	}
	return r
}

// addMonths moves a date or timestamp by months; a day that the month lacks
// becomes its last.
func (f *frameBounds) addMonths(k types.Kind, x, months int64) int64 {
	var t time.Time
	switch k {
	case types.KindDate:
		t = time.Unix(x*24*3600, 0).UTC()
	case types.KindTimestamp:
		t = time.UnixMicro(x).In(f.zone)
	default:
		t = time.UnixMicro(x).UTC()
	}
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	day := min(t.Day(), time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day())
	t = first.AddDate(0, 0, day-1)
	if k == types.KindDate {
		return t.Unix() / (24 * 3600)
	}
	return t.UnixMicro()
}
