package parquet_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// hostileBudget is far below what mutated sizes ask for.
const hostileBudget = 64 << 20

// readAnything reads whatever is at path with its own schema. Any error is
// fine, a panic or a leak is not.
func (b bench) readAnything(t testing.TB, path string) error {
	ctx := context.Background()
	i, err := b.fs.Stat(ctx, path)
	require.NoError(t, err)
	schema, err := b.f.Infer(ctx, b.fs, []vfs.FileRef{i.FileRef}, nil)
	if err != nil {
		return err
	}
	plan, err := b.f.Plan(ctx, b.fs, i.FileRef, schema, nil)
	if err != nil {
		return err
	}
	budget := mem.NewBudget("hostile", hostileBudget)
	req := format.ReadRequest{Budget: budget}
	for k := range schema.Fields {
		req.Columns = append(req.Columns, k)
	}
	var first error
	for _, s := range plan.Splits[:min(len(plan.Splits), 3)] {
		if s.Rows > 1e6 {
			continue // a legal claim: constants take no bytes
		}
		out := make([][]any, len(req.Columns))
		if err := b.readSplit(ctx, s, req, out); err != nil && first == nil {
			first = err
		}
		require.Zero(t, budget.Used())
	}
	return first
}

func samples(t testing.TB) map[string][]byte {
	b, out := newBench(), map[string][]byte{}
	for _, codec := range []string{"none", "snappy", "zstd"} {
		schema, cols := table(21, 300, 4)
		path := t.TempDir() + "/f"
		b.write(t, path, schema, cols, 100, format.Options{"compression": codec, "parquet.block.size": "20000"})
		p, err := os.ReadFile(path)
		require.NoError(t, err)
		out[codec] = p
	}
	more, err := filepath.Glob("testdata/*.parquet")
	require.NoError(t, err)
	for _, f := range more {
		if out[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestDamagedFilesGiveTypedErrors(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	for name, sound := range samples(t) {
		for k := range 50 {
			bad := mutate(r, sound)
			path := fmt.Sprintf("%s/%d", dir, k)
			require.NoError(t, os.WriteFile(path, bad, 0o600))
			err := newBench().readAnything(t, path)
			if err != nil {
				require.NotEqual(t, errs.Other, errs.KindOf(err), "%s: %v", name, err)
				require.ErrorContains(t, err, path)
				require.NotContains(t, err.Error(), "decoding failed", "a panic was caught")
			}
		}
	}
}

func mutate(r *rand.Rand, sound []byte) []byte {
	bad := append([]byte(nil), sound...)
	switch r.IntN(4) {
	case 0:
		return bad[:r.IntN(len(bad))]
	case 1:
		for range 1 + r.IntN(5) {
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		}
	case 2: // the footer: it decides over offsets and sizes
		for range 1 + r.IntN(3) {
			bad[len(bad)-8-r.IntN(min(len(bad)-8, 6000))] = byte(r.Uint32())
		}
	case 3:
		at, n := r.IntN(len(bad)), 1+r.IntN(20)
		bad = append(bad[:at], bad[min(at+n, len(bad)):]...)
	}
	return bad
}

func TestNotParquet(t *testing.T) {
	dir := t.TempDir()
	for i, content := range []string{"", "PAR1", "PAR1PAR1PAR1", "hello, this is text and no Parquet file", "PAR1\xff\xff\xff\xffPAR1", "PAR1xxxxxxxx\x04\x00\x00\x00PARE"} {
		path := fmt.Sprintf("%s/%d", dir, i)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		err := newBench().readAnything(t, path)
		require.Error(t, err)
		require.ErrorContains(t, err, path)
		if i != 5 {
			require.ErrorContains(t, err, "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER")
		}
	}
}

func FuzzRead(f *testing.F) {
	b := newBench()
	schema, cols := table(3, 12, 4)
	for i := 0; i < len(cols); i += 6 { // small seeds: the fuzzer's speed goes with their size
		path, k := f.TempDir()+"/f", min(i+6, len(cols))
		b.write(f, path, types.NewSchema(schema.Fields[i:k]...), cols[i:k], 12, format.Options{"compression": "none"})
		seed, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := t.TempDir() + "/f"
		require.NoError(t, os.WriteFile(path, data, 0o600))
		// Errors are expected; a panic that was caught is a bug all the same.
		if err := b.readAnything(t, path); err != nil {
			require.NotContains(t, err.Error(), "decoding failed")
		}
	})
}
