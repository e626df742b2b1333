package train

import "unsafe"

// staging holds bfloat16 rows as float32 while a kernel works on them. A row that is asked for twice is held once, so that both
// uses change the same copy. Rows of the head are float32 and stay where they are.
type staging struct {
	of     half
	move   int64 // what an offset of a head row and its place beside rows differ by
	rows   []float32
	stride int
	local  []int64 // where each asked row lies in rows
	unique []int64 // the rows held, as offsets in the weights
	noise  [16]uint32
}

func newStaging(n, stride int, of half) staging {
	s := staging{of: of, rows: alignedRows(n, stride), stride: stride, local: make([]int64, n), unique: make([]int64, 0, n)}
	if len(of.head) > 0 {
		s.move = int64(uintptr(unsafe.Pointer(&of.head[0]))-uintptr(unsafe.Pointer(&s.rows[0])))/4 - of.first
	}
	return s
}

// row is the row at a place that load has told.
func (s *staging) row(local int64) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(&s.rows[0]), local*4))
}

func (s *staging) seed(r *random) {
	for i := range s.noise {
		s.noise[i] = uint32(r.next())
	}
}

// load holds the rows at offsets; local then says where.
func (s *staging) load(w *worker, offsets []int64) []int64 {
	s.unique = s.unique[:0]
	for i, offset := range offsets {
		if s.of.has(offset) {
			s.local[i] = offset + s.move
		} else {
			s.local[i] = s.hold(offset)
		}
	}
	if len(s.unique) > 0 {
		w.set.Widen(&s.rows[0], &s.of.tail[0], &s.unique[0], len(s.unique), s.stride)
	}
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
func (s *staging) store(w *worker) {
	if len(s.unique) > 0 {
		w.set.Narrow(&s.of.tail[0], &s.unique[0], len(s.unique), &s.rows[0], s.stride, &s.noise)
	}
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
