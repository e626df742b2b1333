package sparkconnect

import (
	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

func (t *translator) window(w *pb.Expression_Window, origin *errs.Origin) (plan.Expr, error) {
	f, err := t.expr(w.GetWindowFunction())
	if err != nil {
		return nil, err
	}
	partition, err := t.exprs(w.GetPartitionSpec())
	if err != nil {
		return nil, err
	}
	order, err := t.sortOrders(w.GetOrderSpec())
	if err != nil {
		return nil, err
	}
	out := &plan.Window{Func: f, Partition: partition, Order: order, At: origin}
	if w.GetFrameSpec() == nil {
		return out, nil
	}
	out.Frame, err = t.frame(w.GetFrameSpec())
	return out, err
}

func (t *translator) frame(f *pb.Expression_Window_WindowFrame) (plan.Frame, error) {
	out := plan.Frame{}
	switch f.GetFrameType() {
	case pb.Expression_Window_WindowFrame_FRAME_TYPE_ROW:
		out.Kind = plan.FrameRows
	case pb.Expression_Window_WindowFrame_FRAME_TYPE_RANGE:
		out.Kind = plan.FrameRange
	default:
		return out, invalidPlan("a window frame of unknown kind")
	}
	var err error
	if out.Lo, err = t.boundary(f.GetLower(), plan.UnboundedPreceding); err != nil {
		return out, err
	}
	out.Hi, err = t.boundary(f.GetUpper(), plan.UnboundedFollowing)
	return out, err
}

// boundary translates one end; unbounded is what "unbounded" means at this end.
func (t *translator) boundary(b *pb.Expression_Window_WindowFrame_FrameBoundary, unbounded plan.BoundKind) (plan.FrameBound, error) {
	switch k := b.GetBoundary().(type) {
	case *pb.Expression_Window_WindowFrame_FrameBoundary_CurrentRow:
		return plan.FrameBound{Kind: plan.CurrentRow}, nil
	case *pb.Expression_Window_WindowFrame_FrameBoundary_Unbounded:
		return plan.FrameBound{Kind: unbounded}, nil
	case *pb.Expression_Window_WindowFrame_FrameBoundary_Value:
		v, err := t.expr(k.Value)
		return plan.FrameBound{Kind: plan.Offset, Value: v}, err
	}
	return plan.FrameBound{}, invalidPlan("a window frame without boundary")
}
