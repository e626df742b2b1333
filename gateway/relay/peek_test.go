package relay

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

func sliced(b []byte, at int) mem.BufferSlice {
	return mem.BufferSlice{mem.SliceBuffer(b[:at]), mem.SliceBuffer(b[at:])}
}

func TestFieldsAreReadWhereverBuffersEnd(t *testing.T) {
	req := &pb.ExecutePlanRequest{
		SessionId: "s", UserContext: &pb.UserContext{UserId: "u"}, ClientType: new("c"), OperationId: new("o"), ClientObservedServerSideSessionId: new("x"),
		Plan: &pb.Plan{OpType: &pb.Plan_Root{Root: &pb.Relation{}}}, Tags: []string{"t"},
		RequestOptions: []*pb.ExecutePlanRequest_RequestOption{{RequestOption: &pb.ExecutePlanRequest_RequestOption_ReattachOptions{
			ReattachOptions: &pb.ReattachOptions{Reattachable: true},
		}}},
	}
	b, err := proto.Marshal(req)
	require.NoError(t, err)
	for at := range b {
		o, reattachable, err := executeRequest(sliced(b, at))
		require.NoError(t, err)
		require.True(t, reattachable)
		require.Equal(t, "s o c x", o.session+" "+o.operation+" "+o.client+" "+o.observed)
		got := &pb.ReattachExecuteRequest{}
		require.NoError(t, proto.Unmarshal(o.reattach("r").data.Materialize(), got))
		require.True(t, proto.Equal(got, &pb.ReattachExecuteRequest{
			SessionId: "s", UserContext: req.UserContext, OperationId: "o", ClientType: new("c"), LastResponseId: new("r"), ClientObservedServerSideSessionId: new("x"),
		}), "%v", got)
		back, last, err := reattachRequest(o.reattach("r").data)
		require.NoError(t, err)
		require.Equal(t, o, back)
		require.Equal(t, "r", last)
	}
}

func TestARequestIsAdopted(t *testing.T) {
	b, err := proto.Marshal(&pb.ExecutePlanRequest{SessionId: "s", Tags: []string{"t"}})
	require.NoError(t, err)
	f := small(b)
	o, reattachable, err := executeRequest(f.data)
	require.NoError(t, err)
	require.False(t, reattachable)
	f.adopt(&o, reattachable)
	got := &pb.ExecutePlanRequest{}
	require.NoError(t, proto.Unmarshal(f.data.Materialize(), got))
	require.Equal(t, o.operation, got.GetOperationId())
	require.Len(t, o.operation, 36)
	require.True(t, got.GetRequestOptions()[0].GetReattachOptions().GetReattachable())
	require.Equal(t, []string{"t"}, got.GetTags())
}

func TestResponsesSayWhetherTheyAreTheLast(t *testing.T) {
	b, err := proto.Marshal(&pb.ExecutePlanResponse{ResponseId: "r", ResponseType: &pb.ExecutePlanResponse_ResultComplete_{
		ResultComplete: &pb.ExecutePlanResponse_ResultComplete{},
	}})
	require.NoError(t, err)
	id, complete, err := response(sliced(b, 1))
	require.NoError(t, err)
	require.Equal(t, "r", id)
	require.True(t, complete)
	for n := 1; n < len(b); n++ {
		_, _, _ = response(sliced(b[:n], n/2)) // no panic
	}
	_, _, err = response(sliced(b[:len(b)-1], 1))
	require.Error(t, err)
}

// FuzzPeek compares what is read of a message with what protobuf reads.
func FuzzPeek(f *testing.F) {
	b, err := proto.Marshal(&pb.ExecutePlanResponse{ResponseId: "r", SessionId: "s"})
	require.NoError(f, err)
	f.Add(b, 2)
	f.Add([]byte{0x6a, 0xff, 0xff, 0xff, 0xff, 0x0f}, 1)
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		id, _, err := response(sliced(b, min(max(at, 0), len(b))))
		m := &pb.ExecutePlanResponse{}
		if proto.Unmarshal(b, m) == nil && err == nil {
			require.Equal(t, m.ResponseId, id)
		}
	})
}
