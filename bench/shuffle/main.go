// Command shuffle measures how many bytes of stage outputs a second of
// processor time moves from one worker's store to another worker's batches,
// checksums at both ends, beside what the machine can do at all in the same
// run. Both ends run in this process, so that its own resource usage is that of
// both. It knows nothing of jobs.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often everything is measured, in turn")
	size := flag.Int("mib", 256, "stored bytes of the output, MiB")
	passes := flag.Int("passes", 4, "how often each measure reads them")
	out := flag.String("json", "", "file for the figures of all rounds")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *size<<20, *passes, *out); err != nil {
		fmt.Fprintln(os.Stderr, "shuffle:", err)
		os.Exit(1)
	}
}

// figure is one measure of one round.
type figure struct {
	Name  string  `json:"name"`
	Bytes int64   `json:"bytes"`
	CPU   float64 `json:"cpu_s"`
	Wall  float64 `json:"wall_s"`
}

// rate is GB (10^9 bytes) a second of processor time.
func (f figure) rate() float64 { return float64(f.Bytes) / 1e9 / f.CPU }

func run(ctx context.Context, rounds, size, passes int, out string) error {
	b, err := newBed(ctx, size)
	if err != nil {
		return err
	}
	defer b.close()
	var all []figure
	for range rounds {
		for _, m := range b.measures() {
			runtime.GC()
			f, err := m.take(ctx, passes)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			all = append(all, f)
		}
	}
	report(b, all)
	if out == "" {
		return nil
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o600)
}

// report prints the median round of each measure. What the writer's sum costs
// is added to the ways through the store: it is paid when a block is closed,
// not while it is read.
func report(b *bed, all []figure) {
	median := map[string]float64{}
	var names []string
	for _, f := range all {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	fmt.Printf("%-44s %12s %10s %10s\n", "", "GB / CPU s", "CPU s/GB", "GB/s")
	for _, name := range names {
		var rates, walls []float64
		for _, f := range all {
			if f.Name == name {
				rates, walls = append(rates, f.rate()), append(walls, float64(f.Bytes)/1e9/f.Wall)
			}
		}
		slices.Sort(rates)
		slices.Sort(walls)
		median[name] = rates[len(rates)/2]
		fmt.Printf("%-44s %12.2f %10.3f %10.2f\n", name, median[name], 1/median[name], walls[len(walls)/2])
	}
	fmt.Printf("\nwith the writer's sum (%s), blocks of %d KiB:\n", sumHot, b.blockSize>>10)
	for _, name := range names {
		goals, way := floors[name]
		if !way {
			continue
		}
		rate := 1 / (1/median[name] + 1/median[sumHot])
		fmt.Printf("%-44s %12.2f", name, rate)
		if goals[0] > 0 {
			fmt.Printf("   floor %.1f %s, goal %.1f %s", goals[0], met(rate, goals[0]), goals[1], met(rate, goals[1]))
		}
		fmt.Println()
	}
}

func met(rate, want float64) string {
	if rate >= want {
		return "met"
	}
	return strings.ToUpper("missed")
}

// floors are the floor and the goal of each way, in GB a CPU second; 0 where none is set.
var floors = map[string][2]float64{storeUnix: {3, 5}, storeTCP: {1.5, 2}, storeTLS: {0, 0}, storeFile: {0, 0}}
