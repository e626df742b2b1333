package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/worker/agent"
)

// maxFrame is the bound of a message, as workers have it.
const maxFrame = 64 << 20

// work is a process of one worker or of many, each with a connection and a
// stream of its own.
func work(ctx context.Context, s settings) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &meter{}
	var running sync.WaitGroup
	for i := range s.Agents {
		name := fmt.Sprintf("%s-%d", s.Name, i)
		a := agent.New(agent.Config{
			Name: name, Shuffle: name, Host: "host", Version: "bench", Slots: s.Slots, Clock: clock.Real{},
			Schedulers: strings.Split(s.Join, ","), Dial: dial,
		})
		tasks := newNoops(a, name, m, s)
		running.Go(func() { _ = a.Run(ctx, tasks) })
	}
	err := attend(ctx, cancel, m.take)
	running.Wait()
	return err
}

func dial(address string) (agent.Conn, error) {
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxFrame), grpc.MaxCallSendMsgSize(maxFrame)))
}

// noops ends tasks as they come, or after a while. A task takes the slot that
// has been free the longest.
type noops struct {
	agent *agent.Agent
	name  string
	meter *meter
	hold  time.Duration // how long a task of the wide stage takes, on average
	mu    struct {
		sync.Mutex
		free []slot // oldest first
	}
}

func newNoops(a *agent.Agent, name string, m *meter, s settings) *noops {
	n := &noops{agent: a, name: name, meter: m, hold: s.Hold}
	n.mu.free = make([]slot, s.Slots)
	return n
}

// slot is free since its task has ended.
type slot struct {
	freed time.Time
	job   string // whose queue was long then; none: it was not
}

// Launch runs the task. How long its slot was free counts if the queue was long
// all the while.
func (n *noops) Launch(t *pb.Task) {
	n.meter.tasks.Add(1)
	id := t.GetId()
	if s := n.occupy(); s.job != "" && s.job == id.GetJob() && backed(id) {
		n.meter.add(time.Since(s.freed))
	}
	if n.hold == 0 || id.GetStage() != wideStage {
		n.end(id)
		return
	}
	time.AfterFunc(n.hold/2+rand.N(n.hold), func() { n.end(id) })
}

// end reports the task and frees its slot.
func (n *noops) end(id *pb.TaskID) {
	s := slot{freed: time.Now()}
	if backed(id) {
		s.job = id.GetJob()
	}
	n.mu.Lock()
	n.mu.free = append(n.mu.free, s)
	n.mu.Unlock()
	n.agent.TaskDone(&pb.TaskDone{Id: id, Output: &pb.Output{Task: id, Worker: n.name, Rows: []int64{1}, Bytes: []int64{8}}})
}

// occupy takes a slot. The leader gives no more tasks than there are.
func (n *noops) occupy() slot {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.mu.free[0]
	n.mu.free = n.mu.free[1:]
	return s
}

// Cancel is not needed: tasks end soon.
func (n *noops) Cancel(*pb.TaskID) {}

// Discard is not needed: nothing is kept.
func (n *noops) Discard(string) {}

// backed tells whether enough of the task's stage waits behind it: tasks are
// launched in the order of their partitions.
func backed(id *pb.TaskID) bool {
	return id.GetStage() == wideStage && id.GetPartition() < wideTasks-queued
}
