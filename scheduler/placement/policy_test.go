package placement_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/placement"
)

func TestFairLocal(t *testing.T) {
	two := []placement.Worker{{ID: "a", Slots: 2}, {ID: "b", Slots: 1}}
	at := func(task int, worker string) placement.Assignment {
		return placement.Assignment{Task: task, Worker: worker}
	}
	for _, c := range []struct {
		name    string
		workers []placement.Worker
		running map[string]int
		tasks   []placement.Task
		want    []placement.Assignment
	}{
		{"users without a name are served", two, nil, []placement.Task{{}}, []placement.Assignment{at(0, "a")}},
		{"near the input", two, nil, []placement.Task{{User: "u", Prefer: []string{"b"}}}, []placement.Assignment{at(0, "b")}},
		{"not where it failed", two, nil, []placement.Task{{User: "u", Avoid: []string{"a"}}}, []placement.Assignment{at(0, "b")}},
		{
			"the user with less goes first", two[:1],
			map[string]int{"u": 5},
			[]placement.Task{{User: "u"}, {User: "u"}, {User: "v"}},
			[]placement.Assignment{at(2, "a"), at(0, "a")},
		},
		{
			"a gang fits whole", two, nil,
			[]placement.Task{{User: "u", Gang: 3}, {User: "u"}, {User: "u"}},
			[]placement.Assignment{at(0, "a"), at(1, "a"), at(2, "b")},
		},
		{"or not at all", two[:1], nil, []placement.Task{{User: "u", Gang: 3}, {User: "u"}, {User: "u"}, {User: "v"}}, []placement.Assignment{at(3, "a")}},
		{"only where the rows are", two, nil, []placement.Task{{User: "u", Only: []string{"b"}, Prefer: []string{"a"}}}, []placement.Assignment{at(0, "b")}},
		{"only where the rows are, full", two, nil, []placement.Task{{User: "u", Only: []string{"b"}}, {User: "u", Only: []string{"b"}}, {User: "v"}}, []placement.Assignment{at(0, "b"), at(2, "a")}},
		{"no more than a user may", two, map[string]int{"u": 1}, []placement.Task{{User: "u", Limit: 2}, {User: "u", Limit: 2}}, []placement.Assignment{at(0, "a")}},
		{"a gang counts whole", two, nil, []placement.Task{{User: "u", Limit: 1, Gang: 2}, {User: "u", Limit: 1}, {User: "v"}}, []placement.Assignment{at(2, "a")}},
		{
			"by weight",
			[]placement.Worker{{ID: "a", Slots: 4}},
			nil,
			[]placement.Task{{User: "u"}, {User: "u"}, {User: "u"}, {User: "v", Weight: 3}, {User: "v", Weight: 3}, {User: "v", Weight: 3}},
			[]placement.Assignment{at(0, "a"), at(3, "a"), at(4, "a"), at(5, "a")},
		},
		{
			"what does not fit lets others pass", two, nil,
			[]placement.Task{{User: "u", GPUs: 1, Class: 1}, {User: "u", GPUs: 1, Class: 1}, {User: "u", Class: 2}},
			[]placement.Assignment{at(2, "a")},
		},
		{"suspects last", []placement.Worker{{ID: "a", Slots: 9, Suspect: true}, {ID: "b", Slots: 1}}, nil, []placement.Task{{User: "u"}}, []placement.Assignment{at(0, "b")}},
	} {
		require.Equal(t, c.want, placement.FairLocal{}.Place(c.workers, c.running, c.tasks), c.name)
	}
}
