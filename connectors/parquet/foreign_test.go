package parquet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// TestForeignFiles reads one table that pyarrow 22 wrote with all its
// encodings, codecs and page versions: every file must hold the same rows.
func TestForeignFiles(t *testing.T) {
	b := newBench()
	load := func(name string) (types.Schema, [][]any) {
		i, err := b.fs.Stat(t.Context(), "testdata/"+name+".parquet")
		require.NoError(t, err)
		schema, err := b.f.Infer(t.Context(), b.fs, []vfs.FileRef{i.FileRef}, nil)
		require.NoError(t, err)
		out, err := b.read(t, i.FileRef, schema, format.ReadRequest{Rows: 64})
		require.NoError(t, err, name)
		return schema, out
	}
	schema, want := load("v1")
	require.Equal(t, "b BOOLEAN,i8 TINYINT,u8 SMALLINT,u16 INT,u32 BIGINT,i32 INT,i64 BIGINT,f FLOAT,d DOUBLE,s STRING,sl STRING,dt DATE,"+
		"tms TIMESTAMP,tus TIMESTAMP,ntz TIMESTAMP_NTZ,d9 DECIMAL(9,2),d38 DECIMAL(38,0),l ARRAY<INT>,st STRUCT<a: BIGINT, b: ARRAY<STRUCT<c: STRING>>>,m MAP<STRING, DOUBLE>", schema.DDL())
	for i := range want {
		require.Len(t, want[i], 150)
	}
	require.Equal(t, []any{int64(0), int64(3)}, []any{want[6][0], want[6][1]})
	for _, name := range []string{"v2", "enc", "enc1", "brotli", "sparse", "lz4"} {
		s, got := load(name)
		for i, f := range s.Fields {
			if name == "lz4" && f.Name == "u32" { // version 1.0 knows no unsigned integers
				continue
			}
			require.Equal(t, want[i], got[i], "%s: %s", name, f.Name)
		}
	}
	_, old := load("int96")
	require.Equal(t, want[13], old[0], "INT96")
}

// TestForeignNullsAreSkippedRight runs filters over the nullable, tiny pages.
func TestForeignNullsAreSkippedRight(t *testing.T) {
	b := newBench()
	i, err := b.fs.Stat(t.Context(), "testdata/sparse.parquet")
	require.NoError(t, err)
	schema, err := b.f.Infer(t.Context(), b.fs, []vfs.FileRef{i.FileRef}, nil)
	require.NoError(t, err)
	all, err := b.read(t, i.FileRef, schema, format.ReadRequest{})
	require.NoError(t, err)
	f := keep(6, func(x any) bool { return x != nil && x.(int64) >= 300 })
	f.Min, f.RejectsNull = int64(300), true
	got, err := b.read(t, i.FileRef, schema, format.ReadRequest{Filters: []format.Filter{f}, Rows: 20})
	require.NoError(t, err)
	for k := range all {
		var want []any
		for r, x := range all[6] {
			if x != nil && x.(int64) >= 300 {
				want = append(want, all[k][r])
			}
		}
		require.Equal(t, want, got[k], schema.Fields[k].Name)
	}
}
