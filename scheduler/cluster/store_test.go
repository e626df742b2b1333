package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func opened(t *testing.T, dir string) *store {
	s, err := openStore(dir, false)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.close() })
	return s
}

func TestStoreKeepsWhatItWasGiven(t *testing.T) {
	s := opened(t, t.TempDir())
	edges := func() [2]uint64 {
		first, err := s.FirstIndex()
		require.NoError(t, err)
		last, err := s.LastIndex()
		require.NoError(t, err)
		return [2]uint64{first, last}
	}
	require.Equal(t, [2]uint64{}, edges())
	at := time.Unix(5, 6)
	logs := []*raft.Log{
		{Index: 255, Term: 2, Type: raft.LogCommand, Data: []byte("a"), AppendedAt: at},
		{Index: 256, Term: 3, Type: raft.LogNoop, Data: []byte{}},
		{Index: 300, Term: 3, Type: raft.LogConfiguration, Data: []byte("b"), Extensions: []byte("x")}, // raft leaves gaps after a restore
	}
	require.NoError(t, s.StoreLogs(logs))
	require.Equal(t, [2]uint64{255, 300}, edges())
	for _, l := range logs {
		var back raft.Log
		require.NoError(t, s.GetLog(l.Index, &back))
		require.Equal(t, *l, back)
	}
	require.ErrorIs(t, s.GetLog(257, &raft.Log{}), raft.ErrLogNotFound)
	require.NoError(t, s.DeleteRange(200, 256))
	require.Equal(t, [2]uint64{300, 300}, edges())

	n, err := s.GetUint64([]byte("n"))
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = s.Get([]byte("n"))
	require.EqualError(t, err, "not found", "raft compares the words")
	require.NoError(t, s.SetUint64([]byte("n"), 7))
	n, err = s.GetUint64([]byte("n"))
	require.NoError(t, err)
	require.Equal(t, uint64(7), n)
}

// A process that is killed closes nothing: its file, as it lay on disk, has all
// that was stored.
func TestStoreAfterACrash(t *testing.T) {
	dir, after := t.TempDir(), t.TempDir()
	s := opened(t, dir)
	for i := range uint64(50) {
		require.NoError(t, s.StoreLog(&raft.Log{Index: i + 1, Term: 1, Data: make([]byte, 100*i)}))
		require.NoError(t, s.SetUint64([]byte("CurrentTerm"), i))
		if i%10 != 9 {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, "raft.db"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(after, "raft.db"), data, 0o600))
		crashed := opened(t, after)
		last, err := crashed.LastIndex()
		require.NoError(t, err)
		require.Equal(t, i+1, last)
		term, err := crashed.GetUint64([]byte("CurrentTerm"))
		require.NoError(t, err)
		require.Equal(t, i, term)
		require.NoError(t, crashed.close())
	}
}

func TestStoreIsHeldByOne(t *testing.T) {
	dir := t.TempDir()
	opened(t, dir)
	_, err := openStore(dir, false)
	require.True(t, errs.Is(err, errs.Exists), "%v", err)
}

func TestStoreShowsDamage(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "raft.db"), make([]byte, 1<<15), 0o600))
	_, err := openStore(dir, false)
	require.True(t, errs.Is(err, errs.Corrupt), "%v", err)

	s := opened(t, t.TempDir())
	require.NoError(t, s.StoreLog(&raft.Log{Index: 1, Data: []byte("a")}))
	for _, damaged := range [][]byte{{}, {9}, make([]byte, logHead), append([]byte{logVersion}, make([]byte, 17)...), append(make([]byte, 18), 0xff, 0xff, 0xff, 0xff)} {
		require.NoError(t, s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(logBucket)).Put(key(1), damaged) }))
		require.True(t, errs.Is(s.GetLog(1, &raft.Log{}), errs.Corrupt))
	}
}

func FuzzDecodeLog(f *testing.F) {
	f.Add(encodeLog(&raft.Log{Term: 1, Data: []byte("d"), Extensions: []byte("e"), AppendedAt: time.Unix(1, 2)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var l, back raft.Log
		if decodeLog(data, 3, &l) != nil {
			return
		}
		require.NoError(t, decodeLog(encodeLog(&l), 3, &back))
		require.Equal(t, l, back)
	})
}
