package skew_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/skew"
)

func TestNeighboursWorkTogether(t *testing.T) {
	for theirs := int32(4); theirs <= 6; theirs++ {
		require.NoError(t, skew.Check("w", theirs, 5))
	}
	require.NoError(t, skew.Check("w", 0, 5), "of before there was a number")
	require.NoError(t, skew.Check("w", 5, 0))
	for _, theirs := range []int32{3, 7, -1, 1 << 30} {
		err := skew.Check("w-1", theirs, 5)
		require.True(t, errs.Is(err, errs.NotSupported), "%d: %v", theirs, err)
		require.ErrorContains(t, err, "w-1 speaks protocol")
		require.ErrorContains(t, err, "upgrade")
	}
}
