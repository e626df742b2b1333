package train

import "unsafe"

// staging holds bfloat16 rows as float32 while a kernel works on them. A row that is asked for twice is held once, so that both
// uses change the same copy.
type staging struct {
	rows   []float32
	stride int
	local  []int64 // where each asked row lies in rows
	unique []int64 // the rows held, as offsets in the weights
	noise  [16]uint32
}

func newStaging(n, stride int) staging {
	return staging{rows: alignedRows(n, stride), stride: stride, local: make([]int64, n), unique: make([]int64, 0, n)}
}

func (s *staging) seed(r *random) {
	for i := range s.noise {
		s.noise[i] = uint32(r.next())
	}
}

// load holds the rows at offsets; local then says where.
func (s *staging) load(w *worker, weights []uint16, offsets []int64) []int64 {
	s.unique = s.unique[:0]
	for i, offset := range offsets {
		s.local[i] = s.hold(offset)
	}
	w.set.Widen(&s.rows[0], &weights[0], &s.unique[0], len(s.unique), s.stride)
	return s.local[:len(offsets)]
}

func (s *staging) hold(offset int64) int64 {
	for k, held := range s.unique {
		if held == offset {
			return int64(k * s.stride)
		}
	}
	s.unique = append(s.unique, offset)
	return int64((len(s.unique) - 1) * s.stride)
}

// store writes the rows held back.
func (s *staging) store(w *worker, weights []uint16) {
	w.set.Narrow(&weights[0], &s.unique[0], len(s.unique), &s.rows[0], s.stride, &s.noise)
}

// alignedSets takes n places at a cache line from the heap.
func alignedSets(n int) []int64 {
	block := alignedRows(2*n, 1)
	return unsafe.Slice((*int64)(unsafe.Pointer(&block[0])), n)
}

// alignedRows takes n zeroed rows at a cache line from the heap.
func alignedRows(n, stride int) []float32 {
	const line = 16
	block := make([]float32, n*stride+line)
	skip := -uintptr(unsafe.Pointer(&block[0])) / 4 % line
	return block[skip : int(skip)+n*stride]
}
