package main

import (
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/obs"
	"github.com/spurwheel/spurwheel/scheduler/jobs"
	"github.com/spurwheel/spurwheel/worker/exec"
	"github.com/spurwheel/spurwheel/worker/runner"
)

// operatorLog takes the operator counters that come with tasks' reports, of all
// workers: it adds them up for the metrics and keeps them by job for the client.
type operatorLog struct {
	metrics *obs.Operators
	mu      struct {
		sync.Mutex
		jobs  map[string][]exec.OperatorStats
		bytes map[string]int64 // read by finished tasks, of the jobs here
		order []string         // of jobs, oldest first
	}
}

// keptJobs bounds the jobs whose counters are kept for their readers.
const keptJobs = 256

func newOperatorLog() *operatorLog {
	l := &operatorLog{metrics: obs.NewOperators()}
	l.mu.jobs, l.mu.bytes = map[string][]exec.OperatorStats{}, map[string]int64{}
	return l
}

// add notes what a task did; only what it delivered counts for its job.
func (l *operatorLog) add(task *pb.TaskID, wire []*pb.OperatorStats, delivered bool) {
	stats := runner.DecodeStats(wire)
	for _, s := range stats {
		l.metrics.Add(s.Kind, obs.OperatorTotals{Rows: s.RowsOut, Read: s.Bytes, Spilled: s.Spilled, Nanos: s.Nanos})
	}
	if !delivered {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	job := task.GetJob()
	l.keep(job)
	l.mu.jobs[job] = append(l.mu.jobs[job], stats...)
}

// keep makes room for a job; the lock is held.
func (l *operatorLog) keep(job string) {
	if _, ok := l.mu.jobs[job]; ok {
		return
	}
	l.mu.jobs[job] = nil
	l.mu.order = append(l.mu.order, job)
	if len(l.mu.order) > keptJobs {
		delete(l.mu.jobs, l.mu.order[0])
		delete(l.mu.bytes, l.mu.order[0])
		l.mu.order = l.mu.order[1:]
	}
}

// addRead notes what a finished task has read from storage.
func (l *operatorLog) addRead(task *pb.TaskID, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keep(task.GetJob())
	l.mu.bytes[task.GetJob()] += n
}

// read is how much a job's finished tasks have read.
func (l *operatorLog) read(job string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.bytes[job]
}

// finished gives the operators' counters of a job.
func (l *operatorLog) finished(job string) []jobs.OperatorStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []jobs.OperatorStats
	for _, s := range l.mu.jobs[job] {
		out = append(out, jobs.OperatorStats{
			ID: s.ID, Parent: s.Parent, Name: s.Name,
			Values: map[string]int64{"rowsIn": s.RowsIn, "rowsOut": s.RowsOut, "bytes": s.Bytes, "spilledBytes": s.Spilled, "nanoseconds": s.Nanos},
		})
	}
	return out
}
