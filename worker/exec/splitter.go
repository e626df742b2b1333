package exec

import "github.com/spurwheel/spurwheel/internal/batch"

// splitter orders a batch's rows by a number given to each: count, prefix sum,
// place. Rows of one number keep their order.
type splitter struct {
	first []int32
	order []int32
}

// split takes each row's number, below n.
func (s *splitter) split(numbers []int32, n int) {
	if cap(s.first) < n+2 {
		s.first = make([]int32, n+2)
	}
	if cap(s.order) < len(numbers) {
		s.order = make([]int32, max(len(numbers), batch.Rows))
	}
	s.first, s.order = s.first[:n+2], s.order[:len(numbers)]
	clear(s.first)
	for _, p := range numbers { // first[p+2] counts p, so that placing moves first[p+1] to p's end
		s.first[p+2]++
	}
	for i := 2; i < len(s.first); i++ {
		s.first[i] += s.first[i-1]
	}
	for i, p := range numbers {
		s.order[s.first[p+1]] = int32(i)
		s.first[p+1]++
	}
}

// of lists the rows of number p.
func (s *splitter) of(p int) []int32 { return s.order[s.first[p]:s.first[p+1]] }
