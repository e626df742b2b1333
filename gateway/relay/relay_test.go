package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

const rows = 6

var allRows = []int64{1, 2, 3, 4, 5} // the sixth response is the end

// TestALeaderDiesBeforeEachResponse kills the leader at every place of a
// stream: the client reads each row once and sees no error.
func TestALeaderDiesBeforeEachResponse(t *testing.T) {
	for _, reattachable := range []bool{true, false} {
		for at := 1; at <= rows; at++ {
			t.Run(fmt.Sprint(reattachable, at), func(t *testing.T) {
				j := newJournal()
				a, b := newLeader(t, j, rows), newLeader(t, j, rows)
				died := false
				a.before = func(k int) error {
					if k == at {
						died = true
						return errDie
					}
					return nil
				}
				client, _ := connect(t, 0, a, b)
				s, err := client.ExecutePlan(t.Context(), request(reattachable))
				require.NoError(t, err)
				got, complete, err := numbers(s)
				require.NoError(t, err)
				require.Equal(t, allRows, got)
				require.True(t, complete)
				require.True(t, died)
			})
		}
	}
}

func TestAReattachedStreamSurvivesToo(t *testing.T) {
	j := newJournal()
	a, b := newLeader(t, j, rows), newLeader(t, j, rows)
	req := request(true)
	j.begun[req.GetOperationId()] = true
	a.before = func(k int) error {
		if k == 4 {
			return errDie
		}
		return nil
	}
	client, _ := connect(t, 0, a, b)
	last := req.GetOperationId() + "/2"
	s, err := client.ReattachExecute(t.Context(), &pb.ReattachExecuteRequest{
		SessionId: req.SessionId, UserContext: req.UserContext, OperationId: req.GetOperationId(), ClientType: req.ClientType, LastResponseId: &last,
	})
	require.NoError(t, err)
	got, complete, err := numbers(s)
	require.NoError(t, err)
	require.Equal(t, []int64{3, 4, 5}, got)
	require.True(t, complete)
}

// An operation of a client that cannot reattach is the relay's: it reattaches
// when the leader ends a stream early, and lets go of all at the end.
func TestTheRelayOwnsWhatTheClientCannotReattach(t *testing.T) {
	j := newJournal()
	a := newLeader(t, j, rows)
	a.payload = bytes.Repeat([]byte("x"), 700<<10)
	a.before = once(3)
	client, _ := connect(t, 0, a)
	s, err := client.ExecutePlan(t.Context(), request(false))
	require.NoError(t, err)
	got, complete, err := numbers(s)
	require.NoError(t, err)
	require.Equal(t, allRows, got)
	require.True(t, complete)
	require.Len(t, j.released, 1)
	for op, r := range j.released {
		require.True(t, j.begun[op])
		require.Equal(t, "all", r[len(r)-1])
		require.Greater(t, len(r), 1, "what was read is let go of on the way")
	}
}

// once ends a stream with Unavailable the first time it comes to a response.
func once(at int) func(int) error {
	done := false
	return func(k int) error {
		if k == at && !done {
			done = true
			return status.Error(codes.Unavailable, "cut")
		}
		return nil
	}
}

func TestWhoIsAskedMayNameTheLeader(t *testing.T) {
	j := newJournal()
	a, b := newLeader(t, j, rows), newLeader(t, j, rows)
	a.unary = func(string) error { return status.Error(codes.Unavailable, "b leads") }
	client, g := connect(t, 0, a, b)
	resp, err := client.Config(t.Context(), &pb.ConfigRequest{SessionId: "x"})
	require.NoError(t, err)
	require.Equal(t, "from the leader", resp.SessionId)
	require.Len(t, g.failed, 1)
	require.ErrorContains(t, g.failed[0], "b leads")
}

