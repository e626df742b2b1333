package analyze

import (
	"context"
	"fmt"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// frameNode resolves the operations of data frames, which become core nodes
// once the child's columns are known.
func (r *run) frameNode(ctx context.Context, n plan.Node, sc *scope) (plan.Node, error) {
	cs := n.Children()
	if len(cs) != 1 {
		return nil, unknownNode(n)
	}
	child, err := r.node(ctx, cs[0], sc)
	if err != nil {
		return nil, err
	}
	switch n := n.(type) {
	case *plan.WithColumns:
		return r.withColumns(ctx, n, child, sc)
	case *plan.RenameColumns:
		return r.renameColumns(n, child), nil
	case *plan.DropColumns:
		return r.dropColumns(ctx, n, child, sc)
	case *plan.RenameAll:
		return r.renameAll(n, child)
	case *plan.ToSchema:
		return r.toSchema(n, child)
	case *plan.FillNulls:
		return r.fillNulls(ctx, n, child)
	case *plan.DropNulls:
		return r.dropNulls(ctx, n, child)
	case *plan.ReplaceValues:
		return r.replaceValues(ctx, n, child)
	case *plan.Deduplicate:
		return r.deduplicate(ctx, n, child)
	}
	return r.statNode(ctx, n, child, sc)
}

func (r *run) statNode(ctx context.Context, n, child plan.Node, sc *scope) (plan.Node, error) {
	switch n := n.(type) {
	case *plan.Describe:
		return r.describe(ctx, n, child)
	case *plan.Summary:
		return r.summary(ctx, n.Statistics, child)
	case *plan.Stat:
		return r.stat(ctx, n, child, sc)
	case *plan.ShowString:
		c := *n
		c.Child = &plan.Limit{N: plan.LitLong(int64(max(n.Rows, 0)) + 1), Child: child}
		return &c, nil
	case *plan.Transpose:
		return r.transpose(ctx, n, child, sc)
	}
	return nil, unknownNode(n)
}

func unknownNode(n plan.Node) error {
	return errs.Unsupported("the operation " + strings.TrimPrefix(fmt.Sprintf("%T", n), "*plan."))
}

// withColumns replaces columns of the aliases' names and adds the others.
func (r *run) withColumns(ctx context.Context, n *plan.WithColumns, child plan.Node, sc *scope) (plan.Node, error) {
	v := r.envOf(sc, child)
	made := make([]plan.Expr, len(n.List))
	for i, e := range n.List {
		a, ok := e.(*plan.Alias)
		if !ok {
			return nil, errs.Errorf(errs.Invalid, "analyze.withColumns", "column %d has no name", i)
		}
		for _, other := range n.List[:i] {
			if r.sameName(other.(*plan.Alias).Name, a.Name) {
				return nil, columnExists(a.Name)
			}
		}
		var err error
		if made[i], err = r.named(ctx, a, v); err != nil {
			return nil, err
		}
	}
	used := make([]bool, len(made))
	var list []plan.Expr
	for _, c := range v.cols {
		var item plan.Expr = c
		for i, e := range made {
			if r.sameName(e.(*plan.Alias).Name, c.Name) {
				item, used[i] = e, true
			}
		}
		list = append(list, item)
	}
	for i, e := range made {
		if !used[i] {
			list = append(list, e)
		}
	}
	if anyAggregate(list) {
		return r.withGenerator(&plan.Aggregate{List: list, Child: v.inputs[0]})
	}
	return r.withGenerator(&plan.Project{List: list, Child: v.inputs[0]})
}

func columnExists(name string) error {
	return errs.Cond(errs.Analysis, "COLUMN_ALREADY_EXISTS", "42711",
		"The column name "+sqlID([]string{name})+" is given twice.", "columnName", sqlID([]string{name}))
}

func (r *run) renameColumns(n *plan.RenameColumns, child plan.Node) plan.Node {
	var list []plan.Expr
	for _, c := range child.Output() {
		var item plan.Expr = c
		for i, from := range n.From {
			if r.sameName(from, c.Name) {
				item = r.alias(c, n.To[i])
				break
			}
		}
		list = append(list, item)
	}
	return &plan.Project{List: list, Child: child}
}

// dropColumns drops by name all columns of the name, by expression one column.
func (r *run) dropColumns(ctx context.Context, n *plan.DropColumns, child plan.Node, sc *scope) (plan.Node, error) {
	drop := map[plan.ID]bool{}
	v := r.envOf(sc, child)
	for _, e := range n.Columns {
		x, err := r.expr(ctx, e, v)
		if err != nil {
			if unresolvedName(err) {
				continue
			}
			return nil, err
		}
		if c, ok := x.(*plan.Column); ok {
			drop[c.ID] = true
		}
	}
	for _, c := range v.cols {
		for _, name := range n.Names {
			drop[c.ID] = drop[c.ID] || r.sameName(c.Name, name)
		}
	}
	var list []plan.Expr
	for _, c := range v.cols {
		if !drop[c.ID] {
			list = append(list, c)
		}
	}
	if len(list) == len(v.cols) {
		return child, nil
	}
	return &plan.Project{List: list, Child: child}, nil
}

func unresolvedName(err error) bool {
	return hasClass(err, "UNRESOLVED_COLUMN.WITH_SUGGESTION") || hasClass(err, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION")
}

func (r *run) renameAll(n *plan.RenameAll, child plan.Node) (plan.Node, error) {
	if out := child.Output(); len(out) != len(n.Names) {
		return nil, errs.Cond(errs.Analysis, "ASSIGNMENT_ARITY_MISMATCH", "42802",
			"There are "+itoa(len(n.Names))+" names for "+itoa(len(out))+" columns.", "numTarget", itoa(len(n.Names)), "numExpr", itoa(len(out)))
	}
	return r.renamedAll(child, n.Names), nil
}

// deduplicate keeps the first row of each combination of the named columns.
func (r *run) deduplicate(ctx context.Context, n *plan.Deduplicate, child plan.Node) (plan.Node, error) {
	out := child.Output()
	if err := comparableColumns(out); err != nil && len(n.Columns) == 0 {
		return nil, err
	}
	if len(n.Columns) == 0 {
		return &plan.Distinct{Child: child}, nil
	}
	keys := map[plan.ID]bool{}
	agg := &plan.Aggregate{Child: child}
	for _, name := range n.Columns {
		found, _ := r.match(out, []string{name})
		if len(found) == 0 {
			return nil, unresolvedColumn([]string{name}, out, nil)
		}
		for _, c := range found {
			if !keys[c.ID] {
				keys[c.ID] = true
				agg.GroupBy = append(agg.GroupBy, c)
			}
		}
	}
	for _, c := range out {
		if keys[c.ID] {
			agg.List = append(agg.List, c)
			continue
		}
		first, err := r.expr(ctx, plan.Fn("first", c), r.rewriteEnv(false))
		if err != nil {
			return nil, err
		}
		agg.List = append(agg.List, &plan.Alias{Child: first, Name: c.Name, ID: c.ID, Qualifier: c.Qualifier, Metadata: c.Metadata})
	}
	return agg, nil
}
