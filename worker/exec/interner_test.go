package exec

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestInternerGivesTheStringsBack(t *testing.T) {
	for _, values := range []int{1, 150, 100_000} {
		var n interner
		for range 2 { // a second arena knows nothing of the first
			arena := batch.New(types.Binary, 0)
			for i := range 20_000 {
				s := fmt.Sprintf("a long string %d of a column", i*7%values)
				x := n.view(arena, []byte(s))
				require.Equal(t, s, string(x.Bytes(arena.Bufs)))
			}
			if values == 1 {
				require.Len(t, arena.Bufs[0], len("a long string 0 of a column"))
			}
		}
	}
}
