package zpage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// pages are inputs as columns give them, each with its name.
func pages() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	out := map[string][]byte{"empty": {}, "one": {7}, "short": []byte("abcabcabcabc")}
	ints := func(n int, f func(i int) uint64) []byte {
		b := make([]byte, 8*n)
		for i := range n {
			binary.LittleEndian.PutUint64(b[8*i:], f(i))
		}
		return b
	}
	out["ordered"] = ints(60_000, func(i int) uint64 { return uint64(i / 3) })
	key, left := uint64(0), uint64(0)
	out["orders"] = ints(60_000, func(int) uint64 {
		if left == 0 {
			key, left = key+1+r.Uint64N(1<<r.Uint64N(12)), 1+r.Uint64N(1<<r.Uint64N(7))
		}
		left--
		return key
	})
	out["decimals"] = ints(60_000, func(int) uint64 { return 90_000 + r.Uint64N(10_400_000) })
	out["few"] = ints(60_000, func(int) uint64 { return 100 * (1 + r.Uint64N(50)) })
	out["dates"] = ints(60_000, func(i int) uint64 { return uint64(i)/7<<32 | r.Uint64N(4) })
	out["zeros"] = make([]byte, 1<<20)
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(r.Uint64())
	}
	out["noise"] = noise
	words := []string{"furiously", "final", "deposits", "x", "of", "the", " ", "carefully regular", "\x05\x00\x00\x00"}
	var text []byte
	for len(text) < 500_000 {
		text = append(text, words[r.IntN(len(words))]...)
	}
	out["text"] = text
	for period := 1; period < 20; period++ {
		var b []byte
		for len(b) < 70_000 {
			b = append(b, noise[:period]...)
			if r.IntN(50) == 0 {
				b = append(b, noise[r.IntN(1000):1000]...)
			}
		}
		out[fmt.Sprintf("period %d", period)] = b
	}
	return out
}

func frames(t testing.TB, raw []byte) map[string][]byte {
	out := map[string][]byte{}
	for _, level := range []int{1, 3, 7, 19} {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		require.NoError(t, err)
		out[fmt.Sprintf("level %d", level)] = e.EncodeAll(raw, nil)
		var b bytes.Buffer
		e.Reset(&b)
		_, err = e.Write(raw)
		require.NoError(t, err)
		require.NoError(t, e.Close())
		out[fmt.Sprintf("stream %d", level)] = b.Bytes()
	}
	return out
}

func TestPagesComeBack(t *testing.T) {
	var d Decoder
	for name, raw := range pages() {
		for how, frame := range frames(t, raw) {
			if len(frame) == 0 {
				continue
			}
			for _, room := range []int{0, 1, slack, 1000} {
				dst := make([]byte, len(raw), len(raw)+room)
				frame := append(make([]byte, 0, len(frame)+room), frame...)
				require.NoError(t, d.Decode(dst, frame), "%s, %s, %d", name, how, room)
				require.True(t, bytes.Equal(raw, dst), "%s, %s, %d", name, how, room)
			}
			require.Error(t, d.Decode(make([]byte, len(raw)+1), frame))
			if len(raw) > 0 {
				require.Error(t, d.Decode(make([]byte, len(raw)-1), frame))
			}
		}
	}
}

// A damaged frame gives an error or bytes, and what a general decoder makes of
// it if that takes it.
func TestDamagedFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	general := newGeneral(t)
	byName := pages()
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		raw := byName[name][:min(len(byName[name]), 40_000)]
		of := frames(t, raw)
		for _, how := range slices.Sorted(maps.Keys(of)) {
			frame := of[how]
			for range 60 {
				bad := bytes.Clone(frame)
				for range 1 + r.IntN(3) {
					if len(bad) > 0 {
						bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
					}
				}
				sameAsGeneral(t, general, bad, len(raw), name)
			}
		}
	}
}

func newGeneral(t testing.TB) *zstd.Decoder {
	g, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
	require.NoError(t, err)
	return g
}

// guard marks bytes that must not be written.
const guard = 0xA5

func sameAsGeneral(t testing.TB, general *zstd.Decoder, frame []byte, size int, name string) {
	want, wantErr := general.DecodeAll(frame, make([]byte, 0, size))
	var d Decoder
	whole := bytes.Repeat([]byte{guard}, size+slack+64)
	err := d.Decode(whole[:size:size+slack], frame)
	for _, x := range whole[size+slack:] {
		require.EqualValues(t, guard, x, "%s: written beyond the buffer", name)
	}
	if wantErr == nil && len(want) == size && err == nil {
		require.True(t, bytes.Equal(want, whole[:size]), "%s: other bytes", name)
	}
	if wantErr == nil && len(want) == size && err != nil && !errors.Is(err, errOffsetZero) {
		require.ErrorIs(t, err, ErrOther, "%s: refused", name)
	}
}

func FuzzDecode(f *testing.F) {
	for _, raw := range pages() {
		raw = raw[:min(len(raw), 3000)]
		for _, frame := range frames(f, raw) {
			f.Add(frame, len(raw))
		}
	}
	general := newGeneral(f)
	f.Fuzz(func(t *testing.T, frame []byte, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		sameAsGeneral(t, general, frame, size, "fuzz")
	})
}
