package sparkconnect

import (
	"sync"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

// progressSource is where an operation's progress comes from while it runs.
type progressSource struct {
	mu struct {
		sync.Mutex
		result Result
	}
}

// follow sets the result to ask; nil before it is closed.
func (p *progressSource) follow(r Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.result = r
}

// message is the progress as totals, nil while there is nothing to count:
// clients ignore messages without tasks.
func (p *progressSource) message() *pb.ExecutePlanResponse_ExecutionProgress {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.result == nil {
		return nil
	}
	now := p.mu.result.Progress()
	out := &pb.ExecutePlanResponse_ExecutionProgress{NumInflightTasks: int64(now.Inflight)}
	tasks := int64(0)
	for _, s := range now.Stages {
		tasks += s.Tasks
		out.Stages = append(out.Stages, &pb.ExecutePlanResponse_ExecutionProgress_StageInfo{
			StageId: s.ID, NumTasks: s.Tasks, NumCompletedTasks: s.Completed, InputBytesRead: s.InputBytes, Done: s.Done,
		})
	}
	if tasks == 0 {
		return nil
	}
	return out
}
