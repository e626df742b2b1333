package function

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// benchText is a batch of strings like TPC-H's comments.
func benchText(r *rand.Rand) *batch.Vector {
	words := []string{"carefully", "special", "deposits", "final", "requests", "packages", "sleep", "furiously", "ironic", "accounts"}
	v := batch.New(types.String, batch.Rows)
	for range batch.Rows {
		s := ""
		for range 6 {
			s += words[r.IntN(len(words))] + " "
		}
		v.Append(s)
	}
	return v
}

func benchCall(b *testing.B, name string, in *batch.Vector, lits ...*plan.Literal) {
	e := Standard().Lookup(name)
	args := []plan.Expr{col(in.Type)}
	vecs := []*batch.Vector{in}
	for _, l := range lits {
		args = append(args, l)
		vecs = append(vecs, batch.NewConst(l.Typ, l.Value, in.Len()))
	}
	typing, err := e.Type(testEnv, args)
	if err != nil {
		b.Fatal(err)
	}
	k, err := e.Kernel(utcEnv(), &plan.Call{Name: e.Name, Args: args, Typ: typing.Result, Ansi: true})
	if err != nil {
		b.Fatal(err)
	}
	out := batch.New(typing.Result, 0)
	b.ReportAllocs()
	for b.Loop() {
		out.Reset(in.Len())
		if err := k(vecs, in.Len(), out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.Len()), "ns/row")
}

func BenchmarkStrings(b *testing.B) {
	in := benchText(rand.New(rand.NewPCG(1, 2)))
	urls := batch.New(types.String, 0)
	for i := range batch.Rows {
		urls.Append(fmt.Sprintf("http://www.example%d.com/some/path/%d?x=1", i%100, i))
	}
	b.Run("like_contains", func(b *testing.B) { benchCall(b, "like", in, litOf("%special%")) })
	b.Run("like_two", func(b *testing.B) { benchCall(b, "like", in, litOf("%special%requests%")) })
	b.Run("substring", func(b *testing.B) { benchCall(b, "substring", in, litOf(1), litOf(2)) })
	b.Run("upper", func(b *testing.B) { benchCall(b, "upper", in) })
	b.Run("length", func(b *testing.B) { benchCall(b, "length", in) })
	b.Run("rlike", func(b *testing.B) { benchCall(b, "rlike", in, litOf("special.*requests")) })
	b.Run("regexp_replace", func(b *testing.B) {
		benchCall(b, "regexp_replace", urls, litOf("^https?://(?:www\\.)?([^/]+)/.*$"), litOf("$1"))
	})
	b.Run("concat", func(b *testing.B) { benchCall(b, "concat", in, litOf("-suffix")) })
	b.Run("md5", func(b *testing.B) { benchCall(b, "md5", in) })
}

func BenchmarkAggregates(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	groups := make([]int32, batch.Rows)
	for i := range groups {
		groups[i] = int32(r.IntN(1000))
	}
	text := benchText(r)
	for _, t := range []types.Type{types.Long, types.Double, types.Decimal(15, 2), types.String} {
		in := text
		if t.Kind != types.KindString {
			in = randomColumn(t, batch.Rows, r, false)
		}
		for _, name := range []string{"sum", "avg", "max", "count", "collect_list", "approx_count_distinct"} {
			if t.Kind == types.KindString && (name == "sum" || name == "avg") {
				continue
			}
			for kind, g := range map[string][]int32{"all": nil, "groups": groups} {
				b.Run(name+"/"+t.String()+"/"+kind, func(b *testing.B) { benchAgg(b, name, in, g) })
			}
		}
	}
}

func benchAgg(b *testing.B, name string, in *batch.Vector, groups []int32) {
	e, a := aggOf(b, name, 0, col(in.Type))
	acc, err := e.Accumulator(testEnv, a)
	if err != nil {
		b.Fatal(err)
	}
	args := []*batch.Vector{in}
	acc.Grow(1000)
	for i := 0; b.Loop(); i++ {
		if i%100 == 99 {
			acc.Reset()
			acc.Grow(1000)
		}
		if err := acc.Update(groups, args, in.Len()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(in.Len()), "ns/row")
}
