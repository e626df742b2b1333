package catalog

import "github.com/spurwheel/spurwheel/internal/batch"

// InMemory is a table whose rows are in this process.
type InMemory interface {
	Table
	// Key names rows that workers find by name in the process; empty: the rows
	// themselves travel.
	Key() string
	Batches() []*batch.Batch
}
