package sparkconnect

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/connectors/arrowipc"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// longs are the values of the first column in responses, which must number their rows right.
func longs(t *testing.T, rs []*pb.ExecutePlanResponse) []int64 {
	t.Helper()
	var out []int64
	var data []byte
	for _, r := range rs {
		b := r.GetArrowBatch()
		if b == nil {
			continue
		}
		require.EqualValues(t, len(out), b.GetStartOffset())
		data = append(data, b.Data...)
		if b.GetNumChunksInBatch() > 0 && b.GetChunkIndex() < b.GetNumChunksInBatch()-1 {
			continue
		}
		_, bs, err := arrowipc.Decode(data, arrowipc.Limits{})
		require.NoError(t, err)
		rows := 0
		for _, x := range bs {
			for i := range x.N {
				out = append(out, x.Cols[0].Get(i).(int64))
			}
			rows += x.N
		}
		require.EqualValues(t, b.RowCount, rows)
		data = nil
	}
	return out
}

func sequence(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

// infoOf is the details of an error's status.
func infoOf(t *testing.T, err error) *errdetails.ErrorInfo {
	t.Helper()
	st := status.Convert(err)
	require.Equal(t, codes.Internal, st.Code(), "%v", err)
	for _, d := range st.Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok {
			return i
		}
	}
	require.Fail(t, "no ErrorInfo", "%v", err)
	return nil
}

func conditionOf(t *testing.T, err error) string {
	t.Helper()
	return infoOf(t, err).Metadata["errorClass"]
}

func TestOrderOfResponses(t *testing.T) {
	w := newWorld(t, Options{Limits: Limits{ProgressFirst: time.Hour}}) // none, however slow the machine
	rs, err := w.run(rootPlan(rangeOf(100_000)))
	require.NoError(t, err)
	require.Len(t, rs, 3) // 65,536 rows, the rest, the end
	require.NotNil(t, rs[0].Schema)
	require.Nil(t, rs[1].Schema)
	require.NotNil(t, rs[2].GetResultComplete())
	require.Equal(t, sequence(100_000), longs(t, rs))
	seen := map[string]bool{}
	for _, r := range rs {
		require.Equal(t, w.id, r.SessionId)
		require.NotEmpty(t, r.ServerSideSessionId)
		require.Equal(t, rs[0].OperationId, r.OperationId)
		require.False(t, seen[r.ResponseId])
		seen[r.ResponseId] = true
	}
	require.NotContains(t, w.server.sessions.all()[0].operationIDs()[1:], rs[0].OperationId)
}

func TestEmptyResultHasOneBatch(t *testing.T) {
	w := newWorld(t, Options{})
	rs, err := w.run(rootPlan(rangeOf(0)))
	require.NoError(t, err)
	require.Len(t, rs, 2)
	require.NotNil(t, rs[0].Schema)
	require.EqualValues(t, 0, rs[0].GetArrowBatch().RowCount)
	_, bs, err := arrowipc.Decode(rs[0].GetArrowBatch().Data, arrowipc.Limits{})
	require.NoError(t, err)
	require.Empty(t, bs)
}

// reattach reads an operation, cutting the stream after every n responses.
func (w *world) reattach(req *pb.ExecutePlanRequest, n int) []*pb.ExecutePlanResponse {
	w.t.Helper()
	var all []*pb.ExecutePlanResponse
	for len(all) == 0 || all[len(all)-1].GetResultComplete() == nil {
		all = append(all, w.part(req, all, n)...)
	}
	return all
}

// part reads n responses after those had, then cuts the connection.
func (w *world) part(req *pb.ExecutePlanRequest, had []*pb.ExecutePlanResponse, n int) (out []*pb.ExecutePlanResponse) {
	w.t.Helper()
	ctx, cut := context.WithCancel(w.t.Context())
	defer cut()
	var s responses
	var err error
	if len(had) == 0 {
		s, err = w.client.ExecutePlan(ctx, req)
	} else {
		s, err = w.client.ReattachExecute(ctx, &pb.ReattachExecuteRequest{
			SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId(), LastResponseId: &had[len(had)-1].ResponseId,
		})
	}
	require.NoError(w.t, err)
	for range n {
		r, err := s.Recv()
		require.NoError(w.t, err)
		if out = append(out, r); r.GetResultComplete() != nil {
			break
		}
	}
	return out
}

