package word2vec

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
)

func smallPoint() *checkpoint {
	w := &train.Weights{Words: 2, OutRows: 2, Dim: 3, Stride: 4, In: []float32{1, 2, 3, 0, 4, 5, 6, 0}, Out: make([]float32, 8)}
	return &checkpoint{cfg: settings{"dim": "3"}, vocabulary: 7, corpus: 8, at: train.Position{Epoch: 1, Shards: []int64{5}}, w: w}
}

// FuzzCheckpoint reads arbitrary bytes: they are a checkpoint, or a typed error.
func FuzzCheckpoint(f *testing.F) {
	var good bytes.Buffer
	require.NoError(f, smallPoint().write(&good))
	f.Add(good.Bytes())
	f.Add([]byte(checkpointMagic + "\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, content []byte) {
		p := smallPoint()
		clear(p.w.In)
		p.at = train.Position{}
		err := p.read(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			require.Contains(t, []errs.Kind{errs.Corrupt, errs.Invalid}, errs.KindOf(err), "%v", err)
			require.Zero(t, p.at)
			return
		}
		require.Equal(t, p.w.In, asFloats(content[len(content)-sumBytes-64:]))
	})
}

func asFloats(b []byte) []float32 {
	out := make([]float32, 8)
	copy(asBytes(out), b)
	return out
}
