package mem_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
)

func TestChildrenCountInAncestors(t *testing.T) {
	root := mem.NewBudget("root", 100)
	a, b := root.Child("a", 60), root.Child("b", 0)
	require.NoError(t, a.Grow(50))
	require.True(t, errs.Is(a.Grow(20), errs.Exhausted), "its own limit")
	require.True(t, errs.Is(b.Grow(60), errs.Exhausted), "the root's")
	require.Equal(t, []int64{50, 0, 50}, []int64{a.Used(), b.Used(), root.Used()}, "a refusal books nothing")
	require.Equal(t, int64(50), b.Free())
	a.Shrink(50)
	require.Zero(t, root.Used())
}

// What goes first is refused by its own limit only; others see what it took.
func TestWhatGoesFirstIsNotRefusedByOthers(t *testing.T) {
	root := mem.NewBudget("root", 100)
	task := root.Child("task", 0)
	operator, reader := task.Child("operator", 0), task.First("reading")
	require.Equal(t, int64(100), reader.Limit())
	require.NoError(t, operator.Grow(100))
	require.NoError(t, reader.Grow(30))
	require.Equal(t, int64(130), root.Used())
	require.True(t, errs.Is(operator.Grow(1), errs.Exhausted))
	require.True(t, errs.Is(reader.Grow(71), errs.Exhausted))
	require.Equal(t, int64(130), root.Used())
	operator.Shrink(100)
	reader.Shrink(30)
	require.Zero(t, root.Used())
	require.Equal(t, int64(130), root.Peak())
}
