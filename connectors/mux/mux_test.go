package mux_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

func newFS() *mux.FS { return mux.New(map[string]vfs.FS{"file": local.New(new(mem.Pool))}) }

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"/a//b/./c/": "/a/b/c", "/": "/", "/a/../../b": "/b", "a/b/": "a/b", "./a": "a", "../a": "../a", "": ".",
		"file:/a": "file:///a", "file:///a/": "file:///a", "file://localhost/a": "file:///a", "file:///": "file:///",
		"s3a://b/k//x/": "s3a://b/k/x", "s3a://b/": "s3a://b", "s3://b/../x": "s3://b/x",
		"c:d/e": "c://d/e", "a b:c": "a b:c",
	} {
		require.Equal(t, want, mux.Clean(in), "%q", in)
	}
}

func TestSchemes(t *testing.T) {
	for in, want := range map[string]string{"/a:b": "file", "S3a://x": "s3a", "x": "file", "file:/x": "file", "a/b:c": "file", ":x": "file"} {
		require.Equal(t, want, mux.Scheme(in), "%q", in)
	}
	_, err := newFS().Stat(t.Context(), "gs://b/x")
	require.True(t, errs.Is(err, errs.NotSupported))
	require.ErrorContains(t, err, `"gs"`)
}

func TestHidden(t *testing.T) {
	for in, want := range map[string]bool{"a/b": false, "_SUCCESS": true, "a/_temporary/b": true, ".x": true, "_p=1/f": false, "p=_1/f": false, "p=1/.f.crc": true} {
		require.Equal(t, want, mux.Hidden(in), "%q", in)
	}
}

func TestExpand(t *testing.T) {
	fs, dir := newFS(), t.TempDir()
	for _, f := range []string{"a/1.csv", "a/2.csv", "a/2.json", "b/1.csv", "c/d/1.csv", "we[ird/x"} {
		w, err := fs.Create(t.Context(), dir+"/"+f)
		require.NoError(t, err)
		_, err = w.Commit(t.Context())
		require.NoError(t, err)
	}
	for _, tc := range []struct {
		pattern string
		want    []string
	}{
		{"a/1.csv", []string{"a/1.csv"}},
		{"nothing", nil},
		{"a/*.csv", []string{"a/1.csv", "a/2.csv"}},
		{"?/1.csv", []string{"a/1.csv", "b/1.csv"}},
		{"[ac]", []string{"a", "c"}},
		{"[!ac]", []string{"b"}},
		{"{a,c/d}/1.*", []string{"a/1.csv", "c/d/1.csv"}},
		{"{a/{1.csv,2.json},b}", []string{"a/1.csv", "a/2.json", "b"}},
		{"*/*", []string{"a/1.csv", "a/2.csv", "a/2.json", "b/1.csv", "c/d", "we[ird/x"}},
		{"we[ird", []string{"we[ird"}},
	} {
		for _, scheme := range []string{"", "file://"} {
			got, err := mux.Expand(t.Context(), fs, scheme+dir+"/"+tc.pattern)
			require.NoError(t, err, tc.pattern)
			var paths []string
			for _, i := range got {
				paths = append(paths, i.Path)
			}
			var want []string
			for _, w := range tc.want {
				want = append(want, scheme+dir+"/"+w)
			}
			require.Equal(t, want, paths, tc.pattern)
		}
	}
	for _, bad := range []string{"{a", "[a*"} {
		_, err := mux.Expand(t.Context(), fs, dir+"/"+bad)
		require.Error(t, err, bad)
	}
	_, err := mux.Expand(t.Context(), fs, dir+"/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
}
