package text_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/text"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

var value = types.NewSchema(types.F("value", types.String))

func read(t *testing.T, fs vfs.FS, s format.Split, req format.ReadRequest) []string {
	t.Helper()
	budget := mem.NewBudget("test", 0)
	req.Columns, req.Budget = []int{0}, budget
	r, err := text.New().Open(t.Context(), fs, s, req)
	require.NoError(t, err)
	out := []string{}
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		for i := range b.N {
			out = append(out, b.Cols[0].Get(i).(string))
		}
	}
	require.NoError(t, r.Close())
	require.Zero(t, budget.Used())
	return out
}

func file(t *testing.T, fs vfs.FS, path, content string) vfs.FileRef {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	i, err := fs.Stat(t.Context(), path)
	require.NoError(t, err)
	return i.FileRef
}

// TestEachLineBelongsToOneSplit cuts small files at every pair of positions.
func TestEachLineBelongsToOneSplit(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	for i, tc := range []struct {
		content, sep string
		want         []string
	}{
		{"", "", []string{}},
		{"\n", "", []string{""}},
		{"a", "", []string{"a"}},
		{"a\nb\n", "", []string{"a", "b"}},
		{"a\n\nlonger line\nb", "", []string{"a", "", "longer line", "b"}},
		{"a\r\n\r\nbc\rd\re\r\n", "", []string{"a", "", "bc", "d", "e"}},
		{"a\r", "", []string{"a"}},
		{"a||b|c||||d", "||", []string{"a", "b|c", "", "d"}},
		{"a|+|b|+|+|", "|+|", []string{"a", "b", "+|"}},
		{"a;b\n;;c", ";", []string{"a", "b\n", "", "c"}},
	} {
		ref := file(t, fs, fmt.Sprint(dir, "/", i), tc.content)
		opt := format.Options{"linesep": tc.sep}
		s := format.Split{File: ref, Schema: value, Options: opt}
		require.Equal(t, tc.want, read(t, fs, s, format.ReadRequest{}), "%q", tc.content)
		n := int64(len(tc.content))
		if len(tc.sep) > 1 {
			n = 0 // planned whole
		}
		for x := int64(1); x < n; x++ {
			for y := x; y < n; y++ {
				got := []string{}
				for _, r := range [][2]int64{{0, x}, {x, y}, {y, n}} {
					if s.Lo, s.Hi = r[0], r[1]; s.Lo < s.Hi {
						got = append(got, read(t, fs, s, format.ReadRequest{Rows: 1})...)
					}
				}
				require.Equal(t, tc.want, got, "%q at %d and %d", tc.content, x, y)
			}
		}
	}
}

func TestLargeFileInPlannedSplits(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	var want []string
	for i := range 200000 {
		want = append(want, strings.Repeat("x", i%97)+fmt.Sprint(i))
	}
	ref := file(t, fs, dir+"/f", strings.Join(want, "\n"))
	plan, err := text.New().Plan(t.Context(), fs, ref, value, nil)
	require.NoError(t, err)
	require.Greater(t, len(plan.Splits), 1)
	var got []string
	for _, s := range plan.Splits {
		got = append(got, read(t, fs, s, format.ReadRequest{})...)
	}
	require.Equal(t, want, got)
}

func TestWholeTextCompressionAndCharset(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	ref := file(t, fs, dir+"/f", "a\nb")
	plan, err := text.New().Plan(t.Context(), fs, ref, value, format.Options{"wholetext": "true"})
	require.NoError(t, err)
	require.Equal(t, []string{"a\nb"}, read(t, fs, plan.Splits[0], format.ReadRequest{}))

	var z strings.Builder
	w := gzip.NewWriter(&z)
	_, err = w.Write([]byte("one\ntwo\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	s := format.Split{Schema: value, File: file(t, fs, dir+"/f.gz", z.String())}
	require.Equal(t, []string{"one", "two"}, read(t, fs, s, format.ReadRequest{}))

	s.File = file(t, fs, dir+"/cut.gz", z.String()[:z.Len()-6])
	r, err := text.New().Open(t.Context(), fs, s, format.ReadRequest{Columns: []int{0}})
	require.NoError(t, err)
	_, err = r.Next(t.Context())
	require.ErrorContains(t, err, "FAILED_READ_FILE")
	require.ErrorContains(t, err, "cut.gz")
	require.NoError(t, r.Close())

	s = format.Split{Schema: value, File: file(t, fs, dir+"/latin", "caf\xe9\n"), Options: format.Options{"encoding": "ISO-8859-1"}}
	require.Equal(t, []string{"café"}, read(t, fs, s, format.ReadRequest{}))
}

func TestWriteThenRead(t *testing.T) {
	fs, dir := local.New(new(mem.Pool)), t.TempDir()
	for _, codec := range []string{"", "gzip", "zstd", "deflate"} {
		opt := format.Options{"compression": codec}
		path := dir + "/f" + text.New().Extension(opt)
		w, err := text.New().Create(t.Context(), fs, path, value, opt)
		require.NoError(t, err)
		v := batch.Of(types.String, "a", nil, strings.Repeat("long ", 9))
		require.NoError(t, w.Write(t.Context(), &batch.Batch{Cols: []*batch.Vector{v}, N: 3}))
		ref, err := w.Commit(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"a", "", strings.Repeat("long ", 9)}, read(t, fs, format.Split{File: ref, Schema: value}, format.ReadRequest{}), codec)
	}
	_, err := text.New().Create(t.Context(), fs, dir+"/x", types.NewSchema(types.F("n", types.Int)), nil)
	require.ErrorContains(t, err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE")
}
