// Package catalog maps names to relations: temporary and global views, tables
// in the warehouse, and files by format and path; and it gives their splits and
// statistics. It knows nothing of sessions, optimisation or execution.
package catalog

import (
	"context"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Table is a readable relation pinned to a version of its files.
type Table interface {
	plan.Source
	// Splits lists the parts to read. Predicates are conjuncts over the table's
	// columns (plan.Bound by position in Schema); the table prunes by partition
	// values and statistics and may ignore them.
	Splits(ctx context.Context, req ScanRequest) ([]format.Split, error)
	// Stats estimates the whole table. Cheap after the first call.
	Stats(ctx context.Context) (Stats, error)
	// Files lists the input files (df.inputFiles).
	Files() []string
	// PartitionColumns is how many of Schema's last columns come from folder names.
	PartitionColumns() int
}

// ScanRequest narrows a scan.
type ScanRequest struct {
	Columns    []int // positions in Schema
	Predicates []plan.Expr
}

// Stats are estimates for the optimiser.
type Stats struct {
	Rows    int64 // -1 unknown
	Bytes   int64
	Columns []format.ColumnStats // by position in Schema
}

// View is a named plan: temporary, or stored as text.
type View struct {
	Name    []string
	Text    string
	Columns []string
	Comment string
	Mode    string // how a stored view follows its tables; "" is COMPENSATION
	// Plan is resolved (of a data frame) or not (of a statement); nil: by Text.
	Plan     plan.Node
	Resolved bool
	Schema   types.Schema
}

// Relation is what a name stands for: a table or a view. Name is the full one,
// by which columns are qualified.
type Relation struct {
	Name   []string
	Source Table
	View   *View
}
