package analyze

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

func (r *run) pivot(ctx context.Context, n *plan.Pivot, sc *scope) (plan.Node, error) {
	return nil, errs.Unsupported("PIVOT")
}
func (r *run) unpivot(ctx context.Context, n *plan.Unpivot, sc *scope) (plan.Node, error) {
	return nil, errs.Unsupported("UNPIVOT")
}
