package sparkconnect

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

// operation is an execution that outlives its streams: it runs apart from them
// and keeps responses until the client releases them, so that a cut connection
// costs nothing. The engine is pulled only while little is unsent.
type operation struct {
	session *session
	request *pb.ExecutePlanRequest
	id      string
	tags    []string
	started time.Time
	limits  Limits
	ctx     context.Context //nolint:containedctx // of the execution, which no call's context covers
	cancel  context.CancelCauseFunc
	// reattachable says whether responses are kept after they were sent.
	reattachable bool
	// chunk is the most bytes of Arrow data in a message if the client takes
	// batches in pieces, else 0.
	chunk int
	// restored: another server ran the operation before, and a client may have
	// a part of its result.
	restored bool

	progress progressSource
	finished chan struct{} // closed when the execution's goroutine has ended

	mu struct {
		sync.Mutex
		wake       chan struct{} // closed when something changed
		responses  []*pb.ExecutePlanResponse
		ids        []responseID // of responses
		made       responseID   // of the last response, also if it was not kept
		dropped    responseID   // of the last one dropped
		resume     responseID   // of a restored operation: its client has all up to this one
		first      int          // index of responses[0]
		sent       int          // index after the last one handed to a stream
		keptBytes  int64        // of responses sent
		freshBytes int64        // of responses not yet sent
		done       bool
		err        error
		releases   bool // the client has said what it needs no more
		forgets    bool // it never will: what is sent is kept as far as there is room
		stream     int  // the current stream; older ones must give up
		attached   bool
		idleSince  time.Time // not attached since
		left       bool      // ended because the server goes, not for its client
	}
}

// state of an operation, as GetStatus tells it.
type opState = pb.GetStatusResponse_OperationStatus_OperationState

const (
	stateUnknown   = pb.GetStatusResponse_OperationStatus_OPERATION_STATE_UNKNOWN
	stateRunning   = pb.GetStatusResponse_OperationStatus_OPERATION_STATE_RUNNING
	stateSucceeded = pb.GetStatusResponse_OperationStatus_OPERATION_STATE_SUCCEEDED
	stateFailed    = pb.GetStatusResponse_OperationStatus_OPERATION_STATE_FAILED
	stateCancelled = pb.GetStatusResponse_OperationStatus_OPERATION_STATE_CANCELLED
)

func newOperation(s *session, req *pb.ExecutePlanRequest, now time.Time, limits Limits) *operation {
	o := &operation{session: s, request: req, id: req.GetOperationId(), tags: req.GetTags(), started: now, limits: limits}
	o.ctx, o.cancel = context.WithCancelCause(context.Background())
	for _, opt := range req.GetRequestOptions() {
		if opt.GetReattachOptions().GetReattachable() {
			o.reattachable = true
		}
		if c := opt.GetResultChunkingOptions(); c.GetAllowArrowBatchChunking() {
			o.chunk = chunkSize(c.PreferredArrowChunkSize)
		}
	}
	o.finished = make(chan struct{})
	o.mu.wake = make(chan struct{})
	o.mu.idleSince = now
	return o
}

// changed wakes everybody who waits; the lock is held.
func (o *operation) changed() {
	close(o.mu.wake)
	o.mu.wake = make(chan struct{})
}

// place is where a response lies in the result.
type place struct {
	partition, block int
	digest           uint32 // of the rows up to there
}

