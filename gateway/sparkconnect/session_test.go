package sparkconnect

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

func (w *world) version(id string, seen *string) (*pb.AnalyzePlanResponse, error) {
	return w.client.AnalyzePlan(w.t.Context(), &pb.AnalyzePlanRequest{
		SessionId: id, UserContext: user(), ClientObservedServerSideSessionId: seen,
		Analyze: &pb.AnalyzePlanRequest_SparkVersion_{SparkVersion: &pb.AnalyzePlanRequest_SparkVersion{}},
	})
}

func TestSessionHandles(t *testing.T) {
	w := newWorld(t, Options{})
	_, err := w.version("not-a-uuid", nil)
	require.Equal(t, "INVALID_HANDLE.FORMAT", conditionOf(t, err))
	require.Empty(t, infoOf(t, err).Metadata["errorId"])

	resp, err := w.version(w.id, nil)
	require.NoError(t, err)
	require.Equal(t, DefaultSparkVersion, resp.GetSparkVersion().Version)
	_, err = w.version(w.id, &resp.ServerSideSessionId)
	require.NoError(t, err)
	other := "other"
	_, err = w.version(w.id, &other)
	require.Equal(t, "INVALID_HANDLE.SESSION_CHANGED", conditionOf(t, err))
	require.Empty(t, infoOf(t, err).Metadata["errorId"]) // or clients hide the condition
}

func (w *world) releaseSession(id string, reconnect bool) {
	w.t.Helper()
	_, err := w.client.ReleaseSession(w.t.Context(), &pb.ReleaseSessionRequest{SessionId: id, UserContext: user(), AllowReconnect: reconnect})
	require.NoError(w.t, err)
}

func TestReleasedSessionsLeaveTombstones(t *testing.T) {
	w := newWorld(t, Options{})
	signal := make(chan string, 2)
	w.engine.execute = blocked(signal)
	s, err := w.client.ExecutePlan(t.Context(), w.request(rootPlan(rangeOf(1)), true))
	require.NoError(t, err)
	require.Equal(t, "started", <-signal)
	w.releaseSession(w.id, false)
	require.Equal(t, "ended", <-signal) // before the engine closes the session
	require.Len(t, w.engine.closed, 1)
	_, err = drain(s)
	require.Equal(t, "INVALID_HANDLE.SESSION_CLOSED", conditionOf(t, err))
	_, err = w.version(w.id, nil)
	require.Equal(t, "INVALID_HANDLE.SESSION_CLOSED", conditionOf(t, err))
	w.releaseSession(w.id, false) // harmless

	id := uuid.NewString()
	a, err := w.version(id, nil)
	require.NoError(t, err)
	w.releaseSession(id, true)
	b, err := w.version(id, nil)
	require.NoError(t, err)
	require.NotEqual(t, a.ServerSideSessionId, b.ServerSideSessionId)
}

func TestTombstonesAreBounded(t *testing.T) {
	s := newSessions(&Server{clock: clock.Real{}})
	for range maxTombstones + 10 {
		s.forget(&session{key: SessionKey{SessionID: uuid.NewString()}}, true)
	}
	require.Len(t, s.mu.closed, maxTombstones)
	require.Len(t, s.mu.order, maxTombstones)
}

func TestIdleSessionsAndAbandonedOperations(t *testing.T) {
	now := clock.NewManual(time.Unix(1000, 0))
	w := newWorld(t, Options{Clock: now})
	req := w.request(rootPlan(rangeOf(5)), true)
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	_, err = drain(s)
	require.NoError(t, err)
	sess := w.server.sessions.all()[0]
	require.Eventually(t, func() bool {
		o, ok := sess.operation(req.GetOperationId())
		return ok && o.abandoned(now.Now().Add(time.Hour), 0)
	}, 5*time.Second, time.Millisecond)
	now.Advance(4 * time.Minute)
	w.server.sweep()
	_, ok := sess.operation(req.GetOperationId())
	require.True(t, ok)
	now.Advance(2 * time.Minute)
	w.server.sweep()
	_, ok = sess.operation(req.GetOperationId())
	require.False(t, ok)
	now.Advance(2 * time.Hour)
	w.server.sweep()
	_, err = w.version(w.id, nil)
	require.Equal(t, "INVALID_HANDLE.SESSION_CLOSED", conditionOf(t, err))
}

func TestCloneSession(t *testing.T) {
	w := newWorld(t, Options{})
	require.Empty(t, w.configure(t, set1("spark.sql.caseSensitive", "true")).Warnings)
	id := uuid.NewString()
	c, err := w.client.CloneSession(t.Context(), &pb.CloneSessionRequest{SessionId: w.id, UserContext: user(), NewSessionId: &id})
	require.NoError(t, err)
	require.Equal(t, id, c.NewSessionId)
	require.NotEqual(t, c.ServerSideSessionId, c.NewServerSideSessionId)
	old := w.id
	w.id = id
	require.Equal(t, "true", w.configure(t, get1("spark.sql.caseSensitive")).Pairs[0].GetValue())
	_, err = w.client.CloneSession(t.Context(), &pb.CloneSessionRequest{SessionId: old, UserContext: user(), NewSessionId: &id})
	require.Equal(t, "INVALID_HANDLE.CLONE_TARGET_SESSION_EXISTS", conditionOf(t, err))
}

