package analyze

import (
	"context"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

func (r *run) frameNode(ctx context.Context, n plan.Node, sc *scope) (plan.Node, error) {
	return nil, errs.Unsupported("the operation " + strings.TrimPrefix(n.String(), "*"))
}
func (r *run) write(ctx context.Context, w *plan.Write, c plan.Node) (plan.Node, error) {
	return w.WithChildren([]plan.Node{c}), nil
}
