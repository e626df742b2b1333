package fleet

import (
	"bytes"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

const (
	// MaxMessage bounds a frame, for the options of servers and clients.
	MaxMessage = 64 << 20
	// maxTemplate leaves room in a frame for what goes beside a template.
	maxTemplate = MaxMessage / 2
	maxOrders   = 8192 // in a frame
)

// composer packs orders into frames. It remembers what the stream's other end
// knows of each stage, so that a task is its partition, attempt and splits.
type composer struct {
	last   uint64 // number of a template
	stages map[stage]*sent
}

type stage struct {
	job string
	id  int32
}

// sent is a template that the worker has; of is a task that it fits.
type sent struct {
	number uint64
	of     *pb.Task
}

// frames packs orders in order, and gives the tasks that fit into no frame.
func (c *composer) frames(out outgoing) (frames []*pb.SchedulerFrame, unfit []*pb.Task) {
	p := packer{composer: c, frames: []*pb.SchedulerFrame{{Drain: out.drain, Ping: out.ping, Release: out.release}}}
	for _, o := range out.orders {
		switch {
		case o.launch != nil:
			if !p.launch(o.launch) {
				unfit = append(unfit, o.launch)
			}
		case o.cancel != nil:
			p.message(&pb.ToWorker{Kind: &pb.ToWorker_Cancel{Cancel: o.cancel}})
		default:
			c.forget(o.discard)
			p.message(&pb.ToWorker{Kind: &pb.ToWorker_Discard{Discard: o.discard}})
		}
	}
	for _, f := range p.frames {
		f.LastReport = out.reported
	}
	return p.frames, unfit
}

func (c *composer) forget(job string) {
	maps.DeleteFunc(c.stages, func(s stage, _ *sent) bool { return s.job == job })
}

// packer fills one frame after the other.
type packer struct {
	*composer
	frames []*pb.SchedulerFrame
	orders int // in the last frame
	bytes  int // of templates and splits in it
}

func (p *packer) frame() *pb.SchedulerFrame { return p.frames[len(p.frames)-1] }

// next begins another frame if the last one has no room.
func (p *packer) next(size int, full bool) *pb.SchedulerFrame {
	if full || p.orders >= maxOrders || p.bytes > 0 && p.bytes+size > maxTemplate {
		p.frames = append(p.frames, &pb.SchedulerFrame{})
		p.orders, p.bytes = 0, 0
	}
	p.orders, p.bytes = p.orders+1, p.bytes+size
	return p.frame()
}

func (p *packer) message(m *pb.ToWorker) {
	f := p.next(0, false)
	f.Messages = append(f.Messages, m)
}

// launch adds a task, with its template where the worker lacks it. Within a
// frame launches come first, so one never follows a message.
func (p *packer) launch(t *pb.Task) bool {
	id := t.GetId()
	size := splitSize(t)
	if size > maxTemplate {
		return false
	}
	at := stage{id.GetJob(), id.GetStage()}
	known := p.stages[at]
	if known == nil || !same(known.of, t) {
		var ok bool
		if known, ok = p.template(at, t); !ok {
			return false
		}
	}
	f := p.next(size, len(p.frame().GetMessages()) > 0)
	n := len(f.GetLaunches())
	if n == 0 || f.GetLaunches()[n-1].GetTemplate() != known.number {
		f.Launches = append(f.Launches, &pb.LaunchBatch{Template: known.number})
		n++
	}
	b := f.GetLaunches()[n-1]
	b.Tasks = append(b.Tasks, &pb.Assignment{Partition: id.GetPartition(), Attempt: id.GetAttempt(), Splits: t.GetSplits()})
	return true
}

func (p *packer) template(at stage, t *pb.Task) (*sent, bool) {
	m := &pb.Template{
		Number: p.last + 1, Job: at.job, Stage: at.id, Fragment: t.GetFragment(), Threads: t.GetThreads(), Memory: t.GetMemory(),
		Storage: t.GetStorage(), Inputs: t.GetInputs(),
	}
	size := proto.Size(m)
	if size > maxTemplate {
		return nil, false
	}
	f := p.next(size, len(p.frame().GetMessages()) > 0)
	f.Templates = append(f.Templates, m)
	p.last++
	if p.stages == nil {
		p.stages = map[stage]*sent{}
	}
	p.stages[at] = &sent{number: m.GetNumber(), of: t}
	return p.stages[at], true
}

// splitSize is about what a task takes beside its template.
func splitSize(t *pb.Task) int {
	n := 0
	for _, r := range t.GetSplits() {
		n += proto.Size(r)
	}
	return n
}

// same tells whether two tasks of a stage differ in nothing but their splits.
func same(a, b *pb.Task) bool {
	return a.GetThreads() == b.GetThreads() && a.GetMemory() == b.GetMemory() && bytes.Equal(a.GetFragment(), b.GetFragment()) &&
		maps.Equal(a.GetStorage(), b.GetStorage()) && slices.EqualFunc(a.GetInputs(), b.GetInputs(), sameInputs)
}

func sameInputs(a, b *pb.StageOutputs) bool {
	return a.GetStage() == b.GetStage() && slices.EqualFunc(a.GetOutputs(), b.GetOutputs(), func(x, y *pb.Output) bool {
		return x == y || proto.Equal(x, y)
	})
}
