package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// until waits for the gossip to show something; real time, since it is real UDP.
func until(t *testing.T, m *Members, ok func([]Peer) bool) {
	t.Helper()
	over := time.After(30 * time.Second)
	for {
		changed := m.Watch()
		if ok(m.List()) {
			return
		}
		select {
		case <-changed:
		case <-over:
			t.Fatalf("%+v", m.List())
		}
	}
}

func TestGossipFindsAndForgets(t *testing.T) {
	start := func(id string, secret byte, join ...string) *Members {
		key := make([]byte, KeySize)
		key[0] = secret
		m, err := StartGossip(t.Context(), GossipConfig{ID: id, Role: "worker", Inner: "inner-" + id, Address: "127.0.0.1:0", Join: join, Secret: key})
		require.NoError(t, err)
		return m
	}
	a := start("a", 1)
	defer func() { require.NoError(t, a.Close()) }()
	b := start("b", 1, a.Address())
	stranger := start("c", 2, a.Address())
	defer func() { require.NoError(t, stranger.Close()) }()
	both := []Peer{{ID: "a", Role: "worker", Inner: "inner-a"}, {ID: "b", Role: "worker", Inner: "inner-b"}}
	is := func(want []Peer) func([]Peer) bool {
		return func(got []Peer) bool { return len(got) == len(want) && got[len(got)-1] == want[len(want)-1] }
	}
	until(t, a, is(both))
	until(t, b, is(both))
	b.SetLoad(200)
	loaded := []Peer{both[0], both[1]}
	loaded[1].Load = 200
	until(t, a, is(loaded))
	require.NoError(t, b.Close())
	until(t, a, is(both[:1]))
	require.Len(t, stranger.List(), 1, "another secret")
}

func TestGossipRefuses(t *testing.T) {
	_, err := StartGossip(t.Context(), GossipConfig{ID: "a", Address: "10.0.0.1:7946"})
	require.True(t, errs.Is(err, errs.Permission), "%v", err)
	_, err = StartGossip(t.Context(), GossipConfig{ID: strings.Repeat("a", 600), Address: "127.0.0.1:0"})
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
	_, err = StartGossip(t.Context(), GossipConfig{ID: "a", Address: "127.0.0.1:0", Secret: []byte("short")})
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
}

func FuzzGossipMeta(f *testing.F) {
	m := &Members{cfg: GossipConfig{ID: "a", Role: "r", Inner: "i"}}
	data, err := proto.Marshal(m.meta())
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := peerOf(data); err == nil {
			require.NotEmpty(t, p.ID)
		} else {
			require.True(t, errs.Is(err, errs.Corrupt))
		}
	})
}
