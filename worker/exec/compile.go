package exec

import (
	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
)

// evalCompiler is package eval as a compiler.
type evalCompiler struct {
	env *function.Env
	reg *function.Registry
}

func (c evalCompiler) Expr(e plan.Expr) (evaluator, error) { return eval.Compile(c.env, c.reg, e) }

func (c evalCompiler) Cond(e plan.Expr) (selector, error) {
	return eval.CompileFilter(c.env, c.reg, e)
}
