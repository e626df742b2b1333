package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// smallCorpus has words of four topics, which do not meet in a sentence.
func smallCorpus(t *testing.T) (dir, file string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range 1500 {
		topic := r.IntN(4)
		for range 10 {
			fmt.Fprintf(&text, "t%dw%d ", topic, r.IntN(10))
		}
		text.WriteByte('\n')
	}
	dir = t.TempDir()
	file = filepath.Join(dir, "corpus.txt")
	require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
	return dir, file
}

func TestWord2vec(t *testing.T) {
	dir, file := smallCorpus(t)
	for _, name := range []string{"m.txt", "m.bin", "m.parquet"} {
		out := filepath.Join(dir, name)
		status, stdout, stderr := command(t, "word2vec", "train", "--input", file, "--output", out, "--dim", "16", "--epochs", "3",
			"--sample", "0", "--alpha", "0.05", "--threads", "1", "--device", "cpu", "--json")
		require.Zero(t, status, stderr)
		var sum trained
		require.NoError(t, json.Unmarshal([]byte(stdout), &sum))
		require.Equal(t, 40, sum.Vocabulary)
		require.EqualValues(t, 15_000, sum.Words)
		require.EqualValues(t, 45_000, sum.Consumed)
		require.EqualValues(t, 45_000, sum.Trained)
		require.Equal(t, "cpu", sum.Device)
		require.Contains(t, stderr, "100.0%")

		status, stdout, stderr = command(t, "word2vec", "similar", out, "t1w1", "t2w2", "--top", "5")
		require.Zero(t, status, stderr)
		require.Equal(t, 6, strings.Count(stdout, "t1w"), stdout)
		require.Equal(t, 6, strings.Count(stdout, "t2w"), stdout)

		status, stdout, stderr = command(t, "word2vec", "analogy", out, "t1w1", "t1w2", "t3w1", "--top", "3", "--json")
		require.Zero(t, status, stderr)
		require.Contains(t, stdout, `"t1w1 : t1w2 = t3w1 : ?"`)
	}
	status, stdout, stderr := command(t, "word2vec", "similar", filepath.Join(dir, "m.bin"), "--all", "--top", "2", "--device", "cpu")
	require.Zero(t, status, stderr)
	require.Equal(t, 80, strings.Count(stdout, "\n"))
	require.Regexp(t, `(?m)^t1w1\tt1w\d\t0\.\d{6}$`, stdout)
	pairs, questions := filepath.Join(dir, "pairs"), filepath.Join(dir, "questions")
	require.NoError(t, os.WriteFile(pairs, []byte("t1w1 t1w2 9\nt2w1 t2w3 8\nt1w1 t3w3 1\nt0w1 none 1\n"), 0o600))
	require.NoError(t, os.WriteFile(questions, []byte(": x\nt1w1 t1w2 t3w1 t3w2\n: gram\nt1w1 none t3w1 t3w2\n"), 0o600))
	status, stdout, stderr = command(t, "word2vec", "eval", filepath.Join(dir, "m.bin"), "--pairs", pairs, "--analogies", questions)
	require.Zero(t, status, stderr)
	require.Regexp(t, `spearman +\d\.\d{4} +3 used +1 unknown +.*pairs\nsemantic % +\d+\.\d +1 used +0 unknown .*\nsyntactic % +0\.0 +0 used +1 unknown`, stdout)
}

func TestWord2vecCheckpoint(t *testing.T) {
	dir, file := smallCorpus(t)
	args := []string{"word2vec", "train", "--input", file, "--output", dir + "/m.txt", "--dim", "8", "--device", "cpu", "--checkpoint", dir + "/state"}
	status, _, stderr := command(t, append(args, "--resume")...)
	require.Zero(t, status, stderr)
	require.Contains(t, stderr, "starting from the beginning")
	left, err := os.ReadDir(dir + "/state")
	require.NoError(t, err)
	require.Empty(t, left) // the model is safe: the state is gone

	require.NoError(t, os.WriteFile(dir+"/state/word2vec.checkpoint", []byte("something"), 0o600))
	status, _, stderr = command(t, args...)
	require.Equal(t, exitFailure, status)
	require.Contains(t, stderr, "--resume")
	status, _, stderr = command(t, append(args, "--resume")...)
	require.Equal(t, exitFailure, status)
	require.Contains(t, stderr, "does not begin as a checkpoint")
}

