package sql

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// corpusVariable names a folder of SQL files, one statement each, such as the
// query texts of benchmarks, which are not kept here.
const corpusVariable = "SPURWHEEL_SQL_CORPUS"

// corpus reads the texts by file name; the test is skipped where there are none.
func corpus(t testing.TB) map[string]string {
	folder := os.Getenv(corpusVariable)
	if folder == "" {
		t.Skip(corpusVariable, " names no folder of SQL files")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	require.NoError(t, err)
	require.NotEmpty(t, paths, folder)
	out := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		out[filepath.Base(path)] = string(text)
	}
	return out
}

func TestCorpus(t *testing.T) {
	for name, text := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			_, err := ParseStatement(text, Options{})
			require.NoError(t, err)
		})
	}
}

func BenchmarkCorpus(b *testing.B) {
	texts := corpus(b)
	size := 0
	for _, text := range texts {
		size += len(text)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, text := range texts {
			if _, err := ParseStatement(text, Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