// push adds a response, waiting until the client has taken enough of those before.
func (o *operation) push(ctx context.Context, r *pb.ExecutePlanResponse, at place) error {
	size := int64(proto.Size(r))
	for {
		o.mu.Lock()
		if o.mu.resume.Number > o.mu.made.Number {
			err := o.skip(at)
			o.mu.Unlock()
			return err
		}
		if o.mu.freshBytes == 0 || o.mu.freshBytes+size <= o.limits.UnsentBytes {
			o.add(r, o.next(at))
			o.mu.Unlock()
			return nil
		}
		wake := o.mu.wake
		o.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// pushIfIdle adds a response if the client has taken all others; for messages
// that may as well not be sent.
func (o *operation) pushIfIdle(r *pb.ExecutePlanResponse) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.freshBytes == 0 && !o.mu.done && o.mu.resume.Number <= o.mu.made.Number {
		id := o.mu.made
		id.Operation = o.id
		id.Progress++
		o.add(r, id)
	}
}

// next is the id of the next response of the result; the lock is held.
func (o *operation) next(at place) responseID {
	return responseID{Operation: o.id, Number: o.mu.made.Number + 1, Partition: at.partition, Block: at.block, Digest: at.digest}
}

// skip passes over a response that the client has. The last one it has must be
// the same now; the lock is held.
func (o *operation) skip(at place) error {
	o.mu.made = o.next(at)
	o.mu.dropped = o.mu.made
	if o.mu.made.Number == o.mu.resume.Number && !o.mu.made.same(o.mu.resume) {
		return cursorChanged(o.id)
	}
	return nil
}

// add appends a response; the lock is held.
func (o *operation) add(r *pb.ExecutePlanResponse, id responseID) {
	r.SessionId, r.ServerSideSessionId, r.OperationId = o.session.key.SessionID, o.session.serverID(), o.id
	r.ResponseId = id.String()
	o.mu.responses, o.mu.ids, o.mu.made = append(o.mu.responses, r), append(o.mu.ids, id), id
	// Measured with its ids, as delivered does: a sum that drifts below zero is
	// never zero again, and a response larger than UnsentBytes waits for that.
	o.mu.freshBytes += int64(proto.Size(r))
	o.changed()
}

// finish ends the operation; nil is success.
func (o *operation) finish(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.done {
		return
	}
	if err == nil && o.mu.resume.Number > o.mu.made.Number { // the client has more than there is
		err = cursorChanged(o.id)
	}
	o.mu.done, o.mu.err = true, err
	o.changed()
}

// attach makes the caller's stream the only one and returns its number and the
// index that it begins at: after the response that the client has, the zero one
// if it has none.
func (o *operation) attach(has responseID) (stream, next int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.known(has); err != nil {
		return 0, 0, err
	}
	for len(o.mu.ids) > 0 && !o.mu.ids[0].after(has) { // who has this one has those before
		o.dropFirst()
	}
	if has.Number > o.mu.made.Number {
		o.mu.resume = has
	}
	o.mu.stream++
	o.mu.attached = true
	o.changed()
	return o.mu.stream, o.mu.first, nil
}

// known tells whether an operation can go on after a response; the lock is held.
func (o *operation) known(has responseID) error {
	switch {
	case o.mu.dropped.Number > has.Number:
		return cursorGone(o.id)
	case has.Number > o.mu.made.Number && !o.restored:
		return cursorUnknown(o.id)
	case has.Number > o.mu.made.Number && o.mu.done && o.mu.err != nil:
		return o.mu.err
	case has.Number > o.mu.made.Number && o.mu.done: // it was longer when the client read it
		return cursorChanged(o.id)
	case has.Number > o.mu.made.Number || has.Number == 0 || o.mu.dropped.same(has):
		return nil
	}
	for _, id := range o.mu.ids {
		if id.Number == has.Number && !id.same(has) {
			return cursorChanged(o.id)
		}
	}
	if o.mu.dropped.Number == has.Number && !o.mu.dropped.same(has) {
		return cursorChanged(o.id)
	}
	return nil
}

// detach says that a stream has ended.
func (o *operation) detach(stream int, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.stream == stream {
		o.mu.attached, o.mu.idleSince = false, now
	}
}

// item is what a stream finds at its position: a response, the end, or nothing
// yet (wake tells when to look again).
type item struct {
	response *pb.ExecutePlanResponse
	end      bool
	err      error
	wake     <-chan struct{}
}

// take looks at the response with an index.
func (o *operation) take(stream, index int) item {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mu.stream != stream {
		return item{err: disconnected(o.id), end: true}
	}
	if index < o.mu.first {
		return item{err: cursorGone(o.id), end: true}
	}
	if i := index - o.mu.first; i < len(o.mu.responses) {
		return item{response: o.mu.responses[i]}
	}
	if o.mu.done {
		return item{err: o.mu.err, end: true}
	}
	return item{wake: o.mu.wake}
}

// delivered notes that a stream has handed the response to the connection, and
// lets go of what need not be kept.
func (o *operation) delivered(index int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for ; o.mu.sent <= index; o.mu.sent++ {
		if i := o.mu.sent - o.mu.first; i >= 0 && i < len(o.mu.responses) {
			size := int64(proto.Size(o.mu.responses[i]))
			o.mu.freshBytes -= size
			o.mu.keptBytes += size
		}
	}
	// The last one sent stays: a client may not have received it.
	for o.overfull() && o.mu.first < o.mu.sent-1 {
		o.dropFirst()
	}
	o.changed()
}

// overfull tells whether more is kept than need be; the lock is held. What a
// client will release is kept until then: full holds the stream back.
func (o *operation) overfull() bool {
	if !o.reattachable {
		return o.mu.keptBytes > 0
	}
	return o.mu.forgets && o.mu.keptBytes > o.limits.RetryBytes
}

// release drops responses up to and including one, as far as they were sent.
func (o *operation) release(until responseID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mu.releases = true
	for len(o.mu.ids) > 0 && !o.mu.ids[0].after(until) && o.mu.first < o.mu.sent {
		o.dropFirst()
	}
	o.changed()
}

// full tells whether sending the response with an index would push one out that
// the client has not released; then wake tells when to ask again.
func (o *operation) full(index int) (wake <-chan struct{}, full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := index - o.mu.first
	if !o.reattachable || o.mu.forgets || index < o.mu.sent || o.mu.keptBytes == 0 || i >= len(o.mu.responses) {
		return nil, false
	}
	return o.mu.wake, o.mu.keptBytes+int64(proto.Size(o.mu.responses[i])) > o.limits.RetryBytes
}

// giveUp gives up waiting for a client that has never released anything. It is
// false for one that has: it will again.
func (o *operation) giveUp() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mu.forgets = !o.mu.releases
	return o.mu.forgets
}

