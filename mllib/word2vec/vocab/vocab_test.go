package vocab

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func counted(t *testing.T, limit int64, texts ...string) *Counter {
	t.Helper()
	c := NewCounter(limit)
	for _, text := range texts {
		require.Nil(t, c.Text([]byte(text)))
	}
	return c
}

func TestCountAgainstAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	want := map[string]int64{}
	var text strings.Builder
	for range 50_000 {
		n := 1 + random.IntN(20)
		if random.IntN(500) == 0 {
			n = random.IntN(MaxWordBytes) + 1
		}
		w := strings.Repeat(string(rune('a'+random.IntN(26))), n-1) + string(rune('a'+random.IntN(8)))
		want[w]++
		text.WriteString(w)
		text.WriteByte(" \n\t\r\f\v\x01"[random.IntN(7)])
	}
	a, b := NewCounter(1<<30), NewCounter(1<<30)
	half := strings.LastIndexByte(text.String()[:text.Len()/2], ' ') + 1
	require.Nil(t, a.Text([]byte(text.String()[:half])))
	require.Nil(t, b.Text([]byte(text.String()[half:])))
	a.Merge(b)
	v, stats, err := a.Vocabulary(1, 0)
	require.NoError(t, err)
	require.EqualValues(t, 50_000, stats.Words)
	require.EqualValues(t, 50_000, v.Total)
	require.Len(t, want, v.Len())
	for i, w := range v.Words {
		require.Equal(t, want[w], v.Counts[i], w)
		id, ok := v.ID(w)
		require.True(t, ok)
		require.EqualValues(t, i, id)
	}
	require.True(t, sort.SliceIsSorted(v.Words, func(i, j int) bool {
		if v.Counts[i] != v.Counts[j] {
			return v.Counts[i] > v.Counts[j]
		}
		return v.Words[i] < v.Words[j]
	}))
	_, ok := v.ID("absent")
	require.False(t, ok)
	_, ok = v.ID("absent-and-long")
	require.False(t, ok)
}

func TestRules(t *testing.T) {
	c := counted(t, 1<<20, "a a a b b c d d\ne\n")
	v, stats, err := c.Vocabulary(2, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "d"}, v.Words)
	require.Equal(t, []int64{3, 2, 2}, v.Counts)
	require.Equal(t, Counted{Words: 9, Distinct: 5, Kept: 3, KeptWords: 7}, stats)
	v, _, err = c.Vocabulary(1, 2)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, v.Words)

	_, _, err = c.Vocabulary(4, 0)
	require.True(t, errs.Is(err, errs.Invalid))
	require.ErrorContains(t, err, "none of the 5 different words")
	_, _, err = NewCounter(1<<20).Vocabulary(1, 0)
	require.ErrorContains(t, err, "the corpus holds no word")
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]Fault{
		"ab \x00c":                {3, faultNull},
		"ok\nab\xff ":             {3, faultUTF8},
		"ok \xc3\xa9 \xc3 ":       {6, faultUTF8},
		"longer-than-eight\xe9\n": {0, faultUTF8},
	} {
		f := NewCounter(0).Text([]byte(text))
		require.NotNil(t, f, "%q", text)
		require.Equal(t, want, *f, "%q", text)
	}
	c := counted(t, 1<<20, strings.Repeat("x", MaxWordBytes)+" "+strings.Repeat("y", MaxWordBytes+1)+"\n")
	v, stats, err := c.Vocabulary(1, 0)
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.TooLong)
	require.Equal(t, 1, v.Len())
}

func TestPruneKeepsFrequentWords(t *testing.T) {
	const limit = 200 << 10
	c := NewCounter(limit)
	var text strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&text, "often%d seldom-seen-%d\n", i%50, i)
		if text.Len() > 64<<10 {
			require.Nil(t, c.Text([]byte(text.String())))
			text.Reset()
			require.LessOrEqual(t, c.t.bytes(), int64(limit))
		}
	}
	v, stats, err := c.Vocabulary(1000, 0)
	require.NoError(t, err)
	require.Equal(t, 50, v.Len())
	require.Positive(t, stats.Pruned)
	require.Positive(t, stats.PrunedTo)
	for _, n := range v.Counts {
		require.InDelta(t, 4000, n, 50)
	}
}

