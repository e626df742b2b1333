package sparkconnect

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeEngine keeps sessions in memory. What executions do is up to the test.
type fakeEngine struct {
	execute func(ctx context.Context, s *fakeSession, req ExecuteRequest) (Result, error)
	analyze func(n plan.Node) (plan.Node, error)
	mu      sync.Mutex
	live    map[SessionKey]*fakeSession
	closed  []SessionKey
}

func newFake() *fakeEngine {
	return &fakeEngine{live: map[SessionKey]*fakeSession{}, analyze: fakeAnalyze, execute: fakeExecute}
}

func (e *fakeEngine) Session(_ context.Context, _ Principal, key SessionKey) (Session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &fakeSession{engine: e, id: uuid.NewString(), conf: map[string]string{}, blobs: map[string][]byte{}, levels: map[string]StorageLevel{}}
	e.live[key] = s
	return s, nil
}

func (e *fakeEngine) CloneSession(ctx context.Context, from, to SessionKey) (Session, error) {
	s, err := e.Session(ctx, Principal{}, to)
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.Copy(e.live[to].conf, e.live[from].conf)
	return s, err
}

func (e *fakeEngine) CloseSession(_ context.Context, key SessionKey) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = append(e.closed, key)
	delete(e.live, key)
	return nil
}

type fakeSession struct {
	engine *fakeEngine
	id     string
	mu     sync.Mutex
	conf   map[string]string
	blobs  map[string][]byte
	levels map[string]StorageLevel
	ran    []plan.Node
}

func (s *fakeSession) ServerID() string { return s.id }

func (s *fakeSession) Execute(ctx context.Context, req ExecuteRequest) (Result, error) {
	s.mu.Lock()
	s.ran = append(s.ran, req.Plan)
	s.mu.Unlock()
	return s.engine.execute(ctx, s, req)
}

func (s *fakeSession) Analyze(_ context.Context, n plan.Node) (plan.Node, error) {
	return s.engine.analyze(n)
}
func (s *fakeSession) Describe() Describer { return s }
func (s *fakeSession) State() State        { return s }
func (s *fakeSession) Conf() Conf          { return fakeConf{s} }
func (s *fakeSession) Storage() Storage    { return s }
func (s *fakeSession) Blobs() Blobs        { return fakeBlobs{s} }

func (s *fakeSession) Explain(_ context.Context, n plan.Node, mode string) (string, error) {
	return mode + "\n" + plan.Tree(n), nil
}

func (s *fakeSession) InputFiles(context.Context, plan.Node) ([]string, error) {
	return []string{"file:///a"}, nil
}

func (s *fakeSession) SemanticKey(_ context.Context, n plan.Node) (string, error) {
	return plan.Tree(bare(n)), nil
}

func (s *fakeSession) Persist(_ context.Context, n plan.Node, level StorageLevel) error {
	s.levels[plan.Tree(bare(n))] = level
	return nil
}

func (s *fakeSession) Unpersist(_ context.Context, n plan.Node, _ bool) error {
	delete(s.levels, plan.Tree(bare(n)))
	return nil
}

func (s *fakeSession) Level(_ context.Context, n plan.Node) (StorageLevel, error) {
	return s.levels[plan.Tree(bare(n))], nil
}

type fakeConf struct{ s *fakeSession }

func (c fakeConf) Get(k string) (string, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	v, ok := c.s.conf[k]
	return v, ok
}

func (c fakeConf) Set(k, v string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.conf[k] = v
	return nil
}

func (c fakeConf) Unset(k string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.conf, k)
	return nil
}

func (c fakeConf) All() map[string]string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return maps.Clone(c.s.conf)
}

type fakeBlobs struct{ s *fakeSession }

func (b fakeBlobs) Put(_ context.Context, name string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err == nil {
		b.s.blobs[name] = data
	}
	return err
}

func (b fakeBlobs) Has(_ context.Context, name string) (bool, error) {
	_, ok := b.s.blobs[name]
	return ok, nil
}

func (b fakeBlobs) Get(_ context.Context, name string) ([]byte, error) {
	data, ok := b.s.blobs[name]
	if !ok {
		return nil, errs.Errorf(errs.NotFound, "fake.Get", "no blob %s", name)
	}
	return bytes.Clone(data), nil
}

// bare is a plan without tags.
func bare(n plan.Node) plan.Node {
	out, _ := plan.TransformUp(n, func(n plan.Node) (plan.Node, error) {
		if t, ok := n.(*plan.Tagged); ok {
			return t.Child, nil
		}
		return n, nil
	})
	return out
}

// fakeAnalyze knows tables by name only, and gives ranges and rows their columns.
func fakeAnalyze(n plan.Node) (plan.Node, error) {
	var bad error
	plan.Walk(n, func(n plan.Node) bool {
		if t, ok := n.(*plan.Table); ok {
			c := errs.Cond(errs.Analysis, "TABLE_OR_VIEW_NOT_FOUND", "42P01", "There is no table "+t.Parts[0]+".", "relationName", "`"+t.Parts[0]+"`")
			if t.At != nil {
				c.Origin = *t.At
			}
			bad = c
		}
		return true
	})
	return bare(n), bad
}

