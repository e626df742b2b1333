package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"

	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/parquet"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

func files() Files {
	pool := new(mem.Pool)
	return Files{FS: local.New(pool), Parquet: parquet.New(pool)}
}

func random(t testing.TB, words, dim int, seed uint64) *Model {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	names := make([]string, words)
	for i := range names {
		names[i] = fmt.Sprintf("w%d-é", i)
	}
	vectors := make([]float32, words*dim)
	for i := range vectors {
		vectors[i] = float32(r.NormFloat64())
	}
	v, err := vocab.New(names, nil)
	require.NoError(t, err)
	m, err := New(v, dim, vectors)
	require.NoError(t, err)
	return m
}

func TestDots(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for dim := 1; dim < 70; dim++ {
		const n = 5
		rows, q := make([]float32, n*dim), make([]float32, dim)
		for i := range rows {
			rows[i] = r.Float32() - .5
		}
		for i := range q {
			q[i] = r.Float32() - .5
		}
		var want, got [n]float32
		dotsPortable(want[:], rows, q)
		dots(got[:], rows, q)
		require.InDeltaSlice(t, want[:], got[:], 1e-5, dim)
		if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
			checkAVX2(t, rows, q, want[:])
		}
	}
}

func TestNearestAgainstSorting(t *testing.T) {
	m := random(t, 5000, 33, 1)
	for _, word := range []string{"w0-é", "w77-é", "w4999-é"} {
		id, _ := m.Vocabulary.ID(word)
		type scored struct {
			id     int
			cosine float64
		}
		var all []scored
		for i := range 5000 {
			if i != int(id) {
				all = append(all, scored{i, cosine(m.Row(id), m.Row(int32(i)))})
			}
		}
		sort.Slice(all, func(i, j int) bool { return all[i].cosine > all[j].cosine })
		got, err := m.Synonyms(word, 20)
		require.NoError(t, err)
		require.Len(t, got, 20)
		for i, n := range got {
			require.EqualValues(t, all[i].id, n.ID)
			require.InDelta(t, all[i].cosine, n.Cosine, 1e-5)
			require.Equal(t, m.Vocabulary.Words[n.ID], n.Word)
		}
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

func TestQuestions(t *testing.T) {
	v, err := vocab.New([]string{"man", "king", "woman", "queen", "nothing"}, nil)
	require.NoError(t, err)
	m, err := New(v, 3, []float32{1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 0, 0, 0})
	require.NoError(t, err)
	got, err := m.Analogy("man", "king", "woman", 5)
	require.NoError(t, err)
	require.Equal(t, "queen", got[0].Word)
	require.Len(t, got, 2) // the three words of the question are left out
	same, err := m.Similarity("king", "king")
	require.NoError(t, err)
	require.InDelta(t, 1, same, 1e-6)
	none, err := m.Similarity("king", "nothing")
	require.NoError(t, err)
	require.Zero(t, none)

	for _, f := range []func() error{
		func() error { _, err := m.Synonyms("prince", 3); return err },
		func() error { _, err := m.Analogy("man", "prince", "woman", 3); return err },
		func() error { _, err := m.Similarity("prince", "king"); return err },
		func() error { _, err := m.Vector("prince"); return err },
	} {
		err := f()
		require.True(t, errs.Is(err, errs.NotFound))
		require.ErrorContains(t, err, `"prince" is not in the model`)
	}
	_, err = m.Synonyms("king", 0)
	require.True(t, errs.Is(err, errs.Invalid))
	_, err = m.Nearest([]float32{1}, 1)
	require.True(t, errs.Is(err, errs.Invalid))
}

func TestNewRefuses(t *testing.T) {
	v, err := vocab.New([]string{"a", "b"}, nil)
	require.NoError(t, err)
	for _, c := range []struct {
		dim     int
		vectors []float32
		want    string
	}{
		{0, nil, "vectors of 0 components"},
		{MaxDim + 1, nil, "vectors of 65537 components"},
		{2, []float32{1, 2, 3}, "2 words of 2 components with 3 numbers"},
		{1, []float32{1, float32(math.NaN())}, `component 1 of word "b" is NaN`},
		{1, []float32{1, float32(math.Inf(-1))}, `component 1 of word "b" is -Inf`},
	} {
		_, err := New(v, c.dim, c.vectors)
		require.ErrorContains(t, err, c.want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, dim := range []int{1, 3, 100} {
		m := random(t, 3000, dim, 2)
		for _, name := range []string{"m.txt", "m.bin", "m.parquet"} {
			path := t.TempDir() + "/" + name
			require.NoError(t, files().Save(t.Context(), m, path, FormatOf(path)))
			got, err := files().Load(t.Context(), path)
			require.NoError(t, err, path)
			require.Equal(t, m.Dim, got.Dim)
			require.Equal(t, m.Vocabulary.Words, got.Vocabulary.Words)
			require.Equal(t, m.Vectors, got.Vectors)
		}
	}
}

func TestWordsThatAFormatCannotHold(t *testing.T) {
	v, err := vocab.New([]string{"new york"}, nil)
	require.NoError(t, err)
	m, err := New(v, 1, []float32{1})
	require.NoError(t, err)
	dir := t.TempDir()
	for _, f := range []Format{Text, Binary} {
		err := files().Save(t.Context(), m, dir+"/m", f)
		require.True(t, errs.Is(err, errs.Invalid))
		require.ErrorContains(t, err, `"new york" has a blank in it`)
	}
	require.NoError(t, files().Save(t.Context(), m, dir+"/m.parquet", Parquet))
	got, err := files().Load(t.Context(), dir+"/m.parquet")
	require.NoError(t, err)
	require.Equal(t, []string{"new york"}, got.Vocabulary.Words)
}

func load(t *testing.T, content string) error {
	t.Helper()
	path := t.TempDir() + "/model"
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	_, err := files().Load(t.Context(), path)
	if err != nil {
		require.ErrorContains(t, err, path)
	}
	return err
}

func TestForeignForms(t *testing.T) {
	for _, good := range []string{
		"2 2\na 1 2\nb 3 4",                           // without the last line end
		"2 2 \r\na 1 2 \r\nb -3e-5 +4 \r\n\n",         // line ends of elsewhere, blanks as C writes them
		"1 1\ntwo words 1\n",                          // as gensim writes words with blanks
		"1 2\nx \x00\x00\x80\x3f\x00\x00\x80\x3f",     // binary without line ends, as gensim writes
		"1 2\n\nx \x00\x00\x80\x3f\x00\x00\x80\x3f\n", // and with
	} {
		require.NoError(t, load(t, good), "%q", good)
	}
}

func TestDamaged(t *testing.T) {
	one := "\x00\x00\x80\x3f"
	for content, want := range map[string]string{
		"":                                 "line 1 is",
		"\n":                               "line 1 is",
		"hello world\n":                    "line 1 is",
		strings.Repeat("x", 100_000):       "line 1 is",
		"1\na 1\n":                         "line 1 is",
		"0 5\n":                            "0 words of 5 components",
		"-1 5\n":                           "-1 words of 5 components",
		"1 0\na\n":                         "1 words of 0 components",
		"1 1000000\na 1\n":                 "1 words of 1000000 components",
		"2000000000 65536\na 1 2\n":        "bytes cannot hold",
		"2 1\na 1\n":                       "line 3, word 2 of 2: the file ends at byte 8",
		"2 2\na 1 2\nb 3\n":                "line 3, word 2 of 2: 1 numbers; want 2",
		"2 2\na 1 2\nb 3 x\n":              `line 3, word 2 of 2: "x" is no number`,
		"2 2\na 1 2\n 3 4\n":               "line 3, word 2 of 2: a word of 0 bytes",
		"2 2\na 1 2\na 3 4\n":              `word 2, "a", stands a second time`,
		"2 2\na 1 2\nb 3 nan\n":            `component 2 of word "b" is NaN`,
		"2 2\na 1 2\nb 3 1e99\n":           "is no number",
		"1 2\na 1 2\nb 3 4\n":              "more than the 1 words",
		"1 1\nwordwithoutend":              "word 1",
		"2 2\nx " + one + one + "y " + one: "word 2 of 2, byte 16: the file ends at byte",
		"2 2\nx " + one + one + "y":        "word 2 of 2, byte 14: the file ends at byte 15",
		"1 2\nx " + one + one + "y":        "more than the 1 words",
		"1 1\nx \x00\x00\xc0\x7f":          `component 1 of word "x" is NaN`,
		"PAR1 and no more":                 "",
	} {
		err := load(t, content)
		require.Error(t, err, "%q", content)
		require.ErrorContains(t, err, want, "%.40q", content)
		if want != "" {
			require.True(t, errs.Is(err, errs.Corrupt), "%.40q: %v", content, err)
		}
	}
	_, err := files().Load(t.Context(), "/nonexistent/model")
	require.True(t, errs.Is(err, errs.NotFound))
	_, err = files().Load(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "is a folder")
}

// TestEveryTruncation cuts a model of each format at every byte: none may be read as a model.
func TestEveryTruncation(t *testing.T) {
	m := random(t, 7, 3, 3)
	for _, f := range []Format{Text, Binary, Parquet} {
		path := t.TempDir() + "/model"
		require.NoError(t, files().Save(t.Context(), m, path, f))
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		for n := range len(whole) - 2 { // the last line end, and the digit before it, end a shorter number
			require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
			got, err := files().Load(t.Context(), path)
			if err == nil && f == Text && n > len(whole)-24 {
				continue // the last number lost digits; nothing in the format can tell
			}
			require.Error(t, err, "%s cut at %d of %d: %v", f, n, len(whole), got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"2 2\na 1 2\nb 3 4\n", "1 2\nx \x00\x00\x80\x3f\x00\x00\x80\x3f\n", "1 1\ntwo words 1\n", "9 9\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, size := range []int64{int64(len(content)), -1} {
			r := newReader(strings.NewReader(string(content)), size)
			m, err := r.read(t.Context())
			if err != nil {
				require.Equal(t, errs.Corrupt, errs.KindOf(err), "%v", err)
				continue
			}
			require.Len(t, m.Vectors, m.Vocabulary.Len()*m.Dim)
		}
	})
}

func BenchmarkNearest(b *testing.B) {
	m := random(b, 50_000, 100, 1)
	for b.Loop() {
		_, err := m.Synonyms("w1-é", 10)
		require.NoError(b, err)
	}
}
