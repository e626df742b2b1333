package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func samples() []record.Entry {
	return []record.Entry{
		record.OpenSession{Session: "s1", User: "u", Client: "c", Server: "v"},
		record.OpenSession{Session: "s2"},
		record.SessionPut{Session: "s1", Key: "conf/a", Value: []byte("1")},
		record.SessionPut{Session: "s1", Key: "view/b", Value: []byte("2")},
		record.SessionPut{Session: "s1", Key: "conf/a", Value: []byte("3")},
		record.SessionDelete{Session: "s1", Key: "none"},
		record.SubmitJob{Job: "j", Session: "s1", Stages: 2, Plan: []byte("p"), Operation: "o", Spec: []byte("spec")},
		record.StageDone{Job: "j", Stage: 1, Outputs: []byte("out")},
		record.Choose{Job: "j", Attempts: map[int]int{0: 1, 7: 0}},
		record.Commit{Job: "j"},
		record.SubmitJob{Job: "k", Session: "s2"},
		record.EndJob{Job: "k", Failed: true, Reason: "r"},
		record.WorkerJoined{Name: "w", Epoch: 3, Addresses: []string{"a:1", "b:2"}},
		record.WorkerJoined{Name: "x", Epoch: 1},
		record.WorkerGone{Name: "x", Epoch: 1, Reason: "killed"},
		record.MemberUp{ID: "m", Raft: "r:1", Inner: "i:2", Instance: "n"},
		record.MemberUp{ID: "n"},
		record.MemberGone{ID: "n"},
		record.Request{Client: "c", Sequence: 4, Entry: record.SessionPut{Session: "nowhere", Key: "k"}},
		record.CloseSession{Session: "s2"},
	}
}

func TestEntriesComeBackAsTheyWere(t *testing.T) {
	for _, e := range samples() {
		data, err := record.Encode(e)
		require.NoError(t, err, "%T", e)
		back, err := record.Decode(data)
		require.NoError(t, err, "%T", e)
		require.Equal(t, e, back)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, e := range map[string]record.Entry{
		"no name":              record.CloseSession{},
		"a long name":          record.CloseSession{Session: strings.Repeat("s", record.MaxName+1)},
		"a negative stage":     record.StageDone{Job: "j", Stage: -1},
		"a stage past 32 bits": record.StageDone{Job: "j", Stage: 1 << 40},
		"a negative attempt":   record.Choose{Job: "j", Attempts: map[int]int{0: -1}},
		"sequence 0":           record.Request{Client: "c", Entry: record.CloseSession{Session: "s"}},
		"a nested request":     record.Request{Client: "c", Sequence: 1, Entry: record.Request{Client: "d", Sequence: 1}},
		"an entry too large":   record.SessionPut{Session: "s", Key: "k", Value: make([]byte, record.MaxEntry)},
		"text that is not":     record.CloseSession{Session: "\xff"},
		"nothing":              nil,
	} {
		_, err := record.Encode(e)
		require.Error(t, err, name)
		require.NotEqual(t, errs.Other, errs.KindOf(err), name)
	}
}

func filled(t testing.TB) *record.State {
	s := record.New()
	for _, e := range samples() {
		_ = s.Apply(e) // one of them is refused, and that is remembered
	}
	require.Equal(t, []record.Value{{Key: "view/b", Value: []byte("2")}, {Key: "conf/a", Value: []byte("3")}}, s.Session("s1").Values())
	return s
}

func saved(t testing.TB, s *record.State) []byte {
	var out bytes.Buffer
	require.NoError(t, s.Save(&out))
	return out.Bytes()
}

func TestSnapshotHoldsEverything(t *testing.T) {
	s := filled(t)
	back, err := record.Load(bytes.NewReader(saved(t, s)))
	require.NoError(t, err)
	require.Equal(t, saved(t, s), saved(t, back))
	require.Equal(t, s.Session("s1").Values(), back.Session("s1").Values())
	require.Equal(t, "s1", back.SessionOf("u", "c").ID)
	require.Equal(t, s.Job("j").Chosen, back.Job("j").Chosen)
	require.Equal(t, record.Committing, back.Job("j").Status)
	require.Equal(t, s.Members(), back.Members())
	require.Equal(t, s.Bytes(), back.Bytes())
	again := record.Request{Client: "c", Sequence: 4, Entry: record.SessionPut{Session: "s1", Key: "k"}}
	require.Equal(t, s.Apply(again).Error(), back.Apply(again).Error(), "both answer as at first")
	_, put := back.Session("s1").Value("k")
	require.False(t, put)
}

func TestSnapshotShowsDamage(t *testing.T) {
	data := saved(t, filled(t))
	for i := range data {
		broken := bytes.Clone(data)
		broken[i] ^= 0x10
		_, err := record.Load(bytes.NewReader(broken))
		require.True(t, errs.Is(err, errs.Corrupt), "byte %d: %v", i, err)
		_, err = record.Load(bytes.NewReader(data[:i]))
		require.True(t, errs.Is(err, errs.Corrupt), "cut at %d: %v", i, err)
	}
}

// A clone and its origin go different ways; each must stay what it would be alone.
func TestClonesAreApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := filled(t)
	for range 200 {
		before := saved(t, s)
		c := s.Clone()
		for range 5 {
			_ = s.Apply(anyEntry(rng))
		}
		require.Equal(t, before, saved(t, c), "the clone does not follow")
		now := saved(t, s)
		for range 5 {
			_ = c.Apply(anyEntry(rng))
		}
		require.Equal(t, now, saved(t, s), "the origin does not follow")
	}
}

