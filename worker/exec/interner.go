package exec

import (
	"bytes"
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// interner copies long strings to an arena, those that come again soon only
// once: a column of few values is in the keys of many groups. The zero value is
// ready.
type interner struct {
	arena       *batch.Vector // that seen is about
	tried, hits int
	seen        [512]batch.View
}

// After internTrial strings of which less than a quarter had come before, no
// more are looked up: the column has many values.
const internTrial = 1024

// view is the view of s, longer than batch.InlineLen, in the arena.
func (n *interner) view(arena *batch.Vector, s []byte) batch.View {
	if n.arena != arena {
		*n = interner{arena: arena}
	}
	if n.tried >= internTrial && 4*n.hits < n.tried {
		return arena.Intern(s)
	}
	n.tried++
	// Both ends: many strings of a column begin alike.
	ends := binary.LittleEndian.Uint64(s)*0xE7037ED1A0B428DB ^ binary.LittleEndian.Uint64(s[len(s)-8:])
	have := &n.seen[ends*0x9E3779B97F4A7C15>>55]
	if have.Len() == len(s) && bytes.Equal(have.Bytes(arena.Bufs), s) {
		n.hits++
	} else {
		*have = arena.Intern(s)
	}
	return *have
}
