package record_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

func TestRecord(t *testing.T) {
	s := record.New()
	apply := func(e record.Entry) error { return s.Apply(e) }
	require.True(t, errs.Is(apply(record.SubmitJob{Job: "j", Session: "s"}), errs.NotFound), "no session yet")
	require.NoError(t, apply(record.OpenSession{Session: "s", User: "u"}))
	for range 2 { // a client that heard no answer sends again
		require.NoError(t, apply(record.SubmitJob{Job: "j", Session: "s", Stages: 2}))
	}
	require.NoError(t, apply(record.StageDone{Job: "j", Stage: 0, Outputs: []byte("o")}))
	require.Equal(t, "o", string(s.Job("j").Done[0]))

	require.NoError(t, apply(record.Choose{Job: "j", Attempts: map[int]int{0: 1, 1: 0}}))
	require.NoError(t, apply(record.Choose{Job: "j", Attempts: map[int]int{0: 1}}))
	require.True(t, errs.Is(apply(record.Choose{Job: "j", Attempts: map[int]int{0: 2}}), errs.Conflict), "one attempt per partition")
	require.Equal(t, map[int]int{0: 1, 1: 0}, s.Job("j").Chosen)

	require.NoError(t, apply(record.Commit{Job: "j"}))
	require.True(t, errs.Is(apply(record.EndJob{Job: "j", Failed: true}), errs.Conflict), "a committing job can only succeed")
	require.NoError(t, apply(record.EndJob{Job: "j"}))
	require.NoError(t, apply(record.EndJob{Job: "j"}))
	sessions, jobs := s.Live()
	require.Equal(t, []int{1, 0}, []int{sessions, jobs})
	require.NoError(t, apply(record.CloseSession{Session: "s"}))
}