func TestReattachAfterEveryResponse(t *testing.T) {
	w := newWorld(t, Options{Limits: Limits{BatchRows: 1000}})
	for n := 1; n <= 4; n++ {
		rs := w.reattach(w.request(rootPlan(rangeOf(9_500)), true), n)
		require.Len(t, rs, 11)
		require.Equal(t, sequence(9_500), longs(t, rs))
	}
}

func TestReattachFromTheStart(t *testing.T) {
	w := newWorld(t, Options{})
	req := w.request(rootPlan(rangeOf(10)), true)
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	_, err = drain(s)
	require.NoError(t, err)
	for range 2 { // ExecutePlan again, and ReattachExecute without an id
		s, err = w.client.ExecutePlan(t.Context(), req)
		require.NoError(t, err)
		rs, err := drain(s)
		require.NoError(t, err)
		require.Equal(t, sequence(10), longs(t, rs))
		again, err := w.client.ReattachExecute(t.Context(), &pb.ReattachExecuteRequest{SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId()})
		require.NoError(t, err)
		rs, err = drain(again)
		require.NoError(t, err)
		require.Equal(t, sequence(10), longs(t, rs))
	}
	other := proto.Clone(req).(*pb.ExecutePlanRequest)
	other.Plan = rootPlan(rangeOf(11))
	s, err = w.client.ExecutePlan(t.Context(), other)
	require.NoError(t, err)
	_, err = drain(s)
	require.Equal(t, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS", conditionOf(t, err))
}

// TestForcedReattach ends streams after 123 bytes, as Spark's own tests do.
func TestForcedReattach(t *testing.T) {
	w := newWorld(t, Options{Limits: Limits{BatchRows: 1000, StreamBytes: 123, StreamDuration: time.Second}})
	req := w.request(rootPlan(rangeOf(5_000)), true)
	var s responses
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	var all []*pb.ExecutePlanResponse
	streams := 0
	for len(all) == 0 || all[len(all)-1].GetResultComplete() == nil {
		rs, err := drain(s)
		require.NoError(t, err)
		streams++
		all = append(all, rs...)
		re := &pb.ReattachExecuteRequest{SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId()}
		if len(all) > 0 {
			re.LastResponseId = &all[len(all)-1].ResponseId
		}
		s, err = w.client.ReattachExecute(t.Context(), re)
		require.NoError(t, err)
	}
	require.Equal(t, sequence(5_000), longs(t, all))
	require.GreaterOrEqual(t, streams, 6)
}

func (w *world) release(req *pb.ExecutePlanRequest, until string) *pb.ReleaseExecuteResponse {
	w.t.Helper()
	r := &pb.ReleaseExecuteRequest{SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId()}
	if until == "" {
		r.Release = &pb.ReleaseExecuteRequest_ReleaseAll_{ReleaseAll: &pb.ReleaseExecuteRequest_ReleaseAll{}}
	} else {
		r.Release = &pb.ReleaseExecuteRequest_ReleaseUntil_{ReleaseUntil: &pb.ReleaseExecuteRequest_ReleaseUntil{ResponseId: until}}
	}
	out, err := w.client.ReleaseExecute(w.t.Context(), r)
	require.NoError(w.t, err)
	return out
}

func TestReleasesComeOutOfOrder(t *testing.T) {
	w := newWorld(t, Options{Limits: Limits{BatchRows: 1000}})
	req := w.request(rootPlan(rangeOf(5_000)), true)
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	rs, err := drain(s)
	require.NoError(t, err)
	for _, i := range []int{3, 1, 2, 3, 0} {
		w.release(req, rs[i].ResponseId)
	}
	// The response after the released ones is still there; those before are not.
	at := func(i int) error {
		s, err := w.client.ReattachExecute(t.Context(), &pb.ReattachExecuteRequest{
			SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId(), LastResponseId: &rs[i].ResponseId,
		})
		require.NoError(t, err)
		got, err := drain(s)
		if err == nil {
			require.Len(t, got, len(rs)-i-1)
		}
		return err
	}
	require.NoError(t, at(3))
	require.Equal(t, "INVALID_CURSOR.POSITION_NOT_AVAILABLE", conditionOf(t, at(1)))
	require.NotNil(t, w.release(req, "").OperationId)
	require.Nil(t, w.release(req, "").OperationId) // harmless
	err = at(3)
	require.Equal(t, "INVALID_HANDLE.OPERATION_NOT_FOUND", conditionOf(t, err))
	require.Contains(t, status.Convert(err).Message(), "INVALID_HANDLE.OPERATION_NOT_FOUND")
}

func TestNewerStreamWins(t *testing.T) {
	w := newWorld(t, Options{})
	gate := make(chan struct{})
	w.engine.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) {
		return &rangeResult{to: 10, size: 10, delay: func(ctx context.Context) error {
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}, nil
	}
	req := w.request(rootPlan(rangeOf(10)), true)
	first, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return len(w.server.sessions.all()) == 1 && len(w.server.sessions.all()[0].operationIDs()) == 1
	}, 5*time.Second, time.Millisecond)
	second, err := w.client.ReattachExecute(t.Context(), &pb.ReattachExecuteRequest{SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId()})
	require.NoError(t, err)
	_, err = drain(first)
	require.Equal(t, "INVALID_CURSOR.DISCONNECTED", conditionOf(t, err))
	require.Contains(t, status.Convert(err).Message(), "INVALID_CURSOR.DISCONNECTED")
	close(gate)
	rs, err := drain(second)
	require.NoError(t, err)
	require.Equal(t, sequence(10), longs(t, rs))
}

