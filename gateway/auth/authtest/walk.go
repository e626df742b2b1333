// Package authtest is the proof that a server answers nobody it does not know:
// it walks all methods of whatever the server offers. It is for tests.
package authtest

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Method is one method of a server and how it answered an empty call.
type Method struct {
	Name string // /service/method
	Err  error  // nil: it answered
}

// Walk calls every method that a server offers, unary ones too, as streams with
// one empty message.
func Walk(ctx context.Context, conn grpc.ClientConnInterface, offered map[string]grpc.ServiceInfo) []Method {
	var out []Method
	for service, info := range offered {
		for _, m := range info.Methods {
			name := "/" + service + "/" + m.Name
			out = append(out, Method{name, call(ctx, conn, name)})
		}
	}
	slices.SortFunc(out, func(a, b Method) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func call(ctx context.Context, conn grpc.ClientConnInterface, method string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	if err := s.SendMsg(&emptypb.Empty{}); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	if err := s.RecvMsg(&emptypb.Empty{}); err != nil && !errors.Is(err, io.EOF) {
		return status.Convert(err).Err()
	}
	return nil
}
