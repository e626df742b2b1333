package physical

import (
	"fmt"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

func (n *Scan) Children() []Node         { return nil }
func (n *Scan) WithChildren([]Node) Node { return n }
func (n *Scan) Schema() types.Schema     { return n.Out }

func (n *Values) Children() []Node         { return nil }
func (n *Values) WithChildren([]Node) Node { return n }
func (n *Values) Schema() types.Schema     { return n.Out }

func (n *Range) Children() []Node         { return nil }
func (n *Range) WithChildren([]Node) Node { return n }
func (n *Range) Schema() types.Schema     { return n.Out }

func (n *StageInput) Children() []Node         { return nil }
func (n *StageInput) WithChildren([]Node) Node { return n }
func (n *StageInput) Schema() types.Schema     { return n.Out }

func (n *Filter) Children() []Node { return []Node{n.Child} }
func (n *Filter) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Filter) Schema() types.Schema { return n.Child.Schema() }

func (n *Project) Children() []Node { return []Node{n.Child} }
func (n *Project) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Project) Schema() types.Schema { return n.Out }

func (n *Aggregate) Children() []Node { return []Node{n.Child} }
func (n *Aggregate) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Aggregate) Schema() types.Schema { return n.Out }

func (n *Sort) Children() []Node { return []Node{n.Child} }
func (n *Sort) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Sort) Schema() types.Schema { return n.Child.Schema() }

func (n *Limit) Children() []Node { return []Node{n.Child} }
func (n *Limit) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Limit) Schema() types.Schema { return n.Child.Schema() }

func (n *Window) Children() []Node { return []Node{n.Child} }
func (n *Window) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Window) Schema() types.Schema { return n.Out }

func (n *Expand) Children() []Node { return []Node{n.Child} }
func (n *Expand) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Expand) Schema() types.Schema { return n.Out }

func (n *Generate) Children() []Node { return []Node{n.Child} }
func (n *Generate) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Generate) Schema() types.Schema { return n.Out }

func (n *Sample) Children() []Node { return []Node{n.Child} }
func (n *Sample) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Sample) Schema() types.Schema { return n.Child.Schema() }

func (n *Shared) Children() []Node { return []Node{n.Child} }
func (n *Shared) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Shared) Schema() types.Schema { return n.Child.Schema() }

func (n *Exchange) Children() []Node { return []Node{n.Child} }
func (n *Exchange) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Exchange) Schema() types.Schema { return n.Child.Schema() }

func (n *Write) Children() []Node { return []Node{n.Child} }
func (n *Write) WithChildren(cs []Node) Node {
	c := *n
	c.Child = cs[0]
	return &c
}
func (n *Write) Schema() types.Schema { return WriteSchema() }

func (n *CacheRead) Children() []Node         { return nil }
func (n *CacheRead) WithChildren([]Node) Node { return n }
func (n *CacheRead) Schema() types.Schema     { return n.Out }

func (n *HashJoin) Children() []Node { return []Node{n.Left, n.Right} }
func (n *HashJoin) WithChildren(cs []Node) Node {
	c := *n
	c.Left, c.Right = cs[0], cs[1]
	return &c
}
func (n *HashJoin) Schema() types.Schema { return n.Out }

func (n *NestedLoop) Children() []Node { return []Node{n.Left, n.Right} }
func (n *NestedLoop) WithChildren(cs []Node) Node {
	c := *n
	c.Left, c.Right = cs[0], cs[1]
	return &c
}
func (n *NestedLoop) Schema() types.Schema { return n.Out }

func (n *Union) Children() []Node { return n.Inputs }
func (n *Union) WithChildren(cs []Node) Node {
	c := *n
	c.Inputs = cs
	return &c
}
func (n *Union) Schema() types.Schema { return n.Out }

