package relay

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
)

// maxReplay is what of an upload is kept to send it again to another leader.
// Larger ones end with the leader: the client repeats them.
const maxReplay = 16 << 20

// upload is one AddArtifacts call.
type upload struct {
	client grpc.ServerStream
	kept   []*frame
	bytes  int
	lost   bool // more came than is kept
	ended  bool // the client has sent all
	done   bool // the client has its answer
	broken error
}

// upload passes a stream of requests on.
func (s *Server) upload(ctx context.Context, client grpc.ServerStream) error {
	u := &upload{client: client}
	defer u.free()
	r := s.newRetry()
	for {
		err := u.attempt(ctx, r)
		switch {
		case u.broken != nil:
			return u.broken
		case err == nil, u.done, u.lost:
			return err
		}
		if err := r.again(ctx, err); err != nil {
			return err
		}
	}
}

func (u *upload) free() {
	for _, f := range u.kept {
		f.free()
	}
	u.kept = nil
}

// attempt sends all there is to one leader and brings its answer.
func (u *upload) attempt(ctx context.Context, r *retry) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := r.leader(ctx)
	if err != nil {
		return err
	}
	up, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, service+"AddArtifacts", options()...)
	if err != nil {
		return err
	}
	if err := u.send(up); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if u.broken != nil {
		return nil
	}
	out := &frame{}
	if err := up.RecvMsg(out); err != nil { // also why sending ended early
		return err
	}
	defer out.free()
	u.done = true
	return u.client.SendMsg(out)
}

// send passes on what was kept and what comes. io.EOF: the leader has ended the stream.
func (u *upload) send(up grpc.ClientStream) error {
	for _, f := range u.kept {
		if err := up.SendMsg(f); err != nil {
			return err
		}
	}
	for !u.ended {
		f := &frame{}
		if err := u.client.RecvMsg(f); errors.Is(err, io.EOF) {
			u.ended = true
			break
		} else if err != nil {
			u.broken = err
			return nil
		}
		keep := u.keep(f)
		err := up.SendMsg(f)
		if !keep {
			f.free()
		}
		if err != nil {
			return err
		}
	}
	return up.CloseSend()
}

// keep holds a frame for another leader while there is room for all of them.
func (u *upload) keep(f *frame) bool {
	u.bytes += f.data.Len()
	if u.bytes > maxReplay && !u.lost {
		u.lost = true
		u.free()
	}
	if !u.lost {
		u.kept = append(u.kept, f)
	}
	return !u.lost
}
