package fleet_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
)

// startProcess starts this test binary as a worker whose tasks do nothing.
func startProcess(t testing.TB, s *scheduler, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(append(os.Environ(), joinEnv+"="+s.address), env...)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGCONT)
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	return cmd
}

// TestProcessesThatDie kills and stops real processes. The limits are of the
// lease's times and wide for a busy machine; what it takes is logged.
func TestProcessesThatDie(t *testing.T) {
	for name, c := range map[string]struct {
		signal syscall.Signal
		reason string
		within time.Duration
	}{
		"killed":  {syscall.SIGKILL, fleet.Killed, 3 * time.Second},
		"stopped": {syscall.SIGSTOP, fleet.Silent, 10 * time.Second},
		"ended":   {syscall.SIGTERM, fleet.Stopped, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, e := newScheduler(t), newEar()
			f, _ := s.lead(t, fleet.Config{Term: 1, Sink: e, Terms: fleet.StandardTerms()})
			cmd := startProcess(t, s)
			up := next[dispatch.WorkerUp](t, e)
			f.Launch(up.Worker, up.Epoch, task("j", 0))
			next[dispatch.Done](t, e) // it has read its welcome
			start := time.Now()
			require.NoError(t, cmd.Process.Signal(c.signal))
			down := next[dispatch.WorkerDown](t, e)
			took := time.Since(start)
			t.Logf("%s: found within %s", name, took)
			require.Equal(t, dispatch.WorkerDown{Worker: up.Worker, Epoch: up.Epoch, Reason: c.reason, Crashed: c.reason == fleet.Killed}, down)
			require.Less(t, took, c.within)
			if c.signal == syscall.SIGSTOP {
				require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
				require.Greater(t, next[dispatch.WorkerUp](t, e).Epoch, up.Epoch, "it comes back as somebody new")
			}
		})
	}
}

// TestStarvation keeps all cores busy many times over, for as long as
// SPURWHEEL_STARVE says, and expects no worker to be lost.
func TestStarvation(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("SPURWHEEL_STARVE"))
	if err != nil {
		t.Skip("SPURWHEEL_STARVE=30s runs it")
	}
	s, e := newScheduler(t), newEar()
	f, _ := s.lead(t, fleet.Config{Term: 1, Sink: e, Terms: fleet.StandardTerms()})
	const workers = 8
	for range workers {
		startProcess(t, s, busyEnv+"=4")
	}
	for range workers {
		next[dispatch.WorkerUp](t, e)
	}
	worst := int64(0)
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		for _, w := range f.Status() {
			worst = max(worst, w.GetLastHeardMs())
		}
	}
	t.Logf("longest silence %d ms, leases made longer %v times", worst, gather(t, fleet.NewMetrics(s.door.Fleet))["fleet_extended_leases_total"])
	require.Empty(t, e.events)
}
