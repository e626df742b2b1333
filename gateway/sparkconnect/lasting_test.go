package sparkconnect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// lastingEngine keeps its sessions when servers come and go.
type lastingEngine struct {
	*fakeEngine
	sessions map[SessionKey]*lastingSession
	refuses  error
}

type lastingSession struct {
	*fakeSession
	engine *lastingEngine
	kept   []Kept
	source []byte
}

func (e *lastingEngine) Session(ctx context.Context, p Principal, key SessionKey) (Session, error) {
	e.mu.Lock()
	s := e.sessions[key]
	e.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if _, err := e.fakeEngine.Session(ctx, p, key); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s = &lastingSession{fakeSession: e.live[key], engine: e}
	e.sessions[key] = s
	return s, nil
}

func (s *lastingSession) Execute(ctx context.Context, req ExecuteRequest) (Result, error) {
	s.mu.Lock()
	s.source = req.Source
	s.mu.Unlock()
	return s.fakeSession.Execute(ctx, req)
}

func (s *lastingSession) Keep(_ context.Context, key string, value []byte) error {
	if s.engine.refuses != nil {
		return s.engine.refuses
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, Kept{key, value})
	return nil
}

func (s *lastingSession) Drop(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []Kept
	for _, k := range s.kept {
		if k.Key != key {
			left = append(left, k)
		}
	}
	s.kept = left
	return nil
}

func (s *lastingSession) Kept() []Kept {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Kept(nil), s.kept...)
}

func (s *lastingSession) keys() (out []string) {
	for _, k := range s.Kept() {
		kind, _, _ := strings.Cut(k.Key, "/")
		out = append(out, kind)
	}
	return out
}

// generation is one server of several that follow each other.
type generation struct {
	*world
	conn  *grpc.ClientConn
	close func()
}

func newLastingEngine() *lastingEngine {
	return &lastingEngine{fakeEngine: newFake(), sessions: map[SessionKey]*lastingSession{}}
}

// follow starts a server over what earlier ones left. It has not restored yet.
func follow(t *testing.T, e *lastingEngine, id string, limits Limits) *generation {
	t.Helper()
	g := &generation{world: &world{t: t, engine: e.fakeEngine, id: id}}
	g.server = New(Options{Engine: e, Lasting: true, Limits: limits})
	ln := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- g.server.Serve(ln) }()
	conn, err := grpc.NewClient("passthrough:bufnet", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return ln.DialContext(ctx) }))
	require.NoError(t, err)
	g.client, g.conn = pb.NewSparkConnectServiceClient(conn), conn
	g.close = func() {
		require.NoError(t, conn.Close())
		require.NoError(t, g.server.Close(context.Background()))
		require.NoError(t, <-served)
	}
	return g
}

// lead starts a server and restores.
func lead(t *testing.T, e *lastingEngine, id string, limits Limits) *generation {
	t.Helper()
	g := follow(t, e, id, limits)
	e.mu.Lock()
	var keys []SessionKey
	for k := range e.sessions {
		keys = append(keys, k)
	}
	e.mu.Unlock()
	require.NoError(t, g.server.Restore(t.Context(), keys))
	return g
}

func small() Limits { return Limits{BatchRows: 1000, ProgressFirst: time.Hour} }

// after reads what comes after the responses that a client has.
func (g *generation) after(req *pb.ExecutePlanRequest, had []*pb.ExecutePlanResponse) ([]*pb.ExecutePlanResponse, error) {
	g.t.Helper()
	r := &pb.ReattachExecuteRequest{SessionId: g.id, UserContext: user(), OperationId: req.GetOperationId()}
	if len(had) > 0 {
		r.LastResponseId = &had[len(had)-1].ResponseId
	}
	s, err := g.client.ReattachExecute(g.t.Context(), r)
	require.NoError(g.t, err)
	return drain(s)
}

// TestResultsAreExactAcrossServers cuts a result after each of its responses;
// the next server runs the operation again and gives the rest.
func TestResultsAreExactAcrossServers(t *testing.T) {
	const responses = 7 // of 1,000 rows, the last with 500, and the end
	for cut := range responses + 1 {
		e, id := newLastingEngine(), uuid.NewString()
		a := lead(t, e, id, small())
		req := a.request(rootPlan(rangeOf(5_500)), true)
		var had []*pb.ExecutePlanResponse
		if cut > 0 {
			had = a.part(req, nil, cut)
		} else {
			_ = a.part(req, nil, 1) // and the client did not get it
		}
		a.close()
		b := lead(t, e, id, small())
		rest, err := b.after(req, had)
		require.NoError(t, err)
		require.Equal(t, sequence(5_500), longs(t, append(had, rest...)), "cut after %d", cut)
		require.Len(t, append(had, rest...), responses)
		b.close()
	}
}

