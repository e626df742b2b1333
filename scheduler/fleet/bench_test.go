package fleet_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
	"github.com/spurwheel/spurwheel/worker/agent"
)

// joinEnv makes this test binary a worker process of the benchmark.
const joinEnv = "SPURWHEEL_TEST_JOIN"

func TestMain(m *testing.M) {
	if address := os.Getenv(joinEnv); address != "" {
		idle(address)
		return
	}
	goleak.VerifyTestMain(m)
}

// idle is a worker whose tasks do nothing.
func idle(address string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if busy, _ := strconv.Atoi(os.Getenv(busyEnv)); busy > 0 {
		for range busy {
			go spin(ctx)
		}
	}
	c := &cable{}
	a := agent.New(agent.Config{
		Name: fmt.Sprint("process-", os.Getpid()), Shuffle: fmt.Sprint("process-", os.Getpid()), Slots: benchSlots, Clock: clock.Real{},
		Schedulers: []string{address}, Dial: c.grpc,
	})
	_ = a.Run(ctx, &noops{agent: a})
}

// busyEnv gives such a process goroutines that keep all cores busy.
const busyEnv = "SPURWHEEL_TEST_BUSY"

func spin(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		for range 1_000_000 {
			n++
		}
	}
}

// benchSlots is how many tasks a worker has at once. Beyond it the delay grows
// and the rate does not.
const benchSlots = 128

// noops ends tasks as they come.
type noops struct{ agent *agent.Agent }

func (n *noops) Launch(t *pb.Task) {
	n.agent.TaskDone(&pb.TaskDone{Id: t.GetId(), Output: &pb.Output{Task: t.GetId(), Worker: "w", Rows: []int64{1}, Bytes: []int64{8}}})
}
func (n *noops) Cancel(*pb.TaskID) {}
func (n *noops) Discard(string)    {}

// book is a Log that applies at once.
type book struct {
	mu    sync.Mutex
	state *record.State
}

func (b *book) Append(_ context.Context, e record.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.Apply(e)
}

// stopwatch stands between driver and fleet: it measures how long a slot stays
// empty, from the report that frees it to the launch that fills it, and the way
// to the worker and back.
type stopwatch struct {
	*fleet.Fleet
	driver *driver.Driver
	mu     sync.Mutex
	freed  map[string][]time.Time
	sent   map[int32]time.Time
	gaps   []time.Duration
	trips  []time.Duration
}

func (s *stopwatch) Launch(worker string, epoch int64, t *pb.Task) {
	now := time.Now()
	s.mu.Lock()
	if q := s.freed[worker]; len(q) > 0 {
		s.gaps, s.freed[worker] = append(s.gaps, now.Sub(q[0])), q[1:]
	}
	s.sent[t.GetId().GetPartition()] = now
	s.mu.Unlock()
	s.Fleet.Launch(worker, epoch, t)
}

func (s *stopwatch) Report(ev dispatch.Event) {
	if d, ok := ev.(dispatch.Done); ok {
		now := time.Now()
		s.mu.Lock()
		s.freed[d.Worker] = append(s.freed[d.Worker], now)
		s.trips = append(s.trips, now.Sub(s.sent[int32(d.Task.Partition)]))
		s.mu.Unlock()
	}
	s.driver.Report(ev)
}

func p99(d []time.Duration) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[len(d)*99/100].Microseconds()) / 1000
}

// BenchmarkNoOps runs jobs of 10,000 tasks that do nothing, each launched and
// acknowledged by itself, through driver, dispatch, leases and gRPC.
func BenchmarkNoOps(b *testing.B) {
	b.Run("two agents", func(b *testing.B) {
		benchmarkNoOps(b, 2, func(s *scheduler) { local(b, s, "a", benchSlots); local(b, s, "b", benchSlots) })
	})
	b.Run("two processes", func(b *testing.B) {
		benchmarkNoOps(b, 2, func(s *scheduler) { startProcess(b, s); startProcess(b, s) })
	})
	b.Run("a thousand agents", func(b *testing.B) {
		benchmarkNoOps(b, 1000, func(s *scheduler) {
			for i := range 1000 {
				local(b, s, fmt.Sprint("w", i), 2)
			}
		})
	})
}

func local(b *testing.B, s *scheduler, name string, slots int) {
	c := &cable{}
	a := agent.New(agent.Config{Name: name, Shuffle: name, Slots: slots, Clock: clock.Real{}, Schedulers: []string{s.address}, Dial: c.grpc})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = a.Run(ctx, &noops{agent: a}) })
	b.Cleanup(func() { cancel(); running.Wait() })
}

const benchTasks = 10_000

func benchmarkNoOps(b *testing.B, workers int, join func(*scheduler)) {
	s := newScheduler(b)
	log := &book{state: record.New()}
	require.NoError(b, log.Append(b.Context(), record.OpenSession{Session: "s"}))
	w := &stopwatch{freed: map[string][]time.Time{}, sent: map[int32]time.Time{}}
	w.driver = driver.New(driver.Config{Core: dispatch.New(placement.FairLocal{}), Executor: w, Log: log, Clock: clock.Real{}})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	w.Fleet, _ = s.lead(b, fleet.Config{Term: 1, Sink: w, Clock: clock.Real{}})
	running.Go(func() { _ = w.driver.Run(ctx) })
	b.Cleanup(func() { cancel(); running.Wait() })
	join(s)
	require.Eventually(b, func() bool { n, _ := w.Usable(); return n == workers }, patience, time.Millisecond)
	n := 0
	for b.Loop() {
		runJob(b, w.driver, n)
		n++
	}
	b.ReportMetric(float64(n*benchTasks)/b.Elapsed().Seconds(), "tasks/s")
	b.ReportMetric(p99(w.gaps), "ms-slot-empty-p99")
	b.ReportMetric(p99(w.trips), "ms-trip-p99")
	b.ReportMetric(0, "ns/op")
}

func runJob(b *testing.B, d *driver.Driver, n int) {
	job, err := d.Submit(b.Context(), driver.JobSpec{ID: fmt.Sprint(strings.Repeat("0", 30), n), Session: "s", Stages: []driver.StageSpec{
		{Stage: dispatch.Stage{ID: 0, Tasks: benchTasks}, Fragment: make([]byte, 256)},
	}})
	require.NoError(b, err)
	select {
	case <-job.Ended():
	case <-time.After(time.Minute):
		b.Fatal("the job does not end")
	}
	_, err = job.Result()
	require.NoError(b, err)
	require.NoError(b, job.Close(b.Context()))
}