func TestToken(t *testing.T) {
	w := newWorld(t, Options{Auth: Token("s3cret")})
	_, err := w.version(w.id, nil)
	require.Equal(t, codes.Unauthenticated, status.Code(err))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer s3cret")
	_, err = w.client.Interrupt(ctx, &pb.InterruptRequest{SessionId: w.id, UserContext: user(), InterruptType: pb.InterruptRequest_INTERRUPT_TYPE_ALL})
	require.NoError(t, err)
	s, err := w.client.ExecutePlan(t.Context(), w.request(rootPlan(rangeOf(1)), true))
	require.NoError(t, err)
	_, err = drain(s)
	require.Equal(t, codes.Unauthenticated, status.Code(err))
}

func TestErrorDetails(t *testing.T) {
	w := newWorld(t, Options{})
	long := strings.Repeat("wörter ", 30_000)
	cause := errs.Cond(errs.Arithmetic, "DIVIDE_BY_ZERO", "22012", "Division by zero.", "config", "x")
	c := errs.Cond(errs.Parse, "PARSE_SYNTAX_ERROR", "42601", long, "error", long, "hint", "h")
	c.Cause = cause
	c.Origin = errs.Origin{Line: 1, Pos: 7, Start: 7, Stop: 10, Text: "select abc"}
	w.engine.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) { return nil, c }
	_, err := w.run(rootPlan(rangeOf(1)))
	info := infoOf(t, err)
	require.Equal(t, "PARSE_SYNTAX_ERROR", info.Metadata["errorClass"])
	require.Equal(t, "42601", info.Metadata["sqlState"])
	require.Contains(t, info.Metadata["classes"], "org.apache.spark.sql.catalyst.parser.ParseException")
	require.LessOrEqual(t, len(status.Convert(err).Message()), maxStatusMessage+3)
	require.LessOrEqual(t, len(info.Metadata["messageParameters"]), 2*maxStatusParams)

	d, err := w.client.FetchErrorDetails(t.Context(), &pb.FetchErrorDetailsRequest{SessionId: w.id, UserContext: user(), ErrorId: info.Metadata["errorId"]})
	require.NoError(t, err)
	require.EqualValues(t, 0, d.GetRootErrorIdx())
	require.Contains(t, d.Errors[0].Message, long)
	require.Equal(t, long, d.Errors[0].SparkThrowable.MessageParameters["error"])
	q := d.Errors[0].SparkThrowable.QueryContexts[0]
	require.Equal(t, "abc", q.Fragment)
	require.EqualValues(t, 7, q.StartIndex)
	require.EqualValues(t, 9, q.StopIndex)
	require.EqualValues(t, 1, d.Errors[0].GetCauseIdx())
	require.Equal(t, "DIVIDE_BY_ZERO", d.Errors[1].SparkThrowable.GetErrorClass())
	d, err = w.client.FetchErrorDetails(t.Context(), &pb.FetchErrorDetailsRequest{SessionId: w.id, UserContext: user(), ErrorId: "unknown"})
	require.NoError(t, err)
	require.Nil(t, d.RootErrorIdx)
}

func TestStoredErrorsAreBounded(t *testing.T) {
	s := &errorStore{}
	first := s.put(errs.Unsupported("a"))
	for range maxErrors {
		s.put(errs.Unsupported("b"))
	}
	require.NoError(t, s.get(first))
	require.Len(t, s.mu.byID, maxErrors)
}

// deep is n filters over a range.
func deep(n int) *pb.Relation {
	r := rangeOf(1)
	yes := &pb.Expression{ExprType: &pb.Expression_Literal_{Literal: &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Boolean{Boolean: true}}}}
	for range n {
		r = &pb.Relation{RelType: &pb.Relation_Filter{Filter: &pb.Filter{Input: r, Condition: yes}}}
	}
	return r
}

func TestDeepPlans(t *testing.T) {
	w := newWorld(t, Options{})
	for _, n := range []int{plan.MaxDepth + 1, 10_000} {
		_, err := w.run(rootPlan(deep(n)))
		require.Equal(t, "FAILED_TO_PARSE_TOO_COMPLEX", conditionOf(t, err))
	}
	_, err := w.run(rootPlan(deep(maxNesting)))
	require.Equal(t, codes.Internal, status.Code(err)) // more than the decoder takes: gRPC answers itself
	_, err = w.run(rootPlan(rangeOf(1)))
	require.NoError(t, err)
}

func TestServerStopsWhileClientsWait(t *testing.T) {
	e := newFake()
	signal := make(chan string, 2)
	e.execute = blocked(signal)
	s := New(Options{Engine: e})
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	w := &world{t: t, id: uuid.NewString(), client: dial(t, ln.Addr().String())}
	st, err := w.client.ExecutePlan(t.Context(), w.request(rootPlan(rangeOf(1)), true))
	require.NoError(t, err)
	require.Equal(t, "started", <-signal)
	require.NoError(t, s.Close(t.Context()))
	require.NoError(t, s.Close(t.Context()))
	require.NoError(t, <-served)
	require.Equal(t, "ended", <-signal)
	_, err = drain(st)
	require.Equal(t, codes.Unavailable, status.Code(err))
}