// Progress comes at other times on every server and must not shift what rows are counted by.
func TestProgressDoesNotShiftResults(t *testing.T) {
	e, id := newLastingEngine(), uuid.NewString()
	var runs atomic.Int64
	e.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) {
		res := &rangeResult{to: 3_000, size: 1000}
		if runs.Add(1) == 1 {
			pulls := 0
			res.delay = func(ctx context.Context) error {
				if pulls++; pulls == 2 { // the rows so far are read, the client is told of progress only
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
		}
		return res, nil
	}
	limits := Limits{BatchRows: 1000, ProgressFirst: time.Millisecond, ProgressEvery: time.Millisecond}
	a := lead(t, e, id, limits)
	req := a.request(rootPlan(rangeOf(3_000)), true)
	had := a.part(req, nil, 2)
	require.NotNil(t, had[1].GetExecutionProgress())
	a.close()
	b := lead(t, e, id, limits)
	rest, err := b.after(req, had)
	require.NoError(t, err)
	require.Equal(t, sequence(3_000), longs(t, append(had, rest...)))
	b.close()
}

func TestAResultThatCameOutAnotherIsNotContinued(t *testing.T) {
	for name, second := range map[string]func() Result{
		"other rows":      func() Result { return &rangeResult{to: 5_500, step: 2, size: 1000} },
		"fewer rows":      func() Result { return &rangeResult{to: 1_000, size: 1000} },
		"rows before it":  func() Result { return &rangeResult{from: -1, to: 5_500, size: 1000} },
		"one row changed": func() Result { return &rangeResult{from: 1, to: 5_500, size: 1000} },
	} {
		t.Run(name, func(t *testing.T) {
			e, id := newLastingEngine(), uuid.NewString()
			a := lead(t, e, id, small())
			req := a.request(rootPlan(rangeOf(5_500)), true)
			had := a.part(req, nil, 3)
			a.close()
			e.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) { return second(), nil }
			b := lead(t, e, id, small())
			defer b.close()
			rest, err := b.after(req, had)
			require.Empty(t, rest)
			require.Equal(t, "INVALID_CURSOR.RESULT_CHANGED", conditionOf(t, err))
		})
	}
}

func TestCallsWaitForTheRestore(t *testing.T) {
	e, id := newLastingEngine(), uuid.NewString()
	g := follow(t, e, id, small())
	defer g.close()
	_, err := g.client.Config(t.Context(), &pb.ConfigRequest{SessionId: id, UserContext: user(), Operation: &pb.ConfigRequest_Operation{}})
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = g.run(rootPlan(rangeOf(1)))
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.NoError(t, g.server.Restore(t.Context(), nil))
	_, err = g.run(rootPlan(rangeOf(1)))
	require.NoError(t, err)
}

func TestOperationsAreKeptUntilTheyAreReleased(t *testing.T) {
	e, id := newLastingEngine(), uuid.NewString()
	a := lead(t, e, id, small())
	req := a.request(rootPlan(rangeOf(10)), true)
	s, err := a.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	first, err := drain(s)
	require.NoError(t, err)
	key := SessionKey{"ada", id}
	sess := e.sessions[key]
	require.Equal(t, []string{"operation"}, sess.keys())
	a.close()
	require.Equal(t, []string{"operation"}, sess.keys(), "a server that goes leaves it")
	require.Empty(t, e.closed)

	b := lead(t, e, id, small())
	defer b.close()
	again, err := b.client.ExecutePlan(t.Context(), req) // the client got no response
	require.NoError(t, err)
	second, err := drain(again)
	require.NoError(t, err)
	require.Equal(t, longs(t, first), longs(t, second))
	require.Equal(t, first[0].ResponseId, second[0].ResponseId)
	require.Equal(t, first[0].ServerSideSessionId, second[0].ServerSideSessionId)
	_, err = b.client.ReleaseExecute(t.Context(), &pb.ReleaseExecuteRequest{
		SessionId: id, UserContext: user(), OperationId: req.GetOperationId(), Release: &pb.ReleaseExecuteRequest_ReleaseAll_{},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(sess.keys()) == 0 }, 10*time.Second, time.Millisecond)
	_, err = b.run(rootPlan(rangeOf(1)))
	require.NoError(t, err)
	require.Empty(t, sess.keys(), "who cannot reattach has nothing to come back to")
}

