package batch_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// encodings shows src flat, as a slice, as a dictionary and as a constant.
func encodings(src *batch.Vector) []*batch.Vector {
	dict := batch.New(src.Type, 0)
	dict.Gather(src, []int32{0, 2, 3})
	d := batch.New(src.Type, 0)
	d.Reset(5)
	d.SetDict([]int32{1, 0, 0, 2, 1}, dict)
	d.SetNull(3)
	var s batch.Vector
	s.Slice(src, 1, 4)
	return []*batch.Vector{src, &s, d, batch.NewConst(src.Type, src.Get(2), 5), batch.NewConst(src.Type, nil, 5)}
}

func TestBlockRoundTrip(t *testing.T) {
	for _, src := range samples() {
		for k, v := range encodings(src) {
			in := &batch.Batch{N: v.Len(), Cols: []*batch.Vector{v, v}}
			block, err := batch.AppendBlock(nil, in)
			require.NoError(t, err)
			require.Equal(t, len(block), batch.BlockLen(block))
			out, err := batch.DecodeBlock([]types.Type{v.Type, v.Type}, block)
			require.NoError(t, err, "%s encoding %d", v.Type, k)
			require.Equal(t, boxes(v), boxes(out.Cols[1]), "%s encoding %d", v.Type, k)

			odd := append(make([]byte, 3, len(block)+3), block...)[3:]
			out, err = batch.DecodeBlock([]types.Type{v.Type, v.Type}, odd)
			require.NoError(t, err)
			require.Equal(t, boxes(v), boxes(out.Cols[0]))
		}
	}
}

func TestBlockDamageIsFound(t *testing.T) {
	v := batch.Of(types.String, "a", "a value that is long")
	block, err := batch.AppendBlock(nil, &batch.Batch{N: 2, Cols: []*batch.Vector{v}})
	require.NoError(t, err)
	for i := range block {
		bad := append([]byte{}, block...)
		bad[i] ^= 0x10
		_, err := batch.DecodeBlock([]types.Type{types.String}, bad)
		require.True(t, errs.Is(err, errs.Corrupt), "byte %d: %v", i, err)
	}
	_, err = batch.DecodeBlock([]types.Type{types.Long}, block)
	require.Error(t, err)
}
