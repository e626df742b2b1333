package cluster

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func TestBackupWipeRestore(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.open("a")
		leader := w.leader()
		sealed, err := leader.Seal([]byte("secret"), "a/key")
		require.NoError(t, err)
		for _, e := range []record.Entry{
			record.SessionPut{Session: "a", Key: "key", Value: sealed},
			record.SubmitJob{Job: "j", Session: "a", Spec: []byte("spec")},
			record.StageDone{Job: "j", Stage: 1, Outputs: []byte("o")},
		} {
			require.NoError(t, leader.Append(t.Context(), e))
		}
		var backup bytes.Buffer
		require.NoError(t, leader.Backup(t.Context(), &backup))
		require.Error(t, w.up[w.others(leader)[0]].Backup(t.Context(), &bytes.Buffer{}), "followers may be late")
		require.NotContains(t, backup.String(), "secret")

		w.stopAll()
		for _, n := range w.names {
			require.NoError(t, os.RemoveAll(filepath.Join(w.dir, n)))
		}
		w.names = []string{"s7", "s8", "s9"} // another group altogether
		for _, n := range w.names {
			w.start(n, 3)
		}
		w.open("other")
		w.settled("other")
		leader = w.leader()
		damaged := bytes.Clone(backup.Bytes())
		damaged[20] ^= 1
		require.True(t, errs.Is(leader.Restore(t.Context(), bytes.NewReader(damaged)), errs.Corrupt))
		require.NoError(t, leader.Restore(t.Context(), bytes.NewReader(backup.Bytes())))
		w.open("after")
		w.settled("after")
		for name, g := range w.up {
			require.False(t, has(g, "other"), name)
			g.Peek(func(s *record.State) {
				require.Equal(t, "spec", string(s.Job("j").Spec))
				require.Equal(t, "o", string(s.Job("j").Done[1]))
				v, _ := s.Session("a").Value("key")
				open, err := g.Open(v, "a/key")
				require.NoError(t, err)
				require.Equal(t, "secret", string(open))
			})
			w.eventually("all are members", func() bool { return members(g) == 3 })
		}
	})
}

func TestSealedValuesStayInTheirPlace(t *testing.T) {
	of := func(secret []byte) *Group {
		s, err := newSealer(secret)
		require.NoError(t, err)
		return &Group{sealer: s}
	}
	g := of(bytes.Repeat([]byte{1}, KeySize))
	sealed, err := g.Seal([]byte("v"), "here")
	require.NoError(t, err)
	open, err := g.Open(sealed, "here")
	require.NoError(t, err)
	require.Equal(t, "v", string(open))
	again, err := g.Seal([]byte("v"), "here")
	require.NoError(t, err)
	require.NotEqual(t, sealed, again)

	for name, f := range map[string]func() ([]byte, error){
		"another place":  func() ([]byte, error) { return g.Open(sealed, "there") },
		"another secret": func() ([]byte, error) { return of(bytes.Repeat([]byte{2}, KeySize)).Open(sealed, "here") },
		"cut":            func() ([]byte, error) { return g.Open(sealed[:9], "here") },
		"nothing":        func() ([]byte, error) { return g.Open(nil, "here") },
	} {
		_, err := f()
		require.True(t, errs.Is(err, errs.Corrupt), "%s: %v", name, err)
	}
	_, err = of(nil).Seal(nil, "")
	require.True(t, errs.Is(err, errs.NotSupported))
}
