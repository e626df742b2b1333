package analyze

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// VariableName is the name of a session variable written as parts, and the
// parts that follow it: fields of its value. Variables live in system.session,
// whose name may be left out.
func VariableName(parts []string) (name string, fields []string, qualified bool) {
	switch {
	case len(parts) >= 3 && strings.EqualFold(parts[0], "system") && strings.EqualFold(parts[1], "session"):
		return parts[2], parts[3:], true
	case len(parts) >= 2 && strings.EqualFold(parts[0], "session"):
		return parts[1], parts[2:], true
	}
	return parts[0], parts[1:], false
}

// fromVariable finds a session variable, which columns of its name hide.
func (r *run) fromVariable(a *plan.Attr, _ *env) (plan.Expr, error) {
	if r.Variable == nil || len(a.Parts) == 0 {
		return nil, nil
	}
	name, fields, _ := VariableName(a.Parts)
	l := r.Variable(name)
	if l == nil {
		return nil, nil
	}
	var e plan.Expr = l
	for _, f := range fields {
		var err error
		if e, err = r.member(e, f); err != nil {
			return nil, err
		}
	}
	return e, nil
}
