package parquet

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCodesIn(t *testing.T) {
	for _, most := range []int32{0, 1, 7, 29_999, math.MaxInt32 - 1} {
		for n := range 20 {
			codes := make([]int32, n)
			for i := range codes {
				codes[i] = most - int32(i)%(most/2+1)
			}
			require.True(t, codesIn(codes, most))
			for i := range codes {
				for _, bad := range []int32{most + 1, -1, math.MinInt32, math.MaxInt32} {
					was := codes[i]
					codes[i] = bad
					require.False(t, codesIn(codes, most), "%d at %d of %d", bad, i, n)
					codes[i] = was
				}
			}
		}
	}
}
