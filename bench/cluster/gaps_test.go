package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

func TestQuantilesAreTheUpperEndsOfSteps(t *testing.T) {
	m := &meter{}
	for i := range 100 {
		m.add(time.Duration(i) * time.Millisecond)
	}
	m.add(time.Hour)
	g := m.take().Gaps
	require.EqualValues(t, 101, g.count())
	require.Equal(t, 50*time.Millisecond+gapStep, g.quantile(0.5))
	require.Equal(t, 99*time.Millisecond+gapStep, g.quantile(0.99))
	require.Equal(t, (gapTop+1)*gapStep, g.quantile(0.999))
	require.Empty(t, m.take().Gaps, "it begins anew")
	require.Zero(t, gaps{}.quantile(0.5))
}

func TestOnlyWaitsOfALongQueueCount(t *testing.T) {
	for partition, want := range map[int32]bool{0: true, wideTasks - queued - 1: true, wideTasks - queued: false} {
		require.Equal(t, want, backed(&pb.TaskID{Stage: wideStage, Partition: partition}))
	}
	require.False(t, backed(&pb.TaskID{}))
}

func TestBoundsAreJudgedByTheMedian(t *testing.T) {
	s := settings{Simulated: 1000}
	r := result{Machine: machine{Cores: 2}}
	for _, p := range parts(s) {
		for _, wall := range []float64{1, 1.5, 10} {
			r.Rounds = append(r.Rounds, round{Part: p.name, Tasks: 90_000, Wall: wall, Leader: wall, P99: 4 * wall})
		}
	}
	text := string(table(s, r, []moved{{"store to batches, TCP", 4e9, 1}, {sumOf, 4e9, 1}}))
	require.Contains(t, text, "| **2 worker processes**: tasks/s | 60000 | 9000 – 90000 | 50000, met | 100000, **missed** |")
	require.Contains(t, text, "| delay p99, ms | 6.00 | 4.00 – 40.00 | 10.00, met |  |")
	require.Contains(t, text, "TCP, sums at both ends | 2.00 | 2.00 – 2.00 | 1.50, met | 2.00, met |")
	require.Equal(t, 2, strings.Count(text, "| 10.00, met |"), "not where idle slots are many")
}
