package catalog

import (
	"context"
	"sync"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// FileTable is a table of files whose versions were pinned when it was made.
// It is safe for concurrent use.
type FileTable struct {
	name       string
	fs         vfs.FS
	format     format.Format
	options    format.Options
	registry   *function.Registry
	env        *function.Env
	schema     types.Schema
	data       types.Schema // the files' columns
	partitions int
	files      []*dataFile

	mu struct {
		sync.Mutex
		plans map[*dataFile]*format.FilePlan
		stats *Stats
	}
}

var _ Table = (*FileTable)(nil)

// Name is what plans print.
func (t *FileTable) Name() string { return t.name }

// Schema is the files' columns, then the partitions'.
func (t *FileTable) Schema() types.Schema { return t.schema }

// PartitionColumns is how many of Schema's last columns come from folder names.
func (t *FileTable) PartitionColumns() int { return t.partitions }

// Files lists the input files.
func (t *FileTable) Files() []string {
	out := make([]string, len(t.files))
	for i, f := range t.files {
		out[i] = f.ref.Path
	}
	return out
}

// Format is the name of the files' format.
func (t *FileTable) Format() string { return t.format.Name() }

// Splits lists the parts to read of the files that predicates do not exclude.
func (t *FileTable) Splits(ctx context.Context, req ScanRequest) ([]format.Split, error) {
	files := t.prunePartitions(t.files, req.Predicates)
	plans, err := t.plan(ctx, files)
	if err != nil {
		return nil, err
	}
	var out []format.Split
	for i, f := range files {
		if t.excluded(plans[i], req.Predicates) {
			continue
		}
		for _, s := range plans[i].Splits {
			s.Partitions = f.values
			s.Schema = t.data
			if s.Format == "" {
				s.Format = t.format.Name()
			}
			if s.Options == nil {
				s.Options = t.options
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// planners is how many files' footers are read at once: enough to hide the
// latency of an object store.
const planners = 16

// plan gives the plans of files, read once for the table.
func (t *FileTable) plan(ctx context.Context, files []*dataFile) ([]*format.FilePlan, error) {
	out := make([]*format.FilePlan, len(files))
	var todo []int
	t.mu.Lock()
	for i, f := range files {
		if out[i] = t.mu.plans[f]; out[i] == nil {
			todo = append(todo, i)
		}
	}
	t.mu.Unlock()
	if err := t.planAll(ctx, files, out, todo); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.plans == nil {
		t.mu.plans = map[*dataFile]*format.FilePlan{}
	}
	for _, i := range todo {
		t.mu.plans[files[i]] = out[i]
	}
	return out, nil
}

// planAll fills out at the positions of todo, several at a time.
func (t *FileTable) planAll(ctx context.Context, files []*dataFile, out []*format.FilePlan, todo []int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(planners, len(todo)) {
		wg.Go(func() {
			for i := range next {
				p, err := t.format.Plan(ctx, t.fs, files[i].ref, t.data, t.options)
				if err != nil {
					cancel(err)
					continue
				}
				out[i] = &p
			}
		})
	}
	for _, i := range todo {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// Stats sums the files' statistics; it reads every footer the first time.
func (t *FileTable) Stats(ctx context.Context) (Stats, error) {
	t.mu.Lock()
	s := t.mu.stats
	t.mu.Unlock()
	if s != nil {
		return *s, nil
	}
	plans, err := t.plan(ctx, t.files)
	if err != nil {
		return Stats{}, err
	}
	made := t.summed(plans)
	t.mu.Lock()
	t.mu.stats = &made
	t.mu.Unlock()
	return made, nil
}
