package shuffle_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/worker/exec"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var schema = types.NewSchema(types.F("k", types.Long), types.F("s", types.String))

// source is n rows (i % 1000, a text), in batches.
func source(n int) *physical.Values {
	v := &physical.Values{Out: schema}
	for from := 0; from < n; from += 3000 {
		b := batch.NewBatch(schema.Types(), 0)
		for i := from; i < min(from+3000, n); i++ {
			b.Cols[0].Append(int64(i % 1000))
			b.Cols[1].Append(strings.Repeat("x", i%20) + fmt.Sprint(i))
			b.N++
		}
		v.Data = append(v.Data, b)
	}
	return v
}

func task(stage, partition, attempt int32) *pb.Task {
	return &pb.Task{Id: &pb.TaskID{Job: "j", Stage: stage, Partition: partition, Attempt: attempt}}
}

func deps() exec.Deps {
	return exec.Deps{Registry: function.Standard(), Env: &function.Env{}, Threads: 2}
}

// write runs a hash exchange of n rows into the store.
func write(t *testing.T, s *shuffle.Store, n, parts int, tk *pb.Task) *pb.Output {
	t.Helper()
	run, err := exec.Build(source(n), deps())
	require.NoError(t, err)
	defer run.Close()
	ex := physical.Exchange{Kind: physical.ExchangeHash, Parts: parts, Keys: []plan.Expr{&plan.Bound{Typ: types.Long}}}
	out, err := s.Write(context.Background(), tk, ex, run)
	require.NoError(t, err)
	return out
}

// read gives partition p of the outputs as a task of the next stage sees it.
func read(s *shuffle.Store, p int32, all bool, outs ...*pb.Output) ([]string, error) {
	tk := task(2, p, 0)
	tk.Inputs = []*pb.StageOutputs{{Stage: 1, Outputs: outs}}
	d := deps()
	d.Inputs = s.Inputs(tk)
	run, err := exec.Build(&physical.StageInput{Stage: 1, Broadcast: all, Out: schema}, d)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	var rows []string
	for {
		b, err := run.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range b.N {
			rows = append(rows, fmt.Sprint(b.Cols[0].Get(i), b.Cols[1].Get(i)))
		}
	}
}

func wantRows(n int) []string {
	var out []string
	for _, b := range source(n).Data {
		for i := range b.N {
			out = append(out, fmt.Sprint(b.Cols[0].Get(i), b.Cols[1].Get(i)))
		}
	}
	slices.Sort(out)
	return out
}

func TestPartitionsHoldAllRowsOnceByKey(t *testing.T) {
	const n, parts = 20_000, 7
	for _, limit := range []int64{0, 1, 100 << 10} { // all in memory, all on disk, both
		t.Run(fmt.Sprint("budget ", limit), func(t *testing.T) {
			budget := mem.NewBudget("shuffle", limit)
			s := shuffle.New(shuffle.Config{Worker: "w", Dir: t.TempDir(), Budget: budget})
			out := write(t, s, n, parts, task(1, 0, 0))
			var got []string
			owner := map[string]int32{}
			for p := range int32(parts) {
				rows, err := read(s, p, false, out)
				require.NoError(t, err)
				require.Len(t, rows, int(out.Rows[p]))
				require.NotEmpty(t, rows, "partition %d", p)
				for _, r := range rows {
					k, _, _ := strings.Cut(r, " ")
					if o, ok := owner[k]; ok {
						require.Equal(t, o, p, "key %s lies in two partitions", k)
					}
					owner[k] = p
				}
				got = append(got, rows...)
			}
			slices.Sort(got)
			require.Equal(t, wantRows(n), got)
			rows, err := read(s, 3, true, out)
			require.NoError(t, err)
			slices.Sort(rows)
			require.Equal(t, wantRows(n), rows)
			s.Discard("j")
			require.Zero(t, budget.Used())
			_, err = read(s, 0, false, out)
			require.True(t, errs.Is(err, errs.Lost), "%v", err)
			require.NoError(t, s.Close())
		})
	}
}

func TestAttemptsAreSeparate(t *testing.T) {
	s := shuffle.New(shuffle.Config{Worker: "w"})
	defer s.Close()
	a, b := write(t, s, 100, 2, task(1, 0, 0)), write(t, s, 300, 2, task(1, 0, 1))
	require.EqualValues(t, 100, a.Rows[0]+a.Rows[1])
	require.EqualValues(t, 300, b.Rows[0]+b.Rows[1])
	run, err := exec.Build(source(10), deps())
	require.NoError(t, err)
	defer run.Close()
	_, err = s.Write(context.Background(), task(1, 0, 1), physical.Exchange{Parts: 2}, run)
	require.True(t, errs.Is(err, errs.Conflict), "%v", err)
}