func TestOtherErrorsAndCallsThatMayNotBeRepeatedArePassedOn(t *testing.T) {
	j := newJournal()
	a := newLeader(t, j, rows)
	asked := 0
	a.unary = func(method string) error {
		asked++
		if method == "CloneSession" {
			return status.Error(codes.Unavailable, "gone")
		}
		return status.Error(codes.Internal, "no")
	}
	client, _ := connect(t, 0, a)
	_, err := client.Config(t.Context(), &pb.ConfigRequest{})
	require.Equal(t, codes.Internal, status.Code(err))
	_, err = client.CloneSession(t.Context(), &pb.CloneSessionRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.Equal(t, 2, asked)
	a.before = func(int) error { return status.Error(codes.Internal, "the query is wrong") }
	s, err := client.ExecutePlan(t.Context(), request(true))
	require.NoError(t, err)
	_, _, err = numbers(s)
	require.ErrorContains(t, err, "the query is wrong")
}

func TestPatienceEnds(t *testing.T) {
	client, _ := connect(t, time.Millisecond)
	_, err := client.Config(t.Context(), &pb.ConfigRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	s, err := client.ExecutePlan(t.Context(), request(true))
	require.NoError(t, err)
	_, _, err = numbers(s)
	require.Equal(t, codes.Unavailable, status.Code(err))
}

func TestHeadersReachTheLeader(t *testing.T) {
	a := newLeader(t, newJournal(), rows)
	client, _ := connect(t, 0, a)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer secret", "x-any", "1")
	s, err := client.ExecutePlan(ctx, request(true))
	require.NoError(t, err)
	_, _, err = numbers(s)
	require.NoError(t, err)
	require.Equal(t, []string{"Bearer secret"}, a.headers.Get("authorization"))
	require.Equal(t, []string{"1"}, a.headers.Get("x-any"))
}

// A leader may be no further ahead of the client than the windows of two connections.
func TestASlowClientSlowsTheLeader(t *testing.T) {
	const messages, ahead = 200, 20
	a := newLeader(t, newJournal(), messages)
	a.payload = bytes.Repeat([]byte("x"), 1<<20)
	client, _ := connect(t, 0, a)
	s, err := client.ExecutePlan(t.Context(), request(true))
	require.NoError(t, err)
	for k := range int64(messages) {
		_, err := s.Recv()
		require.NoError(t, err)
		require.Less(t, a.sent.Load()-k, int64(ahead))
	}
}

func TestAClientThatGoesEndsTheCall(t *testing.T) {
	a := newLeader(t, newJournal(), rows)
	reached := make(chan struct{})
	gone := make(chan struct{})
	a.before = func(k int) error {
		if k == 2 {
			close(reached)
			<-gone
		}
		return nil
	}
	client, _ := connect(t, 0, a)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := client.ExecutePlan(ctx, request(true))
	require.NoError(t, err)
	<-reached
	cancel()
	close(gone)
	_, _, err = numbers(s)
	require.Equal(t, codes.Canceled, status.Code(err))
}

func upload(ctx context.Context, t *testing.T, client pb.SparkConnectServiceClient, n, size int) (*pb.AddArtifactsResponse, error) {
	t.Helper()
	s, err := client.AddArtifacts(ctx)
	require.NoError(t, err)
	for i := range n {
		req := &pb.AddArtifactsRequest{SessionId: fmt.Sprint(i), Payload: &pb.AddArtifactsRequest_Chunk{
			Chunk: &pb.AddArtifactsRequest_ArtifactChunk{Data: make([]byte, size)},
		}}
		if s.Send(req) != nil {
			break
		}
	}
	return s.CloseAndRecv()
}

func TestAnUploadIsRepeatedToTheNextLeader(t *testing.T) {
	for at := range 4 {
		j := newJournal()
		a, b := newLeader(t, j, rows), newLeader(t, j, rows)
		a.before = func(k int) error {
			if k == at+1 {
				return errDie
			}
			return nil
		}
		client, _ := connect(t, 0, a, b)
		resp, err := upload(t.Context(), t, client, 4, 100)
		require.NoError(t, err)
		require.Equal(t, "stored", resp.SessionId)
		require.Equal(t, []string{"0", "1", "2", "3"}, j.uploads)
	}
}

func TestALargeUploadEndsWithItsLeader(t *testing.T) {
	j := newJournal()
	a, b := newLeader(t, j, rows), newLeader(t, j, rows)
	a.before = func(k int) error {
		if k == 30 {
			return errDie
		}
		return nil
	}
	client, _ := connect(t, 0, a, b)
	_, err := upload(t.Context(), t, client, 40, 1<<20)
	require.Equal(t, codes.Unavailable, status.Code(err))
}

// Whoever finds leaders may give a connection up while a call is on it.
func TestAConnectionThatIsGivenUpIsALeaderGone(t *testing.T) {
	j := newJournal()
	a, b := newLeader(t, j, rows), newLeader(t, j, rows)
	a.before = func(k int) error {
		if k == 3 {
			require.NoError(t, a.conn.Close())
		}
		return nil
	}
	client, _ := connect(t, 0, a, b)
	s, err := client.ExecutePlan(t.Context(), request(true))
	require.NoError(t, err)
	got, complete, err := numbers(s)
	require.NoError(t, err)
	require.Equal(t, allRows, got)
	require.True(t, complete)
}
