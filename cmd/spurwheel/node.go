package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"
	_ "time/tzdata" // zones where the machine has none

	"github.com/prometheus/client_golang/prometheus"

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/gateway/sparkconnect"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/obs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/history"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/session"
	"github.com/spurwheel/spurwheel/worker/runner"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

// SparkVersion is the release whose behaviour the server shows; clients ask for it.
const sparkVersion = "4.1.4"

// embeddedSlots is how many tasks the embedded worker takes at once: a task
// uses all threads, so more only serve to let short queries pass long ones.
const embeddedSlots = 64

// node is a process that plays all roles: sessions, scheduler and one worker,
// which talk through the same encoded messages as separate processes would.
type node struct {
	sessions  *session.Manager
	driver    *driver.Driver
	runner    *runner.Runner
	budget    *mem.Budget
	engine    *mem.Budget // of it, what may be booked
	operators *operatorLog
	book      *history.Book
	pool      *mem.Pool // of pages read
	store     *shuffle.Store
	peers     *shuffle.Client
	children  map[string]*child // not changed once the node runs
	stop      context.CancelFunc
	loops     sync.WaitGroup
	floor     []byte // see heapFloor
}

const localWorker = "local"

func newNode(settings config.Config, log *slog.Logger) (*node, error) {
	budget := mem.NewBudget("process", int64(settings.Memory))
	// The collector keeps the heap near the budget; the budget itself holds the
	// engine's buffers below it (three quarters, since freed blocks wait for the collector).
	debug.SetMemoryLimit(int64(settings.Memory))
	pool := &mem.Pool{}
	engine := budget.Child("engine", int64(settings.Memory)*3/4)
	stores, formats := storageOver(pool, settings)
	registry := function.Standard()
	spill := filepath.Join(settings.Data, "spill")
	if err := os.RemoveAll(spill); err != nil { // of an earlier process
		return nil, errs.E(errs.Permission, "node", err)
	}
	n := &node{budget: budget, engine: engine, operators: newOperatorLog(), pool: pool, children: map[string]*child{}, peers: shuffle.NewClient(dialByName)}
	n.floor = heapFloor(int64(settings.Memory))
	listener, err := n.startChildren(settings)
	if err != nil {
		return nil, err
	}
	name := localWorker
	if listener != nil {
		name = listener.Addr().String()
	}
	n.store = shuffle.New(shuffle.Config{Worker: name, Dir: filepath.Join(spill, "shuffle"), Budget: engine, Peers: n.peers})
	rows := cache.NewRows(engine, filepath.Join(spill, "rows"))
	hands := &workers{children: n.children}
	n.book = history.New(history.Config{Clock: clock.Real{}})
	n.driver = driver.New(driver.Config{
		Core: dispatch.New(placement.FairLocal{}), Executor: watchedHands{hands, n.book}, Log: bookLog{newLocalLog(), n.book}, Clock: clock.Real{},
	})
	n.runner = runner.New(runner.Config{
		Worker: localWorker, Registry: registry, Formats: formats, FS: stores(nil), Stores: stores, Budget: engine, SpillDir: spill,
		Threads: settings.Threads, Stages: n.store, Reporter: n.reporter(localWorker), Held: heldRows{rows},
		BatchRows: settings.Testing.BatchRows, ForceSpill: int64(settings.Testing.SpillBeyond),
	})
	hands.local = n.runner
	n.sessions = session.NewManager(session.Config{
		Registry: registry, Formats: formats, Stores: stores, Warehouse: filepath.Join(settings.Data, "warehouse"),
		Blobs: filepath.Join(settings.Data, "artifacts"), ZoneID: localZone(), Version: sparkVersion, Clock: clock.Real{},
		Jobs: &jobs.Runner{
			Holder: localWorker,
			Driver: n.driver, Results: results{n.runner, n.store}, Workers: func() int { return 1 + len(n.children) }, ReadBytes: n.runner.ReadBytes, Finished: n.operators.finished,
		},
		Rows: rows, Threads: settings.Threads, Defaults: sparkconnect.DefaultConf(),
	})
	n.run(listener, log)
	return n, nil
}

// startChildren starts the worker processes beyond the worker in this one, and
// the listener where they read rows stored here; nil if there are none.
func (n *node) startChildren(settings config.Config) (net.Listener, error) {
	if settings.Workers <= 1 {
		return nil, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the store that serves it
	if err != nil {
		return nil, errs.E(errs.Unavailable, "node", err)
	}
	for i := 1; i < settings.Workers; i++ {
		c, err := startChild(i, settings, os.Stderr)
		if err != nil {
			return nil, errors.Join(err, listener.Close(), n.stopChildren())
		}
		n.children[c.name] = c
	}
	return listener, nil
}

func (n *node) reporter(worker string) reporter {
	return reporter{driver: n.driver, book: n.book, operators: n.operators, worker: worker, byStore: n.byStore}
}

// byStore names the worker whose rows are read at an address.
func (n *node) byStore(address string) string {
	for _, c := range n.children {
		if c.shuffle == address {
			return c.name
		}
	}
	return localWorker
}

// metrics are what the node counts.
func (n *node) metrics() []prometheus.Collector {
	return append(obs.Memory(n.engine.Used, n.engine.Peak, n.engine.Limit), n.operators.metrics)
}

// run starts the loops that Close waits for.
func (n *node) run(listener net.Listener, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	n.loops.Go(func() {
		if err := n.driver.Run(ctx); err != nil {
			log.Error("scheduler stopped", slog.Any("error", err))
		}
	})
	n.driver.Report(dispatch.WorkerUp{Worker: localWorker, Epoch: onlyEpoch, Slots: embeddedSlots})
	if listener != nil {
		n.loops.Go(func() {
			if err := n.store.Serve(ctx, listener); err != nil {
				log.Error("stored rows cannot be read by other workers", slog.Any("error", err))
			}
		})
	}
	for _, c := range n.children {
		n.driver.Report(dispatch.WorkerUp{Worker: c.name, Epoch: onlyEpoch, Slots: embeddedSlots})
		n.loops.Go(func() { n.reporter(c.name).listen(c) })
	}
}

// Close ends all work and waits for it.
func (n *node) Close() error {
	err := errors.Join(n.sessions.CloseAll(), n.stopChildren())
	n.stop()
	n.loops.Wait()
	return errors.Join(err, n.runner.Close(), n.peers.Close(), n.store.Close())
}

func (n *node) stopChildren() error {
	var err error
	for _, c := range n.children {
		err = errors.Join(err, c.stop())
	}
	return err
}

// localZone is the machine's zone under a name that every machine knows.
func localZone() string {
	if tz := os.Getenv("TZ"); tz != "" {
		if _, err := function.LoadZone(tz); err == nil {
			return tz
		}
	}
	if name := time.Local.String(); name != "Local" {
		return name
	}
	if target, err := os.Readlink("/etc/localtime"); err == nil {
		for dir := target; dir != "." && dir != "/"; dir = filepath.Dir(dir) {
			if filepath.Base(dir) == "zoneinfo" {
				if name, err := filepath.Rel(dir, target); err == nil {
					return name
				}
			}
		}
	}
	return "Etc/UTC"
}
