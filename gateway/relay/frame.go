package relay

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// frame is one message as bytes. Whoever received or made it frees it; sending
// does not.
type frame struct{ data mem.BufferSlice }

func (f *frame) free() {
	f.data.Free()
	f.data = nil
}

// small makes a frame of bytes that nobody changes.
func small(b []byte) *frame { return &frame{mem.BufferSlice{mem.SliceBuffer(b)}} }

// codec passes frames on as they are.
type codec struct{}

var _ encoding.CodecV2 = codec{}

// Name is protobuf's: that is what both ends speak.
func (codec) Name() string { return "proto" }

// Marshal gives a frame's buffers; the frame keeps its own hold of them.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*frame)
	if !ok {
		return nil, errs.Errorf(errs.Internal, "relay.Marshal", "%T is no frame", v)
	}
	f.data.Ref()
	return f.data, nil
}

// Unmarshal keeps the buffers.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*frame)
	if !ok {
		return errs.Errorf(errs.Internal, "relay.Unmarshal", "%T is no frame", v)
	}
	data.Ref()
	f.data = data
	return nil
}
