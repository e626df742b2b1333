package function

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Sums through lanes, row by row and in 128 bits are the same.
func TestDecimalSumsOfFewAndManyGroups(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, precision := range []int{9, 15, 18, 19, 30, 34} {
		for _, groups := range []int{1, 3, fewGroups, fewGroups + 1, 300} {
			for _, n := range []int{1, 5, 1000, batch.Rows} {
				typ := types.Decimal(precision, 0)
				v := batch.New(typ, n)
				v.SetLen(n)
				ids := make([]int32, n)
				want := make([]big.Int, groups)
				rows := make([]int64, groups)
				for i := range n {
					x := int64(r.Uint64()) >> r.IntN(60) % 1_000_000_000
					y := decimal.FromInt64(x)
					if precision > 30 && r.IntN(2) == 0 {
						y, _ = y.Mul(decimal.FromInt64(1e15))
					}
					ids[i] = int32(r.IntN(groups))
					storeDecimal(v, i, y)
					want[ids[i]].Add(&want[ids[i]], bigOf(y))
					rows[ids[i]]++
				}
				sum := newSumWide(38, precision, typ.Phys() == types.PhysInt128, overflowFails, func() error { return nil })
				sum.Grow(groups)
				count := &countAgg{}
				count.Grow(groups)
				require.NoError(t, sum.Update(ids, []*batch.Vector{v}, n))
				require.NoError(t, count.Update(ids, []*batch.Vector{v}, n))
				for g := range groups {
					require.Equal(t, want[g].String(), bigOf(sum.sum(g)).String(), "precision %d groups %d rows %d group %d", precision, groups, n, g)
					require.Equal(t, rows[g] > 0, sum.seen[g])
					require.Equal(t, rows[g], count.counts[g])
				}
			}
		}
	}
}

// Products of 64-bit values in 128-bit columns equal those of the checked path.
func TestDecimalProductsWithoutCheck(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 500
	ta, tb, out := types.Decimal(32, 4), types.Decimal(16, 2), types.Decimal(38, 6)
	for _, big := range []bool{false, true} {
		a, b := batch.New(ta, n), batch.New(tb, n)
		a.SetLen(n)
		b.SetLen(n)
		want := make([]batch.Int128, n)
		for i := range n {
			x, y := decimal.FromInt64(int64(r.Uint64())>>r.IntN(63)), decimal.FromInt64(int64(r.Uint64())%1_000_000>>r.IntN(20))
			if big && i == n/2 {
				x, y = batch.Int128{Lo: 5, Hi: 7}, decimal.FromInt64(3)
			}
			storeDecimal(a, i, x)
			storeDecimal(b, i, y)
			want[i], _ = x.Mul(y)
		}
		got := batch.New(out, n)
		got.SetLen(n)
		require.NoError(t, decimalArith(opMul, ta, tb, out, modeAnsi)([]*batch.Vector{a, b}, n, got))
		require.Equal(t, want, batch.Values[batch.Int128](got)[:n])
	}
}
