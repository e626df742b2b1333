// Package failure puts errors on the wire and reads them back: their kind and,
// where they have one, their Spark condition survive. It knows nothing of tasks
// or of who sends to whom.
package failure

import (
	"errors"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Encode puts an error on the wire.
func Encode(err error) *pb.Failure {
	f := &pb.Failure{Kind: uint32(errs.KindOf(err)), Message: err.Error()}
	if c, ok := errors.AsType[*errs.Condition](err); ok {
		f.Condition = &pb.Condition{
			Class: c.Class, State: c.State, Message: c.Message, Params: c.Params, Category: uint32(c.Category), JvmClass: c.JVMClass,
			Origin: EncodeOrigin(&c.Origin),
		}
	}
	return f
}

// Decode reads an error from the wire.
func Decode(f *pb.Failure) error {
	kind := kindOf(f.GetKind())
	if c := f.GetCondition(); c != nil {
		cond := &errs.Condition{
			Kind: kind, Class: c.GetClass(), State: c.GetState(), Message: c.GetMessage(), Params: c.GetParams(),
			Category: errs.Category(c.GetCategory()), JVMClass: c.GetJvmClass(),
		}
		if o := DecodeOrigin(c.GetOrigin()); o != nil {
			cond.Origin = *o
		}
		return cond
	}
	return errs.E(kind, f.GetOp(), errors.New(f.GetMessage()))
}

// kindOf keeps a number that is no kind from passing for another one.
func kindOf(n uint32) errs.Kind {
	if n > uint32(errs.Internal) {
		return errs.Other
	}
	return errs.Kind(n)
}

// EncodeOrigin puts the place of an error on the wire.
func EncodeOrigin(o *errs.Origin) *pb.Origin {
	if o == nil {
		return nil
	}
	return &pb.Origin{
		Line: int32(o.Line), Pos: int32(o.Pos), Start: int32(o.Start), Stop: int32(o.Stop), Text: o.Text,
		ObjectType: o.ObjectType, ObjectName: o.ObjectName, CallSite: o.CallSite, Fragment: o.Fragment,
	}
}

// DecodeOrigin reads the wire form of an origin.
func DecodeOrigin(p *pb.Origin) *errs.Origin {
	if p == nil {
		return nil
	}
	return &errs.Origin{
		Line: int(p.GetLine()), Pos: int(p.GetPos()), Start: int(p.GetStart()), Stop: int(p.GetStop()), Text: p.GetText(),
		ObjectType: p.GetObjectType(), ObjectName: p.GetObjectName(), CallSite: p.GetCallSite(), Fragment: p.GetFragment(),
	}
}
