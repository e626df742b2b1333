// Package runner runs a worker's tasks: it decodes a task's fragment, gives it
// memory and threads, drives its pipelines and delivers its rows to a reader or
// to other stages. It knows nothing of jobs, plans as a whole or the scheduler.
package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/worker/exec"
)

// Reporter hears what becomes of tasks. Calls come from the tasks' goroutines
// and must not block for long.
type Reporter interface {
	TaskDone(*pb.TaskDone)
	TaskFailed(*pb.TaskFailed, error)
}

// Config is what a worker's tasks run with.
type Config struct {
	Worker   string
	Registry *function.Registry
	Formats  map[string]format.Format
	FS       vfs.FS
	// Stores gives storage under a task's own settings; nil: tasks have none.
	Stores   func(settings map[string]string) vfs.FS
	Budget   *mem.Budget
	SpillDir string
	Threads  int // of a task that does not say
	Stages   Stages
	Held     exec.Held
	Reporter Reporter
	// BatchRows and ForceSpill are for tests; 0 is the default.
	BatchRows  int
	ForceSpill int64
}

// Stages stores what tasks send to other stages and reads it back.
type Stages interface {
	// Inputs reads the outputs named in a task.
	Inputs(task *pb.Task) exec.Inputs
	// Write runs rows of a task into a partitioned output and commits it.
	Write(ctx context.Context, task *pb.Task, out physical.Exchange, run *exec.Run) (*pb.Output, error)
	// Discard drops what a job left.
	Discard(job string)
}

// Runner is a worker's set of tasks. It is safe for concurrent use.
type Runner struct {
	cfg  Config
	done sync.WaitGroup

	mu struct {
		sync.Mutex
		closed  bool
		tasks   map[key]*task
		waiting map[key]chan struct{} // readers that came before the task
		broken  map[key]error         // tasks that could not start, until their job is over
		ended   map[string][]exec.OperatorStats
		order   []string // jobs in ended, oldest first
	}
}

type key struct {
	job                       string
	stage, partition, attempt int32
}

func keyOf(id *pb.TaskID) key {
	return key{id.GetJob(), id.GetStage(), id.GetPartition(), id.GetAttempt()}
}

func (k key) String() string {
	return fmt.Sprintf("%s-%d-%d-%d", k.job, k.stage, k.partition, k.attempt)
}

// New makes a runner without tasks.
func New(cfg Config) *Runner {
	r := &Runner{cfg: cfg}
	r.mu.tasks, r.mu.waiting, r.mu.ended = map[key]*task{}, map[key]chan struct{}{}, map[string][]exec.OperatorStats{}
	r.mu.broken = map[key]error{}
	return r
}

// task is an attempt at work.
type task struct {
	r      *Runner
	msg    *pb.Task
	key    key
	ctx    context.Context //nolint:containedctx // a task owns its context: cancelling it is what Cancel means
	cancel context.CancelCauseFunc
	run    *exec.Run
	budget *mem.Budget
	spill  string
	once   sync.Once
}

// Launch starts a task and returns at once. What cannot be started is reported failed.
func (r *Runner) Launch(msg *pb.Task) {
	t := &task{r: r, msg: msg, key: keyOf(msg.GetId())}
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	frag, err := physical.Decode(msg.GetFragment())
	if err == nil {
		err = t.build(frag)
	}
	if err != nil {
		r.refuse(t.key, err)
		r.done.Go(func() { t.end(err) }) // the caller may be who hears the report
		return
	}
	if !r.add(t) {
		return // stopping: nobody listens any more
	}
	if frag.Output.Kind == physical.ExchangeSingle && frag.Output.Parts == 0 {
		return // a result: whoever reads it drives it
	}
	r.done.Go(func() { t.end(t.store(frag.Output)) })
}

func (r *Runner) add(t *task) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.closed {
		return false
	}
	r.mu.tasks[t.key] = t
	r.wakeLocked(t.key)
	return true
}

// refuse tells readers of a task that could not start why.
func (r *Runner) refuse(k key, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.broken[k] = err
	r.wakeLocked(k)
}

func (r *Runner) wakeLocked(k key) {
	if c := r.mu.waiting[k]; c != nil {
		close(c)
		delete(r.mu.waiting, k)
	}
}

