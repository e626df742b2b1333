package exec

import (
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
)

// account books what one operator holds and gives it all back at the end.
type account struct {
	budget *mem.Budget
	used   atomic.Int64
	// forced makes every growth beyond it fail, so that tests see spilling.
	forced int64
	least  int64 // see leastSpill
}

// leastSpill is what a thread must hold for spilling to help: when others have
// used the budget up, pieces smaller than this would only make many small
// blocks, and the thread goes on beyond the budget.
const leastSpill = 4 << 20

func newAccount(b *mem.Budget, forced int64) *account {
	a := &account{budget: b, forced: forced, least: leastSpill}
	if forced > 0 {
		a.least = 0
	}
	return a
}

// grow books n bytes, or fails with errs.Exhausted.
func (a *account) grow(n int64) error {
	if a.forced > 0 && a.used.Load()+n > a.forced {
		return exhausted(n, a.used.Load(), a.forced)
	}
	if err := a.budget.Grow(n); err != nil {
		return err
	}
	a.used.Add(n)
	return nil
}

// force books memory that is needed to make progress.
func (a *account) force(n int64) {
	a.budget.Force(n)
	a.used.Add(n)
}

func (a *account) shrink(n int64) {
	a.budget.Shrink(n)
	a.used.Add(-n)
}

// close gives everything back.
func (a *account) close() {
	if n := a.used.Swap(0); n != 0 {
		a.budget.Shrink(n)
	}
}

// share is one thread's part of an account, kept up to date by its size.
type share struct {
	of   *account
	size int64
}

func (a *account) part() *share { return &share{of: a} }

// shareStep is the granularity of booking: the account's counter is shared by
// all threads and is not touched for every batch.
const shareStep = 256 << 10

// set tells the present size. On errs.Exhausted nothing more is booked.
func (s *share) set(size int64) error {
	want := (size + shareStep - 1) / shareStep * shareStep
	switch {
	case want > s.size:
		if err := s.of.grow(want - s.size); err != nil {
			return err
		}
	case want < s.size:
		s.of.shrink(s.size - want)
	}
	s.size = want
	return nil
}

// spills is set for an operator that can spill: it tells whether it must.
func (s *share) spills(size int64) (bool, error) {
	err := s.set(size)
	if !errs.Is(err, errs.Exhausted) {
		return false, err
	}
	if size < s.of.least {
		s.force(size)
		return false, nil
	}
	return true, nil
}

// must is set for what cannot be spilled: the query fails where it does not
// fit. Tests that force spilling let it pass.
func (s *share) must(size int64) error {
	if s.of.forced > 0 {
		s.force(size)
		return nil
	}
	return s.set(size)
}

// force is set for memory that is needed to make progress.
func (s *share) force(size int64) {
	if size > s.size {
		s.of.force(size - s.size)
	} else {
		s.of.shrink(s.size - size)
	}
	s.size = size
}

func exhausted(n, used, limit int64) error {
	return errs.E(errs.Exhausted, "exec.grow", &mem.LimitError{Budget: "forced", Want: n, Used: used, Limit: limit})
}
