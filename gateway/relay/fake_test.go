package relay_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/gateway/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is what all leaders know: the operations that were begun.
type journal struct {
	sync.Mutex
	begun    map[string]bool
	released map[string][]string
	uploads  []string
}

// leader is a scheduler whose operations give `rows` responses of one number.
type leader struct {
	pb.UnimplementedSparkConnectServiceServer
	t       *testing.T
	journal *journal
	rows    int
	payload []byte
	// before is asked before the k-th response is sent; an error ends the stream.
	before func(k int) error
	// unary is asked by every other call.
	unary   func(method string) error
	sent    atomic.Int64
	headers metadata.MD
	server  *grpc.Server
	conn    *grpc.ClientConn
	stopped sync.Once
}

func newLeader(t *testing.T, j *journal, rows int) *leader {
	t.Helper()
	l := &leader{t: t, journal: j, rows: rows, payload: []byte("x")}
	l.server = grpc.NewServer(grpc.MaxRecvMsgSize(1<<27), grpc.WaitForHandlers(true))
	pb.RegisterSparkConnectServiceServer(l.server, l)
	ln, conn := listen(t)
	l.conn = conn
	served := make(chan error, 1)
	go func() { served <- l.server.Serve(ln) }()
	t.Cleanup(func() { l.stop(); require.NoError(t, <-served) })
	return l
}

func (l *leader) stop() { l.stopped.Do(l.server.Stop) }

// stopSoon stops the leader from within one of its calls.
func (l *leader) stopSoon(stream grpc.ServerStream) error {
	go l.stop()
	<-stream.Context().Done()
	return stream.Context().Err()
}

func listen(t *testing.T) (net.Listener, *grpc.ClientConn) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<27)))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // a test may have closed it
	return ln, conn
}

func (l *leader) ExecutePlan(req *pb.ExecutePlanRequest, out pb.SparkConnectService_ExecutePlanServer) error {
	l.headers, _ = metadata.FromIncomingContext(out.Context())
	if len(req.GetRequestOptions()) == 0 {
		return status.Error(codes.Internal, "not to be reattached to")
	}
	l.journal.Lock()
	l.journal.begun[req.GetOperationId()] = true
	l.journal.Unlock()
	return l.stream(out, req.GetOperationId(), 1)
}

func (l *leader) ReattachExecute(req *pb.ReattachExecuteRequest, out pb.SparkConnectService_ReattachExecuteServer) error {
	l.journal.Lock()
	known := l.journal.begun[req.GetOperationId()]
	l.journal.Unlock()
	if !known || req.GetSessionId() == "" || req.GetUserContext().GetUserId() != "ada" || req.GetClientType() != "test" {
		return status.Error(codes.Internal, "INVALID_HANDLE.OPERATION_NOT_FOUND")
	}
	next := 1
	if req.LastResponseId != nil {
		_, k, _ := strings.Cut(req.GetLastResponseId(), "/")
		last, err := strconv.Atoi(k)
		if err != nil {
			return status.Error(codes.Internal, "INVALID_CURSOR")
		}
		next = last + 1
	}
	return l.stream(out, req.GetOperationId(), next)
}

func (l *leader) stream(out grpc.ServerStreamingServer[pb.ExecutePlanResponse], op string, from int) error {
	for k := from; k <= l.rows; k++ {
		if l.before != nil {
			if err := l.before(k); errors.Is(err, errDie) {
				return l.stopSoon(out)
			} else if err != nil || k < 0 {
				return err
			}
		}
		r := &pb.ExecutePlanResponse{SessionId: "s", OperationId: op, ResponseId: fmt.Sprintf("%s/%d", op, k)}
		r.ResponseType = &pb.ExecutePlanResponse_ArrowBatch_{ArrowBatch: &pb.ExecutePlanResponse_ArrowBatch{RowCount: int64(k), Data: l.payload}}
		if k == l.rows {
			r.ResponseType = &pb.ExecutePlanResponse_ResultComplete_{ResultComplete: &pb.ExecutePlanResponse_ResultComplete{}}
		}
		if err := out.Send(r); err != nil {
			return err
		}
		l.sent.Add(1)
	}
	return nil
}

