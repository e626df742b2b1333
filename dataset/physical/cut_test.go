package physical_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// The rows of these plans are pairs of small numbers; a split's rows follow
// from its number. A plan must give the same rows in one task and cut into stages.

type row [2]int64

var pair = types.NewSchema(types.F("a", types.Long), types.F("b", types.Long))

// randomPlan makes a plan of pairs.
func randomPlan(r *rand.Rand, depth int) physical.Node {
	est := physical.Rows{N: []int64{-1, 10, 1_000_000}[r.IntN(3)]}
	if depth == 0 {
		s := &physical.Scan{Rows: est, Out: pair}
		for range 1 + r.IntN(4) {
			s.Splits = append(s.Splits, format.Split{Lo: r.Int64N(100), Bytes: r.Int64N(50)})
		}
		return s
	}
	child := func() physical.Node { return randomPlan(r, depth-1) }
	a, b := col(0, types.Long), col(1, types.Long)
	switch r.IntN(8) {
	case 0:
		return &physical.Project{Rows: est, Exprs: []plan.Expr{b, a}, Out: pair, Child: child()}
	case 1:
		n := &physical.Aggregate{Rows: est, Keys: []plan.Expr{a}, Aggs: []*plan.Agg{{Name: "sum", Args: []plan.Expr{b}, Typ: types.Long}}, Out: pair, Child: child()}
		if r.IntN(2) == 0 {
			return physical.WithStates(n, [][]types.Type{{types.Long}})
		}
		return n
	case 2:
		kinds := []plan.JoinType{plan.JoinSemi, plan.JoinAnti}
		return &physical.HashJoin{
			Rows: est, Type: kinds[r.IntN(2)], Left: child(), Right: child(), LeftKeys: []plan.Expr{a}, RightKeys: []plan.Expr{b},
			NullSafe: []bool{false}, BuildLeft: r.IntN(2) == 0, Out: pair,
		}
	case 3:
		return &physical.Sort{Rows: est, Keys: []physical.SortKey{{Expr: a}, {Expr: b}}, Limit: int64(r.IntN(12)), Offset: int64(r.IntN(3)), Global: true, Child: child()}
	case 4:
		return &physical.Union{Rows: est, Inputs: []physical.Node{child(), child()}, Out: pair}
	case 5:
		w := &physical.Window{Rows: est, Partition: []plan.Expr{a}, Out: pair, Child: child()}
		return &physical.Project{Rows: est, Exprs: []plan.Expr{a, col(2, types.Long)}, Out: pair, Child: w}
	case 6:
		return &physical.Shared{Rows: est, ID: r.Int64(), Child: child()}
	}
	return &physical.Limit{Rows: est, N: 1000, Child: child()}
}

// outputs are the rows of finished stages by partition.
type outputs map[int][][]row

// run interprets a plan as one task would.
func run(n physical.Node, in outputs, task int) []row {
	var kids [][]row
	for _, c := range n.Children() {
		kids = append(kids, run(c, in, task))
	}
	switch n := n.(type) {
	case *physical.Scan:
		var out []row
		for _, s := range n.Splits {
			for i := range s.Lo % 7 {
				out = append(out, row{(s.Lo + i) % 5, (s.Lo * i) % 4})
			}
		}
		return out
	case *physical.StageInput:
		if n.Broadcast {
			return slices.Concat(in[n.Stage]...)
		}
		return in[n.Stage][task]
	case *physical.Project:
		for i, x := range kids[0] {
			if n.Exprs[0].(*plan.Bound).Index == 1 {
				kids[0][i] = row{x[1], x[0]}
			}
		}
		return kids[0]
	case *physical.Aggregate:
		return summed(kids[0])
	case *physical.Window: // the second column becomes its sum over the partition
		sums := map[int64]int64{}
		for _, x := range kids[0] {
			sums[x[0]] += x[1]
		}
		for i, x := range kids[0] {
			kids[0][i][1] = sums[x[0]]
		}
		return kids[0]
	case *physical.HashJoin:
		return matched(kids[0], kids[1], n.Type == plan.JoinSemi)
	case *physical.Sort:
		slices.SortFunc(kids[0], func(a, b row) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
		from := min(n.Offset, int64(len(kids[0])))
		return kids[0][from:min(from+n.Limit, int64(len(kids[0])))]
	}
	return slices.Concat(kids...)
}

func summed(in []row) []row {
	at := map[int64]int{}
	var out []row
	for _, x := range in {
		i, ok := at[x[0]]
		if !ok {
			i = len(out)
			at[x[0]] = i
			out = append(out, row{x[0], 0})
		}
		out[i][1] += x[1]
	}
	return out
}

func matched(left, right []row, want bool) []row {
	keys := map[int64]bool{}
	for _, x := range right {
		keys[x[1]] = true
	}
	var out []row
	for _, x := range left {
		if keys[x[0]] == want {
			out = append(out, x)
		}
	}
	return out
}

// deal gives a task its splits.
func deal(n physical.Node, task int, deals [][][]int32, at *int) physical.Node {
	if s, ok := n.(*physical.Scan); ok {
		c := *s
		c.Splits = nil
		for _, i := range deals[*at][task] {
			c.Splits = append(c.Splits, s.Splits[i])
		}
		*at++
		return &c
	}
	cs := n.Children()
	out := make([]physical.Node, len(cs))
	for i, c := range cs {
		out[i] = deal(c, task, deals, at)
	}
	if len(cs) == 0 {
		return n
	}
	return n.WithChildren(out)
}

func runStages(t *testing.T, stages []physical.Stage) []row {
	done := outputs{}
	var last []row
	for i, st := range stages {
		require.Equal(t, i, st.ID)
		for _, in := range st.Inputs {
			require.Less(t, in, st.ID, "a stage reads one that comes later")
		}
		parts := make([][]row, max(st.Output.Parts, 1))
		deals := st.Deal()
		for task := range st.Tasks {
			at := 0
			last = run(deal(st.Root, task, deals, &at), done, task)
			for k, x := range last {
				p := 0
				switch st.Output.Kind {
				case physical.ExchangeHash:
					p = int(x[st.Output.Keys[0].(*plan.Bound).Index]) % len(parts)
				case physical.ExchangeRoundRobin:
					p = k % len(parts)
				default: // all to one, or to all
				}
				parts[p] = append(parts[p], x)
			}
		}
		done[i] = parts
	}
	require.Equal(t, 1, stages[len(stages)-1].Tasks)
	return last
}

func TestCutKeepsTheRows(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := randomPlan(r, 1+r.IntN(4))
		want := run(n, nil, 0)
		got := runStages(t, physical.Cut(n, 1+r.IntN(4)))
		sort := func(a, b row) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }
		slices.SortFunc(want, sort)
		slices.SortFunc(got, sort)
		require.Equal(t, fmt.Sprint(want), fmt.Sprint(got), "seed %d\n%s", seed, physical.Tree(n))
	}
}
