package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testTable is rows of boxed values.
type testTable struct {
	schema types.Schema
	rows   [][]any
}

// shape is one way to run a plan.
type shape struct {
	threads, rows int  // threads, rows in a batch passed on
	input         int  // rows in an input batch
	dict          bool // strings and ints come as dictionaries
	spill         int64
}

func (s shape) String() string {
	return fmt.Sprintf("threads=%d,rows=%d,input=%d,dict=%v,spill=%d", s.threads, s.rows, s.input, s.dict, s.spill)
}

var shapes = []shape{
	{threads: 1, rows: 4096, input: 5000},
	{threads: 2, rows: 7, input: 13},
	{threads: 1, rows: 1, input: 100},
	{threads: 2, rows: 4096, input: 1000, dict: true},
	{threads: 3, rows: 64, input: 64},
}

// values makes the table a plan node whose batches have the shape's form.
func (tt testTable) values(s shape) *physical.Values {
	out := &physical.Values{Out: tt.schema}
	for chunk := range slices.Chunk(tt.rows, s.input) {
		b := batch.NewBatch(tt.schema.Types(), len(chunk))
		for c, v := range b.Cols {
			v.Reset(0)
			for _, r := range chunk {
				v.Append(r[c])
			}
			if s.dict {
				b.Cols[c] = asDict(v)
			}
		}
		b.N = len(chunk)
		out.Data = append(out.Data, b)
	}
	return out
}

// asDict makes a dictionary vector of a flat one, all values present in it.
func asDict(v *batch.Vector) *batch.Vector {
	seen := map[string]int32{}
	dict := batch.New(v.Type, 0)
	dict.Reset(0)
	codes := make([]int32, v.Len())
	for i := range codes {
		if !v.Valid(i) {
			continue
		}
		k := fmt.Sprint(v.Get(i))
		c, ok := seen[k]
		if !ok {
			c = int32(len(seen))
			seen[k] = c
			dict.Append(v.Get(i))
		}
		codes[i] = c
	}
	if dict.Len() == 0 {
		return v
	}
	out := batch.New(v.Type, 0)
	out.Reset(v.Len())
	out.SetDict(codes, dict)
	for i := range codes {
		if !v.Valid(i) {
			out.SetNull(i)
		}
	}
	return out
}

// testDeps runs plans of a shape.
func testDeps(t testing.TB, s shape) Deps {
	d := Deps{
		Registry: function.Standard(), Env: &function.Env{ZoneID: "UTC"}, Budget: mem.NewBudget("test", 0),
		Threads: s.threads, BatchRows: s.rows, ForceSpill: s.spill,
	}
	if s.spill > 0 {
		d.SpillDir = t.TempDir()
	}
	return d
}

// collect runs a plan to its end and checks that all memory is given back.
func collect(t testing.TB, n physical.Node, d Deps) [][]any {
	t.Helper()
	out, err := collectErr(n, d)
	require.NoError(t, err)
	require.Zero(t, d.Budget.Used(), "memory left in the budget")
	return out
}

func collectErr(n physical.Node, d Deps) ([][]any, error) {
	r, err := Build(n, d)
	if err != nil {
		return nil, err
	}
	return readAll(r)
}

func readAll(r *Run) ([][]any, error) {
	defer r.Close()
	var out [][]any
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return out, r.Close()
		}
		if err != nil {
			return nil, err
		}
		for i := range b.N {
			row := make([]any, len(b.Cols))
			for c, v := range b.Cols {
				if v.Len() != b.N {
					return nil, fmt.Errorf("column %d has %d rows in a batch of %d", c, v.Len(), b.N)
				}
				row[c] = v.Get(i)
			}
			out = append(out, row)
		}
	}
}

// texts makes rows comparable whatever their order.
func texts(rows [][]any, sorted bool) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = fmt.Sprint(r...)
		var b strings.Builder
		for _, x := range r {
			fmt.Fprintf(&b, "%v|", x)
		}
		out[i] = b.String()
	}
	if sorted {
		slices.Sort(out)
	}
	return out
}

// check compares a plan's rows in every shape with the rows wanted.
func check(t *testing.T, ordered bool, want [][]any, plan func(s shape) physical.Node, more ...shape) {
	t.Helper()
	for _, s := range append(slices.Clone(shapes), more...) {
		t.Run(s.String(), func(t *testing.T) {
			got := collect(t, plan(s), testDeps(t, s))
			require.Equal(t, texts(want, !ordered), texts(got, !ordered))
		})
	}
}

func col(tt testTable, i int) plan.Expr {
	f := tt.schema.Fields[i]
	return &plan.Bound{Index: i, Typ: f.Type, Null: f.Nullable, Name: f.Name}
}

// at is col for a table that lies behind off other columns.
func at(tt testTable, off, i int) plan.Expr {
	b := *col(tt, i).(*plan.Bound)
	b.Index += off
	return &b
}

// words are strings of all lengths around the inline limit.
var words = []string{"", "a", "bb", "twelve bytes", "thirteen byte", "a rather long string value", "a rather long string valuf"}

// randomTable has columns int, long, string, double, bool with nulls; keys
// repeat if domain is small.
func randomTable(seed uint64, n, domain int) testTable {
	r := rand.New(rand.NewPCG(seed, 1))
	tt := testTable{schema: types.NewSchema(types.F("i", types.Int), types.F("l", types.Long), types.F("s", types.String),
		types.F("d", types.Double), types.F("b", types.Bool))}
	null := func(x any) any {
		if r.IntN(10) == 0 {
			return nil
		}
		return x
	}
	for range n {
		k := r.IntN(domain)
		s := words[k%len(words)]
		if k >= len(words) {
			s += fmt.Sprint(k)
		}
		tt.rows = append(tt.rows, []any{
			null(int32(r.IntN(domain))), null(int64(r.IntN(domain)) * 1_000_003), null(s), null(float64(r.IntN(domain)) / 4), null(r.IntN(2) == 0),
		})
	}
	return tt
}
