// Package shuffle keeps the rows that tasks send to later stages, by partition,
// in memory and on disk, and moves them between workers. It knows nothing of
// plans, of scheduling, or of which attempt of a task is the chosen one.
package shuffle

import (
	"context"
	"errors"
	"sync"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/worker/exec"
)

// Peers reads other workers' stores.
type Peers interface {
	// Open streams the blocks of one partition of a task's output, from the
	// from-th on. Errors are errs.Unavailable where another try may help and
	// errs.Lost where the rows are gone.
	Open(ctx context.Context, worker string, id *pb.TaskID, partition, from int) (Blocks, error)
}

// Blocks is a stream of stored blocks: header and payload, not yet checked.
// Next ends with io.EOF; the bytes are in room or immutable, and borrowed until
// the following Next or Close.
type Blocks interface {
	Next(ctx context.Context, room *Buffer) ([]byte, error)
	Close() error
}

// Config is what a store works with.
type Config struct {
	Worker string      // this worker's name in outputs: an Address
	Epoch  uint64      // fresh for each start of the worker; it goes into every block
	Dir    string      // folder for rows that do not fit the memory
	Budget *mem.Budget // for rows in memory; nil: unlimited
	Peers  Peers       // nil: outputs of other workers are lost
	Clock  clock.Clock // waits between retries; nil: the machine's
}

// Store holds this worker's outputs. It is safe for concurrent use.
type Store struct {
	cfg     Config
	newFile func(dir string) (spillFile, error)
	shared  broadcasts
	mu      struct {
		sync.Mutex
		closed  bool
		outputs map[key]*output
	}
}

type key struct {
	job                       string
	stage, partition, attempt int32
}

func keyOf(id *pb.TaskID) key {
	return key{id.GetJob(), id.GetStage(), id.GetPartition(), id.GetAttempt()}
}

// New makes an empty store.
func New(cfg Config) *Store {
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	s := &Store{cfg: cfg, newFile: newSpillFile}
	s.mu.outputs = map[key]*output{}
	s.shared.init(cfg.Budget)
	return s
}

// Write runs a task's rows into a new output and stores it. A second attempt
// of a task has its own output; the same attempt twice is refused.
func (s *Store) Write(ctx context.Context, task *pb.Task, ex physical.Exchange, run *exec.Run) (*pb.Output, error) {
	w := s.newOutput(task.GetId(), max(1, ex.Parts))
	err := run.RunTo(ctx, &ex, w)
	if err == nil {
		err = w.finish()
	}
	if err != nil {
		return nil, errors.Join(err, w.drop())
	}
	out := &pb.Output{Task: proto.CloneOf(task.GetId()), Worker: s.cfg.Worker}
	for i := range w.parts {
		out.Rows, out.Bytes = append(out.Rows, w.parts[i].rows), append(out.Bytes, w.parts[i].bytes)
	}
	if w.done, err = finished(out, run); err != nil {
		return nil, errors.Join(err, w.drop())
	}
	mine := keyOf(task.GetId())
	if err := s.add(mine, w); err != nil {
		return nil, errors.Join(err, w.drop())
	}
	if ctx.Err() != nil { // whoever dropped the job's outputs may have come before this one was among them
		return nil, errors.Join(context.Cause(ctx), s.discard(func(k key) bool { return k == mine }))
	}
	return out, nil
}

var errClosed = errors.New("the store is closed")

func (s *Store) add(k key, w *output) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return errs.E(errs.Unavailable, "shuffle.Write", errClosed)
	}
	if s.mu.outputs[k] != nil {
		return errs.Errorf(errs.Conflict, "shuffle.Write", "output of %v is stored already", k)
	}
	s.mu.outputs[k] = w
	return nil
}

// find takes an output for reading: release it.
func (s *Store) find(id *pb.TaskID) (*output, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.mu.outputs[keyOf(id)]
	if w == nil {
		return nil, errs.Errorf(errs.Lost, "shuffle.Open", "worker %s has no output of task %v", s.cfg.Worker, keyOf(id))
	}
	w.readers++
	return w, nil
}

// release ends a reading; a discarded output goes with its last reader.
func (s *Store) release(w *output) error {
	s.mu.Lock()
	w.readers--
	gone := w.discarded && w.readers == 0
	s.mu.Unlock()
	if gone {
		return w.drop()
	}
	return nil
}

// Discard drops a job's outputs, and what was fetched for it.
func (s *Store) Discard(job string) {
	s.shared.discard(func(k key) bool { return k.job == job })
	_ = s.discard(func(k key) bool { return k.job == job })
}

// Drop drops the output of one attempt; there need not be one.
func (s *Store) Drop(id *pb.TaskID) {
	gone := keyOf(id)
	_ = s.discard(func(k key) bool { return k == gone })
}

func (s *Store) discard(which func(k key) bool) error {
	var idle []*output
	s.mu.Lock()
	for k, w := range s.mu.outputs {
		if !which(k) {
			continue
		}
		delete(s.mu.outputs, k)
		w.discarded = true
		if w.readers == 0 {
			idle = append(idle, w)
		}
	}
	s.mu.Unlock()
	var err error
	for _, w := range idle {
		err = errors.Join(err, w.drop())
	}
	return err
}

// Close drops everything and refuses new outputs. Readers at work end first.
func (s *Store) Close() error {
	s.mu.Lock()
	s.mu.closed = true
	s.mu.Unlock()
	s.shared.discard(func(key) bool { return true })
	return s.discard(func(key) bool { return true })
}

// blockRows and blockBytes are the sizes at which a partition's rows become a
// block: large enough that headers and dispatch do not count, small enough
// that hundreds of open partitions fit a task's memory.
const (
	blockRows  = 8192
	blockBytes = 1 << 20
)

// pending is a partition's rows before they are a block.
type pending struct {
	sync.Mutex
	rows *batch.Batch
}
