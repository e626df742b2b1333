package analyze

import (
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// parameter is a named parameter of a function; def is nil where it must be given.
type parameter struct {
	name string
	def  plan.Expr
}

// parametersOf lists the parameters of the functions whose arguments Spark
// lets be named.
func parametersOf(name string) []parameter {
	switch name {
	case "explode", "explode_outer", "posexplode", "posexplode_outer":
		return []parameter{{name: "collection"}}
	case "inline", "inline_outer", "variant_explode", "variant_explode_outer":
		return []parameter{{name: "input"}}
	case "mask":
		return []parameter{
			{name: "str"},
			{"upperChar", plan.LitString("X")},
			{"lowerChar", plan.LitString("x")},
			{"digitChar", plan.LitString("n")},
			{"otherChar", plan.LitNull(types.String)},
		}
	case "count_min_sketch":
		return []parameter{{name: "column"}, {name: "epsilon"}, {name: "confidence"}, {"seed", plan.LitInt(0)}}
	}
	return nil
}

func namedArgError(class, message string, kv ...string) error {
	return errs.Cond(errs.Analysis, class, "4274K", message, kv...)
}

// positional puts named arguments in the places of the function's parameters.
func (r *run) positional(ent *function.Entry, args []plan.Expr) ([]plan.Expr, error) {
	first := len(args)
	for i, a := range args {
		if _, ok := a.(*plan.NamedArg); ok {
			first = i
			break
		}
	}
	if first == len(args) {
		return args, nil
	}
	fn := types.Quote(ent.Name)
	params := parametersOf(ent.Name)
	if params == nil {
		return nil, namedArgError("NAMED_PARAMETERS_NOT_SUPPORTED", "The function "+fn+" takes arguments by position only.", "functionName", fn)
	}
	out := make([]plan.Expr, max(len(params), first))
	copy(out, args[:first])
	for _, a := range args[first:] {
		n, ok := a.(*plan.NamedArg)
		if !ok {
			return nil, namedArgError("UNEXPECTED_POSITIONAL_ARGUMENT", "A positional argument of "+fn+" follows a named one.",
				"routineName", fn, "parameterName", "")
		}
		if err := r.place(fn, n, params, out, first); err != nil {
			return nil, err
		}
	}
	for i, p := range params {
		if out[i] == nil {
			if p.def == nil {
				return nil, namedArgError("REQUIRED_PARAMETER_NOT_FOUND", "The parameter "+types.Quote(p.name)+" of "+fn+" has no value.",
					"routineName", fn, "parameterName", types.Quote(p.name), "index", itoa(i))
			}
			out[i] = p.def
		}
	}
	return out, nil
}

// place sets the argument of one named parameter.
func (r *run) place(fn string, n *plan.NamedArg, params []parameter, out []plan.Expr, positional int) error {
	for i, p := range params {
		if !r.sameName(p.name, n.Name) {
			continue
		}
		if out[i] == nil {
			out[i] = n.Value
			return nil
		}
		sub := "DOUBLE_NAMED_ARGUMENT_REFERENCE"
		if i < positional {
			sub = "BOTH_POSITIONAL_AND_NAMED"
		}
		return namedArgError("DUPLICATE_ROUTINE_PARAMETER_ASSIGNMENT."+sub, "The parameter "+types.Quote(p.name)+" of "+fn+" is given twice.",
			"routineName", fn, "parameterName", types.Quote(p.name))
	}
	return namedArgError("UNRECOGNIZED_PARAMETER_NAME", fn+" has no parameter "+types.Quote(n.Name)+".",
		"routineName", fn, "argumentName", types.Quote(n.Name), "proposal", "")
}
