package lines_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// store is a file in memory whose requests are counted; far ones are dear.
type store struct {
	vfs.FS
	content  []byte
	requests int
	far      bool
}

func (s *store) Open(_ context.Context, ref vfs.FileRef) (vfs.File, error) {
	f := &file{s, vfs.FileRef{Path: ref.Path, Size: int64(len(s.content))}}
	if s.far {
		return farFile{f}, nil
	}
	return f, nil
}

type file struct {
	s   *store
	ref vfs.FileRef
}

func (f *file) Ref() vfs.FileRef { return f.ref }
func (f *file) Close() error     { return nil }
func (f *file) ReadRanges(_ context.Context, ranges []vfs.Range, _ vfs.Hint) (vfs.Pages, error) {
	f.s.requests++
	r := ranges[0]
	return vfs.ByteSlices{bytes.Clone(f.s.content[r.Off : r.Off+r.Len])}, nil
}

type farFile struct{ *file }

func (farFile) RequestBytes() int64 { return 1 << 20 }

// readAll reads every split of a file, one after the other.
func readAll(t *testing.T, s *store, path string) (out []byte) {
	for _, split := range lines.Plan("text", vfs.FileRef{Path: path, Size: int64(len(s.content))}, false) {
		r, err := lines.Open(t.Context(), s, split, lines.Options{})
		require.NoError(t, err)
		for {
			b, _, err := r.Block(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			out = append(out, b...)
		}
		require.NoError(t, r.Close())
	}
	return out
}

func TestDistantFilesAreReadInFewRequests(t *testing.T) {
	var text bytes.Buffer
	for i := 0; text.Len() < 33<<20; i++ {
		fmt.Fprintf(&text, "line %d of a file that is larger than a request\n", i*7919)
	}
	near, far := &store{content: text.Bytes()}, &store{content: text.Bytes(), far: true}
	require.True(t, bytes.Equal(text.Bytes(), readAll(t, near, "x.txt")))
	require.True(t, bytes.Equal(text.Bytes(), readAll(t, far, "x.txt")))
	require.LessOrEqual(t, far.requests, 30, "8 splits of 4 MiB: a block, the rest of one, and a tail each")
	require.Greater(t, near.requests, far.requests)

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(text.Bytes())
	require.NoError(t, err)
	require.NoError(t, z.Close())
	zipped := &store{content: packed.Bytes(), far: true}
	require.True(t, bytes.Equal(text.Bytes(), readAll(t, zipped, "x.gz")))
	t.Logf("33 MiB of lines: %d requests near, %d far; %d MiB of gzip: %d", near.requests, far.requests, packed.Len()>>20, zipped.requests)
	require.LessOrEqual(t, zipped.requests, packed.Len()/(4<<20)+2, "decompressors do not ask for 4 KiB at a time")
}
