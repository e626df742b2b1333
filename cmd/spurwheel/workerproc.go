package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/worker/runner"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

// newWorkerProcess is the command of a second worker on this machine: it is
// started by a server, takes tasks on standard input, reports on standard
// output and ends with them.
func newWorkerProcess(p process) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:    "worker-process",
		Short:  "Run tasks for the server that started this process",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, _, err := loadSettings(p.environ, cmd.Flags())
			if err != nil {
				return err
			}
			return serveTasks(cmd.Context(), p, name, settings)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "this worker's name")
	serverFlags(cmd.Flags())
	return cmd
}

// serveTasks runs a worker until its standard input ends.
func serveTasks(ctx context.Context, p process, name string, settings config.Config) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errs.E(errs.Unavailable, "worker", err)
	}
	pipe := newFrames(p.stdin, p.stdout)
	stores, formats := storage(settings)
	budget := mem.NewBudget("worker", int64(settings.Memory)).Child("engine", int64(settings.Memory)*3/4)
	peers := shuffle.NewClient(dialByName)
	store := shuffle.New(shuffle.Config{Worker: listener.Addr().String(), Dir: filepath.Join(settings.Data, "shuffle"), Budget: budget, Peers: peers})
	tasks := runner.New(runner.Config{
		Worker: name, Registry: function.Standard(), Formats: formats, FS: stores(nil), Stores: stores, Budget: budget,
		SpillDir: filepath.Join(settings.Data, "spill"), Threads: settings.Threads, Stages: store, Reporter: pipeReporter{pipe},
		BatchRows: settings.Testing.BatchRows, ForceSpill: int64(settings.Testing.SpillBeyond),
	})
	var serving sync.WaitGroup
	serving.Go(func() { _ = store.Serve(ctx, listener) })
	if err := pipe.send(&pb.FromWorker{Kind: &pb.FromWorker_Hello{Hello: &pb.Hello{Shuffle: listener.Addr().String()}}}); err != nil {
		return err
	}
	err = takeTasks(pipe, tasks)
	err = errors.Join(err, tasks.Close())
	cancel()
	serving.Wait()
	return errors.Join(err, peers.Close(), store.Close())
}

// dialByName reaches a worker whose name in outputs is the address of its store.
func dialByName(ctx context.Context, worker string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", worker)
}

func takeTasks(pipe *frames, tasks *runner.Runner) error {
	for {
		var m pb.ToWorker
		switch err := pipe.receive(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		switch k := m.GetKind().(type) {
		case *pb.ToWorker_Launch:
			tasks.Launch(k.Launch)
		case *pb.ToWorker_Cancel:
			tasks.Cancel(k.Cancel)
		case *pb.ToWorker_Discard:
			tasks.Discard(k.Discard)
		}
	}
}

// pipeReporter reports to the parent. A parent that is gone ends the process
// by closing its input, so failures to send need no answer.
type pipeReporter struct{ pipe *frames }

// TaskDone reports success.
func (r pipeReporter) TaskDone(d *pb.TaskDone) {
	_ = r.pipe.send(&pb.FromWorker{Kind: &pb.FromWorker_Done{Done: d}})
}

// TaskFailed reports failure.
func (r pipeReporter) TaskFailed(f *pb.TaskFailed, _ error) {
	_ = r.pipe.send(&pb.FromWorker{Kind: &pb.FromWorker_Failed{Failed: f}})
}

// child is a worker process as its parent sees it.
type child struct {
	name    string
	shuffle string // address of its store
	pipe    *frames
	stdin   io.Closer
	cmd     *exec.Cmd
}

// childGrace is how long a worker process may take to end.
const childGrace = 5 * time.Second

// startChild starts a worker process and waits for its first message.
func startChild(number int, settings config.Config, stderr io.Writer) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, errs.E(errs.Internal, "worker", err)
	}
	name := "worker-" + strconv.Itoa(number)
	c := &child{name: name}
	c.cmd = exec.Command(self, //nolint:noctx // it lives until stop, longer than the call that starts it
		"worker-process", "--name", name, "--data", filepath.Join(settings.Data, name),
		"--memory", strconv.FormatInt(int64(settings.Memory), 10), "--threads", strconv.Itoa(settings.Threads))
	c.cmd.Env = append(os.Environ(), childEnv(settings)...)
	c.cmd.Stderr = stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, errs.E(errs.Exhausted, "worker", err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, errs.E(errs.Exhausted, "worker", err)
	}
	c.stdin, c.pipe = in, newFrames(out, in)
	if err := c.cmd.Start(); err != nil {
		return nil, errs.E(errs.Exhausted, "worker", err)
	}
	var m pb.FromWorker
	if err := c.pipe.receive(&m); err != nil {
		return nil, errors.Join(errs.E(errs.Unavailable, "worker", err), c.stop())
	}
	c.shuffle = m.GetHello().GetShuffle()
	return c, nil
}

// childEnv are the settings of a worker process that have no flag, or that a command line must not show.
func childEnv(settings config.Config) []string {
	return slices.Concat(childSettings(settings), storageEnv(settings.S3))
}

// childSettings are the settings of a worker process that have no flag.
func childSettings(settings config.Config) []string {
	return []string{
		envName("testing.batch-rows") + "=" + strconv.Itoa(settings.Testing.BatchRows),
		envName("testing.spill-beyond") + "=" + strconv.FormatInt(int64(settings.Testing.SpillBeyond), 10),
	}
}

// storageEnv hands the server's settings of storage to a worker process, wherever
// they came from. Secrets do not belong on a command line, which everybody sees.
func storageEnv(c config.S3) []string {
	set := map[string]string{
		"s3.endpoint": c.Endpoint, "s3.region": c.Region, "s3.access-key": string(c.AccessKey),
		"s3.secret-key": string(c.SecretKey), "s3.session-token": string(c.SessionToken),
	}
	if c.PathStyle {
		set["s3.path-style"] = strconv.FormatBool(true)
	}
	var out []string
	for key, v := range set {
		if v != "" {
			out = append(out, envName(key)+"="+v)
		}
	}
	return out
}

// stop ends the process: its input ends, and after a while it is killed.
func (c *child) stop() error {
	_ = c.stdin.Close()
	kill := time.AfterFunc(childGrace, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	err := c.cmd.Wait()
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil // how it ended was its own affair
	}
	return err
}
