package sparkconnect

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestCodecEqualsProtobuf(t *testing.T) {
	offset, index, n := int64(5), int64(1), int64(2)
	full := &pb.ExecutePlanResponse{
		SessionId: "s", ServerSideSessionId: "t", OperationId: "o", ResponseId: "r",
		Schema:          schemaTo(types.NewSchema(types.F("a", types.Decimal(10, 2)))),
		Metrics:         &pb.ExecutePlanResponse_Metrics{Metrics: []*pb.ExecutePlanResponse_Metrics_MetricObject{{Name: "scan"}}},
		ObservedMetrics: []*pb.ExecutePlanResponse_ObservedMetrics{{Name: "m"}},
		ResponseType: &pb.ExecutePlanResponse_ArrowBatch_{ArrowBatch: &pb.ExecutePlanResponse_ArrowBatch{
			RowCount: 3, Data: bytes.Repeat([]byte("x"), smallBatch), StartOffset: &offset, ChunkIndex: &index, NumChunksInBatch: &n,
		}},
	}
	small := proto.Clone(full).(*pb.ExecutePlanResponse)
	small.GetArrowBatch().Data = []byte("y")
	for _, m := range []proto.Message{full, small, &pb.ExecutePlanResponse{}, &pb.ReleaseExecuteResponse{SessionId: "a"}} {
		c := newCodec()
		data, err := c.Marshal(m)
		require.NoError(t, err)
		wire := data.Materialize()
		plain := m.ProtoReflect().New().Interface()
		require.NoError(t, proto.Unmarshal(wire, plain))
		require.True(t, proto.Equal(m, plain))
		again := m.ProtoReflect().New().Interface()
		require.NoError(t, c.Unmarshal(data, again))
		require.True(t, proto.Equal(m, again))
	}
	data, err := newCodec().Marshal(full)
	require.NoError(t, err)
	require.Same(t, &full.GetArrowBatch().Data[0], &data[1].ReadOnlyData()[0]) // nothing was copied
}

func TestResponseIDs(t *testing.T) {
	id := responseID{Operation: "0c7a-b", Number: 5, Progress: 1, Partition: 3, Block: 4, Digest: 4_000_000_000}
	got, ok := parseResponseID(id.String())
	require.True(t, ok)
	require.Equal(t, id, got)
	for _, bad := range []string{"", "a.b.c.d", "a.1.2", "a.1.2.-3", "a.1.2.3.4"} {
		_, ok := parseResponseID(bad)
		require.False(t, ok, bad)
	}
}
