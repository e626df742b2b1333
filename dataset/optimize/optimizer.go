// Package optimize rewrites resolved plans into cheaper ones that give the same
// rows: rules, each in a file of its own, and a cost model fed by statistics.
// It knows nothing of physical operators or execution.
package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// Config is what rules may ask.
type Config struct {
	Registry *function.Registry
	Env      *function.Env
	NextID   func() plan.ID
}

// Rule rewrites a plan. The same node back means no change.
type Rule interface {
	Name() string
	Apply(ctx context.Context, n plan.Node) (plan.Node, error)
}

// Optimizer applies rules in order.
type Optimizer struct {
	cfg   Config
	rules []Rule
}

// New makes an optimiser with the standard rules.
func New(cfg Config) *Optimizer {
	return &Optimizer{cfg: cfg, rules: standardRules(cfg)}
}

// Optimize rewrites a resolved plan. Its output columns stay the same, in
// identity, name and order.
func (o *Optimizer) Optimize(ctx context.Context, n plan.Node) (plan.Node, error) {
	s := &sharing{Config: o.cfg, rules: o.rules, byID: map[int64]*definition{}}
	return s.run(ctx, n)
}
