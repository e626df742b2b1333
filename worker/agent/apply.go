package agent

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	// maxTemplates bounds the stages that a stream keeps.
	maxTemplates = 1 << 16
	// maxLaunches bounds the tasks of a frame.
	maxLaunches = 1 << 16
	// maxItems bounds tasks and outputs in one frame of a registration.
	maxItems = 16_384
)

// register says who the worker is and what it holds. What runs is listed before
// what is stored: a task that ends between is in both, not in neither.
func (s *session) register() error {
	a := s.a
	running, frame := a.enroll()
	var held []*pb.Output
	if a.cfg.Inventory != nil {
		held = a.cfg.Inventory.Held()
	}
	for {
		r := &pb.Register{
			Name: a.cfg.Name, Slots: int32(a.cfg.Slots), Gpus: int32(a.cfg.GPUs), Cpus: int32(a.cfg.CPUs), Memory: a.cfg.Memory,
			Shuffle: a.cfg.Shuffle, Host: a.cfg.Host, Version: a.cfg.Version, Protocol: a.cfg.Protocol,
		}
		n := min(len(running), maxItems)
		r.Running, running = running[:n], running[n:]
		r.Held, held = firstPart(held)
		r.More = len(running) > 0 || len(held) > 0
		s.sequence++
		if err := s.stream.Send(&pb.WorkerFrame{Term: frame.GetTerm(), Epoch: frame.GetEpoch(), Sequence: s.sequence, Register: r}); err != nil {
			_, err := s.stream.Recv() // says why
			return err
		}
		if !r.GetMore() {
			return nil
		}
	}
}

// firstPart cuts off as many outputs as fit a frame.
func firstPart(held []*pb.Output) (part, rest []*pb.Output) {
	size := 0
	for i, o := range held {
		n := proto.Size(o)
		if i >= maxItems || i > 0 && size+n > maxPart {
			return held[:i], held[i:]
		}
		size += n
	}
	return held, nil
}

// enroll lists the tasks of this epoch, and makes all reports due again.
func (a *Agent) enroll() (running []*pb.TaskID, f *pb.WorkerFrame) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for k := range a.mu.tasks {
		running = append(running, k.id())
	}
	a.mu.sent = a.mu.base
	return running, &pb.WorkerFrame{Term: a.mu.term, Epoch: a.mu.epoch}
}

// read applies frames until the stream ends.
func (s *session) read(first *pb.SchedulerFrame) error {
	dog := s.guard()
	defer dog.timer.Stop()
	m := first
	for {
		dog.pause(true, s.patience())
		if err := s.apply(m); err != nil {
			return err
		}
		dog.pause(false, s.patience())
		var err error
		if m, err = s.stream.Recv(); err != nil {
			return err
		}
	}
}

// apply takes one frame. What is stale or repeated changes nothing; an error
// ends the stream.
func (s *session) apply(m *pb.SchedulerFrame) error {
	if m.GetSequence() <= s.seen {
		return nil
	}
	fresh, full := s.a.current(m)
	if full {
		return &dismissed{reason: errFull.Error()}
	}
	if d := m.GetDismiss(); d != nil && m.GetTerm() >= s.a.latest() {
		return &dismissed{d.GetReason(), d.GetEpoch()}
	}
	if !fresh {
		return nil
	}
	s.seen = m.GetSequence()
	s.a.acknowledge(m.GetLastReport())
	if err := s.learn(m.GetTemplates()); err != nil {
		return err
	}
	if err := s.launch(m.GetLaunches()); err != nil {
		return err
	}
	for _, o := range m.GetMessages() {
		s.order(o)
	}
	if m.GetDrain() {
		s.a.Drain()
	}
	if m.GetRelease() {
		s.a.freed.Do(func() { close(s.a.released) })
	}
	if m.GetPing() {
		s.ping()
	}
	return nil
}

// current tells whether a frame is of the latest leader and of this epoch.
func (a *Agent) current(m *pb.SchedulerFrame) (fresh, full bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return m.GetTerm() == a.mu.term && m.GetEpoch() == a.mu.epoch, a.mu.full
}

func (a *Agent) latest() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mu.term
}

func (s *session) learn(templates []*pb.Template) error {
	for _, t := range templates {
		if len(s.templates) >= maxTemplates {
			return errs.Errorf(errs.Exhausted, "agent.apply", "%d stages, the limit", maxTemplates)
		}
		s.templates[t.GetNumber()] = t
	}
	return nil
}

func (s *session) launch(batches []*pb.LaunchBatch) error {
	n := 0
	for _, b := range batches {
		t := s.templates[b.GetTemplate()]
		if n += len(b.GetTasks()); t == nil || n > maxLaunches {
			return errs.Errorf(errs.Invalid, "agent.apply", "a launch of an unknown stage, or more than %d", maxLaunches)
		}
		for _, as := range b.GetTasks() {
			id := &pb.TaskID{Job: t.GetJob(), Stage: t.GetStage(), Partition: as.GetPartition(), Attempt: as.GetAttempt()}
			if !s.a.begin(keyOf(id)) {
				continue
			}
			s.tasks.Launch(&pb.Task{
				Id: id, Fragment: t.GetFragment(), Inputs: t.GetInputs(), Threads: t.GetThreads(), Memory: t.GetMemory(),
				Splits: as.GetSplits(), Storage: t.GetStorage(),
			})
		}
	}
	return nil
}

// order takes one of the messages that workers of one machine get as well.
func (s *session) order(m *pb.ToWorker) {
	switch k := m.GetKind().(type) {
	case *pb.ToWorker_Launch:
		if id := k.Launch.GetId(); id != nil && s.a.begin(keyOf(id)) {
			s.tasks.Launch(k.Launch)
		}
	case *pb.ToWorker_Cancel:
		s.tasks.Cancel(k.Cancel)
	case *pb.ToWorker_Discard:
		for n, t := range s.templates {
			if t.GetJob() == k.Discard {
				delete(s.templates, n)
			}
		}
		s.tasks.Discard(k.Discard)
	}
}

// ping makes the next heartbeat due.
func (s *session) ping() {
	select {
	case s.pings <- struct{}{}:
	default:
	}
}
