package runner

import (
	"errors"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

// EncodeFailure puts an error on the wire: its kind and, where it has one, its
// Spark condition survive.
func EncodeFailure(err error) *pb.Failure {
	f := &pb.Failure{Kind: uint32(errs.KindOf(err)), Message: err.Error()}
	if l, ok := errors.AsType[*shuffle.LostError](err); ok {
		f.Lost = &pb.StageOutputs{Stage: l.Stage, Outputs: []*pb.Output{l.Output}}
	}
	if c, ok := errors.AsType[*errs.Condition](err); ok {
		f.Condition = &pb.Condition{
			Class: c.Class, State: c.State, Message: c.Message, Params: c.Params, Category: uint32(c.Category), JvmClass: c.JVMClass,
			Origin: &pb.Origin{
				Line: int32(c.Origin.Line), Pos: int32(c.Origin.Pos), Start: int32(c.Origin.Start), Stop: int32(c.Origin.Stop), Text: c.Origin.Text,
				ObjectType: c.Origin.ObjectType, ObjectName: c.Origin.ObjectName, CallSite: c.Origin.CallSite, Fragment: c.Origin.Fragment,
			},
		}
	}
	return f
}

// DecodeFailure reads an error from the wire.
func DecodeFailure(f *pb.Failure) error {
	kind := errs.Kind(f.GetKind())
	if c := f.GetCondition(); c != nil {
		cond := &errs.Condition{
			Kind: kind, Class: c.GetClass(), State: c.GetState(), Message: c.GetMessage(), Params: c.GetParams(),
			Category: errs.Category(c.GetCategory()), JVMClass: c.GetJvmClass(),
		}
		if o := physical.DecodeOrigin(c.GetOrigin()); o != nil {
			cond.Origin = *o
		}
		return cond
	}
	return errs.E(kind, f.GetOp(), errors.New(f.GetMessage()))
}