// serve starts a store's server and returns a dialer to it.
func serve(t *testing.T, s *shuffle.Store) func(context.Context, string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return func(ctx context.Context, worker string) (net.Conn, error) {
		if worker != "far" {
			return nil, fmt.Errorf("no worker %s", worker)
		}
		return (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func TestOutputsOfOtherWorkersAreRead(t *testing.T) {
	for _, limit := range []int64{0, 1} {
		far := shuffle.New(shuffle.Config{Worker: "far", Dir: t.TempDir(), Budget: mem.NewBudget("far", limit)})
		client := shuffle.NewClient(serve(t, far))
		near := shuffle.New(shuffle.Config{Worker: "near", Peers: client})
		const n, parts = 30_000, 3
		a, b := write(t, far, n, parts, task(1, 0, 0)), write(t, near, n, parts, task(1, 1, 0))
		var got []string
		for p := range int32(parts) {
			rows, err := read(near, p, false, a, b)
			require.NoError(t, err)
			got = append(got, rows...)
		}
		slices.Sort(got)
		want := append(wantRows(n), wantRows(n)...)
		slices.Sort(want)
		require.Equal(t, want, got)

		far.Discard("j")
		_, err := read(near, 0, false, a, b)
		var gone *shuffle.LostError
		require.ErrorAs(t, err, &gone)
		require.Equal(t, "far", gone.Output.GetWorker())
		require.True(t, errs.Is(err, errs.Lost))
		require.NoError(t, client.Close())
		require.NoError(t, near.Close())
		require.NoError(t, far.Close())
	}
}

// A peer that sends nonsense, or hangs up early, is a lost output, not a crash.
func TestBrokenPeer(t *testing.T) {
	frame := make([]byte, 64)
	frame[0], frame[7] = 'S', 1
	for answer, reason := range map[string]shuffle.Reason{
		"": shuffle.ReasonCut, "short": shuffle.ReasonCut, string(frame): shuffle.ReasonChecksum, strings.Repeat("SHB2", 100): shuffle.ReasonChecksum,
	} {
		near := shuffle.New(shuffle.Config{Worker: "near", Clock: atOnce{}, Peers: shuffle.NewClient(func(context.Context, string) (net.Conn, error) {
			a, b := net.Pipe()
			go func() {
				buf := make([]byte, 256)
				_, _ = b.Read(buf)
				_, _ = io.WriteString(b, answer)
				_ = b.Close()
			}()
			return a, nil
		})})
		_, err := read(near, 0, false, &pb.Output{Task: task(1, 0, 0).Id, Worker: "far", Rows: []int64{5}})
		require.True(t, errs.Is(err, errs.Lost), "%q: %v", answer, err)
		var lost *shuffle.LostError
		require.ErrorAs(t, err, &lost)
		require.Equal(t, reason, lost.Reason, "%q: %v", answer, err)
		require.Equal(t, "far", lost.Output.GetWorker())
		require.NoError(t, near.Close())
	}
}

// atOnce is a clock whose timers are over when they are made.
type atOnce struct{ clock.Real }

func (c atOnce) NewTimer(time.Duration) clock.Timer { return c.Real.NewTimer(0) }

// Whoever drops a job's outputs cancels its tasks first. However the two meet, nothing may stay.
func TestDiscardWhileTasksEnd(t *testing.T) {
	const rounds = 400
	budget := mem.NewBudget("shuffle", 0)
	s := shuffle.New(shuffle.Config{Worker: "w", Budget: budget})
	defer s.Close()
	for range rounds {
		run, err := exec.Build(source(10), deps())
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		written := make(chan error, 1)
		go func() {
			_, err := s.Write(ctx, task(1, 0, 0), physical.Exchange{Kind: physical.ExchangeSingle, Parts: 1}, run)
			written <- err
		}()
		for budget.Used() == 0 && len(written) == 0 {
			runtime.Gosched() // until the task is about to end
		}
		cancel()
		s.Discard("j")
		if err := <-written; err == nil {
			require.Zero(t, budget.Used(), "stored before the job was dropped")
		} else {
			require.ErrorIs(t, err, context.Canceled)
			require.Zero(t, budget.Used(), "stored after the job was dropped")
		}
		require.NoError(t, run.Close())
	}
}
