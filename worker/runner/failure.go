package runner

import (
	"errors"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/failure"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

// EncodeFailure puts a task's error on the wire, with the output that it missed.
func EncodeFailure(err error) *pb.Failure {
	f := failure.Encode(err)
	if l, ok := errors.AsType[*shuffle.LostError](err); ok {
		f.Lost = &pb.StageOutputs{Stage: l.Stage, Outputs: []*pb.Output{l.Output}}
	}
	return f
}

// DecodeFailure reads an error from the wire.
func DecodeFailure(f *pb.Failure) error { return failure.Decode(f) }
