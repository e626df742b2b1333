package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// The table of the performance note: id1 of 100 values, id2 of 1M, id3 of 10M,
// id4 id2 as a 12-byte string, v1 of 5, v2 of 15, v3 a double. One benchmark
// iteration reads all rows once.
const benchRows = 10_000_000

func mix(x uint64) uint64 { return batch.Hash64(x) }

var benchSchema = types.NewSchema(types.F("id1", types.Int), types.F("id2", types.Int), types.F("id3", types.Int), types.F("id4", types.String),
	types.F("v1", types.Int), types.F("v2", types.Int), types.F("v3", types.Double), types.F("id2l", types.Long))

func benchTable(rows int, cols ...int) *physical.Values {
	out := &physical.Values{}
	for _, c := range cols {
		out.Out.Fields = append(out.Out.Fields, benchSchema.Fields[c])
	}
	for from := 0; from < rows; from += 1 << 16 {
		n := min(1<<16, rows-from)
		b := batch.NewBatch(out.Out.Types(), n)
		b.Reset(n)
		for k, c := range cols {
			fillBench(b.Cols[k], c, from)
		}
		out.Data = append(out.Data, b)
	}
	return out
}

func fillBench(v *batch.Vector, col, from int) {
	for i := range v.Len() {
		x := uint64(from + i)
		switch col {
		case 0:
			batch.Values[int32](v)[i] = int32(mix(x*7+1) % 100)
		case 1:
			batch.Values[int32](v)[i] = int32(mix(x*13+5) % 1_000_000)
		case 2:
			batch.Values[int32](v)[i] = int32(mix(x*31+9) % 10_000_000)
		case 3:
			v.SetString(i, fmt.Sprintf("id%010d", mix(x*17+3)%1_000_000))
		case 4:
			batch.Values[int32](v)[i] = int32(mix(x*3) % 5)
		case 5:
			batch.Values[int32](v)[i] = int32(mix(x*5) % 15)
		case 6:
			batch.Values[float64](v)[i] = float64(mix(x*11)%1_000_000) / 10000
		case 7:
			batch.Values[int64](v)[i] = int64(mix(x*13+5)%1_000_000) * 1009
		}
	}
}

func bcol(n *physical.Values, i int) plan.Expr {
	return &plan.Bound{Index: i, Typ: n.Out.Fields[i].Type, Null: true}
}

// cpu is the processor time used so far: machines are shared, so wall time says little.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func runBench(b *testing.B, threads int, n physical.Node) {
	runtime.GC()
	start, loops := cpu(), 0
	defer func() { b.ReportMetric(float64((cpu()-start).Milliseconds())/float64(loops), "cpu-ms/op") }()
	for b.Loop() {
		loops++
		r, err := Build(n, testDeps(b, shape{threads: threads}))
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for {
			x, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += x.N
		}
		r.Close()
		b.ReportMetric(float64(rows), "out/op")
	}
}

func sumAgg(n *physical.Values, c int) *plan.Agg {
	ty := types.Long
	if n.Out.Fields[c].Type.Kind == types.KindDouble {
		ty = types.Double
	}
	return &plan.Agg{Name: "sum", Args: []plan.Expr{bcol(n, c)}, Typ: ty, Null: true}
}

func benchAgg(in *physical.Values, keys int, aggs ...*plan.Agg) *physical.Aggregate {
	n := &physical.Aggregate{Aggs: aggs, Child: in}
	for i := range keys {
		n.Keys = append(n.Keys, bcol(in, i))
		n.Out.Fields = append(n.Out.Fields, in.Out.Fields[i])
	}
	for _, a := range aggs {
		n.Out.Fields = append(n.Out.Fields, types.F("a", a.Typ))
	}
	return n
}

func BenchmarkAggregate(b *testing.B) {
	for _, c := range []struct {
		name string
		cols []int
		keys int
	}{
		{"1M", []int{1, 4, 6}, 1}, {"6.3M", []int{2, 4, 6}, 1}, {"string1M", []int{3, 4, 6}, 1}, {"pair10M", []int{1, 3, 4, 6}, 2}, {"75", []int{4, 5, 4, 6}, 2},
	} {
		in := benchTable(benchRows, c.cols...)
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/t=%d", c.name, threads), func(b *testing.B) {
				runBench(b, threads, benchAgg(in, c.keys, sumAgg(in, c.keys), sumAgg(in, c.keys+1)))
			})
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	for _, c := range []struct {
		name string
		key  int
		mul  int64
	}{{"dense", 1, 1}, {"sparse", 7, 1009}} {
		probe := benchTable(benchRows, c.key, 4)
		ty := benchSchema.Fields[c.key].Type
		dim := &physical.Values{Out: types.NewSchema(types.F("k", ty), types.F("w", types.Int))}
		for from := 0; from < 1_000_000; from += 1 << 16 {
			n := min(1<<16, 1_000_000-from)
			x := batch.NewBatch(dim.Out.Types(), n)
			x.Reset(n)
			for i := range n {
				k := int64(from+i) * 7919 % 1_000_000
				if ty.Kind == types.KindInt {
					batch.Values[int32](x.Cols[0])[i] = int32(k)
				} else {
					batch.Values[int64](x.Cols[0])[i] = k * c.mul
				}
				batch.Values[int32](x.Cols[1])[i] = int32(k % 1000)
			}
			dim.Data = append(dim.Data, x)
		}
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/t=%d", c.name, threads), func(b *testing.B) {
				j := &physical.HashJoin{
					Left: probe, Right: dim, LeftKeys: []plan.Expr{bcol(probe, 0)}, RightKeys: []plan.Expr{bcol(dim, 0)},
					Out: types.NewSchema(append(append([]types.Field(nil), probe.Out.Fields...), dim.Out.Fields...)...),
				}
				agg := &physical.Aggregate{
					Child: j, Aggs: []*plan.Agg{
						{Name: "sum", Args: []plan.Expr{&plan.Bound{Index: 3, Typ: types.Int}}, Typ: types.Long},
						{Name: "sum", Args: []plan.Expr{&plan.Bound{Index: 1, Typ: types.Int}}, Typ: types.Long},
					},
					Out: types.NewSchema(types.F("a", types.Long), types.F("b", types.Long)),
				}
				runBench(b, threads, agg)
			})
		}
	}
}

func BenchmarkSort(b *testing.B) {
	in := benchTable(6_000_000, 2, 1, 4, 6)
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("t=%d", threads), func(b *testing.B) {
			runBench(b, threads, &physical.Sort{
				Limit: -1, Global: true, Child: in,
				Keys: []physical.SortKey{{Expr: bcol(in, 3)}, {Expr: bcol(in, 0)}},
			})
		})
	}
}
