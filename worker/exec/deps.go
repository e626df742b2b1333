package exec

import (
	"context"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Inputs gives a fragment the outputs of earlier stages.
type Inputs interface {
	// Open lists readers that together deliver the stage's rows for this task:
	// its partition, or everything if all. Each is opened by the thread that
	// takes it and read by that thread only.
	Open(ctx context.Context, stage int, all bool, schema types.Schema) ([]func(ctx context.Context) (batch.Reader, error), error)
}

// Output takes the rows a fragment sends to other stages, by partition.
type Output interface {
	// Write takes rows of one partition; the batch is borrowed. Safe for concurrent use.
	Write(ctx context.Context, partition int, b *batch.Batch) error
}

// Deps is what a fragment runs with.
type Deps struct {
	Registry  *function.Registry
	Env       *function.Env
	Formats   func(name string) (format.Format, error)
	FS        vfs.FS
	Budget    *mem.Budget // nil: unlimited
	SpillDir  string      // folder for spill files; empty: operators that must spill fail
	Threads   int
	BatchRows int // 0: batch.Rows
	Inputs    Inputs
	Held      Held
	// ForceSpill, if positive, makes every operator spill beyond so many bytes:
	// for tests.
	ForceSpill int64

	testCompiler compiler // replaces package eval, for tests of operators alone
}

func withDefaults(d Deps) *Deps {
	if d.BatchRows <= 0 {
		d.BatchRows = batch.Rows
	}
	if d.Threads <= 0 {
		d.Threads = 1
	}
	if d.Env == nil {
		d.Env = &function.Env{}
	}
	return &d
}

// reading is the account of readers' working memory.
func (d *Deps) reading() *mem.Budget {
	if d.Budget == nil {
		return nil
	}
	return d.Budget.First("reading")
}

func (d *Deps) compiler() compiler {
	if d.testCompiler != nil {
		return d.testCompiler
	}
	return evalCompiler{env: d.Env, reg: d.Registry}
}
