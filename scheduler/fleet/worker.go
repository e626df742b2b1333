package fleet

import (
	"sync"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

// key names an attempt.
type key struct {
	job                       string
	stage, partition, attempt int32
}

func keyOf(id *pb.TaskID) key {
	return key{id.GetJob(), id.GetStage(), id.GetPartition(), id.GetAttempt()}
}

// order is one message that waits to be sent: one of the fields is set.
type order struct {
	launch  *pb.Task
	cancel  *pb.TaskID
	discard string
}

// worker is one epoch of a worker. Its queue and what it was given outlive its
// streams.
type worker struct {
	f       *Fleet
	name    string
	epoch   int64
	info    *pb.Register  // without what it held; not changed
	awaited bool          // under the fleet's lock
	known   chan struct{} // closed when the scheduler has heard of it

	mu struct {
		sync.Mutex
		session  *session // nil: its stream is broken
		signs    signs
		late     int // looks in a row that found it overdue
		reason   string
		ended    bool // the epoch is over
		applying int  // frames of it that wait for the scheduler
		full     bool

		queue  []order
		drain  bool // to be said
		ping   bool // to be said
		answer bool // a frame is due, whatever it holds
		free   bool // to be said: it is not needed

		given map[key]*pb.Task // launched and not reported; nil tasks were launched by an earlier leader
		jobs  map[string]struct{}

		reported uint64 // number of its last report
		acked    uint64 // the last number that was sent back
		beat     *pb.Heartbeat
		draining bool
		drained  bool
	}
}

func newWorker(f *Fleet, name string, epoch int64, info *pb.Register) *worker {
	w := &worker{f: f, name: name, epoch: epoch, info: info, known: make(chan struct{})}
	w.mu.signs.heard = f.cfg.Clock.Now()
	w.mu.given, w.mu.jobs = map[key]*pb.Task{}, map[string]struct{}{}
	return w
}

// put queues an order. A worker whose queue is full is dismissed at the next
// look at the leases: whoever launches cannot wait for that.
func (w *worker) putLocked(o order) {
	if w.mu.ended {
		return
	}
	if len(w.mu.queue) >= MaxQueued {
		w.mu.full = true
		return
	}
	w.mu.queue = append(w.mu.queue, o)
	w.mu.session.kick()
}

func (w *worker) launch(t *pb.Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.given[keyOf(t.GetId())] = t
	w.mu.jobs[t.GetId().GetJob()] = struct{}{}
	w.putLocked(order{launch: t})
}

func (w *worker) cancel(id *pb.TaskID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.mu.given, keyOf(id))
	w.putLocked(order{cancel: id})
}

func (w *worker) discard(job string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, has := w.mu.jobs[job]; !has {
		return
	}
	delete(w.mu.jobs, job)
	for k := range w.mu.given {
		if k.job == job {
			delete(w.mu.given, k)
		}
	}
	w.putLocked(order{discard: job})
}

// drain notes that the worker takes no new tasks; false: it did not before.
func (w *worker) drain(say bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.draining {
		return false
	}
	w.mu.draining, w.mu.drain = true, say
	w.mu.session.kick()
	return true
}

// release tells the worker that it may end, on this stream and on later ones.
func (w *worker) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.free = true
	w.mu.session.kick()
}

func (w *worker) suspect(now time.Time, dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.signs.vouched = !dead
	if dead {
		w.mu.signs.suspected, w.mu.ping = now, true
		w.mu.session.kick()
	}
}

// overdue is one look at the lease.
func (w *worker) overdue(now time.Time, late time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.full {
		w.mu.reason = Overflow
		return true
	}
	if w.mu.applying > 0 { // its next words are here, but not read
		w.mu.signs.heard = now
	}
	w.mu.signs = w.mu.signs.later(late)
	due, reason := w.f.cfg.Terms.due(w.mu.signs)
	if now.Before(due) {
		w.mu.late = 0
		return false
	}
	w.mu.late++
	w.mu.reason = reason
	return w.mu.late >= confirmations
}

func (w *worker) verdict() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.reason
}

// open is the worker's stream, nil if it is broken.
func (w *worker) open() *session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.session
}

// end drops what was meant for the worker and gives its last stream.
func (w *worker) end(reason string) *session {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.mu.session
	w.mu.session, w.mu.queue, w.mu.ended, w.mu.reason = nil, nil, true, reason
	clear(w.mu.given)
	return s
}

// detach notes that a stream is over; one that was replaced is no news.
func (w *worker) detach(s *session, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.session == s {
		w.mu.session, w.mu.signs.cut = nil, now
	}
}

// take empties the queue into out for the worker's stream; spare is used for
// what comes next. Nothing is due when ok is false.
func (w *worker) take(s *session, spare []order) (out outgoing, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mu.session != s {
		return outgoing{orders: spare}, false
	}
	out = outgoing{orders: w.mu.queue, drain: w.mu.drain, ping: w.mu.ping, release: w.mu.free, reported: w.mu.reported}
	w.mu.queue = spare[:0]
	ok = len(out.orders) > 0 || out.drain || out.ping || out.release || w.mu.answer || w.mu.reported-w.mu.acked >= ackEvery
	if ok {
		w.mu.acked = w.mu.reported
	}
	w.mu.drain, w.mu.ping, w.mu.answer = false, false, false
	return out, ok
}

// ackEvery bounds reports that a busy worker keeps for want of an answer; an
// idle one is answered with its next heartbeat.
const ackEvery = 1024

// outgoing is what is sent next.
type outgoing struct {
	orders               []order
	drain, ping, release bool
	reported             uint64
}