// blocked is an execution that ends only when it is cancelled.
func blocked(signal chan<- string) func(context.Context, *fakeSession, ExecuteRequest) (Result, error) {
	return func(context.Context, *fakeSession, ExecuteRequest) (Result, error) {
		return &rangeResult{to: 10, size: 10, delay: func(ctx context.Context) error {
			signal <- "started"
			<-ctx.Done()
			signal <- "ended"
			return ctx.Err()
		}}, nil
	}
}

func TestInterrupt(t *testing.T) {
	for name, fill := range map[string]func(*pb.InterruptRequest, *pb.ExecutePlanRequest){
		"all": func(r *pb.InterruptRequest, _ *pb.ExecutePlanRequest) {
			r.InterruptType = pb.InterruptRequest_INTERRUPT_TYPE_ALL
		},
		"tag": func(r *pb.InterruptRequest, _ *pb.ExecutePlanRequest) {
			r.InterruptType, r.Interrupt = pb.InterruptRequest_INTERRUPT_TYPE_TAG, &pb.InterruptRequest_OperationTag{OperationTag: "mine"}
		},
		"id": func(r *pb.InterruptRequest, e *pb.ExecutePlanRequest) {
			r.InterruptType, r.Interrupt = pb.InterruptRequest_INTERRUPT_TYPE_OPERATION_ID, &pb.InterruptRequest_OperationId{OperationId: e.GetOperationId()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			signal := make(chan string, 2)
			w.engine.execute = blocked(signal)
			req := w.request(rootPlan(rangeOf(1)), true)
			req.Tags = []string{"mine"}
			s, err := w.client.ExecutePlan(t.Context(), req)
			require.NoError(t, err)
			intr := &pb.InterruptRequest{SessionId: w.id, UserContext: user()}
			fill(intr, req)
			require.Equal(t, "started", <-signal)
			resp, err := w.client.Interrupt(t.Context(), intr)
			require.NoError(t, err)
			require.Equal(t, []string{req.GetOperationId()}, resp.InterruptedIds)
			_, err = drain(s)
			info := infoOf(t, err)
			require.Equal(t, "OPERATION_CANCELED", info.Metadata["errorClass"])
			require.Equal(t, "HY008", info.Metadata["sqlState"])
			require.Equal(t, classSparkSQL, info.Reason)
			require.Equal(t, "ended", <-signal)
			st, err := w.client.GetStatus(t.Context(), &pb.GetStatusRequest{SessionId: w.id, UserContext: user(), OperationStatus: &pb.GetStatusRequest_OperationStatusRequest{}})
			require.NoError(t, err)
			require.Equal(t, stateCancelled, st.OperationStatuses[0].State)
		})
	}
}

