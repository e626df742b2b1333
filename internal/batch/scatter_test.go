package batch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/batch"
)

func TestScatterKeepsValues(t *testing.T) {
	for _, src := range samples() {
		if src.Phys().Width() == 0 {
			continue
		}
		all := boxes(src)
		dict := batch.New(src.Type, 0)
		dict.Gather(src, []int32{0, 2, 3})
		d := batch.New(src.Type, 0)
		d.Reset(2)
		d.SetDict([]int32{2, 1}, dict)
		got := batch.New(src.Type, 0)
		for range 2 { // the second round reuses storage
			got.Reset(9)
			got.Scatter(src, []int32{8, 6, 4, 2, 0})
			got.Scatter(d, []int32{1, 3})
			got.Scatter(batch.NewConst(src.Type, src.Get(2), 2), []int32{5, 7})
			require.Equal(t, []any{all[4], all[3], all[3], all[2], all[2], all[2], all[1], all[2], all[0]}, boxes(got), "%s", src.Type)
		}
	}
}