// build prepares the pipelines; nothing runs yet.
func (t *task) build(frag *physical.Fragment) (err error) {
	defer func() { err = orPanic(err, recover()) }()
	cfg := t.r.cfg
	root := stamped(assign(frag.Root, t.msg.GetSplits()), t.key)
	t.budget = cfg.Budget.Child("task "+t.key.String(), t.msg.GetMemory())
	t.spill = filepath.Join(cfg.SpillDir, t.key.String())
	if err := os.MkdirAll(t.spill, 0o700); err != nil {
		return errs.E(errs.Unavailable, "runner.build", err)
	}
	env, err := envOf(frag.Env, int(t.key.partition))
	if err != nil {
		return err
	}
	deps := exec.Deps{
		Registry: cfg.Registry, Env: env, FS: cfg.storage(t.msg.GetStorage()), Formats: cfg.format, Budget: t.budget, SpillDir: t.spill,
		Threads: int(t.msg.GetThreads()), BatchRows: cfg.BatchRows, ForceSpill: cfg.ForceSpill, Held: cfg.Held,
	}
	if deps.Threads <= 0 {
		deps.Threads = cfg.Threads
	}
	if cfg.Stages != nil {
		deps.Inputs = cfg.Stages.Inputs(t.msg)
	}
	t.run, err = exec.Build(root, deps)
	return err
}

func (c Config) format(name string) (format.Format, error) {
	if f := c.Formats[name]; f != nil {
		return f, nil
	}
	return nil, errs.Cond(errs.Analysis, "DATA_SOURCE_NOT_FOUND", "42K02", "The data source "+name+" is not known here.", "provider", name)
}

func (c Config) storage(settings map[string]string) vfs.FS {
	if len(settings) == 0 || c.Stores == nil {
		return c.FS
	}
	return c.Stores(settings)
}

func envOf(e physical.Env, partition int) (*function.Env, error) {
	zone, err := function.LoadZone(e.ZoneID)
	if err != nil {
		return nil, err
	}
	return &function.Env{
		Ansi: e.Ansi, ZoneID: e.ZoneID, Zone: zone, Now: time.UnixMicro(e.NowMicros).In(zone), CaseSensitive: e.CaseSensitive,
		LegacyTime: e.LegacyTime, User: e.User, Catalog: e.Catalog, Database: e.Database, Version: e.Version,
		Partition: partition, Conf: e.Conf,
	}, nil
}

// stamped puts the attempt into the names of files that a task writes.
func stamped(n physical.Node, k key) physical.Node {
	w, ok := n.(*physical.Write)
	if !ok {
		return n
	}
	c := *w
	c.JobID = fmt.Sprintf("%s-%d", w.JobID, k.attempt)
	return &c
}

// assign leaves each scan the splits that belong to this task.
func assign(n physical.Node, ranges []*pb.SplitRange) physical.Node {
	if len(ranges) == 0 {
		return n
	}
	byScan := map[int32][]int32{}
	for _, r := range ranges {
		byScan[r.GetScan()] = r.GetSplits()
	}
	next := int32(0)
	return assignScans(n, byScan, &next)
}

func assignScans(n physical.Node, byScan map[int32][]int32, next *int32) physical.Node {
	if s, ok := n.(*physical.Scan); ok {
		c := *s
		c.Splits = nil
		for _, i := range byScan[*next] {
			if int(i) < len(s.Splits) {
				c.Splits = append(c.Splits, s.Splits[i])
			}
		}
		*next++
		return &c
	}
	cs := n.Children()
	if len(cs) == 0 {
		return n
	}
	out := make([]physical.Node, len(cs))
	for i, c := range cs {
		out[i] = assignScans(c, byScan, next)
	}
	return n.WithChildren(out)
}

// store runs a task whose rows go to other stages.
func (t *task) store(out physical.Exchange) (err error) {
	defer func() { err = orPanic(err, recover()) }()
	if t.r.cfg.Stages == nil {
		return errs.Errorf(errs.Internal, "runner.store", "this worker stores no stage outputs")
	}
	o, err := t.r.cfg.Stages.Write(t.ctx, t.msg, out, t.run)
	if err != nil {
		return err
	}
	if err := t.observe(o); err != nil {
		return err
	}
	t.finish(&pb.TaskDone{Id: t.msg.GetId(), Output: o})
	return nil
}

