package eval

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// merger puts a result together from parts computed for some rows each. Rows
// that no part covers are null.
type merger struct {
	out  *batch.Vector
	flat *batch.Vector
	acc  *batch.Vector // nested types: the parts one after another
	perm []int32       // nested types: each row's place in acc, or -1
}

func newMerger(t types.Type) *merger {
	return &merger{out: batch.New(t, 0), flat: batch.New(t, 0), acc: batch.New(t, 0)}
}

func (m *merger) nested() bool { return m.out.Phys().Width() == 0 }

func (m *merger) begin(n int) {
	if m.nested() {
		m.acc.Reset(0)
		m.perm = m.perm[:0]
		for range n {
			m.perm = append(m.perm, -1)
		}
		return
	}
	m.out.Reset(n)
	m.out.SetAllNull()
}

// add sets rows[i] to part's row i.
func (m *merger) add(part *batch.Vector, rows []int32) {
	if m.nested() {
		base := int32(m.acc.Len())
		m.acc.AppendRange(part, 0, len(rows))
		for i, r := range rows {
			m.perm[r] = base + int32(i)
		}
		return
	}
	for _, r := range rows {
		m.out.SetValid(int(r))
	}
	m.out.Scatter(part, rows)
}

func (m *merger) finish() *batch.Vector {
	if m.nested() {
		m.out.Gather(m.acc, m.perm)
	}
	return m.out
}
