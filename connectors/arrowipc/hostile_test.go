package arrowipc_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/arrowipc"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// seeds are valid streams of every type, plain and compressed.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	s, vs := everyType()
	plain, err := arrowipc.EncodeStream(s, batchOf(s, vs, 20), arrowipc.Options{})
	require.NoError(tb, err)
	out := [][]byte{plain}
	r, err := ipc.NewReader(bytes.NewReader(plain))
	require.NoError(tb, err)
	require.True(tb, r.Next())
	for _, codec := range []ipc.Option{ipc.WithLZ4(), ipc.WithZstd()} {
		var b bytes.Buffer
		w := ipc.NewWriter(&b, codec, ipc.WithSchema(r.Schema()))
		require.NoError(tb, w.Write(r.RecordBatch()))
		require.NoError(tb, w.Close())
		out = append(out, b.Bytes())
	}
	return out
}

// decodeAll decodes and touches every value. An error must be a typed one.
func decodeAll(tb testing.TB, data []byte) {
	tb.Helper()
	_, bs, err := arrowipc.Decode(data, arrowipc.Limits{Bytes: 16 << 20})
	if err != nil {
		kind := errs.KindOf(err)
		require.Contains(tb, []errs.Kind{errs.Invalid, errs.NotSupported, errs.Exhausted}, kind, "%v", err)
		return
	}
	for _, b := range bs {
		if b.N > 1<<16 {
			continue // columns without bytes may be long
		}
		for _, c := range b.Cols {
			require.Equal(tb, b.N, c.Len())
			for i := range b.N {
				c.Get(i)
			}
		}
	}
}

func TestMutatedStreams(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, seed := range seeds(t) {
		for n := 0; n < len(seed); n += 7 {
			decodeAll(t, seed[:n])
		}
		for range 4000 {
			data := bytes.Clone(seed)
			for range 1 + rnd.IntN(3) {
				at := rnd.IntN(len(data))
				switch rnd.IntN(3) {
				case 0:
					data[at] ^= 1 << rnd.IntN(8)
				case 1:
					data[at] = 0xFF
				default:
					if at+8 <= len(data) {
						binary.LittleEndian.PutUint64(data[at:], rnd.Uint64()>>rnd.IntN(64))
					}
				}
			}
			decodeAll(t, data)
		}
	}
}

func TestAllocationIsBoundByInput(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	var before, after runtime.MemStats
	for _, seed := range seeds(t) {
		for range 300 {
			data := bytes.Clone(seed)
			binary.LittleEndian.PutUint64(data[rnd.IntN(len(data)-8):], rnd.Uint64()>>(1+rnd.IntN(40)))
			runtime.ReadMemStats(&before)
			_, _, _ = arrowipc.Decode(data, arrowipc.Limits{Bytes: 1 << 20})
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
		}
	}
}

func TestCompressedLengthIsNotBelieved(t *testing.T) {
	zeros := batch.New(types.Long, 1<<16)
	zeros.Reset(1 << 16)
	clear(batch.Values[int64](zeros))
	s := types.NewSchema(types.F("a", types.Long))
	plain, err := arrowipc.EncodeStream(s, &batch.Batch{N: 1 << 16, Cols: []*batch.Vector{zeros}}, arrowipc.Options{})
	require.NoError(t, err)
	for _, codec := range []ipc.Option{ipc.WithLZ4(), ipc.WithZstd()} {
		_, small := reread(t, plain, codec)
		_, _, err = arrowipc.Decode(small, arrowipc.Limits{Bytes: 100_000})
		require.Equal(t, errs.Exhausted, errs.KindOf(err))
		at := bytes.Index(small, binary.LittleEndian.AppendUint64(nil, 8<<16))
		for at >= 0 { // wherever the length stands, it does not fit any more
			binary.LittleEndian.PutUint64(small[at:], 8<<16-8)
			at = bytes.Index(small, binary.LittleEndian.AppendUint64(nil, 8<<16))
		}
		_, _, err = arrowipc.Decode(small, arrowipc.Limits{})
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}
}

func TestValuesAreChecked(t *testing.T) {
	for name, breakIt := range map[string]func([]byte) []byte{
		"utf-8":  func(b []byte) []byte { return bytes.Replace(b, []byte("hello"), []byte("he\xfflo"), 1) },
		"digits": func(b []byte) []byte { return bytes.Replace(b, []byte{123, 0, 0}, []byte{123, 255, 0}, 1) },
		"empty":  func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := types.NewSchema(types.F("s", types.String), types.F("d", types.Decimal(3, 0)))
			b := &batch.Batch{N: 1, Cols: []*batch.Vector{batch.Of(types.String, "hello"), batch.Of(types.Decimal(3, 0), int64(123))}}
			data, err := arrowipc.EncodeStream(s, b, arrowipc.Options{})
			require.NoError(t, err)
			_, _, err = arrowipc.Decode(breakIt(data), arrowipc.Limits{})
			require.Equal(t, errs.Invalid, errs.KindOf(err), "%v", err)
		})
	}
}

func FuzzDecode(f *testing.F) {
	s, vs := everyType()
	for i := range s.Fields { // small seeds: the fuzzer is slow on long ones
		one := types.NewSchema(s.Fields[i])
		data, err := arrowipc.EncodeStream(one, batchOf(one, vs[i:i+1], 3), arrowipc.Options{})
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { decodeAll(t, data) })
}
