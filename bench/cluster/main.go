// Command cluster measures how many tasks a second a cluster of processes
// starts and acknowledges, and how long a free slot waits for its next task:
// three schedulers whose log waits for the disk, workers behind real gRPC
// streams, leases, and jobs of several stages whose tasks do nothing. The
// leader runs in this process; followers and workers are this binary again. It
// knows nothing of plans and rows.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

// settings are what the command line says. Role, Name, Join and Data are for
// the processes that this one starts.
type settings struct {
	Rounds    int
	Round     time.Duration
	Slots     int // of each of the two workers
	Simulated int // workers of the second part
	JSON      string
	Table     string
	Shuffle   string
	Profile   string

	Role, Name, Join, Data string
	Agents                 int
	Hold                   time.Duration
}

func main() {
	var s settings
	flag.IntVar(&s.Rounds, "rounds", 6, "rounds that count; one more is run before them")
	flag.DurationVar(&s.Round, "round", 3*time.Second, "for how long a round submits jobs")
	flag.IntVar(&s.Slots, "slots", 128, "slots of each of the two worker processes")
	flag.IntVar(&s.Simulated, "simulated", 1000, "simulated workers; 0: leave that part out")
	flag.StringVar(&s.JSON, "json", "", "file for the figures of all rounds")
	flag.StringVar(&s.Table, "table", "", "file for the report")
	flag.StringVar(&s.Shuffle, "shuffle", "", "figures of bench/shuffle, for the report")
	flag.StringVar(&s.Profile, "cpuprofile", "", "folder for processor profiles of the leader and the first worker process")
	flag.StringVar(&s.Role, "role", "", "of a child process")
	flag.StringVar(&s.Name, "name", "", "of a child process")
	flag.StringVar(&s.Join, "join", "", "of a child process")
	flag.StringVar(&s.Data, "data", "", "of a child process")
	flag.IntVar(&s.Agents, "agents", 1, "of a child process")
	flag.DurationVar(&s.Hold, "hold", 0, "of a child process")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := play(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace("cluster "+s.Role)+":", err)
		os.Exit(1)
	}
}

// play does what this process is for.
func play(ctx context.Context, s settings) error {
	stop, err := profile(s)
	if err != nil {
		return err
	}
	defer stop()
	switch s.Role {
	case "":
		return run(ctx, s)
	case roleFollower:
		return follow(ctx, s)
	case roleWorkers:
		return work(ctx, s)
	}
	return fmt.Errorf("there is no role %q", s.Role)
}

// profile writes a processor profile until stop, if one is wanted.
func profile(s settings) (stop func(), err error) {
	if s.Profile == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(s.Profile, "cluster-"+s.Role+s.Name+".prof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut short says so when it is read
	}, nil
}
