package model

import (
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	// scanRows is how many words are scored at a time: their scores stay in the first-level cache.
	scanRows = 1024
	// splitWork is the number of components worth another thread: half a millisecond.
	splitWork = 4 << 20
	// maxNeighbours bounds what a question may ask for.
	maxNeighbours = 10_000
)

// Neighbour is a word with its cosine to what was asked for.
type Neighbour struct {
	Word   string
	ID     int32
	Cosine float32
}

// Synonyms are the k words nearest to word, itself left out.
func (m *Model) Synonyms(word string, k int) ([]Neighbour, error) {
	id, err := m.id(word)
	if err != nil {
		return nil, err
	}
	return m.Nearest(m.Row(id), k, id)
}

// Analogy answers "a is to b as c is to …" by the words nearest to b - a + c over vectors of length one, a, b and c left out
// (3CosAdd of Levy and Goldberg, 2014).
func (m *Model) Analogy(a, b, c string, k int) ([]Neighbour, error) {
	var ids [3]int32
	for i, w := range []string{a, b, c} {
		id, err := m.id(w)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	q := make([]float32, m.Dim)
	m.Offset(q, ids[0], ids[1], ids[2])
	return m.Nearest(q, k, ids[:]...)
}

// Offset writes b - a + c over vectors of length one.
func (m *Model) Offset(dst []float32, a, b, c int32) {
	inv := m.inverses()
	ra, rb, rc := m.Row(a), m.Row(b), m.Row(c)
	ia, ib, ic := inv[a], inv[b], inv[c]
	for i := range dst {
		dst[i] = rb[i]*ib - ra[i]*ia + rc[i]*ic
	}
}

// Similarity is the cosine of two words.
func (m *Model) Similarity(a, b string) (float32, error) {
	ia, err := m.id(a)
	if err != nil {
		return 0, err
	}
	ib, err := m.id(b)
	if err != nil {
		return 0, err
	}
	inv, out := m.inverses(), [1]float32{}
	dots(out[:], m.Row(ia), m.Row(ib))
	return out[0] * inv[ia] * inv[ib], nil
}

// Nearest finds the k words whose vectors have the largest cosines with q, exactly; words in except are left out. Equal cosines
// go by id.
func (m *Model) Nearest(q []float32, k int, except ...int32) ([]Neighbour, error) {
	if len(q) != m.Dim {
		return nil, errs.Errorf(errs.Invalid, "model.Nearest", "a vector of %d components; the model's have %d", len(q), m.Dim)
	}
	if k < 1 || k > maxNeighbours {
		return nil, errs.Errorf(errs.Invalid, "model.Nearest", "%d neighbours; want 1 to %d", k, maxNeighbours)
	}
	out := m.NearestAll([][]float32{q}, m.Vocabulary.Len(), k, [][]int32{except})
	return out[0], nil
}

// NearestAll answers many questions at once among the first words ids: rows are read once for all questions. except may be nil.
func (m *Model) NearestAll(qs [][]float32, words, k int, except [][]int32) [][]Neighbour {
	words = min(words, m.Vocabulary.Len())
	inv := m.inverses()[:words]
	threads := max(1, min(runtime.GOMAXPROCS(0), words*m.Dim*len(qs)/splitWork, (words+scanRows-1)/scanRows))
	parts := make([][]top, threads)
	var wait sync.WaitGroup
	for t := range threads {
		lo, hi := words*t/threads, words*(t+1)/threads
		parts[t] = make([]top, len(qs))
		wait.Go(func() { m.scan(parts[t], qs, k, except, inv, lo, hi) })
	}
	wait.Wait()
	out := make([][]Neighbour, len(qs))
	for i := range qs {
		best := parts[0][i]
		for t := 1; t < threads; t++ {
			for _, n := range parts[t][i].best {
				best.offer(k, n.ID, n.Cosine)
			}
		}
		out[i] = m.named(&best, qs[i])
	}
	return out
}

// scan scores words lo to hi.
func (m *Model) scan(into []top, qs [][]float32, k int, except [][]int32, inv []float32, lo, hi int) {
	var scores [scanRows]float32
	for at := lo; at < hi; at += scanRows {
		n := min(scanRows, hi-at)
		rows := m.Vectors[at*m.Dim : (at+n)*m.Dim]
		for i, q := range qs {
			dots(scores[:n], rows, q)
			t := &into[i]
			var skip []int32
			if except != nil {
				skip = except[i]
			}
			for j, s := range scores[:n] {
				s *= inv[at+j]
				if (len(t.best) < k || s > t.floor) && !slices.Contains(skip, int32(at+j)) {
					t.offer(k, int32(at+j), s)
				}
			}
		}
	}
}

// top is the best few of a scan, best first.
type top struct {
	best  []Neighbour
	floor float32 // the worst of them when there are enough
}

func (t *top) offer(k int, id int32, cosine float32) {
	n := Neighbour{ID: id, Cosine: cosine}
	at, _ := slices.BinarySearchFunc(t.best, n, func(a, b Neighbour) int {
		switch {
		case a.Cosine > b.Cosine:
			return -1
		case a.Cosine < b.Cosine:
			return 1
		}
		return int(a.ID) - int(b.ID)
	})
	if at == k {
		return
	}
	if len(t.best) == k {
		t.best = t.best[:k-1]
	}
	t.best = slices.Insert(t.best, at, n)
	if len(t.best) == k {
		t.floor = t.best[k-1].Cosine
	}
}

// named completes neighbours by their words and divides by the question's own length.
func (m *Model) named(t *top, q []float32) []Neighbour {
	length := inverse(q)
	for i := range t.best {
		t.best[i].Word = m.Vocabulary.Words[t.best[i].ID]
		t.best[i].Cosine *= length
	}
	return t.best
}

// WithBlanks is the first word that has a blank or line end in it, for which the text and binary formats have no form.
func (m *Model) WithBlanks() (string, bool) { return firstWithBlanks(m.Vocabulary.Words) }

func firstWithBlanks(words []string) (string, bool) {
	for _, w := range words {
		if strings.ContainsAny(w, " \n\t\r\v\f") {
			return w, true
		}
	}
	return "", false
}