func anyEntry(rng *rand.Rand) record.Entry {
	name := func(s string) string { return fmt.Sprint(s, rng.IntN(3)) }
	switch rng.IntN(10) {
	case 0:
		return record.OpenSession{Session: name("s"), User: "u", Client: name("c")}
	case 1:
		return record.SessionDelete{Session: name("s"), Key: name("k")}
	case 2:
		return record.SubmitJob{Job: name("j"), Session: name("s"), Spec: []byte(name("x"))}
	case 3:
		return record.StageDone{Job: name("j"), Stage: rng.IntN(3), Outputs: []byte(name("o"))}
	case 4:
		return record.Choose{Job: name("j"), Attempts: map[int]int{rng.IntN(5): rng.IntN(2)}}
	case 5:
		return record.EndJob{Job: name("j")}
	case 6:
		return record.WorkerJoined{Name: name("w"), Epoch: int64(rng.IntN(4))}
	case 7:
		return record.Request{Client: name("q"), Sequence: 1 + rng.Uint64N(3), Entry: record.SessionPut{Session: name("s"), Key: name("k")}}
	case 8:
		return record.CloseSession{Session: name("s")}
	}
	return record.SessionPut{Session: name("s"), Key: name("k"), Value: []byte(name("v"))}
}

func TestRequestsAreAppliedOnce(t *testing.T) {
	s := record.New()
	require.NoError(t, s.Apply(record.OpenSession{Session: "s"}))
	first := record.Request{Client: "c", Sequence: 1, Entry: record.SubmitJob{Job: "j", Session: "s"}}
	require.NoError(t, s.Apply(first))
	require.NoError(t, s.Apply(record.EndJob{Job: "j"}))
	require.NoError(t, s.Apply(first), "answered, not done again")
	require.Nil(t, s.Job("j"))
	refused := record.Request{Client: "c", Sequence: 2, Entry: record.SubmitJob{Job: "j", Session: "gone"}}
	for range 2 {
		require.True(t, errs.Is(s.Apply(refused), errs.NotFound))
	}
	require.True(t, errs.Is(s.Apply(first), errs.Conflict), "too late")
	for i := range 2 * record.MaxClients {
		require.NoError(t, s.Apply(record.Request{Client: fmt.Sprint(i), Sequence: 1, Entry: record.WorkerGone{Name: "w"}}))
	}
	require.NoError(t, s.Apply(record.Request{Client: fmt.Sprint(2*record.MaxClients - 1), Sequence: 1, Entry: nil}), "still remembered")
}

func TestSessionsHaveALimitOfBytes(t *testing.T) {
	s := record.New()
	require.NoError(t, s.Apply(record.OpenSession{Session: "s"}))
	put := func(key string, n int) error {
		return s.Apply(record.SessionPut{Session: "s", Key: key, Value: make([]byte, n)})
	}
	require.NoError(t, put("a", record.MaxSessionBytes/2))
	require.NoError(t, put("b", record.MaxSessionBytes/4))
	require.True(t, errs.Is(put("c", record.MaxSessionBytes/2), errs.Exhausted))
	require.NoError(t, put("a", 1), "a smaller value makes room")
	require.NoError(t, put("c", record.MaxSessionBytes/2))
	require.NoError(t, s.Apply(record.CloseSession{Session: "s"}))
	require.Zero(t, s.Bytes())
}

func TestOneSessionOfAClient(t *testing.T) {
	s := record.New()
	open := func(id, user, client string) error {
		return s.Apply(record.OpenSession{Session: id, User: user, Client: client})
	}
	require.NoError(t, open("1", "u", "c"))
	require.NoError(t, open("2", "v", "c"), "another user's")
	require.NoError(t, open("1", "u", "c"), "again")
	require.True(t, errs.Is(open("3", "u", "c"), errs.Exists))
	require.NoError(t, s.Apply(record.CloseSession{Session: "1"}))
	require.NoError(t, open("3", "u", "c"))
	require.Equal(t, "3", s.SessionOf("u", "c").ID)
	require.Nil(t, s.SessionOf("u", ""))
}

func TestAWorkersPastIsIgnored(t *testing.T) {
	s := record.New()
	require.NoError(t, s.Apply(record.WorkerJoined{Name: "w", Epoch: 2}))
	require.NoError(t, s.Apply(record.WorkerGone{Name: "w", Epoch: 1}))
	require.Len(t, s.Workers(), 1)
	require.True(t, errs.Is(s.Apply(record.WorkerJoined{Name: "w", Epoch: 1}), errs.Conflict))
	require.NoError(t, s.Apply(record.WorkerGone{Name: "w", Epoch: 2}))
	require.Empty(t, s.Workers())
}

func FuzzEntry(f *testing.F) {
	for _, e := range samples() {
		data, err := record.Encode(e)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := record.Decode(data)
		if err != nil {
			require.NotEqual(t, errs.Other, errs.KindOf(err))
			return
		}
		again, err := record.Encode(e)
		require.NoError(t, err)
		back, err := record.Decode(again)
		require.NoError(t, err)
		require.Equal(t, e, back)
		_ = filled(t).Apply(e)
	})
}

func FuzzSnapshot(f *testing.F) {
	f.Add(saved(f, record.New()))
	f.Add(saved(f, filled(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := record.Load(bytes.NewReader(data))
		if err != nil {
			require.True(t, errs.Is(err, errs.Corrupt), "%v", err)
			return
		}
		back, err := record.Load(bytes.NewReader(saved(t, s)))
		require.NoError(t, err)
		require.Equal(t, saved(t, s), saved(t, back))
	})
}

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestSaveReportsAFullDisk(t *testing.T) {
	s := filled(t)
	for n := range len(saved(t, s)) {
		require.True(t, errs.Is(s.Save(&full{n}), errs.Unavailable), "%d bytes of room", n)
	}
}
