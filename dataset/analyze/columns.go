package analyze

import (
	"sort"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Names to columns, as Spark does it: the longest qualifier first
// (catalog.db.table.column), and what follows the column are struct fields.

// maxQualifier is the number of name parts a relation has at most.
const maxQualifier = 3

// match finds the columns that parts name; rest are the parts after the column.
func (r *run) match(cols []*plan.Column, parts []string) (found []*plan.Column, rest []string) {
	for q := min(maxQualifier, len(parts)-1); q >= 0; q-- {
		for _, c := range cols {
			if r.sameName(c.Name, parts[q]) && r.qualified(c.Qualifier, parts[:q]) && !containsID(found, c.ID) {
				found = append(found, c)
			}
		}
		if len(found) > 0 {
			return found, parts[q+1:]
		}
	}
	return nil, nil
}

// qualified tells whether a column's qualifier ends with want.
func (r *run) qualified(qualifier, want []string) bool {
	if len(want) > len(qualifier) {
		return false
	}
	tail := qualifier[len(qualifier)-len(want):]
	for i, w := range want {
		if !r.sameName(tail[i], w) {
			return false
		}
	}
	return true
}

func containsID(cols []*plan.Column, id plan.ID) bool {
	for _, c := range cols {
		if c.ID == id {
			return true
		}
	}
	return false
}

// byName resolves parts among cols to a column or a field of it; nil if there
// is none.
func (r *run) byName(cols []*plan.Column, parts []string) (plan.Expr, error) {
	found, rest := r.match(cols, parts)
	if len(found) == 0 {
		return nil, nil
	}
	if len(found) > 1 {
		// Several columns of that name, of which just one may have the field.
		return nil, ambiguous(parts, found)
	}
	c := *found[0]
	c.Name = parts[len(parts)-len(rest)-1] // as the user writes it
	var e plan.Expr = &c
	for _, f := range rest {
		var err error
		if e, err = r.member(e, f); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func ambiguous(parts []string, found []*plan.Column) error {
	refs := make([]string, len(found))
	for i, c := range found {
		refs[i] = sqlID(append(append([]string{}, c.Qualifier...), c.Name))
	}
	sort.Strings(refs)
	list := "[" + strings.Join(refs, ", ") + "]"
	return errs.Cond(errs.Analysis, "AMBIGUOUS_REFERENCE", "42704",
		"The name "+sqlID(parts)+" can mean several columns: "+list+".",
		"name", sqlID(parts), "referenceNames", list)
}

// sqlID quotes a name's parts: `a`.`b`.
func sqlID(parts []string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = types.Quote(p)
	}
	return strings.Join(out, ".")
}

// toSQL quotes an expression's text for a message.
func toSQL(e plan.Expr) string { return "\"" + plan.SQLName(e) + "\"" }

// toSQLType quotes a type for a message.
func toSQLType(t types.Type) string { return "\"" + t.SQL() + "\"" }
