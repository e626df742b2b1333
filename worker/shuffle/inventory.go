package shuffle

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/worker/exec"
)

// Inventory lists the finished outputs held here, as their tasks reported them
// (observations included), so that a worker can register with a new leader and
// nothing finished is run again. Ordered by task; the caller owns the messages.
func (s *Store) Inventory() []*pb.Output {
	s.mu.Lock()
	list := make([]*pb.Output, 0, len(s.mu.outputs))
	for _, w := range s.mu.outputs {
		list = append(list, w.done)
	}
	s.mu.Unlock()
	for i, o := range list {
		list[i] = proto.CloneOf(o)
	}
	slices.SortFunc(list, func(a, b *pb.Output) int {
		x, y := keyOf(a.GetTask()), keyOf(b.GetTask())
		return cmp.Or(cmp.Compare(x.job, y.job), cmp.Compare(x.stage, y.stage), cmp.Compare(x.partition, y.partition), cmp.Compare(x.attempt, y.attempt))
	})
	return list
}

// finished is an output as Inventory tells it: a copy of its own, since the
// caller of Write adds the observations to the one it was given.
func finished(o *pb.Output, run *exec.Run) (*pb.Output, error) {
	seen, err := run.Observed()
	if err != nil {
		return nil, err
	}
	done := proto.CloneOf(o)
	for _, s := range seen {
		done.Observed = append(done.Observed, &pb.Observation{Id: s.ID, State: s.State})
	}
	return done, nil
}