func TestNothingRunsThatCannotBeKept(t *testing.T) {
	for _, refusal := range []error{errors.New("the log is full"), fmt.Errorf("log: %w", ErrLeaving)} {
		e, id := newLastingEngine(), uuid.NewString()
		e.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) { panic("it ran") }
		e.refuses = refusal
		a := lead(t, e, id, small())
		req := a.request(rootPlan(rangeOf(1)), true)
		s, err := a.client.ExecutePlan(t.Context(), req)
		require.NoError(t, err)
		_, err = drain(s)
		require.ErrorContains(t, err, refusal.Error())
		if errors.Is(refusal, ErrLeaving) {
			require.Equal(t, codes.Unavailable, status.Code(err))
			e.refuses, e.execute = nil, fakeExecute
			s, err = a.client.ExecutePlan(t.Context(), req)
			require.NoError(t, err)
			_, err = drain(s)
			require.NoError(t, err, "asked again it starts")
		}
		a.close()
	}
}

func TestCheckpointsAreRestored(t *testing.T) {
	e, id := newLastingEngine(), uuid.NewString()
	a := lead(t, e, id, small())
	rs, err := a.run(commandPlan(&pb.Command{CommandType: &pb.Command_CheckpointCommand{CheckpointCommand: &pb.CheckpointCommand{Relation: rangeOf(5)}}}))
	require.NoError(t, err)
	remote := rs[0].GetCheckpointCommandResult().GetRelation()
	a.close()
	sess := e.sessions[SessionKey{"ada", id}]
	clear(sess.levels)
	b := lead(t, e, id, small())
	rs, err = b.run(rootPlan(&pb.Relation{RelType: &pb.Relation_CachedRemoteRelation{CachedRemoteRelation: remote}}))
	require.NoError(t, err)
	require.Equal(t, sequence(5), longs(t, rs))
	require.Len(t, sess.levels, 1)
	_, err = b.run(commandPlan(&pb.Command{CommandType: &pb.Command_RemoveCachedRemoteRelationCommand{
		RemoveCachedRemoteRelationCommand: &pb.RemoveCachedRemoteRelationCommand{Relation: remote},
	}}))
	require.NoError(t, err)
	require.Empty(t, sess.keys())
	b.close()
}

// A view over a checkpoint outlives the checkpoint.
func TestSourcesHoldWhatTheyAreOver(t *testing.T) {
	e, id := newLastingEngine(), uuid.NewString()
	a := lead(t, e, id, small())
	defer a.close()
	checkpoint := func(in *pb.Relation) *pb.Relation {
		rs, err := a.run(commandPlan(&pb.Command{CommandType: &pb.Command_CheckpointCommand{CheckpointCommand: &pb.CheckpointCommand{Relation: in}}}))
		require.NoError(t, err)
		return &pb.Relation{RelType: &pb.Relation_CachedRemoteRelation{CachedRemoteRelation: rs[0].GetCheckpointCommandResult().GetRelation()}}
	}
	limit := func(in *pb.Relation) *pb.Relation {
		return &pb.Relation{RelType: &pb.Relation_Limit{Limit: &pb.Limit{Input: in, Limit: 2}}}
	}
	over := limit(checkpoint(limit(checkpoint(rangeOf(5)))))
	_, err := a.run(commandPlan(&pb.Command{CommandType: &pb.Command_CreateDataframeView{CreateDataframeView: &pb.CreateDataFrameViewCommand{Name: "v", Input: over}}}))
	require.NoError(t, err)
	sess := e.sessions[SessionKey{"ada", id}]
	n, err := a.server.Translate(t.Context(), sess, sess.source)
	require.NoError(t, err)
	require.Contains(t, plan.Tree(n), "Range")
	require.Equal(t, plan.Tree(bare(sess.ran[len(sess.ran)-1])), plan.Tree(bare(n)))
}

func TestSourcesTranslateAgain(t *testing.T) {
	e, id := newLastingEngine(), uuid.NewString()
	a := lead(t, e, id, small())
	defer a.close()
	for _, c := range []*pb.Command{
		{CommandType: &pb.Command_CreateDataframeView{CreateDataframeView: &pb.CreateDataFrameViewCommand{Name: "v", Input: rangeOf(3), Replace: true}}},
		{CommandType: &pb.Command_SqlCommand{SqlCommand: &pb.SqlCommand{Input: sqlOf("create temporary view w as select 1 as x")}}},
	} {
		_, err := a.run(commandPlan(c))
		require.NoError(t, err)
		sess := e.sessions[SessionKey{"ada", id}]
		n, err := a.server.Translate(t.Context(), sess, sess.source)
		require.NoError(t, err)
		require.IsType(t, &plan.CreateView{}, n)
		require.Equal(t, plan.Tree(sess.ran[len(sess.ran)-1]), plan.Tree(n))
	}
	_, err := a.server.Translate(t.Context(), e.sessions[SessionKey{"ada", id}], []byte{1, 2, 3})
	require.Error(t, err)
}