func TestLostClientCancelsWhatCannotBeReattached(t *testing.T) {
	w := newWorld(t, Options{})
	signal := make(chan string, 2)
	w.engine.execute = blocked(signal)
	ctx, cut := context.WithCancel(t.Context())
	s, err := w.client.ExecutePlan(ctx, w.request(rootPlan(rangeOf(1)), false))
	require.NoError(t, err)
	require.Equal(t, "started", <-signal)
	cut()
	_, err = drain(s)
	require.Error(t, err)
	require.Equal(t, "ended", <-signal)
}

// TestSlowClient reads nothing for a while: the engine must not be pulled far ahead.
func TestSlowClient(t *testing.T) {
	const total = 40_000_000 // 320 MB of longs
	w := newWorld(t, Options{Limits: Limits{ReleaseGrace: time.Millisecond}})
	res := &rangeResult{to: total, size: 4096}
	w.engine.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) { return res, nil }
	s, err := w.client.ExecutePlan(t.Context(), w.request(rootPlan(rangeOf(total)), true))
	require.NoError(t, err)
	_, err = s.Recv()
	require.NoError(t, err)
	settled := int64(-1)
	require.Eventually(t, func() bool { // until nothing more is pulled
		now := res.pulled.Load()
		defer func() { settled = now }()
		return now == settled
	}, 20*time.Second, 200*time.Millisecond)
	require.Less(t, settled*8, int64(48<<20))
	for range 20 {
		_, err = s.Recv()
		require.NoError(t, err)
	}
}

// TestUnreleasedResponsesAreKept: a client that takes but does not release gets
// no more than is kept, and finds all of that again.
func TestUnreleasedResponsesAreKept(t *testing.T) {
	w := newWorld(t, Options{Limits: Limits{BatchRows: 1000, RetryBytes: 50_000, ReleaseGrace: time.Hour}})
	req := w.request(rootPlan(rangeOf(20_000)), true)
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	var first []*pb.ExecutePlanResponse
	for range 5 {
		r, err := s.Recv()
		require.NoError(t, err)
		first = append(first, r)
	}
	again, err := w.client.ReattachExecute(t.Context(), &pb.ReattachExecuteRequest{SessionId: w.id, UserContext: user(), OperationId: req.GetOperationId()})
	require.NoError(t, err)
	var all []*pb.ExecutePlanResponse
	for len(all) == 0 || all[len(all)-1].GetResultComplete() == nil {
		r, err := again.Recv()
		require.NoError(t, err)
		all = append(all, r)
		w.release(req, r.ResponseId)
	}
	require.Equal(t, sequence(20_000), longs(t, all))
	require.Equal(t, first[4].ResponseId, all[4].ResponseId)
}

func TestChunkedBatches(t *testing.T) {
	w := newWorld(t, Options{})
	req := w.request(rootPlan(rangeOf(3_000)), true)
	size := int64(2000)
	req.RequestOptions = append(req.RequestOptions, &pb.ExecutePlanRequest_RequestOption{RequestOption: &pb.ExecutePlanRequest_RequestOption_ResultChunkingOptions{
		ResultChunkingOptions: &pb.ResultChunkingOptions{AllowArrowBatchChunking: true, PreferredArrowChunkSize: &size},
	}})
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	rs, err := drain(s)
	require.NoError(t, err)
	require.Greater(t, len(rs), 12)
	require.LessOrEqual(t, len(rs[0].GetArrowBatch().Data), 2000)
	require.Equal(t, sequence(3_000), longs(t, rs))
}

