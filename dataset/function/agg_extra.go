package function

import (
	"slices"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// bitmapAgg is bitmap_construct_agg, bitmap_or_agg and bitmap_and_agg: bitmaps
// of fixed size, one per group.
type bitmapAgg struct {
	op      bitOp
	numbers bool // the argument is bit positions instead of bitmaps
	bits    []byte
	n       int
	aggScratch
}

const bitmapBytes = bitmapBits / 8

func (a *bitmapAgg) Grow(n int) {
	old := a.n
	a.n = max(a.n, n)
	a.bits = grown(a.bits, a.n*bitmapBytes)
	for i := old * bitmapBytes; a.op == bitAnd && i < len(a.bits); i++ {
		a.bits[i] = 0xff
	}
}

func (a *bitmapAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, args[0])
	for _, r := range a.present(n, v) {
		at := int(groups[r]) * bitmapBytes
		bits := a.bits[at : at+bitmapBytes]
		if a.numbers {
			p := batch.Values[int64](v)[r]
			if p < 0 || p >= bitmapBits {
				return errParam("BITMAP_POSITION", "bitmap_construct_agg", "position", "it is outside the bitmap.", "bitPosition", "", "bitmapNumBytes", "", "bitmapNumBits", "")
			}
			bits[p/8] |= 1 << (p % 8)
			continue
		}
		a.fold(bits, v.Str(int(r)))
	}
	return nil
}

// fold combines a bitmap; what it lacks is 0.
func (a *bitmapAgg) fold(bits, with []byte) {
	for i := range bits {
		var b byte
		if i < len(with) {
			b = with[i]
		}
		if a.op == bitAnd {
			bits[i] &= b
		} else {
			bits[i] |= b
		}
	}
}

func (a *bitmapAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, state[0])
	for i := range n {
		at := int(groups[i]) * bitmapBytes
		a.fold(a.bits[at:at+bitmapBytes], v.Str(i))
	}
	return nil
}

func (a *bitmapAgg) State(from, to int, out []*batch.Vector) error { return a.Result(from, to, out[0]) }

func (a *bitmapAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		addStr(out, a.bits[g*bitmapBytes:(g+1)*bitmapBytes])
	}
	return nil
}

func (a *bitmapAgg) Bytes() int64 { return int64(cap(a.bits)) }
func (a *bitmapAgg) Reset()       { a.bits, a.n = a.bits[:0], 0 }

// bin is a bar of a histogram.
type bin struct{ x, y float64 }

// histogramAgg is histogram_numeric: at most nb bars a group; of more, the two
// nearest become one at their weighted mean (Ben-Haim and Tom-Tov, 2010).
type histogramAgg struct {
	nb   int
	bins [][]bin
	aggScratch
}

func (a *histogramAgg) Grow(n int) { a.bins = grown(a.bins, n) }

func (a *histogramAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, args[0])
	xs := batch.Values[float64](v)
	for _, r := range a.present(n, v) {
		a.add(groups[r], bin{xs[r], 1})
	}
	return nil
}

func (a *histogramAgg) add(g int32, b bin) {
	bins := a.bins[g]
	k, found := slices.BinarySearchFunc(bins, b.x, func(e bin, x float64) int { return compareOrdered(key64(e.x), key64(x)) })
	if found {
		bins[k].y += b.y
		return
	}
	bins = slices.Insert(bins, k, b)
	if len(bins) > a.nb {
		bins = mergeNearest(bins)
	}
	a.bins[g] = bins
}

func mergeNearest(bins []bin) []bin {
	at := 0
	for k := 1; k+1 < len(bins); k++ {
		if bins[k+1].x-bins[k].x < bins[at+1].x-bins[at].x {
			at = k
		}
	}
	a, b := bins[at], bins[at+1]
	y := a.y + b.y
	bins[at] = bin{(a.x*a.y + b.x*b.y) / y, y}
	return slices.Delete(bins, at+1, at+2)
}

// Merge reads an array of bars.
func (a *histogramAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	s := a.flat(0, state[0])
	xs, ys := batch.Values[float64](s.Children[0].Children[0]), batch.Values[float64](s.Children[0].Children[1])
	for i := range n {
		for j := s.Offsets[i]; j < s.Offsets[i+1]; j++ {
			a.add(groups[i], bin{xs[j], ys[j]})
		}
	}
	return nil
}

// barType is a bar of states.
var barType = types.Struct(types.F("x", types.Double), types.F("y", types.Double))

func (a *histogramAgg) State(from, to int, out []*batch.Vector) error {
	for g := from; g < to; g++ {
		a.write(a.bins[g], out[0])
	}
	return nil
}

func (a *histogramAgg) Result(from, to int, out *batch.Vector) error {
	for g := from; g < to; g++ {
		if len(a.bins[g]) == 0 {
			out.AppendNulls(1)
			continue
		}
		a.write(a.bins[g], out)
	}
	return nil
}

