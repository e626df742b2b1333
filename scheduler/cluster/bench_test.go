package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/record"
)

// BenchmarkAppend is what an entry of 1 KiB costs on three schedulers over TCP
// that wait for the disk, from one caller and from many.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			leader := benchGroup(b)
			require.NoError(b, leader.Append(b.Context(), record.OpenSession{Session: "s"}))
			value := make([]byte, 1024)
			took := make([][]time.Duration, callers)
			var all sync.WaitGroup
			b.ResetTimer()
			for c := range callers {
				all.Go(func() {
					for i := c; i < b.N; i += callers {
						began := time.Now()
						if err := leader.Append(b.Context(), record.SessionPut{Session: "s", Key: fmt.Sprint(c), Value: value}); err != nil {
							b.Error(err)
							return
						}
						took[c] = append(took[c], time.Since(began))
					}
				})
			}
			all.Wait()
			b.StopTimer()
			sorted := slices.Concat(took...)
			slices.Sort(sorted)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
			b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds()), "p99-µs")
		})
	}
}

func benchGroup(b *testing.B) *Group {
	all := freeAddresses(b, 3)
	leaderc := make(chan *Group, 3)
	for i, a := range all {
		g, err := Start(b.Context(), Config{ID: fmt.Sprint("s", i), Address: a, Data: b.TempDir(), Expect: 3, Join: all})
		require.NoError(b, err)
		ctx, cancel := context.WithCancel(b.Context())
		var running sync.WaitGroup
		running.Go(func() {
			_ = g.Run(ctx, func(ctx context.Context, _ uint64) error {
				leaderc <- g
				<-ctx.Done()
				return nil
			})
		})
		b.Cleanup(func() {
			cancel()
			running.Wait()
			require.NoError(b, g.Close())
		})
	}
	return <-leaderc
}