// observe adds the task's observations to what it reports.
func (t *task) observe(o *pb.Output) error {
	seen, err := t.run.Observed()
	for _, s := range seen {
		o.Observed = append(o.Observed, &pb.Observation{Id: s.ID, State: s.State})
	}
	return err
}

// end releases a task and reports a failure; without one, finish has reported.
func (t *task) end(err error) {
	if err == nil {
		return
	}
	t.once.Do(func() {
		failed := &pb.TaskFailed{Id: t.msg.GetId(), Failure: EncodeFailure(err)}
		if t.run != nil { // what it did was work all the same
			failed.Operators = encodeStats(t.run.Operators())
		}
		t.release()
		t.r.cfg.Reporter.TaskFailed(failed, err)
	})
}

func (t *task) finish(done *pb.TaskDone) {
	t.once.Do(func() {
		done.PeakMemory = t.budget.Peak()
		done.InputBytes = t.run.ReadBytes()
		stats := t.run.Operators()
		done.Operators = encodeStats(stats)
		t.r.keepStats(t.key.job, stats)
		t.release()
		t.r.cfg.Reporter.TaskDone(done)
	})
}

func (t *task) release() {
	t.cancel(nil)
	if t.run != nil {
		_ = t.run.Close()
	}
	if t.budget != nil {
		t.budget.Close()
	}
	if t.spill != "" {
		_ = os.RemoveAll(t.spill)
	}
	t.r.mu.Lock()
	delete(t.r.mu.tasks, t.key)
	t.r.mu.Unlock()
}

// keptStats bounds how many finished jobs' counters are kept for their readers.
const keptStats = 256

func (r *Runner) keepStats(job string, s []exec.OperatorStats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.mu.ended[job]; !ok {
		r.mu.order = append(r.mu.order, job)
	}
	r.mu.ended[job] = append(r.mu.ended[job], s...)
	if len(r.mu.order) > keptStats {
		delete(r.mu.ended, r.mu.order[0])
		r.mu.order = r.mu.order[1:]
	}
}

// Stats gives the operator counters of a job's finished tasks here.
func (r *Runner) Stats(job string) []exec.OperatorStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.ended[job]
}

// ReadBytes is how much a job's tasks here have read from storage so far.
func (r *Runner) ReadBytes(job string) (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, t := range r.mu.tasks {
		if k.job == job && t.run != nil {
			n += t.run.ReadBytes()
		}
	}
	for _, s := range r.mu.ended[job] {
		n += s.Bytes
	}
	return n
}

// Cancel stops a task; it reports itself failed.
func (r *Runner) Cancel(id *pb.TaskID) {
	r.mu.Lock()
	t := r.mu.tasks[keyOf(id)]
	r.mu.Unlock()
	if t != nil {
		t.cancel(errs.Errorf(errs.Canceled, "runner.Cancel", "task %s was canceled", t.key))
	}
}

// Discard drops what a job left here.
func (r *Runner) Discard(job string) {
	r.mu.Lock()
	var left []*task
	for k, t := range r.mu.tasks {
		if k.job == job {
			left = append(left, t)
		}
	}
	for k := range r.mu.broken {
		if k.job == job {
			delete(r.mu.broken, k)
		}
	}
	r.mu.Unlock()
	for _, t := range left {
		t.cancel(errs.Errorf(errs.Canceled, "runner.Discard", "job %s is over", job))
		t.endIfIdle()
	}
	if r.cfg.Stages != nil {
		r.cfg.Stages.Discard(job)
	}
}

// Close stops all tasks and waits for them.
func (r *Runner) Close() error {
	r.mu.Lock()
	r.mu.closed = true
	var left []*task
	for _, t := range r.mu.tasks {
		left = append(left, t)
	}
	r.mu.Unlock()
	for _, t := range left {
		t.cancel(errs.Errorf(errs.Canceled, "runner.Close", "the worker is stopping"))
	}
	r.done.Wait()
	return nil
}

// orPanic turns what recover gave into an internal error with its stack: the
// one place a task's bugs end. Without a panic it returns err.
func orPanic(err error, p any) error {
	switch p := p.(type) {
	case nil:
		return err
	case error:
		return errs.E(errs.Internal, "runner", fmt.Errorf("panic: %w\n%s", p, debug.Stack()))
	default:
		return errs.E(errs.Internal, "runner", fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
}

var errGone = errors.New("the task is not here")