// write appends bars; positions are in the type of the result.
func (a *histogramAgg) write(bins []bin, out *batch.Vector) {
	s := out.Children[0]
	for _, b := range bins {
		at := s.Len()
		appendNumber(s.Children[0], b.x)
		appendSlots(s.Children[1], []float64{b.y})
		s.SetLen(at + 1)
	}
	closeList(out)
}

// appendNumber appends x in out's numeric type.
func appendNumber(out *batch.Vector, x float64) {
	at := out.Len()
	out.SetLen(at + 1)
	switch out.Phys() {
	case types.PhysFloat64:
		batch.Values[float64](out)[at] = x
	case types.PhysFloat32:
		batch.Values[float32](out)[at] = float32(x)
	default:
		putInteger(out, at, int64(x))
	}
}

func (a *histogramAgg) Bytes() int64 {
	var n int64
	for _, b := range a.bins {
		n += int64(cap(b))*16 + 24
	}
	return n
}

func (a *histogramAgg) Reset() {
	clear(a.bins)
	a.bins = a.bins[:0]
}

// productAgg multiplies doubles.
type productAgg struct{ sumDouble[float64] }

func (a *productAgg) Update(groups []int32, args []*batch.Vector, n int) error {
	groups = a.groups(groups, n)
	v := a.flat(0, args[0])
	xs := batch.Values[float64](v)
	for _, r := range a.present(n, v) {
		g := groups[r]
		if !a.seen[g] {
			a.sums[g], a.seen[g] = 1, true
		}
		a.sums[g] *= xs[r]
	}
	return nil
}

func (a *productAgg) Merge(groups []int32, state []*batch.Vector, n int) error {
	return a.Update(groups, state, n)
}

// extraAggs are bitmaps, histograms and products.
func extraAggs() []*Entry {
	bitmap := func(op bitOp, numbers bool) func(*Env, *plan.Agg) (Accumulator, error) {
		return made(func() Accumulator { return &bitmapAgg{op: op, numbers: numbers} })
	}
	binary := states(types.Binary)
	return aggEntries(
		aggSpec{"bitmap_construct_agg", nil, 1, 1, NeverNull(Fixed(types.Binary, WantLong)), binary, bitmap(bitOr, true), doc{"Bitmap of bit positions.", "SELECT substring(hex(bitmap_construct_agg(bitmap_bit_position(col))), 0, 6) FROM VALUES (1), (2), (3) AS tab(col)", "070000"}},
		aggSpec{"bitmap_or_agg", nil, 1, 1, NeverNull(Fixed(types.Binary, WantBinary)), binary, bitmap(bitOr, false), doc{"Union of bitmaps.", "SELECT substring(hex(bitmap_or_agg(col)), 0, 6) FROM VALUES (X '10'), (X '20'), (X '40') AS tab(col)", "700000"}},
		aggSpec{"bitmap_and_agg", nil, 1, 1, NeverNull(Fixed(types.Binary, WantBinary)), binary, bitmap(bitAnd, false), doc{"Intersection of bitmaps.", "SELECT substring(hex(bitmap_and_agg(col)), 0, 6) FROM VALUES (X 'F0'), (X '70'), (X '30') AS tab(col)", "300000"}},
		aggSpec{"histogram_numeric", nil, 2, 2, histogramRule, states(types.Array(barType, false)), newHistogram, doc{"Histogram of at most a number of bars, as an array of positions and heights.", "SELECT histogram_numeric(col, 5) FROM VALUES (0), (1), (2), (10) AS tab(col)", "[{0,1.0},{1,1.0},{2,1.0},{10,1.0}]"}},
		aggSpec{"product", nil, 1, 1, MayNull(Fixed(types.Double, WantDouble)), states(types.Double), made(func() Accumulator { return &productAgg{} }), doc{"Product of the values that are not null.", "SELECT product(col) FROM VALUES (2), (3), (4) AS tab(col)", "24.0"}},
	)
}

// histogramRule keeps the column's type for the positions of bars.
func histogramRule(env *Env, args []plan.Expr) (Typing, error) {
	ts, err := CoerceArgs(env, args, WantNumeric, WantInt)
	if err != nil {
		return Typing{}, err
	}
	n, ok := constLong(args[1])
	if !ok {
		return Typing{}, NonFoldable(args, 1, "nb", "INT")
	}
	if n < 2 {
		return Typing{}, OutOfRange("nb", "[2, 2147483647]", plan.SQLName(args[1]))
	}
	x := ts[0]
	if x.Kind == types.KindDecimal {
		x = types.Double
	}
	bar := types.Struct(types.F("x", x), types.F("y", types.Double))
	return Typing{Args: []types.Type{types.Double, types.Int}, Result: types.Array(bar, true), Nullable: true}, nil
}

func newHistogram(_ *Env, a *plan.Agg) (Accumulator, error) {
	n, _ := constLong(a.Args[1])
	return &histogramAgg{nb: int(n)}, nil
}
