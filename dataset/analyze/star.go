package analyze

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/function/regex"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// expandArgs replaces stars among a call's arguments by columns; count(*) counts rows.
func (r *run) expandArgs(f *plan.Func, v *env) ([]plan.Expr, error) {
	if len(f.Args) == 1 && strings.EqualFold(f.FullName(), "count") && !f.Distinct {
		if s, ok := f.Args[0].(*plan.Star); ok && len(s.Qualifier) == 0 && s.PlanID == 0 && len(s.Except) == 0 {
			return []plan.Expr{plan.LitInt(1)}, nil
		}
	}
	return r.expandStars(f.Args, v)
}

// expandStars replaces stars and column patterns of a list.
func (r *run) expandStars(list []plan.Expr, v *env) ([]plan.Expr, error) {
	var out []plan.Expr
	for _, e := range list {
		switch e := e.(type) {
		case *plan.Star:
			es, err := r.star(e, v)
			if err != nil {
				return nil, at(err, e.At)
			}
			out = append(out, es...)
		case *plan.RegexColumns:
			es, err := r.matching(e, v)
			if err != nil {
				return nil, err
			}
			out = append(out, es...)
		default:
			out = append(out, e)
		}
	}
	return out, nil
}

// star lists what a star means, in resolved expressions.
func (r *run) star(s *plan.Star, v *env) ([]plan.Expr, error) {
	list, err := r.starColumns(s, v)
	if err != nil || len(s.Except) == 0 {
		return list, err
	}
	return r.except(list, s)
}

func (r *run) starColumns(s *plan.Star, v *env) ([]plan.Expr, error) {
	if s.PlanID != 0 {
		return r.planStar(s, v)
	}
	if len(s.Qualifier) == 0 {
		if len(v.inputs) == 1 && v.sc.outerEnv() == nil {
			if _, none := v.inputs[0].(*plan.OneRow); none {
				return nil, badStar()
			}
		}
		return columnList(v.cols), nil
	}
	var out []plan.Expr
	for i, n := range v.inputs {
		for _, c := range r.hiddenOf(n) {
			if r.qualified(c.Qualifier, s.Qualifier) && r.expose(v, i, c) {
				out = append(out, c)
			}
		}
	}
	for _, c := range v.cols {
		if r.qualified(c.Qualifier, s.Qualifier) {
			out = append(out, c)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	if outer := v.sc.outerEnv(); outer != nil {
		for _, c := range outer.cols {
			if r.qualified(c.Qualifier, s.Qualifier) {
				out = append(out, r.alias(&plan.OuterRef{Column: c}, c.Name))
			}
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	return r.structStar(s, v)
}

func (r *run) planStar(s *plan.Star, v *env) ([]plan.Expr, error) {
	n := taggedNode(s.PlanID, v.inputs)
	if n == nil {
		return nil, noDataFrame(&plan.Attr{Parts: []string{"*"}})
	}
	var out []plan.Expr
	for _, c := range n.Output() {
		if containsID(v.cols, c.ID) {
			out = append(out, c)
		}
	}
	return out, nil
}

// structStar expands a struct column's fields.
func (r *run) structStar(s *plan.Star, v *env) ([]plan.Expr, error) {
	e, err := r.byName(v.cols, s.Qualifier)
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, errs.Cond(errs.Analysis, "CANNOT_RESOLVE_STAR_EXPAND", "42704",
			"Nothing is called "+sqlID(s.Qualifier)+" whose columns "+sqlID(s.Qualifier)+".* could list.",
			"targetString", sqlID(s.Qualifier), "columns", strings.Join(suggestions(s.Qualifier, v.cols), ", "))
	}
	t := e.Type()
	if t.Fields == nil {
		return nil, errs.Cond(errs.Analysis, "INVALID_USAGE_OF_STAR_OR_REGEX", "42000",
			"Only the fields of a struct can be expanded; "+toSQL(e)+" is of type "+toSQLType(t)+".", "elem", "'*'", "prettyName", "expression")
	}
	out := make([]plan.Expr, len(t.Fields))
	for i, f := range t.Fields {
		out[i] = r.alias(&plan.GetField{Child: e, Index: i, Name: f.Name}, f.Name)
	}
	return out, nil
}

// except drops the columns of EXCEPT from a star's.
func (r *run) except(list []plan.Expr, s *plan.Star) ([]plan.Expr, error) {
	cols := plan.ListOutput(list)
	drop := map[plan.ID]bool{}
	for _, parts := range s.Except {
		found, rest := r.match(cols, parts)
		switch {
		case len(found) == 0:
			return nil, unresolvedColumn(parts, cols, s.At)
		case len(rest) > 0:
			return nil, errs.Unsupported("fields of structs in EXCEPT of a star")
		}
		for _, c := range found {
			if drop[c.ID] {
				return nil, errs.Cond(errs.Analysis, "EXCEPT_OVERLAPPING_COLUMNS", "42702",
					"Columns of EXCEPT overlap: "+sqlID(parts)+".", "columns", sqlID(parts))
			}
			drop[c.ID] = true
		}
	}
	var out []plan.Expr
	for i, c := range cols {
		if !drop[c.ID] {
			out = append(out, list[i])
		}
	}
	return out, nil
}

// matching lists the columns whose whole name matches a pattern, in any case.
func (r *run) matching(e *plan.RegexColumns, v *env) ([]plan.Expr, error) {
	flags := "(?i)"
	if r.Env.CaseSensitive {
		flags = ""
	}
	re, err := regex.Compile(flags + "^(?:" + strings.Trim(e.Pattern, "`") + ")$")
	if err != nil {
		return nil, errs.Cond(errs.Analysis, "INVALID_PARAMETER_VALUE.PATTERN", "22023",
			"The pattern of column names is no regular expression: "+e.Pattern, "parameter", "regexp", "functionName", "colRegex", "value", e.Pattern)
	}
	cols := v.cols
	if e.PlanID != 0 {
		if n := taggedNode(e.PlanID, v.inputs); n != nil {
			cols = n.Output()
		}
	}
	var out []plan.Expr
	m := re.NewMatcher()
	for _, c := range cols {
		loc, err := m.Find([]byte(c.Name), 0)
		if err != nil {
			return nil, err
		}
		if loc != nil {
			out = append(out, c)
		}
	}
	return out, nil
}
