package analyze

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// How a stored view follows changes of the tables below it: WITH SCHEMA of CREATE VIEW.
const (
	viewBinding       = "BINDING"        // types that widen only
	viewTypeEvolution = "TYPE EVOLUTION" // the same columns, of whatever type
	viewEvolution     = "EVOLUTION"      // whatever the query gives
)

// viewColumns gives a stored view's query the columns that the view had when it
// was made: found by name, cast to their types.
func (r *run) viewColumns(n plan.Node, v *catalog.View) (plan.Node, error) {
	out := n.Output()
	if v.Schema.Len() == 0 || v.Mode == viewEvolution || len(v.Columns) > 0 && len(v.Columns) != v.Schema.Len() {
		return n, nil
	}
	list := make([]plan.Expr, v.Schema.Len())
	same := len(out) == len(list)
	for i, f := range v.Schema.Fields {
		c, err := r.viewColumn(out, v, i)
		if err != nil {
			return nil, err
		}
		e, err := r.viewCast(c, withoutLength(f.Type), v)
		if err != nil {
			return nil, err
		}
		same = same && e == plan.Expr(out[i])
		if list[i] = e; e != plan.Expr(c) {
			list[i] = r.alias(e, f.Name)
		}
	}
	if same {
		return n, nil
	}
	return &plan.Project{List: list, Child: n}, nil
}

// viewColumn finds the view's i-th column: by place if the view names its
// columns itself, else by name.
func (r *run) viewColumn(out []*plan.Column, v *catalog.View, i int) (*plan.Column, error) {
	if len(v.Columns) > 0 {
		if i < len(out) {
			return out[i], nil
		}
		return nil, changedView(v, v.Schema.Fields[i].Name, out)
	}
	name := v.Schema.Fields[i].Name
	var found []*plan.Column
	for _, c := range out {
		if r.sameName(c.Name, name) {
			found = append(found, c)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1 && i < len(out) && r.sameName(out[i].Name, name): // a view may repeat a name
		return out[i], nil
	}
	return nil, changedView(v, name, out)
}

func changedView(v *catalog.View, column string, out []*plan.Column) error {
	names := make([]string, len(out))
	for i, c := range out {
		names[i] = types.Quote(c.Name)
	}
	return errs.Cond(errs.Analysis, "INCOMPATIBLE_VIEW_SCHEMA_CHANGE", "51024",
		"The query of the view "+sqlID(v.Name)+" no longer gives its column "+types.Quote(column)+".",
		"viewName", sqlID(v.Name), "colName", types.Quote(column), "expectedNum", "1", "actualCols", "["+strings.Join(names, ", ")+"]",
		"suggestion", "CREATE OR REPLACE the view")
}

func (r *run) viewCast(c *plan.Column, to types.Type, v *catalog.View) (plan.Expr, error) {
	if v.Mode == viewTypeEvolution || c.Typ.Same(to) {
		return c, nil
	}
	if v.Mode == viewBinding && !upCast(c.Typ, to) {
		return nil, errs.Cond(errs.Analysis, "CANNOT_UP_CAST_DATATYPE", "42846",
			"The column "+types.Quote(c.Name)+" of the view "+sqlID(v.Name)+" cannot go from "+toSQLType(c.Typ)+" to "+toSQLType(to)+" without loss.",
			"expression", sqlID(append(append([]string{}, v.Name...), c.Name)), "sourceType", toSQLType(c.Typ), "targetType", toSQLType(to), "details", "")
	}
	return r.castOf(c, &plan.Cast{To: to, Mode: plan.CastAnsi, Implicit: true})
}

// upCast tells whether every value of a type is one of the other.
func upCast(from, to types.Type) bool {
	switch {
	case from.Equal(to) || from.Kind == types.KindNull:
		return true
	case to.Kind == types.KindString:
		return from.IsAtomic()
	case from.Kind == types.KindDate:
		return to.Kind == types.KindTimestamp || to.Kind == types.KindTimestampNTZ
	}
	a, b := widths[from.Kind], widths[to.Kind]
	return a > 0 && b > 0 && a <= b
}

// widths orders the numbers by what they hold.
var widths = map[types.Kind]int{
	types.KindByte: 1, types.KindShort: 2, types.KindInt: 3, types.KindLong: 4, types.KindFloat: 5, types.KindDouble: 6,
}
