package sparkconnect

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// sender is the part of a gRPC stream that responses go to.
type sender interface {
	Context() context.Context
	Send(*pb.ExecutePlanResponse) error
}

// stream sends an operation's responses after the one that the client has, until the operation
// or the stream's allowance ends, the client goes, or a newer stream takes over.
func (s *Server) stream(o *operation, out sender, has responseID) error {
	me, next, err := o.attach(has)
	if err != nil {
		return err
	}
	defer func() {
		o.detach(me, s.clock.Now())
		if !o.reattachable {
			o.abandon(errClientGone)
		}
	}()
	w := &streamer{op: o, me: me, out: out, clock: s.clock, limits: s.limits, started: s.clock.Now(), heard: s.clock.Now()}
	for {
		it := o.take(me, next)
		switch {
		case it.response != nil:
			if !w.pace(next) {
				return out.Context().Err()
			}
			if err := w.send(it.response); err != nil {
				return err
			}
			o.delivered(next)
			next++
			if o.reattachable && w.spent() {
				return nil
			}
		case it.end:
			return it.err
		case !w.wait(it.wake):
			return out.Context().Err()
		case o.reattachable && w.spent():
			return nil
		}
	}
}

// streamer is one stream's allowance and its progress messages.
type streamer struct {
	op      *operation
	me      int
	out     sender
	clock   clock.Clock
	limits  Limits
	started time.Time
	heard   time.Time // when the client last got a message
	bytes   int64
	last    *pb.ExecutePlanResponse_ExecutionProgress
}

func (w *streamer) send(r *pb.ExecutePlanResponse) error {
	if err := w.out.Send(r); err != nil {
		return err
	}
	w.bytes += int64(proto.Size(r))
	w.heard = w.clock.Now()
	return nil
}

// pace waits until the client has released enough of what was sent. It is false
// if the stream must end: the client is gone, or the stream too old; a client
// that reattaches then says by that what it has.
func (w *streamer) pace(next int) bool {
	wake, full := w.op.full(next)
	if !full {
		return true
	}
	grace := w.clock.NewTimer(w.limits.ReleaseGrace)
	defer grace.Stop()
	old := w.clock.NewTimer(w.limits.StreamDuration - w.clock.Now().Sub(w.started))
	defer old.Stop()
	for ; full; wake, full = w.op.full(next) {
		select {
		case <-wake:
		case <-grace.C():
			if w.op.giveUp() {
				return true
			}
		case <-old.C():
			return false
		case <-w.out.Context().Done():
			return false
		}
	}
	return true
}

// spent tells whether the stream should end so that the client reattaches.
func (w *streamer) spent() bool {
	return w.bytes >= w.limits.StreamBytes || w.clock.Now().Sub(w.started) >= w.limits.StreamDuration
}

// wait sleeps until something changed, progress is due or the stream is too
// old; false if the client is gone.
func (w *streamer) wait(wake <-chan struct{}) bool {
	due := w.limits.ProgressEvery
	if w.last == nil {
		due = w.limits.ProgressFirst
	}
	now := w.clock.Now()
	pause := min(due-now.Sub(w.heard), w.limits.StreamDuration-now.Sub(w.started))
	timer := w.clock.NewTimer(max(pause, time.Millisecond))
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C():
		w.progress()
	case <-w.out.Context().Done():
		return false
	}
	return true
}

// progress queues a progress message if there is news.
func (w *streamer) progress() {
	w.heard = w.clock.Now() // no news is asked for again a period later
	p := w.op.progress.message()
	if p == nil || proto.Equal(p, w.last) {
		return
	}
	w.last = p
	w.op.pushIfIdle(&pb.ExecutePlanResponse{ResponseType: &pb.ExecutePlanResponse_ExecutionProgress_{ExecutionProgress: p}})
}

var errClientGone = errs.Errorf(errs.Canceled, "sparkconnect.stream", "the client is gone")

// abandon cancels an operation that nobody will read on.
func (o *operation) abandon(why error) {
	o.cancel(why)
	o.finish(why)
}
