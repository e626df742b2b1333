// Package mem accounts memory: a tree of budgets with limits, and a pool of
// reusable byte blocks. It knows nothing of who uses the memory.
package mem

import (
	"fmt"
	"sync/atomic"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Budget is an account of bytes. Grow and Shrink are safe for concurrent use.
// A child's bytes count in all its ancestors.
type Budget struct {
	name   string
	parent *Budget
	first  bool // see First
	limit  atomic.Int64
	used   atomic.Int64
	peak   atomic.Int64
}

// NewBudget makes a root account. limit ≤ 0 means no limit.
func NewBudget(name string, limit int64) *Budget {
	b := &Budget{name: name}
	b.limit.Store(limit)
	return b
}

// Child makes an account below b. limit ≤ 0 means only the ancestors' limits hold.
func (b *Budget) Child(name string, limit int64) *Budget {
	c := NewBudget(name, limit)
	c.parent = b
	return c
}

// First makes an account below b whose bytes count in its ancestors but are
// never refused by them, only by its own limit: what b could hold when empty.
// It is for bounded working memory without which nothing moves: an operator
// that has filled the budget can spill, the reader that feeds it cannot.
func (b *Budget) First(name string) *Budget {
	c := b.Child(name, 0)
	c.first = true
	for a := b; a != nil; a = a.parent {
		if l := a.limit.Load(); l > 0 && (c.Limit() == 0 || l < c.Limit()) {
			c.limit.Store(l)
		}
	}
	return c
}

// Grow books n bytes or returns an errs.Exhausted error and books nothing.
func (b *Budget) Grow(n int64) error {
	granted := false // by an account that goes first
	for a := b; a != nil; a = a.parent {
		u := a.used.Add(n)
		if l := a.limit.Load(); l > 0 && u > l && !granted {
			a.used.Add(-n)
			for r := b; r != a; r = r.parent {
				r.used.Add(-n)
			}
			return errs.E(errs.Exhausted, "mem.Grow", &LimitError{Budget: a.name, Want: n, Used: u - n, Limit: l})
		}
		if u > a.peak.Load() {
			a.peak.Store(u)
		}
		granted = granted || a.first
	}
	return nil
}

// Force books n bytes even beyond the limit: for memory already taken.
func (b *Budget) Force(n int64) {
	for a := b; a != nil; a = a.parent {
		if u := a.used.Add(n); u > a.peak.Load() {
			a.peak.Store(u)
		}
	}
}

// Shrink gives n bytes back.
func (b *Budget) Shrink(n int64) {
	for a := b; a != nil; a = a.parent {
		a.used.Add(-n)
	}
}

// Close gives back whatever is still booked here, for abandoned work, and returns it.
func (b *Budget) Close() int64 {
	left := b.used.Load()
	b.Shrink(left)
	return left
}

// Used, Peak and Limit report the account in bytes.
func (b *Budget) Used() int64  { return b.used.Load() }
func (b *Budget) Peak() int64  { return b.peak.Load() }
func (b *Budget) Limit() int64 { return b.limit.Load() }

// Free is what can still be booked here, over all ancestors; large if unlimited.
func (b *Budget) Free() int64 {
	free := int64(1) << 62
	for a := b; a != nil; a = a.parent {
		if l := a.limit.Load(); l > 0 {
			free = min(free, l-a.used.Load())
		}
	}
	return free
}

// LimitError says which account was full.
type LimitError struct {
	Budget            string
	Want, Used, Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("memory budget %q is used up: %d bytes asked, %d of %d in use; raise --memory or lower the parallelism",
		e.Budget, e.Want, e.Used, e.Limit)
}
