package eval

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/model"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

func TestSpearman(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 2, 3}, []float64{10, 20, 30}, 1},
		{[]float64{1, 2, 3}, []float64{5, 4, -1}, -1},
		{[]float64{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}, []float64{7, 27, 2, 50, 28, 29, 20, 12, 6, 17}, -0.17575757575757575},
		{[]float64{1, 2, 2, 3}, []float64{1, 2, 3, 4}, 0.9486832980505138}, // with a tie
	} {
		require.InDelta(t, c.want, Spearman(c.x, c.y), 1e-12)
	}
	require.True(t, math.IsNaN(Spearman([]float64{1}, []float64{1})))
	require.True(t, math.IsNaN(Spearman([]float64{1, 1}, []float64{1, 2})))
}

func testModel(t *testing.T) *model.Model {
	t.Helper()
	v, err := vocab.New([]string{"man", "king", "woman", "queen", "big", "bigger", "small", "smaller", "rare"}, nil)
	require.NoError(t, err)
	m, err := model.New(v, 4, []float32{
		1, 0, 0, 0,
		1, 1, 0, 0,
		1, 0, 1, 0,
		1, 1, 1, 0,
		-1, 0, 0, 0,
		-1, 0, 0, 1,
		0, -1, 0, 0,
		0, -1, 0, 1,
		1, 1, 1, 0.01,
	})
	require.NoError(t, err)
	return m
}

func TestSimilarities(t *testing.T) {
	pairs, err := ReadPairs(strings.NewReader("word1,word2,score\n# said by people\nKing\tqueen\t9.5\nking man 8\r\n\nking,big,1\nking none 2\n"), "pairs")
	require.NoError(t, err)
	require.Equal(t, []Pair{{"King", "queen", 9.5}, {"king", "man", 8}, {"king", "big", 1}, {"king", "none", 2}}, pairs)
	got := Similarities(testModel(t), pairs)
	require.Equal(t, Similarity{Coverage{3, 1}, 1}, got)
}

func TestAnswer(t *testing.T) {
	questions, err := ReadQuestions(strings.NewReader(`: family
man king woman queen
Man Queen woman big
: gram3-comparative
big bigger small smaller
big bigger small unknown
big bigger small rare
`), "questions")
	require.NoError(t, err)
	got, err := Answer(t.Context(), testModel(t), questions, 8)
	require.NoError(t, err)
	require.Equal(t, Analogies{
		Semantic:  Score{Coverage{2, 0}, 1},
		Syntactic: Score{Coverage{1, 2}, 1},
	}, got)
	require.InDelta(t, 50, got.Semantic.Percent(), 1e-9)
	require.Zero(t, Score{}.Percent())

	many := make([]Question, 0, 1000)
	for range 500 {
		many = append(many, questions[:2]...)
	}
	got, err = Answer(t.Context(), testModel(t), many, DefaultFrequent)
	require.NoError(t, err)
	require.Equal(t, 1000, got.Semantic.Used)
}

func TestBadTests(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "t holds no pair",
		"a b c\n":                 "t holds no pair", // names of columns only
		"a b 1\na b\n":            "t, line 2: 2 fields",
		"a b 1\na b x\n":          `t, line 2: the score "x" is no number`,
		"a b 1\na b nan\n":        "is no number",
		strings.Repeat("x", 9999): "t, line 1: ",
	} {
		_, err := ReadPairs(strings.NewReader(text), "t")
		require.ErrorContains(t, err, want)
		require.True(t, errs.Is(err, errs.Invalid))
	}
	for text, want := range map[string]string{
		"":                 "t holds no question",
		": family\n":       "t holds no question",
		": family\na b c":  "t, line 2: 3 words",
		"\x00\x01\x02\x03": "t, line 1: 1 words",
	} {
		_, err := ReadQuestions(strings.NewReader(text), "t")
		require.ErrorContains(t, err, want)
		require.True(t, errs.Is(err, errs.Invalid))
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a b 1\n: x\na b c d\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ReadPairs(strings.NewReader(text), "t")
		_, err2 := ReadQuestions(strings.NewReader(text), "t")
		for _, err := range []error{err, err2} {
			if err != nil {
				require.True(t, errs.Is(err, errs.Invalid))
			}
		}
	})
}
