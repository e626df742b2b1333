package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func randomRows(n, dim int, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 2))
	rows := make([]float32, n*dim)
	for i := range rows {
		rows[i] = float32(random.NormFloat64())
	}
	return rows
}

func TestNearestAgainstPlainLoops(t *testing.T) {
	c := helperConfig(t)
	for _, capability := range []string{"9.0", "7.0"} {
		t.Run(capability, func(t *testing.T) {
			t.Setenv("SPURWHEEL_FAKE_CAPABILITY", capability)
			h := start(t, c)
			for _, tt := range []struct{ queries, rows, dim, top int }{{1, 1, 1, 1}, {33, 100, 17, 10}, {70, 17_000, 5, 128}, {40, 64, 100, 64}} {
				queries, rows := randomRows(tt.queries, tt.dim, 1), randomRows(tt.rows, tt.dim, 2)
				ids, scores, err := h.Nearest(t.Context(), queries, rows, tt.dim, tt.top)
				require.NoError(t, err)
				for q := range tt.queries {
					want := products(queries[q*tt.dim:][:tt.dim], rows)
					order := make([]int, tt.rows)
					for i := range order {
						order[i] = i
					}
					slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(want[b], want[a]) })
					for k := range tt.top {
						at := fmt.Sprintf("%+v query %d place %d", tt, q, k)
						require.InDelta(t, want[order[k]], scores[q*tt.top+k], 1e-4, at)
						require.InDelta(t, want[order[k]], want[ids[q*tt.top+k]], 1e-4, at)
					}
				}
			}
		})
	}
}

func products(query, rows []float32) []float64 {
	dim := len(query)
	all := make([]float64, len(rows)/dim)
	for i := range all {
		for k, x := range query {
			all[i] += float64(x) * float64(rows[i*dim+k])
		}
	}
	return all
}

func TestAssignAgainstPlainLoops(t *testing.T) {
	h := start(t, helperConfig(t))
	const points, centres, dim = 5000, 37, 20
	from, to := randomRows(points, dim, 1), randomRows(centres, dim, 2)
	nearest, distances, err := h.Assign(t.Context(), from, to, dim)
	require.NoError(t, err)
	for p := range points {
		distance := func(c uint32) (sum float64) {
			for k := range dim {
				d := float64(from[p*dim+k]) - float64(to[int(c)*dim+k])
				sum += d * d
			}
			return sum
		}
		least := distance(0)
		for c := range uint32(centres) {
			least = min(least, distance(c))
		}
		require.InDelta(t, least, distance(nearest[p]), 1e-3, "point %d", p)
		require.InDelta(t, least, distances[p], 1e-3, "point %d", p)
	}
}
