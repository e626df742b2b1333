package corpus_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/parquet"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/mllib/word2vec/corpus"
	"github.com/spurwheel/spurwheel/mllib/word2vec/vocab"
)

func find(t *testing.T, column string, paths ...string) *corpus.Source {
	t.Helper()
	pool := new(mem.Pool)
	s, err := corpus.Find(t.Context(), local.New(pool), parquet.New(pool), paths, column)
	require.NoError(t, err)
	return s
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func zstandard(t *testing.T, text string) string {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return string(e.EncodeAll([]byte(text), nil))
}

// sentencesOf reads all parts of an epoch as words.
func sentencesOf(t *testing.T, c *corpus.Corpus, v *vocab.Vocabulary, shards int) []string {
	t.Helper()
	var out []string
	for shard := range shards {
		s, err := c.Open(t.Context(), 0, shard, shards)
		require.NoError(t, err)
		for {
			b, err := s.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			at := int32(0)
			for _, end := range b.Ends {
				require.Greater(t, end, at)
				words := make([]string, 0, end-at)
				for _, id := range b.Tokens[at:end] {
					words = append(words, v.Words[id])
				}
				out, at = append(out, strings.Join(words, " ")), end
			}
			require.EqualValues(t, len(b.Tokens), at)
		}
		require.NoError(t, s.Close())
	}
	return out
}

func encode(t *testing.T, s *corpus.Source, minCount int64, opt corpus.Options) (*corpus.Corpus, *vocab.Vocabulary) {
	t.Helper()
	counter, err := s.Count(t.Context(), opt.Threads, 1<<30)
	require.NoError(t, err)
	v, _, err := counter.Vocabulary(minCount, 0)
	require.NoError(t, err)
	c, err := s.Encode(t.Context(), v, opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c, v
}

func TestTextFolderGlobAndCompression(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/in/1.txt", "\xef\xbb\xbfone two  two\n\n\tthree three three\r\n")
	write(t, dir+"/in/2.txt.gz", gzipped(t, "two four\nthree"))
	write(t, dir+"/in/deep/3.zst", zstandard(t, "five\n"))
	write(t, dir+"/in/_SUCCESS", "not this")
	write(t, dir+"/in/.hidden", "nor this")
	want := []string{"one two two", "three three three", "two four", "three", "five"}
	for _, paths := range [][]string{
		{dir + "/in"},
		{dir + "/in/*.{txt,gz}", dir + "/in/deep"},
		{"file://" + dir + "/in/"},
	} {
		for threads := 1; threads < 4; threads++ {
			c, v := encode(t, find(t, "", paths...), 1, corpus.Options{Threads: threads})
			require.Equal(t, want, sentencesOf(t, c, v, 1))
			require.EqualValues(t, 10, c.Words())
			require.EqualValues(t, 5, c.Sentences())
			require.True(t, c.InMemory())
		}
	}
}

func TestPartsTogetherAreTheCorpus(t *testing.T) {
	var text strings.Builder
	var want []string
	for i := range 60_000 {
		line := fmt.Sprintf("w%d common%d common%d", i%40_000, i%3, i%7)
		want = append(want, line)
		text.WriteString(line + "\n")
	}
	path := write(t, t.TempDir()+"/corpus", text.String())
	inMemory, v := encode(t, find(t, "", path), 1, corpus.Options{Threads: 2})
	inFile, _ := encode(t, find(t, "", path), 1, corpus.Options{Threads: 3, Memory: 1000, Folder: t.TempDir()})
	require.False(t, inFile.InMemory())
	require.Equal(t, inMemory.Hash(), inFile.Hash())
	for _, c := range []*corpus.Corpus{inMemory, inFile} {
		for _, shards := range []int{1, 2, 3, 7, 64} {
			require.Equal(t, want, sentencesOf(t, c, v, shards), shards)
		}
	}
}

func TestMoreSentencesThanWordsOfAPart(t *testing.T) {
	path := write(t, t.TempDir()+"/corpus", "a b c d e f g h\ni j\n")
	c, v := encode(t, find(t, "", path), 1, corpus.Options{MaxSentence: 3})
	require.Equal(t, []string{"a b c", "d e f", "g h", "i j"}, sentencesOf(t, c, v, 1))
	require.Equal(t, sentencesOf(t, c, v, 1), sentencesOf(t, c, v, 50))
}

// TestHugeLine has one line of a hundred megabytes, and one word of several: both must pass through little memory.
func TestHugeLine(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(dir + "/line")
	require.NoError(t, err)
	part := []byte(strings.Repeat("alpha beta gamma ", 1<<16))
	n := int64(0)
	for n < 100<<20 {
		k, err := f.Write(part)
		require.NoError(t, err)
		n += int64(k)
	}
	require.NoError(t, f.Close())
	write(t, dir+"/word", "before "+strings.Repeat("x", 5<<20)+" after\nlast line")

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := find(t, "", dir+"/line", dir+"/word")
	c, v := encode(t, s, 1, corpus.Options{Threads: 1, MaxSentence: 1000})
	runtime.ReadMemStats(&after)
	require.Equal(t, n/int64(len("alpha beta gamma "))*3+4, c.Words())
	require.Less(t, after.HeapSys-min(before.HeapSys, after.HeapSys), uint64(64<<20))
	all := sentencesOf(t, c, v, 2)
	require.Equal(t, []string{"before", "after", "last line"}, all[len(all)-3:]) // a line larger than a block is cut at its end
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	cut := gzipped(t, strings.Repeat("some text that is cut off ", 1000))
	write(t, dir+"/empty", "")
	write(t, dir+"/blank", " \n\t\n")
	write(t, dir+"/binary", "good line\nstill good\nthen \x00\x01\x02\n")
	write(t, dir+"/late", strings.Repeat("a line of text\n", 200_000)+"caf\xe9 au lait\n")
	write(t, dir+"/late.gz", gzipped(t, strings.Repeat("a line of text\n", 200_000)+"caf\xe9 au lait\n"))
	write(t, dir+"/cut.gz", cut[:len(cut)-20])
	write(t, dir+"/plain.gz", "no gzip at all")
	write(t, dir+"/plain.xz", "no gzip at all")
	write(t, dir+"/bad.parquet", "no Parquet at all")
	for _, c := range []struct {
		path string
		kind errs.Kind
		want string
	}{
		{"/empty", errs.Invalid, "the corpus holds no word"},
		{"/blank", errs.Invalid, "the corpus holds no word"},
		{"/binary", errs.Invalid, "/binary, line 3: a null byte"},
		{"/late", errs.Invalid, "/late, line 200001: a word that is not UTF-8"},
		{"/late.gz", errs.Invalid, "/late.gz, line 200001: a word that is not UTF-8"},
		{"/cut.gz", errs.Corrupt, "/cut.gz cannot be decompressed"},
		{"/plain.gz", errs.Corrupt, "/plain.gz cannot be decompressed"},
		{"/plain.xz", errs.NotSupported, "compressed by xz"},
		{"/bad.parquet", errs.Corrupt, "/bad.parquet"},
	} {
		s := find(t, "", dir+c.path)
		counter, err := s.Count(t.Context(), 2, 1<<20)
		if err == nil {
			_, _, err = counter.Vocabulary(1, 0)
		}
		require.ErrorContains(t, err, c.want)
		if c.path != "/bad.parquet" {
			require.Equal(t, c.kind, errs.KindOf(err), "%s: %v", c.path, err)
		}
	}
	_, err := corpus.Find(t.Context(), local.New(new(mem.Pool)), nil, []string{dir + "/none"}, "")
	require.True(t, errs.Is(err, errs.NotFound))
	_, err = find(t, "", dir+"/late").Encode(t.Context(), must(vocab.New([]string{"other"}, nil)), corpus.Options{})
	require.ErrorContains(t, err, "no word of the vocabulary")
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

func TestChangedBetweenCountAndEncoding(t *testing.T) {
	path := write(t, t.TempDir()+"/corpus", "one two\n")
	s := find(t, "", path)
	counter, err := s.Count(t.Context(), 1, 1<<20)
	require.NoError(t, err)
	v, _, err := counter.Vocabulary(1, 0)
	require.NoError(t, err)
	write(t, path, "one two three\n")
	_, err = s.Encode(t.Context(), v, corpus.Options{})
	require.True(t, errs.Is(err, errs.Conflict), "%v", err)
}

func writeParquet(t *testing.T, path string, fields []types.Field, columns ...[]any) {
	t.Helper()
	fs, f := local.New(new(mem.Pool)), parquet.New(new(mem.Pool))
	w, err := f.Create(t.Context(), fs, path, types.NewSchema(fields...), format.Options{})
	require.NoError(t, err)
	b := &batch.Batch{N: len(columns[0])}
	for i, c := range columns {
		b.Cols = append(b.Cols, batch.Of(fields[i].Type, c...))
	}
	require.NoError(t, w.Write(t.Context(), b))
	_, err = w.Commit(t.Context())
	require.NoError(t, err)
}

func TestParquet(t *testing.T) {
	dir := t.TempDir()
	words := types.F("words", types.Array(types.String, true))
	text := types.F("text", types.String)
	id := types.F("id", types.Long)
	writeParquet(t, dir+"/a.parquet", []types.Field{id, words},
		[]any{int64(1), int64(2), int64(3)}, []any{[]any{"new york", "a", nil, ""}, nil, []any{"a"}})
	writeParquet(t, dir+"/b.parquet", []types.Field{words, text}, []any{[]any{"x"}}, []any{"one\ntwo  three"})

	c, v := encode(t, find(t, "", dir+"/a.parquet"), 1, corpus.Options{})
	require.Equal(t, []string{"new york a", "a"}, sentencesOf(t, c, v, 1))
	c, v = encode(t, find(t, "text", dir+"/b.parquet"), 1, corpus.Options{})
	require.Equal(t, []string{"one two three"}, sentencesOf(t, c, v, 1))
	c, v = encode(t, find(t, "words", dir), 1, corpus.Options{})
	require.Equal(t, []string{"new york a", "a", "x"}, sentencesOf(t, c, v, 1))

	for column, want := range map[string]string{
		"":     "b.parquet: say which column to read (--column); of strings or lists of strings it has words, text",
		"none": "b.parquet has no column none",
	} {
		_, err := find(t, column, dir+"/b.parquet").Count(t.Context(), 1, 1<<20)
		require.ErrorContains(t, err, want)
	}
	_, err := find(t, "id", dir+"/a.parquet").Count(t.Context(), 1, 1<<20)
	require.ErrorContains(t, err, "column id is of type BIGINT")
}

func TestNoRoomForTheFile(t *testing.T) {
	path := write(t, t.TempDir()+"/corpus", "one two\n")
	s := find(t, "", path)
	counter, err := s.Count(t.Context(), 1, 1<<20)
	require.NoError(t, err)
	v, _, err := counter.Vocabulary(1, 0)
	require.NoError(t, err)
	_, err = s.Encode(t.Context(), v, corpus.Options{Memory: 1, Folder: "/dev/null"})
	require.ErrorContains(t, err, "temporary file")
}
