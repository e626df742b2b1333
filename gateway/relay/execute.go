package relay

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// execution is one stream of an operation's responses: it outlives the leaders
// that send them.
type execution struct {
	server *Server
	client grpc.ServerStream
	first  *frame // the client's request
	method string // of first
	op     operation
	// owned: the client cannot reattach. The relay does for it, and lets go of
	// what the client has got.
	owned    bool
	last     string // id of the last response that was passed on
	complete bool   // it was the last of all
	gone     error  // the client is
	release  *releaser
}

// execute relays ExecutePlan.
func (s *Server) execute(ctx context.Context, client grpc.ServerStream) error {
	x := &execution{server: s, client: client, first: &frame{}, method: service + "ExecutePlan"}
	if err := client.RecvMsg(x.first); err != nil {
		return err
	}
	defer x.first.free()
	op, reattachable, err := executeRequest(x.first.data)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	x.op, x.owned = op, !reattachable
	x.first.adopt(&x.op, reattachable)
	if !x.owned {
		return x.run(ctx)
	}
	x.release = s.newReleaser(ctx, x.op)
	defer x.release.close()
	return x.run(ctx)
}

// reattach relays ReattachExecute.
func (s *Server) reattach(ctx context.Context, client grpc.ServerStream) error {
	x := &execution{server: s, client: client, first: &frame{}, method: service + "ReattachExecute"}
	if err := client.RecvMsg(x.first); err != nil {
		return err
	}
	defer x.first.free()
	var err error
	if x.op, _, err = reattachRequest(x.first.data); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return x.run(ctx)
}

// run passes responses on until the operation ends, from leader to leader.
func (x *execution) run(ctx context.Context) error {
	r := x.server.newRetry()
	for {
		before := x.last
		err := x.segment(ctx, r)
		switch {
		case x.gone != nil:
			return x.gone
		case err == nil && (x.complete || !x.owned): // who can reattach does when a stream ends early
			return nil
		}
		if x.last != before {
			r.progress()
			if err == nil {
				continue
			}
		}
		if err == nil {
			err = status.Error(codes.Unavailable, "the scheduler ends streams without a response")
		}
		if err := r.again(ctx, err); err != nil {
			return err
		}
	}
}

// segment is one stream from one leader. The operation is started, or resumed
// after what the client has.
func (x *execution) segment(ctx context.Context, r *retry) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := r.leader(ctx)
	if err != nil {
		return err
	}
	req, method := x.first, x.method
	if x.last != "" {
		req, method = x.op.reattach(x.last), service+"ReattachExecute"
	}
	up, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method, options()...)
	if err != nil {
		return err
	}
	if err := up.SendMsg(req); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := up.CloseSend(); err != nil {
		return err
	}
	return x.pass(up)
}

// pass brings responses to the client, one at a time: a slow client slows the
// leader.
func (x *execution) pass(up grpc.ClientStream) error {
	for {
		f := &frame{}
		if err := up.RecvMsg(f); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		err := x.deliver(f)
		f.free()
		if err != nil {
			return err
		}
	}
}

func (x *execution) deliver(f *frame) error {
	id, complete, err := response(f.data)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if x.gone = x.client.SendMsg(f); x.gone != nil {
		return x.gone
	}
	if id != "" {
		x.last = id
	}
	x.complete = x.complete || complete
	if x.release != nil {
		x.release.delivered(id, f.data.Len())
	}
	return nil
}

const (
	// releaseBytes is how much a client gets before the leader is told: it holds
	// more than that before it waits.
	releaseBytes = 1 << 20
	releaseTime  = 5 * time.Second
)

// releaser tells leaders what a client that cannot do so itself has got.
type releaser struct {
	server *Server
	ctx    context.Context //nolint:containedctx // of the call, whose headers the releases carry
	op     operation
	bytes  int
	ids    chan string // the latest only
	over   chan struct{}
}

func (s *Server) newReleaser(ctx context.Context, op operation) *releaser {
	r := &releaser{server: s, ctx: context.WithoutCancel(ctx), op: op, ids: make(chan string, 1), over: make(chan struct{})}
	go func() {
		defer close(r.over)
		for id := range r.ids {
			r.send(id)
		}
	}()
	return r
}

// delivered notes a response that the client has got.
func (r *releaser) delivered(id string, bytes int) {
	if r.bytes += bytes; id == "" || r.bytes < releaseBytes {
		return
	}
	r.bytes = 0
	select {
	case <-r.ids:
	default:
	}
	r.ids <- id // there is room: this is the only sender
}

// close lets go of the whole operation: nobody will ask for it again.
func (r *releaser) close() {
	close(r.ids)
	<-r.over
	r.send("")
}

// send releases; what fails, the leader gives up by itself when nobody reads.
func (r *releaser) send(until string) {
	ctx, cancel := context.WithTimeout(r.ctx, releaseTime)
	defer cancel()
	conn, err := r.server.leaders.Leader(ctx, nil)
	if err != nil {
		return
	}
	out := &frame{}
	if conn.Invoke(ctx, service+"ReleaseExecute", r.op.release(until), out, options()...) == nil {
		out.free()
	}
}
