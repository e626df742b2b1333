package optimize

import "github.com/spurwheel/spurwheel/dataset/plan"

// antiJoin turns a left join whose matches a filter drops into an anti join:
// `right.key is null` holds only for rows without a match if the join compares
// that key. The right side's columns are null from then on. The join itself
// comes back if that is not so.
func antiJoin(n *plan.Join, preds []plan.Expr) (plan.Node, []plan.Expr) {
	if n.Type != plan.JoinLeft {
		return n, preds
	}
	var rest []plan.Expr
	found := false
	for _, e := range preds {
		if c, ok := call(e, "isnull"); ok && !found && comparesKey(n, c.Args[0]) {
			found = true
			continue
		}
		rest = append(rest, e)
	}
	if !found {
		return n, preds
	}
	anti := *n
	anti.Type = plan.JoinAnti
	list := make([]plan.Expr, 0, len(n.Output()))
	for _, c := range n.Left.Output() {
		list = append(list, c)
	}
	for _, c := range n.Right.Output() {
		list = append(list, &plan.Alias{Child: plan.LitNull(c.Typ), Name: c.Name, ID: c.ID, Qualifier: c.Qualifier, Metadata: c.Metadata})
	}
	return &plan.Project{List: list, Child: &anti}, rest
}

// comparesKey tells whether e is a column of the right side that an equality of
// the join's condition compares: it is never null in a match.
func comparesKey(n *plan.Join, e plan.Expr) bool {
	col, ok := e.(*plan.Column)
	if !ok || !within(col, n.Right.Output()) {
		return false
	}
	for _, c := range plan.SplitAnd(n.Cond) {
		if eq, ok := call(c, "=", "=="); ok {
			for _, a := range eq.Args {
				if x, ok := a.(*plan.Column); ok && x.ID == col.ID {
					return true
				}
			}
		}
	}
	return false
}
