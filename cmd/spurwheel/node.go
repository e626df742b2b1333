package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"
	_ "time/tzdata" // zones where the machine has none

	"github.com/spurwheel/spurwheel/cache"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/session"
	"github.com/spurwheel/spurwheel/worker/runner"
)

// SparkVersion is the release whose behaviour the server shows; clients ask for it.
const sparkVersion = "4.1.4"

// embeddedSlots is how many tasks the embedded worker takes at once: a task
// uses all threads, so more only serve to let short queries pass long ones.
const embeddedSlots = 64

// node is a process that plays all roles: sessions, scheduler and one worker,
// which talk through the same encoded messages as separate processes would.
type node struct {
	sessions *session.Manager
	driver   *driver.Driver
	runner   *runner.Runner
	budget   *mem.Budget
	stop     context.CancelFunc
	loops    sync.WaitGroup
}

const localWorker = "local"

func newNode(settings config.Config, log *slog.Logger) (*node, error) {
	budget := mem.NewBudget("process", int64(settings.Memory))
	// The collector keeps the heap near the budget; the budget itself holds the
	// engine's buffers below it (three quarters, since freed blocks wait for the collector).
	debug.SetMemoryLimit(int64(settings.Memory))
	engine := budget.Child("engine", int64(settings.Memory)*3/4)
	fs, formats := storage(settings)
	registry := function.Standard()
	spill := filepath.Join(settings.Data, "spill")
	if err := os.RemoveAll(spill); err != nil { // of an earlier process
		return nil, errs.E(errs.Permission, "node", err)
	}
	rows := cache.NewRows(engine, filepath.Join(spill, "rows"))
	n := &node{budget: budget}
	local := &embedded{}
	n.driver = driver.New(driver.Config{
		Core: dispatch.New(placement.FairLocal{}), Executor: local, Log: newLocalLog(), Clock: clock.Real{},
	})
	n.runner = runner.New(runner.Config{
		Worker: localWorker, Registry: registry, Formats: formats, FS: fs, Budget: engine, SpillDir: spill,
		Threads: settings.Threads, Reporter: reporter{n.driver}, Held: heldRows{rows},
	})
	local.runner = n.runner
	n.sessions = session.NewManager(session.Config{
		Registry: registry, Formats: formats, FS: fs, Warehouse: filepath.Join(settings.Data, "warehouse"),
		Blobs: filepath.Join(settings.Data, "artifacts"), ZoneID: localZone(), Version: sparkVersion, Clock: clock.Real{},
		Jobs: &jobs.Runner{
			Driver: n.driver, Results: results{n.runner}, Workers: func() int { return 1 },
		},
		Rows: rows, Threads: settings.Threads,
	})
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	n.loops.Go(func() {
		if err := n.driver.Run(ctx); err != nil {
			log.Error("scheduler stopped", slog.Any("error", err))
		}
	})
	n.driver.Report(dispatch.WorkerUp{Worker: localWorker, Epoch: 1, Slots: embeddedSlots})
	return n, nil
}

// Close ends all work and waits for it.
func (n *node) Close() error {
	err := n.sessions.CloseAll()
	n.stop()
	n.loops.Wait()
	return firstError(err, n.runner.Close())
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
