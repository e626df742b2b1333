package vocab

import (
	"math"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Counter counts the words of blocks within bounded memory. For one goroutine; Merge joins the counters of several.
type Counter struct {
	t     table
	limit int64 // bytes of the table and its arena
	least uint64
	stats Counted
}

// Counted is what a count saw, beside the words.
type Counted struct {
	Words     int64 // all occurrences
	Distinct  int64 // words kept in the table, before any rule
	TooLong   int64 // occurrences of words longer than MaxWordBytes, which are left out
	Pruned    int64 // words dropped because memory was short, each time they were dropped
	PrunedTo  int64 // the highest count at which words were dropped
	Kept      int64 // words of the vocabulary
	KeptWords int64 // their occurrences
}

// minLimit is one table of the smallest size and words to fill it.
const minLimit = int64(minSlots) * 4 * slotBytes

// NewCounter makes a counter that holds limit bytes at most. When they are used up it drops the rarest words, as word2vec's own
// vocabulary does: counts of kept words that were dropped in between are too small by at most Counted.PrunedTo.
func NewCounter(limit int64) *Counter {
	return &Counter{t: *newTable(0), limit: max(limit, minLimit)}
}

// Text counts the words of a text block. It stops at the first fault.
func (c *Counter) Text(b []byte) *Fault {
	for i := 0; i < len(b); {
		prefix, n := span(b, i)
		if n > 0 {
			if !c.add(b[i:i+n], prefix, 1) {
				return &Fault{Offset: i, What: faultUTF8}
			}
			c.stats.Words++
		}
		if i += n; i < len(b) {
			if b[i] == 0 {
				return &Fault{Offset: i, What: faultNull}
			}
			i++
		}
	}
	return nil
}

// List counts the words of a list block. It stops at the first fault.
func (c *Counter) List(b []byte) *Fault {
	from := 0
	for i, x := range b {
		if x != WordEnd {
			if x == SentenceEnd {
				from = i + 1
			}
			continue
		}
		if w := b[from:i]; len(w) > 0 {
			if !c.add(w, prefixOf(w), 1) {
				return &Fault{Offset: from, What: faultUTF8}
			}
			c.stats.Words++
		}
		from = i + 1
	}
	return nil
}

// add counts a word n times. It tells whether the word is UTF-8, which is checked when a word is new.
func (c *Counter) add(w []byte, prefix uint64, n uint64) bool {
	var s *slot
	switch {
	case len(w) <= 8:
		if s = c.t.short(prefix, len(w)); s.n == 0 {
			if !valid(w) {
				return false
			}
			c.reserve(0)
			s = c.t.addShort(prefix, len(w))
		}
	case len(w) > MaxWordBytes:
		c.stats.TooLong += int64(n)
		return true
	default:
		h := hashLong(w)
		if s = c.t.long(w, h); s.n == 0 {
			if !valid(w) {
				return false
			}
			c.reserve(len(w))
			s = c.t.addLong(w, h)
		}
	}
	s.value += n
	return true
}

// reserve drops rare words until the table may take one more word of n bytes more.
func (c *Counter) reserve(n int) {
	for c.next(n) > c.limit || len(c.t.arena) > maxArena {
		c.prune()
	}
}

// next is the memory in use while the next word comes in: growing holds the old table beside the new one.
func (c *Counter) next(n int) int64 {
	slots := int64(len(c.t.slots))
	if (c.t.used+1)*4 > len(c.t.slots)*3 {
		slots *= 3
	}
	arena := int64(cap(c.t.arena))
	if len(c.t.arena)+n > cap(c.t.arena) {
		arena = arena*2 + arena/4
	}
	return slots*slotBytes + arena
}

// prune drops the words seen least, at least a quarter of them, so that pruning stays linear in what is counted.
func (c *Counter) prune() {
	before := c.t.used
	for c.t.used > before-before/4-1 && c.t.used > 0 {
		c.least = max(c.least+1, c.lowest())
		c.t.rebuild(len(c.t.slots), c.least)
	}
	slots := minSlots
	for slots < 2*c.t.used {
		slots *= 2
	}
	if slots < len(c.t.slots) {
		c.t.rebuild(slots, 0)
	}
	c.t.arena = slices.Clip(c.t.arena)
	c.stats.Pruned += int64(before - c.t.used)
	c.stats.PrunedTo = int64(c.least)
}

// lowest is the lowest count there is.
func (c *Counter) lowest() uint64 {
	least := uint64(math.MaxUint64)
	for i := range c.t.slots {
		if s := &c.t.slots[i]; s.n > 0 {
			least = min(least, s.value)
		}
	}
	return least
}

// Merge adds what o counted to c and moves o's share of the memory over; o is empty afterwards.
func (c *Counter) Merge(o *Counter) {
	c.limit += o.limit
	var buf []byte
	for i := range o.t.slots {
		if s := &o.t.slots[i]; s.n > 0 {
			buf = o.t.word(buf[:0], s)
			c.add(buf, s.prefix, s.value)
		}
	}
	c.stats.Words += o.stats.Words
	c.stats.TooLong += o.stats.TooLong
	c.stats.Pruned += o.stats.Pruned
	c.stats.PrunedTo = max(c.stats.PrunedTo, o.stats.PrunedTo)
	*o = *NewCounter(0)
}

// Vocabulary makes the vocabulary of the words seen minCount times or more, the most frequent maxWords of them (0: all).
// No word left is an errs.Invalid error.
func (c *Counter) Vocabulary(minCount int64, maxWords int) (*Vocabulary, Counted, error) {
	stats := c.stats
	stats.Distinct = int64(c.t.used)
	found := c.above(max(minCount, 1))
	slices.SortFunc(found, func(a, b entry) int {
		if a.count != b.count {
			if a.count > b.count {
				return -1
			}
			return 1
		}
		return strings.Compare(a.word, b.word)
	})
	if maxWords > 0 && len(found) > maxWords {
		found = found[:maxWords]
	}
	if len(found) == 0 {
		return nil, stats, noWords(stats, minCount)
	}
	words, counts := make([]string, len(found)), make([]int64, len(found))
	for i, e := range found {
		words[i], counts[i] = e.word, e.count
	}
	v, err := New(words, counts)
	if err != nil {
		return nil, stats, err
	}
	stats.Kept, stats.KeptWords = int64(v.Len()), v.Total
	return v, stats, nil
}

func noWords(stats Counted, minCount int64) error {
	if stats.Words == 0 {
		return errs.Errorf(errs.Invalid, "vocab", "the corpus holds no word")
	}
	return errs.Errorf(errs.Invalid, "vocab", "none of the %d different words of the corpus stands in it %d times or more (--min-count)", stats.Distinct, minCount)
}

type entry struct {
	word  string
	count int64
}

// above lists the words seen least times or more; their bytes are one string.
func (c *Counter) above(least int64) []entry {
	n, size := 0, 0
	for i := range c.t.slots {
		if s := &c.t.slots[i]; s.n > 0 && int64(s.value) >= least {
			n, size = n+1, size+int(s.n)
		}
	}
	all := make([]byte, 0, size)
	found := make([]entry, 0, n)
	for i := range c.t.slots {
		if s := &c.t.slots[i]; s.n > 0 && int64(s.value) >= least {
			all = c.t.word(all, s)
			found = append(found, entry{count: int64(s.value)})
		}
	}
	text, at, k := string(all), 0, 0
	for i := range c.t.slots {
		if s := &c.t.slots[i]; s.n > 0 && int64(s.value) >= least {
			found[k].word, at, k = text[at:at+int(s.n)], at+int(s.n), k+1
		}
	}
	return found
}
