package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// pushSemi moves a semi or anti join onto the one input of the inner joins
// below that its condition speaks of, unless those joins leave fewer rows to
// test than that input has.
type pushSemi struct{ Config }

// pushSemiMargin allows for estimates: testing a few more rows costs less than
// carrying rows through joins that are dropped afterwards.
const pushSemiMargin = 1.2

func (pushSemi) Name() string { return "PushSemi" }

func (p pushSemi) Apply(ctx context.Context, n plan.Node) (plan.Node, error) {
	e := NewEstimator(ctx)
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) {
		j, ok := n.(*plan.Join)
		if !ok || j.Type != plan.JoinSemi && j.Type != plan.JoinAnti || j.Cond == nil {
			return n, nil
		}
		limit := pushSemiMargin * e.of(j.Left).rows
		if out := p.onto(e, j, j.Left, limit); out != nil {
			return out, nil
		}
		return n, nil
	})
}

// onto rebuilds left with the join applied deeper, nil if that cannot or need
// not be.
func (p pushSemi) onto(e *Estimator, j *plan.Join, left plan.Node, limit float64) plan.Node {
	switch left := left.(type) {
	case *plan.Join:
		if !reorderable(left) {
			return nil
		}
		for i, side := range left.Children() {
			if !p.speaksOf(j, side) {
				continue
			}
			cs := left.Children()
			if cs[i] = p.onto(e, j, side, limit); cs[i] == nil {
				return nil
			}
			return left.WithChildren(cs)
		}
		return nil
	case *plan.Filter:
		if _, ok := left.Child.(*plan.Join); ok {
			if d := p.onto(e, j, left.Child, limit); d != nil {
				return &plan.Filter{Cond: left.Cond, Child: d}
			}
			return nil
		}
	}
	if left == j.Left || e.of(left).rows > limit {
		return nil
	}
	return j.WithChildren([]plan.Node{left, j.Right})
}

// speaksOf tells whether the condition needs nothing of the left but side.
func (pushSemi) speaksOf(j *plan.Join, side plan.Node) bool {
	cols := append(append([]*plan.Column{}, side.Output()...), j.Right.Output()...)
	return within(j.Cond, cols) && !within(j.Cond, j.Right.Output())
}