var errDie = errors.New("the leader dies")

func (l *leader) Config(context.Context, *pb.ConfigRequest) (*pb.ConfigResponse, error) {
	return &pb.ConfigResponse{SessionId: "from the leader"}, l.asked("Config")
}

func (l *leader) CloneSession(context.Context, *pb.CloneSessionRequest) (*pb.CloneSessionResponse, error) {
	return &pb.CloneSessionResponse{}, l.asked("CloneSession")
}

func (l *leader) asked(method string) error {
	if l.unary == nil {
		return nil
	}
	return l.unary(method)
}

func (l *leader) ReleaseExecute(_ context.Context, req *pb.ReleaseExecuteRequest) (*pb.ReleaseExecuteResponse, error) {
	l.journal.Lock()
	defer l.journal.Unlock()
	what := "all"
	if u := req.GetReleaseUntil(); u != nil {
		what = u.GetResponseId()
	}
	l.journal.released[req.GetOperationId()] = append(l.journal.released[req.GetOperationId()], what)
	return &pb.ReleaseExecuteResponse{}, nil
}

func (l *leader) AddArtifacts(in pb.SparkConnectService_AddArtifactsServer) error {
	var names []string
	for {
		req, err := in.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		names = append(names, req.GetSessionId())
		if l.before != nil {
			if err := l.before(len(names)); err != nil {
				return l.stopSoon(in)
			}
		}
	}
	l.journal.Lock()
	l.journal.uploads = names
	l.journal.Unlock()
	return in.SendAndClose(&pb.AddArtifactsResponse{SessionId: "stored"})
}

// group is leaders of which the first that was not stopped leads.
type group struct {
	mu     sync.Mutex
	all    []*leader
	failed []error
}

func (g *group) Leader(_ context.Context, failed error) (grpc.ClientConnInterface, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if failed != nil {
		g.failed = append(g.failed, failed)
		if len(g.all) > 1 {
			g.all = g.all[1:]
		}
	}
	if len(g.all) == 0 {
		return nil, errors.New("nobody leads")
	}
	return g.all[0].conn, nil
}

func newJournal() *journal {
	return &journal{begun: map[string]bool{}, released: map[string][]string{}}
}

// connect starts a relay to leaders and gives a client of it.
func connect(t *testing.T, patience time.Duration, leaders ...*leader) (pb.SparkConnectServiceClient, *group) {
	t.Helper()
	g := &group{all: leaders}
	s := relay.New(relay.Options{Leaders: g, Patience: patience})
	ln, conn := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() { s.Close(); require.NoError(t, <-served) })
	return pb.NewSparkConnectServiceClient(conn), g
}

func request(reattachable bool) *pb.ExecutePlanRequest {
	req := &pb.ExecutePlanRequest{SessionId: uuid.NewString(), UserContext: &pb.UserContext{UserId: "ada"}, ClientType: new("test")}
	if reattachable {
		req.OperationId = new(uuid.NewString())
		req.RequestOptions = []*pb.ExecutePlanRequest_RequestOption{{RequestOption: &pb.ExecutePlanRequest_RequestOption_ReattachOptions{
			ReattachOptions: &pb.ReattachOptions{Reattachable: true},
		}}}
	}
	return req
}

// numbers reads a stream to its end.
func numbers(s grpc.ServerStreamingClient[pb.ExecutePlanResponse]) (out []int64, complete bool, err error) {
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return out, complete, nil
		}
		if err != nil {
			return out, complete, err
		}
		if b := r.GetArrowBatch(); b != nil {
			out = append(out, b.RowCount)
		}
		complete = complete || r.GetResultComplete() != nil
	}
}
