package function

import (
	"github.com/spurwheel/spurwheel/internal/batch"
)

// Slots is a flat or constant vector's values, read alike: At(i) of a constant
// is its one value. Kernels take it where a copy of the loop per encoding
// would not pay.
type Slots[T batch.Value] struct {
	V    []T
	mask int
}

// SlotsOf views v. T's size must be the layout's width.
func SlotsOf[T batch.Value](v *batch.Vector) Slots[T] {
	s := Slots[T]{V: batch.Values[T](v), mask: -1}
	if v.Enc == batch.Const {
		s.mask = 0
	}
	return s
}

// At is the value of row i (arbitrary where null).
func (s Slots[T]) At(i int) T { return s.V[i&s.mask] }

// Strs is a flat or constant string or binary vector.
type Strs struct {
	views []batch.View
	bufs  [][]byte
	mask  int
}

// StrsOf views v.
func StrsOf(v *batch.Vector) Strs {
	s := Strs{views: batch.Values[batch.View](v), bufs: v.Bufs, mask: -1}
	if v.Enc == batch.Const {
		s.mask = 0
	}
	return s
}

// At is the bytes of row i, valid as long as the vector. Rows that are null
// must not be asked for.
func (s *Strs) At(i int) []byte { return s.views[i&s.mask].Bytes(s.bufs) }

// View is the view of row i.
func (s *Strs) View(i int) *batch.View { return &s.views[i&s.mask] }
