package relay

import (
	"context"

	"google.golang.org/grpc"
)

// unary passes a call of one request and one response on, again where the
// leader is gone: the calls change nothing the second time.
func (s *Server) unary(ctx context.Context, method string, client grpc.ServerStream) error {
	in, out := &frame{}, &frame{}
	if err := client.RecvMsg(in); err != nil {
		return err
	}
	defer in.free()
	r := s.newRetry()
	for {
		err := s.invoke(ctx, r, method, in, out)
		if err == nil {
			err = client.SendMsg(out)
			out.free()
			return err
		}
		if err := r.again(ctx, err); err != nil {
			return err
		}
	}
}

// invoke makes one attempt. The end of one that may not be repeated is final.
func (s *Server) invoke(ctx context.Context, r *retry, method string, in, out *frame) error {
	conn, err := r.leader(ctx)
	if err != nil {
		return err
	}
	if err = conn.Invoke(ctx, method, in, out, options()...); err != nil && once(method) {
		r.until = s.clock.Now()
	}
	return err
}
