package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	// askWithin bounds one question who leads: a scheduler that is stopped does not answer at all.
	askWithin = 500 * time.Millisecond
	// watchEvery is how often a gateway asks who leads: a leader that is stopped, not dead, cuts no connection.
	watchEvery = 500 * time.Millisecond
	// maxInner bounds a message between processes of a cluster: a batch of rows on its way to a client.
	maxInner = 128<<20 + 1<<20
)

// leader finds the scheduler that leads. It is safe for concurrent use.
type leader struct {
	creds credentials.TransportCredentials

	mu struct {
		sync.Mutex
		addresses []string
		conns     map[string]*grpc.ClientConn
		known     *pb.ClusterStatusResponse // of who led last
	}
}

// newLeader starts from schedulers' inner addresses; nil creds are for addresses of this machine.
func newLeader(addresses []string, creds credentials.TransportCredentials) *leader {
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	l := &leader{creds: creds}
	l.mu.addresses, l.mu.conns = slices.Clone(addresses), map[string]*grpc.ClientConn{}
	return l
}

// Close drops all connections.
func (l *leader) Close() error {
	l.mu.Lock()
	conns := l.mu.conns
	l.mu.conns = map[string]*grpc.ClientConn{}
	l.mu.Unlock()
	var err error
	for _, c := range conns {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (l *leader) dial(address string) (*grpc.ClientConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.mu.conns[address]; c != nil {
		return c, nil
	}
	c, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(l.creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxInner), grpc.MaxCallSendMsgSize(maxInner)))
	if err != nil {
		return nil, errs.E(errs.Unavailable, "leader", err)
	}
	l.mu.conns[address] = c
	return c, nil
}

// Conn is a connection for inner calls to who leads, as far as is known: asked for anew once Lost was called.
func (l *leader) Conn(ctx context.Context) (*grpc.ClientConn, error) {
	s, err := l.who(ctx)
	if err != nil {
		return nil, err
	}
	return l.dial(s.GetLeaderAddress())
}

func (l *leader) who(ctx context.Context) (*pb.ClusterStatusResponse, error) {
	l.mu.Lock()
	known := l.mu.known
	l.mu.Unlock()
	if known != nil {
		return known, nil
	}
	return l.status(ctx)
}

// Leader is where the relay finds Spark Connect: failed is how the last attempt ended.
func (l *leader) Leader(ctx context.Context, failed error) (grpc.ClientConnInterface, error) {
	if failed != nil {
		l.Lost()
	}
	s, err := l.who(ctx)
	if err != nil {
		return nil, err
	}
	c, err := l.dial(s.GetConnectAddress())
	if err != nil {
		return nil, err
	}
	return movable{c}, nil
}

// watch drops the connection to who led when another leads, so that calls under way go on with that one.
func (l *leader) watch(ctx context.Context) {
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		l.mu.Lock()
		before := l.mu.known
		l.mu.Unlock()
		s, err := l.status(ctx)
		if err == nil && before != nil && before.GetConnectAddress() != s.GetConnectAddress() {
			l.drop(before.GetConnectAddress())
		}
	}
}

func (l *leader) drop(address string) {
	l.mu.Lock()
	c := l.mu.conns[address]
	delete(l.mu.conns, address)
	l.mu.Unlock()
	if c != nil {
		_ = c.Close() // its calls end; nobody else holds it
	}
}

// movable is a connection whose calls fail as Unavailable when it is dropped, so that they are tried on the next.
type movable struct{ c *grpc.ClientConn }

// Invoke makes a call.
func (m movable) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return moved(ctx, m.c.Invoke(ctx, method, args, reply, opts...))
}

// NewStream starts a stream.
func (m movable) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	s, err := m.c.NewStream(ctx, desc, method, opts...)
	if err != nil {
		return nil, moved(ctx, err)
	}
	return movableStream{s}, nil
}

type movableStream struct{ grpc.ClientStream }

// RecvMsg receives.
func (s movableStream) RecvMsg(m any) error { return moved(s.Context(), s.ClientStream.RecvMsg(m)) }

// moved tells the end of a connection from the caller's own.
func moved(ctx context.Context, err error) error {
	if status.Code(err) == codes.Canceled && ctx.Err() == nil {
		return status.Error(codes.Unavailable, "another scheduler leads")
	}
	return err
}

// Lost says that who led does not any more, or does not answer.
func (l *leader) Lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.known = nil
}

// status asks all schedulers at once and gives the answer of the one that leads.
func (l *leader) status(ctx context.Context) (*pb.ClusterStatusResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	l.mu.Lock()
	addresses := slices.Clone(l.mu.addresses)
	l.mu.Unlock()
	answers := make(chan *pb.ClusterStatusResponse, len(addresses))
	var asking sync.WaitGroup
	for _, a := range addresses {
		asking.Go(func() { answers <- l.ask(ctx, a) })
	}
	defer asking.Wait()
	defer cancel()
	for range addresses {
		if s := <-answers; s.GetLeading() {
			l.learn(s)
			return s, nil
		}
	}
	return nil, errs.Errorf(errs.Unavailable, "leader", "no scheduler of %v leads", addresses)
}

func (l *leader) ask(ctx context.Context, address string) *pb.ClusterStatusResponse {
	c, err := l.dial(address)
	if err != nil {
		return nil
	}
	s, err := pb.NewAdminClient(c).ClusterStatus(ctx, &pb.ClusterStatusRequest{})
	if err != nil {
		return nil
	}
	return s
}

// learn keeps who leads, and schedulers that have joined since.
func (l *leader) learn(s *pb.ClusterStatusResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.known = s
	for _, m := range s.GetSchedulers() {
		if a := m.GetInner(); a != "" && !slices.Contains(l.mu.addresses, a) {
			l.mu.addresses = append(l.mu.addresses, a)
		}
	}
}
