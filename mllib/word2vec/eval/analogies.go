package eval

import (
	"context"
	"io"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
)

// DefaultFrequent is how many of the most frequent words take part in analogies, as the original word2vec has it.
const DefaultFrequent = 30_000

// Question is an analogy: A is to B as C is to D.
type Question struct {
	A, B, C, D string
	Syntactic  bool // of a section whose name begins with "gram"
}

// ReadQuestions reads questions-words files: four words a line, sections that begin with a colon. name is for messages.
func ReadQuestions(r io.Reader, name string) ([]Question, error) {
	var out []Question
	syntactic := false
	err := eachLine(r, name, func(line int, text string) error {
		if text[0] == ':' {
			syntactic = strings.HasPrefix(strings.TrimSpace(text[1:]), "gram")
			return nil
		}
		f := strings.Fields(text)
		if len(f) != 4 {
			return errs.Errorf(errs.Invalid, "", "%s, line %d: %d words; want four", name, line, len(f))
		}
		out = append(out, Question{f[0], f[1], f[2], f[3], syntactic})
		return nil
	})
	if err == nil && len(out) == 0 {
		err = errs.Errorf(errs.Invalid, "", "%s holds no question", name)
	}
	return out, err
}

// Score is right answers.
type Score struct {
	Coverage
	Right int
}

// Percent of the questions that were scored.
func (s Score) Percent() float64 {
	if s.Used == 0 {
		return 0
	}
	return 100 * float64(s.Right) / float64(s.Used)
}

// Analogies are the answers to questions about meaning and about grammar.
type Analogies struct{ Semantic, Syntactic Score }

// asked is how many questions are answered at once: their vectors stay in the cache while rows pass by.
const asked = 64

// Answer asks a model for D of each question among its most frequent words; questions with others are left out. The words of a
// question are no answers to it.
func Answer(ctx context.Context, m *model.Model, questions []Question, frequent int) (Analogies, error) {
	var out Analogies
	b := batch{m: m, frequent: frequent, into: &out}
	for _, q := range questions {
		b.add(q)
		if len(b.right) == asked {
			b.answer()
			if ctx.Err() != nil {
				return out, errs.E(errs.Canceled, "eval", ctx.Err())
			}
		}
	}
	b.answer()
	return out, nil
}

// batch is questions that wait for their answers.
type batch struct {
	m        *model.Model
	frequent int
	into     *Analogies
	vectors  [][]float32
	except   [][]int32
	right    []int32
	scores   []*Score
}

func (b *batch) add(q Question) {
	score := &b.into.Semantic
	if q.Syntactic {
		score = &b.into.Syntactic
	}
	var ids [4]int32
	f := finder{b.m}
	for i, w := range []string{q.A, q.B, q.C, q.D} {
		id, ok := f.id(w)
		if !ok || int(id) >= b.frequent {
			score.Unknown++
			return
		}
		ids[i] = id
	}
	score.Used++
	v := make([]float32, b.m.Dim)
	b.m.Offset(v, ids[0], ids[1], ids[2])
	b.vectors, b.except = append(b.vectors, v), append(b.except, ids[:3:3])
	b.right, b.scores = append(b.right, ids[3]), append(b.scores, score)
}

func (b *batch) answer() {
	for i, best := range b.m.NearestAll(b.vectors, b.frequent, 1, b.except) {
		if len(best) == 1 && best[0].ID == b.right[i] {
			b.scores[i].Right++
		}
	}
	b.vectors, b.except, b.right, b.scores = b.vectors[:0], b.except[:0], b.right[:0], b.scores[:0]
}
