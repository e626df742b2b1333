package agent

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/failure"
)

// key names an attempt.
type key struct {
	job                       string
	stage, partition, attempt int32
}

func keyOf(id *pb.TaskID) key {
	return key{id.GetJob(), id.GetStage(), id.GetPartition(), id.GetAttempt()}
}

func (k key) id() *pb.TaskID {
	return &pb.TaskID{Job: k.job, Stage: k.stage, Partition: k.partition, Attempt: k.attempt}
}

// report is what became of a task, with its size in a frame.
type report struct {
	m    *pb.FromWorker
	key  key
	size int
}

const (
	// maxMessage bounds a frame.
	maxMessage = 64 << 20
	// maxPart is the size at which a frame is full; one report or output may be larger.
	maxPart = 4 << 20
	// maxReport is more than any report that can be sent.
	maxReport  = maxMessage - maxPart
	maxReports = 8192 // in a frame
)

// TaskDone brings the report of a task to the leader.
func (a *Agent) TaskDone(d *pb.TaskDone) {
	a.report(keyOf(d.GetId()), &pb.FromWorker{Kind: &pb.FromWorker_Done{Done: d}})
}

// TaskFailed brings the report of a task to the leader.
func (a *Agent) TaskFailed(f *pb.TaskFailed, _ error) {
	a.report(keyOf(f.GetId()), &pb.FromWorker{Kind: &pb.FromWorker_Failed{Failed: f}})
}

func failed(k key, err error) *pb.FromWorker {
	return &pb.FromWorker{Kind: &pb.FromWorker_Failed{Failed: &pb.TaskFailed{Id: k.id(), Failure: failure.Encode(err)}}}
}

// report queues a report. One of an epoch that is over, of a task that nobody
// gave, or a second one of the same task, is dropped.
func (a *Agent) report(k key, m *pb.FromWorker) {
	size := proto.Size(m)
	if size > maxReport {
		m = failed(k, errs.Errorf(errs.Exhausted, "agent.report", "a report of %d bytes, the limit is %d", size, maxReport))
		size = proto.Size(m)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, dropped := a.mu.dropping[k]; dropped {
		delete(a.mu.dropping, k)
		return
	}
	if ended, known := a.mu.tasks[k]; !known || ended {
		return
	}
	a.mu.running--
	a.endLocked(report{m, k, size})
}

func (a *Agent) endLocked(r report) {
	a.mu.tasks[r.key] = true
	a.mu.reports = append(a.mu.reports, r)
	a.mu.full = a.mu.full || len(a.mu.reports) > maxUnacked
	a.restLocked()
	a.mu.session.kick()
}

// begin notes a task that the leader gave; false: it is known, or cannot begin.
func (a *Agent) begin(k key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.mu.tasks[k]; known {
		return false
	}
	if _, dropped := a.mu.dropping[k]; dropped {
		m := failed(k, errs.Errorf(errs.Unavailable, "agent.launch", "the same attempt of an earlier epoch has not ended yet"))
		a.endLocked(report{m, k, proto.Size(m)})
		return false
	}
	a.mu.tasks[k] = false
	a.mu.running++
	return true
}

// take fills a frame with reports that were not sent on this stream yet; more
// tells that there are others.
func (a *Agent) take(f *pb.WorkerFrame) (more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := 0
	for _, r := range a.mu.reports[a.mu.sent-a.mu.base:] {
		if len(f.Reports) >= maxReports || size > 0 && size+r.size > maxPart {
			more = true
			break
		}
		f.Reports, size = append(f.Reports, r.m), size+r.size
	}
	a.mu.sent += uint64(len(f.Reports))
	f.LastReport, f.Term, f.Epoch = a.mu.sent, a.mu.term, a.mu.epoch
	f.Draining, f.Drained = a.mu.draining, a.mu.idle && !more
	return more
}

// acknowledge forgets the reports that have arrived.
func (a *Agent) acknowledge(last uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last <= a.mu.base || last > a.mu.sent {
		return
	}
	n := last - a.mu.base
	for i, r := range a.mu.reports[:n] {
		delete(a.mu.tasks, r.key)
		a.mu.reports[i] = report{}
	}
	a.mu.reports, a.mu.base = a.mu.reports[n:], last
}
