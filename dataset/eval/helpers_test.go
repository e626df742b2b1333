package eval_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/eval"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

var registry = function.Standard()

func ansi() *function.Env {
	return &function.Env{Ansi: true, Zone: time.UTC, ZoneID: "UTC", Now: time.Unix(1_700_000_000, 0)}
}

func legacy() *function.Env {
	e := ansi()
	e.Ansi = false
	return e
}

// resolve types a call as the analyser does, for functions that are not rewritten.
func resolve(env *function.Env, name string, args ...plan.Expr) (plan.Expr, error) {
	entry := registry.Lookup(name)
	typing, err := entry.Type(env, args)
	if err != nil {
		return nil, err
	}
	mode := plan.CastLegacy
	if env.Ansi {
		mode = plan.CastAnsi
	}
	cast := make([]plan.Expr, len(args))
	for i, a := range args {
		cast[i] = a
		if !a.Type().Same(typing.Args[i]) {
			cast[i] = &plan.Cast{Child: a, To: typing.Args[i], Mode: mode, Implicit: true}
		}
	}
	return &plan.Call{Name: entry.Name, Args: cast, Typ: typing.Result, Null: typing.Nullable, Ansi: env.Ansi}, nil
}

func mustResolve(t testing.TB, env *function.Env, name string, args ...plan.Expr) plan.Expr {
	t.Helper()
	e, err := resolve(env, name, args...)
	require.NoError(t, err)
	return e
}

func col(i int, t types.Type) plan.Expr { return &plan.Bound{Index: i, Typ: t, Null: true, Name: "c"} }

func run(env *function.Env, e plan.Expr, b *batch.Batch) ([]any, error) {
	p, err := eval.Compile(env, registry, e)
	if err != nil {
		return nil, err
	}
	v, err := p.Eval(b)
	if err != nil {
		return nil, err
	}
	return boxes(v), nil
}

func boxes(v *batch.Vector) []any {
	out := make([]any, v.Len())
	for i := range out {
		out[i] = v.Get(i)
	}
	return out
}

// class is the error's condition, "" if it is nil.
func class(err error) string {
	if err == nil {
		return ""
	}
	var c *errs.Condition
	if ok := asCondition(err, &c); ok {
		return c.Class
	}
	return err.Error()
}
