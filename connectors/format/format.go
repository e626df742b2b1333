// Package format is what file formats offer to the engine: readers and writers
// of batches over any vfs.FS, splits as data, and simple per-column filters. It
// knows nothing of expressions, plans or catalogs.
package format

import (
	"context"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Options are a format's options by lower-case key, as users give them.
type Options map[string]string

// Split is a part of one file version that can be read by itself. It is plain
// data and travels to workers. Units are format-specific: row groups [Lo, Hi)
// for Parquet, bytes [Lo, Hi) for text formats (a line belongs to the split in
// which it starts); Hi = 0 means the whole file.
type Split struct {
	Format     string
	File       vfs.FileRef
	Lo, Hi     int64
	Rows       int64 // estimate, 0 unknown
	Bytes      int64 // to be read, estimate
	Options    Options
	Schema     types.Schema // of the file's columns that may be asked for (data columns)
	Partitions []any        // boxed values of the partition columns, in the table's order
}

// Filter restricts one column. It may be applied to skip data; rows that the
// filter rejects must not be delivered, since the plan keeps no copy of it.
//
// Select keeps those rows of sel (ascending positions in v; v may be a
// dictionary) that pass, in place; it is called once per batch by one goroutine
// per reader (New makes an instance). Min, Max and In serve pruning by
// statistics: boxed values or nil. Rejects tells nulls never pass.
type Filter struct {
	Column      int // index into ReadRequest.Columns
	Min, Max    any
	MinOpen     bool // strict bound
	MaxOpen     bool
	In          []any
	RejectsNull bool
	New         func() (Select, error)
	// Mark, where there is one, answers for a whole dictionary at once: it adds 1
	// to pass of each row of v, flat and without nulls, that passes.
	Mark func(v *batch.Vector, pass []uint8)
}

// Select keeps the passing rows of sel in place and returns them.
type Select func(v *batch.Vector, sel []int32) ([]int32, error)

// Dynamic is a filter that becomes known while the scan runs (from a join's
// build side). Current returns nil as long as it is not ready.
type Dynamic interface {
	Current() *Filter
}

// ReadRequest says what to read of a split.
type ReadRequest struct {
	Columns []int // positions in the split's Schema, in output order
	Filters []Filter
	Dynamic []Dynamic
	Budget  *mem.Budget
	Rows    int // batch size wanted, 0 = batch.Rows
	// Zone for timestamps without one (text formats).
	ZoneID string
}

// Format reads and writes one file format. Implementations are stateless and
// safe for concurrent use; they are put together in cmd.
type Format interface {
	Name() string
	// Infer finds the schema of files (versions are pinned by the caller).
	Infer(ctx context.Context, fs vfs.FS, files []vfs.FileRef, opt Options) (types.Schema, error)
	// Plan cuts a file into splits and gives statistics where the format has
	// them. columns are the schema in force (by name; missing columns are null).
	Plan(ctx context.Context, fs vfs.FS, file vfs.FileRef, schema types.Schema, opt Options) (FilePlan, error)
	// Open reads a split. The reader delivers req.Columns in order.
	Open(ctx context.Context, fs vfs.FS, s Split, req ReadRequest) (batch.Reader, error)
	// Create writes a new file; nothing is visible before Commit.
	Create(ctx context.Context, fs vfs.FS, path string, schema types.Schema, opt Options) (Writer, error)
	// Extension is the file name's ending for written files, with compression: ".snappy.parquet".
	Extension(opt Options) string
}

// FilePlan is one file's splits and statistics.
type FilePlan struct {
	Splits []Split
	Rows   int64 // -1 unknown
	Stats  []ColumnStats
}

// ColumnStats describe one column of a file or split.
type ColumnStats struct {
	Min, Max any   // boxed, nil unknown
	Nulls    int64 // -1 unknown
	Distinct int64 // estimate, 0 unknown
	Bytes    int64 // uncompressed size, 0 unknown
}

// Writer writes batches into one file. Not for concurrent use; exactly one of
// Commit and Abort ends it.
type Writer interface {
	Write(ctx context.Context, b *batch.Batch) error
	Commit(ctx context.Context) (vfs.FileRef, error)
	Abort(ctx context.Context) error
}
