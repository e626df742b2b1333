package arrowipc_test

import (
	"fmt"
	"testing"

	"github.com/spurwheel/spurwheel/connectors/arrowipc"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// BenchmarkEncode makes messages of 64k rows of long, int, double, string and date from batches of 4,096.
func BenchmarkEncode(b *testing.B) {
	s := types.NewSchema(types.F("a", types.Long), types.F("b", types.Int), types.F("c", types.Double), types.F("d", types.String), types.F("e", types.Date))
	in := batch.NewBatch(s.Types(), batch.Rows)
	in.Reset(batch.Rows)
	for i := range batch.Rows {
		in.Cols[3].SetString(i, fmt.Sprintf("name-%d", i))
	}
	e := arrowipc.NewEncoder(s, arrowipc.Options{})
	b.ReportAllocs()
	for b.Loop() {
		for range 16 {
			if err := e.Append(in, 0, in.N); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(int64(len(e.Finish())))
	}
}
