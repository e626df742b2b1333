package exec

import (
	"fmt"
	"testing"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Columns that nobody reads are not gathered; those that somebody reads are
// right whatever lies between.
func TestJoinsGatherWhatIsRead(t *testing.T) {
	l, r := randomTable(1, 200, 30), randomTable(2, 150, 30)
	match := func(a, b []any) bool {
		return a[0] != nil && a[0] == b[0] && a[1] != nil && b[1] != nil && a[1].(int64) < b[1].(int64)
	}
	for _, kind := range joinKinds {
		for _, buildLeft := range []bool{false, true} {
			out := joinOut(kind, l, r)
			read := []int{2, out.Len() - 1}
			var want [][]any
			for _, row := range joinReference(kind, l, r, match) {
				want = append(want, []any{row[read[0]], row[read[1]]})
			}
			t.Run(fmt.Sprint(kind, buildLeft), func(t *testing.T) {
				check(t, false, want, func(s shape) physical.Node {
					j := &physical.HashJoin{
						Type: kind, Left: l.values(s), Right: r.values(s), BuildLeft: buildLeft, Out: out,
						LeftKeys: []plan.Expr{col(l, 0)}, RightKeys: []plan.Expr{col(r, 0)},
						Residual: call("<", types.Bool, col(l, 1), at(r, l.schema.Len(), 1)),
					}
					p := &physical.Project{Child: j}
					for _, c := range read {
						p.Exprs = append(p.Exprs, &plan.Bound{Index: c, Typ: out.Fields[c].Type, Null: true})
						p.Out.Fields = append(p.Out.Fields, out.Fields[c])
					}
					return p
				})
			})
		}
	}
}
