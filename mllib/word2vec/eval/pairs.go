package eval

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
)

const (
	// maxLine bounds a line of a test, and maxItems a test: larger files are something else.
	maxLine  = 4 << 10
	maxItems = 1 << 20
)

// Pair is two words and how alike people find them.
type Pair struct {
	A, B  string
	Score float64
}

// ReadPairs reads two words and a score a line, between tabs, commas or blanks. Lines that begin with # and a first line without
// a score (names of columns) are passed over. name is for messages.
func ReadPairs(r io.Reader, name string) ([]Pair, error) {
	var pairs []Pair
	err := eachLine(r, name, func(line int, text string) error {
		f := strings.FieldsFunc(text, func(c rune) bool { return c == '\t' || c == ' ' || c == ',' })
		if len(f) < 3 {
			return errs.Errorf(errs.Invalid, "", "%s, line %d: %d fields; want two words and a score", name, line, len(f))
		}
		score, err := strconv.ParseFloat(f[2], 64)
		switch {
		case err != nil && line == 1:
			return nil
		case err != nil || math.IsNaN(score) || math.IsInf(score, 0):
			return errs.Errorf(errs.Invalid, "", "%s, line %d: the score %.20q is no number", name, line, f[2])
		}
		pairs = append(pairs, Pair{f[0], f[1], score})
		return nil
	})
	if err == nil && len(pairs) == 0 {
		err = errs.Errorf(errs.Invalid, "", "%s holds no pair of words", name)
	}
	return pairs, err
}

func eachLine(r io.Reader, name string, f func(line int, text string) error) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, maxLine), maxLine)
	line := 0
	for s.Scan() {
		if line++; line > maxItems {
			return errs.Errorf(errs.Invalid, "", "%s has more than %d lines", name, maxItems)
		}
		text := strings.TrimSpace(s.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		if err := f(line, text); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return errs.E(errs.Invalid, "", fmt.Errorf("%s, line %d: %w", name, line+1, err))
	}
	return nil
}

// Similarity is how a model agrees with people on the order of pairs.
type Similarity struct {
	Coverage
	Spearman float64 // rank correlation; NaN if fewer than two pairs were scored
}

// Similarities correlates the cosines of pairs with their scores.
func Similarities(m *model.Model, pairs []Pair) Similarity {
	var out Similarity
	var cosines, scores []float64
	f := finder{m}
	for _, p := range pairs {
		a, okA := f.id(p.A)
		b, okB := f.id(p.B)
		if !okA || !okB {
			out.Unknown++
			continue
		}
		c, _ := m.Similarity(m.Vocabulary.Words[a], m.Vocabulary.Words[b])
		cosines, scores = append(cosines, float64(c)), append(scores, p.Score)
	}
	out.Used = len(scores)
	out.Spearman = Spearman(cosines, scores)
	return out
}

// Spearman is the rank correlation of two samples of one length; equal values share the mean of their ranks. It is NaN for
// fewer than two values, or when all values of a sample are equal.
func Spearman(x, y []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	return pearson(ranks(x), ranks(y))
}

func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

func pearson(x, y []float64) float64 {
	n := float64(len(x))
	var mx, my float64
	for i := range x {
		mx += x[i] / n
		my += y[i] / n
	}
	var xy, xx, yy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xy, xx, yy = xy+dx*dy, xx+dx*dx, yy+dy*dy
	}
	return xy / math.Sqrt(xx*yy)
}