func exprs[E plan.Expr](es []E) string {
	parts := make([]string, len(es))
	for i, e := range es {
		parts[i] = e.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func sortKeys(ks []SortKey) string {
	parts := make([]string, len(ks))
	for i, k := range ks {
		nulls := plan.NullsLast
		if k.NullsFirst {
			nulls = plan.NullsFirst
		}
		parts[i] = plan.SortOrder{Child: k.Expr, Desc: k.Desc, Nulls: nulls}.String()
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

var joinNames = [...]string{"Inner", "LeftOuter", "RightOuter", "FullOuter", "LeftSemi", "LeftAnti", "Cross", "Existence", "LeftSingle", "NullAwareAnti"}

func (n *Scan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Scan %s [%s] splits=%d", n.Table, strings.Join(n.Out.Names(), ", "), len(n.Splits))
	if len(n.Filters) > 0 {
		b.WriteString(" filters=" + exprs(n.Filters))
	}
	for _, r := range n.Runtime {
		fmt.Fprintf(&b, " runtime#%d=%s", r.ID, n.Out.Fields[r.Column].Name)
	}
	return b.String()
}

func (n *Values) String() string { return "LocalTableScan [" + strings.Join(n.Out.Names(), ", ") + "]" }

func (n *Range) String() string {
	return fmt.Sprintf("Range (%d, %d, step=%d)", n.Start, n.End, n.Step)
}
func (n *Filter) String() string  { return "Filter " + n.Cond.String() }
func (n *Project) String() string { return "Project " + exprs(n.Exprs) }
func (n *Aggregate) String() string {
	mode := [...]string{"complete", "partial", "final"}[n.Mode]
	return "HashAggregate " + mode + " keys=" + exprs(n.Keys) + " functions=" + exprs(n.Aggs)
}

func (n *HashJoin) String() string {
	side := "BuildRight"
	if n.BuildLeft {
		side = "BuildLeft"
	}
	var b strings.Builder
	b.WriteString("HashJoin " + joinNames[n.Type] + " " + exprs(n.LeftKeys) + " " + exprs(n.RightKeys) + " " + side)
	if n.Residual != nil {
		b.WriteString(" " + n.Residual.String())
	}
	for _, r := range n.Publish {
		fmt.Fprintf(&b, " publish#%d", r.ID)
	}
	return b.String()
}

func (n *NestedLoop) String() string {
	s := "NestedLoopJoin " + joinNames[n.Type]
	if n.Cond != nil {
		s += " " + n.Cond.String()
	}
	return s
}

func (n *Sort) String() string {
	if n.Limit >= 0 {
		return fmt.Sprintf("TakeOrdered limit=%d offset=%d ", n.Limit, n.Offset) + sortKeys(n.Keys)
	}
	return "Sort " + sortKeys(n.Keys) + fmt.Sprintf(" global=%v", n.Global)
}

func (n *Limit) String() string {
	if n.Tail {
		return fmt.Sprintf("Tail %d", n.N)
	}
	return fmt.Sprintf("Limit %d offset=%d", n.N, n.Offset)
}

func (n *Window) String() string {
	parts := make([]string, len(n.Funcs))
	for i, f := range n.Funcs {
		parts[i] = f.Func.String()
	}
	return "Window [" + strings.Join(parts, ", ") + "] partition=" + exprs(n.Partition) + " order=" + sortKeys(n.Order)
}
func (n *Union) String() string  { return fmt.Sprintf("Union %d", len(n.Inputs)) }
func (n *Expand) String() string { return fmt.Sprintf("Expand %d", len(n.Projections)) }
func (n *Generate) String() string {
	return "Generate " + n.Gen.String() + fmt.Sprintf(" outer=%v", n.Outer)
}

func (n *Sample) String() string {
	return fmt.Sprintf("Sample %g..%g replacement=%v seed=%d", n.Lower, n.Upper, n.WithReplacement, n.Seed)
}
func (n *Shared) String() string { return fmt.Sprintf("Shared %d", n.ID) }
func (n *Exchange) String() string {
	kind := [...]string{"single", "hash", "roundrobin", "range", "broadcast"}[n.Kind]
	return fmt.Sprintf("Exchange %s %d ", kind, n.Parts) + exprs(n.Keys)
}

func (n *StageInput) String() string {
	return fmt.Sprintf("StageInput %d broadcast=%v", n.Stage, n.Broadcast)
}
func (n *Write) String() string     { return "Write " + n.Format + " " + n.Path }
func (n *CacheRead) String() string { return "InMemoryTableScan " + n.Key }

// Tree prints a physical plan as an indented tree with row estimates.
func Tree(n Node) string {
	var b strings.Builder
	writeTree(&b, n, "", "")
	return b.String()
}

func writeTree(b *strings.Builder, n Node, head, rest string) {
	b.WriteString(head + n.String())
	if n.Estimate() >= 0 {
		fmt.Fprintf(b, " (rows~%d)", n.Estimate())
	}
	b.WriteString("\n")
	cs := n.Children()
	for i, c := range cs {
		if i == len(cs)-1 {
			writeTree(b, c, rest+"+- ", rest+"   ")
		} else {
			writeTree(b, c, rest+":- ", rest+":  ")
		}
	}
}