// dropFirst forgets the oldest response; the lock is held.
func (o *operation) dropFirst() {
	size := int64(proto.Size(o.mu.responses[0]))
	if o.mu.first < o.mu.sent {
		o.mu.keptBytes -= size
	} else { // a client that comes from another server has it
		o.mu.freshBytes -= size
		o.mu.sent = o.mu.first + 1
	}
	o.mu.dropped = o.mu.ids[0]
	o.mu.responses[0] = nil
	o.mu.responses, o.mu.ids = o.mu.responses[1:], o.mu.ids[1:]
	o.mu.first++
}

// ended tells whether the goroutine of the execution is over.
func (o *operation) ended() bool {
	select {
	case <-o.finished:
		return true
	default:
		return false
	}
}

// running tells whether the execution has not ended.
func (o *operation) running() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.mu.done
}

// state is what GetStatus says.
func (o *operation) state() opState {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.mu.done:
		return stateRunning
	case o.mu.err == nil:
		return stateSucceeded
	case isCancelled(o.mu.err):
		return stateCancelled
	}
	return stateFailed
}

// abandoned tells whether nobody has listened for longer than d.
func (o *operation) abandoned(now time.Time, d time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.mu.attached && now.Sub(o.mu.idleSince) > d
}

// hasTag tells whether the client gave the operation a tag.
func (o *operation) hasTag(tag string) bool { return slices.Contains(o.tags, tag) }

// chunkSize is the size of pieces that a client wishes, within bounds.
func chunkSize(preferred *int64) int {
	if preferred == nil || *preferred <= 0 {
		return maxChunk
	}
	return int(min(max(*preferred, minChunk), maxChunk))
}

// Pieces of batches: as large as Spark's, and not so small that a batch makes thousands.
const (
	minChunk = 1 << 10
	maxChunk = 64 << 20
)
