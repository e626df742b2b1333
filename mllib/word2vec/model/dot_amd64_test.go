package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func checkAVX2(t *testing.T, rows, q, want []float32) {
	t.Helper()
	got := make([]float32, len(want))
	dotsAVX2(&got[0], &rows[0], len(got), len(q), &q[0])
	require.InDeltaSlice(t, want, got, 1e-5, len(q))
}
