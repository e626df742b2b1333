package catalog

import (
	"context"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// MemTable is a table of batches in this process. The batches are not changed.
type MemTable struct {
	name    string
	schema  types.Schema
	batches []*batch.Batch
	rows    int64
	bytes   int64
}

var _ InMemory = (*MemTable)(nil)

// NewMemTable makes a table of batches that have the schema's columns.
func NewMemTable(name string, schema types.Schema, batches []*batch.Batch) *MemTable {
	t := &MemTable{name: name, schema: schema, batches: batches}
	for _, b := range batches {
		t.rows += int64(b.N)
		t.bytes += b.Bytes()
	}
	return t
}

// Name, Schema, Files and PartitionColumns are as Table says.
func (t *MemTable) Name() string          { return t.name }
func (t *MemTable) Schema() types.Schema  { return t.schema }
func (t *MemTable) Files() []string       { return nil }
func (t *MemTable) PartitionColumns() int { return 0 }

// Key is empty: the rows themselves travel.
func (t *MemTable) Key() string { return "" }

// Batches are the rows.
func (t *MemTable) Batches() []*batch.Batch { return t.batches }

// Splits is empty: rows in memory are not read by splits.
func (t *MemTable) Splits(context.Context, ScanRequest) ([]format.Split, error) { return nil, nil }

// Stats counts rows and bytes.
func (t *MemTable) Stats(context.Context) (Stats, error) {
	return Stats{Rows: t.rows, Bytes: t.bytes, Columns: make([]format.ColumnStats, t.schema.Len())}, nil
}
