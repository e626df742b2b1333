package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/obs"
	"github.com/spurwheel/spurwheel/worker/agent"
	"github.com/spurwheel/spurwheel/worker/runner"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

// workerSlots is how many tasks a worker takes at once: each uses all threads,
// a second fills the pauses of the first, more would only share the memory.
const workerSlots = 4

// engineShare of a process's memory is what may be booked: freed blocks wait for the collector.
func engineShare(m config.Size) int64 { return int64(m) * 3 / 4 }

// runWorker runs tasks until ctx ends.
func runWorker(ctx context.Context, p process, log *slog.Logger, settings config.Config) (err error) {
	data, err := openDataFolder(settings.Data)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, data.Close()) }()
	sec, err := openSecurity(settings.TLS, "", log)
	if err != nil {
		return err
	}
	w, err := newWorker(ctx, settings, sec, log)
	if err != nil {
		return err
	}
	registry := obs.NewRegistry(buildVersion())
	registry.MustRegister(append(w.agent.Metrics(), obs.Memory(w.budget.Used, w.budget.Peak, w.budget.Limit)...)...)
	return serveRole(ctx, settings, registry, func(ctx context.Context, http string) error {
		printReady(p.stdout, "role=worker", "name="+w.name, "http="+http)
		return w.run(ctx)
	})
}

// worker is a process that runs tasks for whoever leads.
type worker struct {
	name     string
	budget   *mem.Budget
	agent    *agent.Agent
	tasks    *runner.Runner
	store    *shuffle.Store
	peers    *shuffle.Client
	listener *shuffle.Listener
}

func newWorker(ctx context.Context, settings config.Config, sec *security, log *slog.Logger) (*worker, error) {
	debug.SetMemoryLimit(int64(settings.Memory))
	spill := filepath.Join(settings.Data, "spill")
	if err := os.RemoveAll(spill); err != nil { // of an earlier process
		return nil, errs.E(errs.Permission, "worker", err)
	}
	epoch := uint64(time.Now().UnixMicro())
	door, out := sec.stores()
	listener, err := shuffle.Listen(ctx, shuffle.Endpoint{TCP: settings.Cluster.Listen, TLS: door, Unix: filepath.Join(settings.Data, "shuffle.sock")}, epoch)
	if err != nil {
		return nil, err
	}
	budget := mem.NewBudget("process", int64(settings.Memory)).Child("engine", engineShare(settings.Memory))
	stores, formats := storage(settings)
	dial := shuffle.Dialer{TLS: out}
	w := &worker{name: workerName(settings), budget: budget, peers: shuffle.NewClient(dial.Dial), listener: listener}
	address := listener.Address().String()
	w.store = shuffle.New(shuffle.Config{Worker: address, Epoch: epoch, Dir: filepath.Join(spill, "shuffle"), Budget: budget, Peers: w.peers})
	host, _ := os.Hostname()
	w.agent = agent.New(agent.Config{
		Name: w.name, Shuffle: address, Host: host, Version: buildVersion(), Slots: workerSlots, CPUs: settings.Threads, Protocol: protocolSpoken(),
		Memory: int64(settings.Memory), Schedulers: settings.Cluster.Addresses(), Inventory: inventory{w.store},
		Dial: func(a string) (agent.Conn, error) { return dialInner(a, sec.toScheduler()) },
		Load: func() (float64, int64) { return 0, budget.Used() }, Clock: clock.Real{}, Log: log,
	})
	w.tasks = runner.New(runner.Config{
		Worker: w.name, Registry: function.Standard(), Formats: formats, FS: stores(nil), Stores: stores, Budget: budget,
		SpillDir: spill, Threads: settings.Threads, Stages: w.store, Reporter: w.agent,
		BatchRows: settings.Testing.BatchRows, ForceSpill: int64(settings.Testing.SpillBeyond),
	})
	return w, nil
}

// workerName is the configured name, or one that is fresh.
func workerName(settings config.Config) string {
	if settings.Cluster.Name != "" {
		return settings.Cluster.Name
	}
	host, _ := os.Hostname()
	var nonce [4]byte
	_, _ = rand.Read(nonce[:]) // never fails
	return "worker-" + host + "-" + hex.EncodeToString(nonce[:])
}

// dialInner connects to a scheduler.
func dialInner(address string, creds credentials.TransportCredentials) (*grpc.ClientConn, error) {
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxInner), grpc.MaxCallSendMsgSize(maxInner)))
}

// run works until ctx ends or the worker was drained and let go.
func (w *worker) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.store.ServeAll(ctx, w.listener) })
	group.Go(func() error { return w.agent.Run(ctx, w.tasks) })
	group.Go(func() error {
		select {
		case <-w.agent.Released():
			cancel()
		case <-ctx.Done():
		}
		return nil
	})
	err := group.Wait()
	return errors.Join(err, w.tasks.Close(), w.peers.Close(), w.store.Close())
}

// inventory lists a store's outputs for the agent.
type inventory struct{ store *shuffle.Store }

// Held lists finished outputs.
func (i inventory) Held() []*pb.Output { return i.store.Inventory() }