func TestMergeMovesMemory(t *testing.T) {
	const limit, words = 900 << 10, 8000 // both tables together need more than one share
	var a, b strings.Builder
	for i := range words {
		fmt.Fprintf(&a, "left%d ", i)
		fmt.Fprintf(&b, "right%d ", i)
	}
	c := counted(t, limit, a.String())
	c.Merge(counted(t, limit, b.String()))
	_, stats, err := c.Vocabulary(1, 0)
	require.NoError(t, err)
	require.Zero(t, stats.Pruned)
	require.EqualValues(t, 2*words, stats.Kept)
}

func TestEncode(t *testing.T) {
	v, err := New([]string{"a", "bb", "a longer word", "other-long"}, nil)
	require.NoError(t, err)
	require.Equal(t, []int64{4, 3, 2, 1}, v.Counts)
	var e Encoded
	v.EncodeText(&e, []byte("a x bb\n\nx y\nbb bb bb a other-long"), 3)
	require.Equal(t, []int32{0, 1, 1, 1, 1, 0, 3}, e.Tokens)
	require.Equal(t, []int32{2, 5, 7}, e.Ends)
	e.Reset()
	v.EncodeList(&e, []byte("a\xffa longer word\xff\xff\xfe\xfebb\xffbb\xffbb\xffbb\xff\xfe"), 3)
	require.Equal(t, []int32{0, 2, 1, 1, 1, 1}, e.Tokens)
	require.Equal(t, []int32{2, 5, 6}, e.Ends)
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		words  []string
		counts []int64
		want   string
	}{
		{[]string{"a", "b", "a"}, nil, `word 3, "a", stands a second time`},
		{[]string{"a", ""}, nil, "word 2 has 0 bytes"},
		{[]string{"a"}, []int64{0}, `word 1, "a", has the count 0`},
	} {
		_, err := New(c.words, c.counts)
		require.True(t, errs.Is(err, errs.Invalid))
		require.ErrorContains(t, err, c.want)
	}
	v, err := New([]string{"a", "a\x00"}, nil)
	require.NoError(t, err)
	id, _ := v.ID("a\x00")
	require.EqualValues(t, 1, id)
}

func TestHashSeesEveryChange(t *testing.T) {
	seen := map[uint64]bool{}
	for _, c := range []struct {
		words  []string
		counts []int64
	}{{[]string{"a", "b"}, []int64{2, 1}}, {[]string{"a", "b"}, []int64{2, 2}}, {[]string{"ab"}, []int64{2}}, {[]string{"b", "a"}, []int64{2, 1}}} {
		v, err := New(c.words, c.counts)
		require.NoError(t, err)
		require.False(t, seen[v.Hash()])
		seen[v.Hash()] = true
	}
}

// FuzzText holds the scanner against the plain way to cut words.
func FuzzText(f *testing.F) {
	f.Add("the quick brown fox\njumped over\x01the  lazy-dog-of-more-than-eight\r\n")
	f.Add("\xff \x00")
	f.Fuzz(func(t *testing.T, text string) {
		c := NewCounter(1 << 20)
		fault := c.Text([]byte(text))
		want := map[string]uint64{}
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' && r >= 0 }) {
			if len(w) <= MaxWordBytes {
				want[w]++
			}
		}
		if fault != nil {
			require.Less(t, fault.Offset, len(text))
			return
		}
		for w, n := range want {
			require.Equal(t, n, c.t.find([]byte(w)), "%q", w)
		}
		require.Equal(t, len(want), c.t.used)
	})
}

func BenchmarkText(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(random, 1.1, 3, 1<<17)
	var text []byte
	for range 1 << 17 {
		text = fmt.Appendf(text, "w%x ", zipf.Uint64()*2654435761%(1<<22))
	}
	c := NewCounter(1 << 30)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c.Text(text)
	}
	b.ReportMetric(float64(b.N)*(1<<17)/b.Elapsed().Seconds()/1e6, "Mwords/s")
}
