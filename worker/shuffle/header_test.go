package shuffle

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

func sample(t testing.TB, packed bool) []byte {
	data, err := batch.AppendBlock(make([]byte, headerLen), rowsOf(0, 50))
	require.NoError(t, err)
	h := header{identity: identityOf(&pb.TaskID{Job: "j", Stage: 3, Partition: -1, Attempt: 2}, 7, 9), kind: kindBlock, seq: 4, rows: 50}
	require.NoError(t, h.close(data))
	if packed {
		data, err = h.compress(data)
		require.NoError(t, err)
	}
	got, err := parseHeader(data)
	require.NoError(t, err)
	require.Equal(t, h, got)
	return data
}

func TestEachDamagedBitOfAHeaderIsFound(t *testing.T) {
	data := sample(t, false)
	for bit := range headerLen * 8 {
		data[bit/8] ^= 1 << (bit % 8)
		_, err := parseHeader(data)
		require.True(t, errs.Is(err, errs.Corrupt), "bit %d: %v", bit, err)
		data[bit/8] ^= 1 << (bit % 8)
	}
	_, err := parseHeader(data[:headerLen-1])
	require.True(t, errs.Is(err, errs.Corrupt))
}

// Whatever the bytes, a block is what was written or an error, and takes no
// memory beyond what a good header says.
func FuzzBlock(f *testing.F) {
	for _, packed := range []bool{false, true} {
		f.Add(sample(f, packed), uint16(3), byte(1))
	}
	want := rowsOf(0, 50)
	f.Fuzz(func(t *testing.T, data []byte, at uint16, bit byte) {
		if len(data) > 0 {
			data = bytes.Clone(data)
			data[int(at)%len(data)] ^= bit
		}
		h, err := parseHeader(data)
		if err != nil {
			require.True(t, errs.Is(err, errs.Corrupt))
			return
		}
		if h.raw > 1<<24 {
			return // a good sum by chance: the size is bounded elsewhere
		}
		raw, err := h.unpack(data[headerLen:], make([]byte, h.raw))
		if err == nil {
			_, err = batch.DecodeBlock(twoCols.Types(), raw)
		}
		if err != nil {
			require.True(t, errs.Is(err, errs.Corrupt), "%v", err)
		} else if h.kind == kindBlock && h.epoch == 9 {
			b, _ := batch.DecodeBlock(twoCols.Types(), raw)
			require.Equal(t, want.N, b.N)
		}
		_ = h.failure(data[headerLen:])
	})
}

func FuzzRequest(f *testing.F) {
	good, err := (&request{kind: askPart, part: 3, from: 9, task: &pb.TaskID{Job: "j", Stage: 1}}).encode()
	require.NoError(f, err)
	f.Add(good)
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := readRequest(bytes.NewReader(data))
		if err == nil {
			again, err := q.encode()
			require.NoError(t, err)
			_, err = readRequest(bytes.NewReader(again))
			require.NoError(t, err)
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"unix:/run/x.sock|tcp:h:1|epoch:ff", "127.0.0.1:80", "tcp:[::1]:9", "epoch:zz", "|", "new:thing|tcp:h:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil || a == (Address{}) {
			return
		}
		b, err := ParseAddress(a.String())
		require.NoError(t, err)
		require.Equal(t, a, b)
	})
}
