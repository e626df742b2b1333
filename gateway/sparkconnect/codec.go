package sparkconnect

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of all other messages
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

// codec is gRPC's protobuf codec, but result batches are not copied: their
// message is a head and the Arrow bytes (1.3 µs instead of 1.1 ms for 4 MiB).
// The bytes must stay unchanged until they are sent; the garbage collector frees them.
type codec struct{ plain encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2("proto")} }

// Name is protobuf's: that is what clients ask for.
func (codec) Name() string { return "proto" }

// smallBatch is below which a copy is cheaper than a second buffer.
const smallBatch = 16 << 10

// maxNesting is how deep messages may nest. A relation takes two or three
// levels and an expression two; the translator's own limit, with an error that
// users understand, is far below, so that a plan nested 10,000 deep reaches it.
const maxNesting = 60_000

// Field numbers of the messages taken apart here.
const (
	fieldArrowBatch = 2 // of ExecutePlanResponse
	fieldData       = 2 // of ArrowBatch
)

// Marshal encodes a message.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	r, ok := v.(*pb.ExecutePlanResponse)
	if !ok || len(r.GetArrowBatch().GetData()) < smallBatch {
		return c.plain.Marshal(v)
	}
	b := r.GetArrowBatch()
	inner, err := proto.Marshal(&pb.ExecutePlanResponse_ArrowBatch{
		RowCount: b.RowCount, StartOffset: b.StartOffset, ChunkIndex: b.ChunkIndex, NumChunksInBatch: b.NumChunksInBatch,
	})
	if err != nil {
		return nil, err
	}
	head, err := proto.Marshal(&pb.ExecutePlanResponse{
		SessionId: r.SessionId, ServerSideSessionId: r.ServerSideSessionId, OperationId: r.OperationId, ResponseId: r.ResponseId,
		Metrics: r.Metrics, ObservedMetrics: r.ObservedMetrics, Schema: r.Schema,
	})
	if err != nil {
		return nil, err
	}
	data := b.GetData()
	inner = protowire.AppendTag(inner, fieldData, protowire.BytesType)
	inner = protowire.AppendVarint(inner, uint64(len(data)))
	head = protowire.AppendTag(head, fieldArrowBatch, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(inner)+len(data)))
	return mem.BufferSlice{mem.SliceBuffer(append(head, inner...)), mem.SliceBuffer(data)}, nil
}

// Unmarshal decodes a message.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return c.plain.Unmarshal(data, v)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	return proto.UnmarshalOptions{RecursionLimit: maxNesting}.Unmarshal(buf.ReadOnlyData(), m)
}
