package catalog

import "github.com/spurwheel/spurwheel/internal/batch"

// InMemory is a table whose rows are in this process.
type InMemory interface {
	Table
	Batches() []*batch.Batch
}