func TestProgressAndMetrics(t *testing.T) {
	w := newWorld(t, Options{Limits: Limits{ProgressFirst: 5 * time.Millisecond, ProgressEvery: 5 * time.Millisecond}})
	seen := make(chan struct{})
	w.engine.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) {
		m := Metrics{Observed: []Observed{{Name: "o", PlanID: 7, Keys: []string{"n"}, Values: []*plan.Literal{plan.LitLong(3)}}}}
		return &rangeResult{to: 1, size: 1, metrics: m, delay: func(ctx context.Context) error {
			select {
			case <-seen:
			case <-ctx.Done():
			}
			return nil
		}}, nil
	}
	s, err := w.client.ExecutePlan(t.Context(), w.request(rootPlan(rangeOf(1)), true))
	require.NoError(t, err)
	r, err := s.Recv()
	require.NoError(t, err)
	require.EqualValues(t, 3, r.GetExecutionProgress().Stages[0].NumTasks)
	close(seen)
	rs, err := drain(s)
	require.NoError(t, err)
	last := rs[len(rs)-1]
	require.NotNil(t, last.GetResultComplete())
	require.Equal(t, "o", last.ObservedMetrics[0].Name)
	require.EqualValues(t, 3, last.ObservedMetrics[0].Values[0].GetLong())
}

func TestPanicIsAnError(t *testing.T) {
	w := newWorld(t, Options{})
	w.engine.execute = func(context.Context, *fakeSession, ExecuteRequest) (Result, error) { panic("boom") }
	_, err := w.run(rootPlan(rangeOf(1)))
	require.Equal(t, "INTERNAL_ERROR", conditionOf(t, err))
	w.engine.execute = fakeExecute
	_, err = w.run(rootPlan(rangeOf(1)))
	require.NoError(t, err)
}

func TestSQLCommand(t *testing.T) {
	w := newWorld(t, Options{})
	sqlCommand := func(in *pb.Relation) *pb.Plan {
		return commandPlan(&pb.Command{CommandType: &pb.Command_SqlCommand{SqlCommand: &pb.SqlCommand{Input: in}}})
	}
	q := sqlOf("select 1")
	rs, err := w.run(sqlCommand(q))
	require.NoError(t, err)
	require.Len(t, rs, 2)
	require.True(t, proto.Equal(q, rs[0].GetSqlCommandResult().Relation))

	rs, err = w.run(sqlCommand(sqlOf("SHOW TABLES")))
	require.NoError(t, err)
	local := rs[0].GetSqlCommandResult().GetRelation().GetLocalRelation()
	s, bs, err := arrowipc.Decode(local.Data, arrowipc.Limits{})
	require.NoError(t, err)
	require.Equal(t, types.NewSchema(types.F("r", types.String)), s)
	require.Equal(t, "done", bs[0].Cols[0].Get(0))

	_, err = w.run(sqlCommand(sqlOf("select * from nowhere")))
	require.Equal(t, "TABLE_OR_VIEW_NOT_FOUND", conditionOf(t, err))
	_, err = w.run(sqlCommand(sqlOf("selec 1")))
	require.Equal(t, "org.apache.spark.sql.catalyst.parser.ParseException", infoOf(t, err).Reason)
}

func TestCheckpoint(t *testing.T) {
	w := newWorld(t, Options{})
	rs, err := w.run(commandPlan(&pb.Command{CommandType: &pb.Command_CheckpointCommand{CheckpointCommand: &pb.CheckpointCommand{Relation: rangeOf(5), Eager: true}}}))
	require.NoError(t, err)
	remote := rs[0].GetCheckpointCommandResult().GetRelation()
	again := rootPlan(&pb.Relation{RelType: &pb.Relation_CachedRemoteRelation{CachedRemoteRelation: remote}})
	rs, err = w.run(again)
	require.NoError(t, err)
	require.Equal(t, sequence(5), longs(t, rs))
	_, err = w.run(commandPlan(&pb.Command{CommandType: &pb.Command_RemoveCachedRemoteRelationCommand{
		RemoveCachedRemoteRelationCommand: &pb.RemoveCachedRemoteRelationCommand{Relation: remote},
	}}))
	require.NoError(t, err)
	_, err = w.run(again)
	require.Equal(t, classInvalidPlan, infoOf(t, err).Reason)
}

func TestOperationIDMustBeUUID(t *testing.T) {
	w := newWorld(t, Options{})
	req := w.request(rootPlan(rangeOf(1)), true)
	bad := "x"
	req.OperationId = &bad
	s, err := w.client.ExecutePlan(t.Context(), req)
	require.NoError(t, err)
	_, err = drain(s)
	require.Equal(t, "INVALID_HANDLE.FORMAT", conditionOf(t, err))
	_, err = uuid.Parse(bad)
	require.Error(t, err)
}