func TestWord2vecRefuses(t *testing.T) {
	dir, file := smallCorpus(t)
	require.NoError(t, os.WriteFile(dir+"/empty", nil, 0o600))
	require.NoError(t, os.WriteFile(dir+"/binary", []byte("text\nmore \x00\x01\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/one", []byte(strings.Repeat("word ", 99)), 0o600))
	require.NoError(t, os.WriteFile(dir+"/model", []byte("2 2\na 1 2\nb 3\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/good", []byte("2 2\na 1 2\nb 3 4\n"), 0o600))
	train := func(more ...string) []string {
		return append([]string{"word2vec", "train", "--output", dir + "/out", "--device", "cpu"}, more...)
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{train(), exitUsage, "train wants --input PATH"},
		{train("--input", dir+"/none"), exitFailure, "no file at " + dir + "/none"},
		{train("--input", dir+"/empty"), exitUsage, "the corpus holds no word"},
		{train("--input", dir+"/binary"), exitUsage, "/binary, line 2: a null byte"},
		{train("--input", dir+"/one"), exitUsage, "one word only"},
		{train("--input", file, "--dim", "0"), exitUsage, "dim"},
		{train("--input", file, "--dim", "1000000"), exitUsage, "dim"},
		{train("--input", file, "--window", "0"), exitUsage, "window"},
		{train("--input", file, "--cbow", "--shared-negatives=false"), exitUsage, "--shared-negatives is an option of skip-gram"},
		{train("--input", file, "--hs", "--shared-negatives"), exitUsage, "--shared-negatives is an option of skip-gram"},
		{train("--input", file, "--storage", "int4"), exitUsage, `--storage "int4"`},
		{train("--input", file, "--format", "onnx"), exitUsage, `format "onnx"`},
		{train("--input", file, "--device", "tpu"), exitUsage, `--device "tpu"`},
		{train("--input", file, "--resume"), exitUsage, "--resume wants --checkpoint"},
		{train("--input", file, "--min-count", "0"), exitUsage, "--min-count"},
		{train("--input", file, "--min-count", "1000000"), exitUsage, "none of the 40 different words"},
		{train("--input", file, "--output", dir), exitUsage, "is a folder"},
		{train("--input", file, "--output", "/proc/nowhere/m"), exitFailure, "/proc/nowhere"},
		{[]string{"word2vec", "similar", dir + "/model", "a"}, exitFailure, "/model: line 3, word 2 of 2: 1 numbers; want 2"},
		{[]string{"word2vec", "similar", dir + "/none", "a"}, exitFailure, "/none"},
		{[]string{"word2vec", "similar", dir + "/good", "c"}, exitFailure, `"c" is not in the model`},
		{[]string{"word2vec", "similar", dir + "/good"}, exitUsage, "similar wants words, or --all"},
		{[]string{"word2vec", "similar", dir + "/good", "a", "--all"}, exitUsage, "similar wants words, or --all"},
		{[]string{"word2vec", "similar", dir + "/good", "--all", "--device", "tpu"}, exitUsage, `--device "tpu"`},
		{[]string{"word2vec", "similar", dir + "/good", "a", "--top", "0"}, exitUsage, "0 neighbours"},
		{[]string{"word2vec", "eval", dir + "/good"}, exitUsage, "--pairs FILE or --analogies FILE"},
		{[]string{"word2vec", "eval", dir + "/good", "--pairs", dir + "/empty"}, exitUsage, "holds no pair"},
		{[]string{"word2vec", "eval", dir + "/good", "--analogies", dir + "/none"}, exitFailure, "/none"},
	} {
		t.Run(strings.Join(c.args[1:], " "), func(t *testing.T) {
			status, _, stderr := command(t, c.args...)
			require.Equal(t, c.status, status, stderr)
			require.Contains(t, stderr, c.want)
			_, err := os.Stat(dir + "/out")
			require.ErrorIs(t, err, os.ErrNotExist) // no output, nor a part of one
		})
	}
	left, err := filepath.Glob(dir + "/.out*")
	require.NoError(t, err)
	require.Empty(t, left)
}
