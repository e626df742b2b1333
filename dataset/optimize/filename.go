package optimize

import (
	"context"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// fileNames gives input_file_name() its value: a hidden column of the scan
// below, carried up through the operators between that keep a row a row. Where
// rows of several inputs meet (joins, aggregates) the name is unknown, as in
// Spark, and the call stays (an empty string).
type fileNames struct{ Config }

// FileColumn is the name of the hidden column that a scan fills with the path
// of the file its rows come from. No user can name it.
const FileColumn = "\x00input_file_name"

func (fileNames) Name() string { return "FileNames" }

func (f fileNames) Apply(_ context.Context, n plan.Node) (plan.Node, error) {
	return plan.TransformUp(n, func(n plan.Node) (plan.Node, error) {
		if len(n.Children()) != 1 || !asksFile(n.Exprs()) {
			return n, nil
		}
		child, col := f.carry(n.Children()[0])
		if col == nil {
			return n, nil
		}
		out, err := plan.TransformExprs(n.WithChildren([]plan.Node{child}), func(e plan.Expr) (plan.Expr, error) {
			if c, ok := e.(*plan.Call); ok && c.Name == "input_file_name" {
				return col, nil
			}
			return e, nil
		})
		if err != nil || len(out.Output()) == len(n.Output()) {
			return out, err
		}
		return projectTo(out, n.Output()), nil
	})
}

func asksFile(es []plan.Expr) bool {
	found := false
	for _, e := range es {
		plan.WalkExpr(e, func(x plan.Expr) bool {
			c, ok := x.(*plan.Call)
			found = found || ok && c.Name == "input_file_name"
			return !found
		})
	}
	return found
}

// carry makes n give the file's column too; nil if there is no one file.
func (f fileNames) carry(n plan.Node) (plan.Node, *plan.Column) {
	switch n := n.(type) {
	case *plan.Scan:
		for _, c := range n.Columns {
			if c.Name == FileColumn {
				return n, c
			}
		}
		out := *n
		col := &plan.Column{Name: FileColumn, ID: f.NextID(), Typ: types.String}
		out.Columns = append(append([]*plan.Column{}, n.Columns...), col)
		return &out, col
	case *plan.Project:
		child, col := f.carry(n.Child)
		if col == nil {
			return n, nil
		}
		list := n.List
		if !lists(list, col) {
			list = append(append([]plan.Expr{}, list...), col)
		}
		return &plan.Project{List: list, Child: child}, col
	case *plan.Filter, *plan.SubqueryAlias, *plan.Tagged, *plan.Hint, *plan.Sample, *plan.Generate, *plan.Limit, *plan.CollectMetrics:
		child, col := f.carry(n.Children()[0])
		if col == nil {
			return n, nil
		}
		if _, ok := n.(*plan.SubqueryAlias); ok { // its columns keep their identity
			return child, col
		}
		return n.WithChildren([]plan.Node{child}), col
	}
	return n, nil
}