// fakeExecute runs ranges, rows in memory and limits over them.
func fakeExecute(ctx context.Context, _ *fakeSession, req ExecuteRequest) (Result, error) {
	if _, err := fakeAnalyze(req.Plan); err != nil {
		return nil, err
	}
	switch n := bare(req.Plan).(type) {
	case *plan.Range:
		return &rangeResult{from: n.Start, to: n.End, step: max(n.Step, 1), size: 1000}, nil
	case *plan.Local:
		return &localResult{schema: plan.SchemaOf(n), data: n.Data}, nil
	case plan.Command:
		v := batch.Of(types.String, "done")
		return &localResult{schema: types.NewSchema(types.F("r", types.String)), data: []*batch.Batch{{N: 1, Cols: []*batch.Vector{v}}}}, nil
	}
	return nil, errs.Unsupported("fake: " + req.Plan.String())
}

// rangeResult is a column of longs in batches of size rows.
type rangeResult struct {
	from, to, step int64
	size           int
	delay          func(ctx context.Context) error
	pulled         atomic.Int64
	metrics        Metrics
}

func (r *rangeResult) Schema() types.Schema {
	return types.NewSchema(types.Field{Name: "id", Type: types.Long})
}

func (r *rangeResult) Next(ctx context.Context) (*batch.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, errs.E(errs.Canceled, "fake.Next", err)
	}
	if r.delay != nil {
		if err := r.delay(ctx); err != nil {
			return nil, err
		}
	}
	if r.from >= r.to {
		return nil, io.EOF
	}
	b := batch.NewBatch(r.Schema().Types(), r.size)
	b.Reset(0)
	for b.N < r.size && r.from < r.to {
		b.Cols[0].Append(r.from)
		r.from += max(r.step, 1)
		b.N++
	}
	r.pulled.Add(int64(b.N))
	return b, nil
}
func (r *rangeResult) Close() error       { return nil }
func (r *rangeResult) Progress() Progress { return Progress{Stages: []StageProgress{{Tasks: 3}}} }
func (r *rangeResult) Metrics() Metrics   { return r.metrics }

type localResult struct {
	schema types.Schema
	data   []*batch.Batch
}

func (r *localResult) Schema() types.Schema { return r.schema }
func (r *localResult) Next(context.Context) (*batch.Batch, error) {
	if len(r.data) == 0 {
		return nil, io.EOF
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b, nil
}
func (r *localResult) Close() error       { return nil }
func (r *localResult) Progress() Progress { return Progress{} }
func (r *localResult) Metrics() Metrics   { return Metrics{} }

// world is a server with a client.
type world struct {
	t      *testing.T
	engine *fakeEngine
	server *Server
	client pb.SparkConnectServiceClient
	id     string
}

func newWorld(t *testing.T, opt Options) *world {
	t.Helper()
	w := &world{t: t, engine: newFake(), id: uuid.NewString()}
	opt.Engine = w.engine
	w.server = New(opt)
	ln := bufconn.Listen(1 << 20)
	served := make(chan error, 1)
	go func() { served <- w.server.Serve(ln) }()
	conn, err := grpc.NewClient("passthrough:bufnet", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return ln.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)))
	require.NoError(t, err)
	w.client = pb.NewSparkConnectServiceClient(conn)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		require.NoError(t, w.server.Close(context.Background()))
		require.NoError(t, <-served)
	})
	return w
}

// dial connects to a server's address.
func dial(t *testing.T, address string) pb.SparkConnectServiceClient {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return pb.NewSparkConnectServiceClient(conn)
}

func user() *pb.UserContext { return &pb.UserContext{UserId: "ada"} }

func rangeOf(n int64) *pb.Relation {
	return &pb.Relation{RelType: &pb.Relation_Range{Range: &pb.Range{End: n, Step: 1}}}
}

func sqlOf(q string) *pb.Relation {
	return &pb.Relation{RelType: &pb.Relation_Sql{Sql: &pb.SQL{Query: q}}}
}

func rootPlan(r *pb.Relation) *pb.Plan { return &pb.Plan{OpType: &pb.Plan_Root{Root: r}} }

func commandPlan(c *pb.Command) *pb.Plan { return &pb.Plan{OpType: &pb.Plan_Command{Command: c}} }

func (w *world) request(p *pb.Plan, reattachable bool) *pb.ExecutePlanRequest {
	id := uuid.NewString()
	req := &pb.ExecutePlanRequest{SessionId: w.id, UserContext: user(), OperationId: &id, Plan: p}
	if reattachable {
		req.RequestOptions = []*pb.ExecutePlanRequest_RequestOption{{RequestOption: &pb.ExecutePlanRequest_RequestOption_ReattachOptions{
			ReattachOptions: &pb.ReattachOptions{Reattachable: true},
		}}}
	}
	return req
}

type responses interface {
	Recv() (*pb.ExecutePlanResponse, error)
}

// drain reads a stream to its end.
func drain(s responses) ([]*pb.ExecutePlanResponse, error) {
	var out []*pb.ExecutePlanResponse
	for {
		r, err := s.Recv()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
}

// run executes a plan and reads all responses.
func (w *world) run(p *pb.Plan) ([]*pb.ExecutePlanResponse, error) {
	w.t.Helper()
	s, err := w.client.ExecutePlan(w.t.Context(), w.request(p, false))
	require.NoError(w.t, err)
	return drain(s)
}
