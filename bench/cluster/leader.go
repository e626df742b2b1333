package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/scheduler/cluster"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/driver"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
	"github.com/spurwheel/spurwheel/scheduler/history"
	"github.com/spurwheel/spurwheel/scheduler/placement"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// sessionID owns the jobs.
const sessionID = "bench"

// leader is what a scheduler has while it leads, put together as the server
// does it, without sessions and clients.
type leader struct {
	group  *cluster.Group
	book   *history.Book
	driver *driver.Driver
	fleet  *fleet.Fleet
	server *grpc.Server
	lost   atomic.Int64 // workers
	tasks  atomic.Int64 // that were acknowledged

	stop    context.CancelFunc
	running sync.WaitGroup
	err     error // of the driver, valid once running is over
}

func lead(ctx context.Context, group *cluster.Group, listener net.Listener, folder string) (*leader, error) {
	term, leads := group.Leads()
	if !leads {
		return nil, errors.New("this process does not lead")
	}
	l := &leader{group: group, book: history.New(history.Config{Dir: folder, Clock: clock.Real{}})}
	h := &hands{book: l.book}
	l.driver = driver.New(driver.Config{
		Core: dispatch.NewCore(dispatch.Config{Policy: placement.FairLocal{}}), Executor: h, Log: log{group, l.book}, Clock: clock.Real{},
	})
	l.fleet = fleet.New(fleet.Config{Leader: "s0", Term: term, Sink: l, Clock: clock.Real{}, Live: l.live})
	h.Fleet = l.fleet
	l.driver.Recover(driver.Recovery{Term: term})
	l.fleet.Expect(nil)
	door := &fleet.Door{}
	door.Lead(l.fleet)
	l.server = grpc.NewServer(grpc.MaxRecvMsgSize(maxFrame), grpc.MaxSendMsgSize(maxFrame))
	pb.RegisterControlServer(l.server, door)
	ctx, l.stop = context.WithCancel(ctx)
	l.running.Go(func() { l.err = l.driver.Run(ctx) })
	l.running.Go(func() { _ = l.fleet.Run(ctx) })
	l.running.Go(func() { _ = l.server.Serve(listener) })
	return l, group.Append(ctx, record.OpenSession{Session: sessionID})
}

// close ends the leadership; the group stays.
func (l *leader) close() error {
	l.stop()
	l.server.Stop()
	l.running.Wait()
	return l.err
}

func (l *leader) live(job string) (live bool) {
	l.group.Peek(func(r *record.State) { live = r.Job(job) != nil })
	return live
}

// await waits until so many workers take tasks.
func (l *leader) await(ctx context.Context, workers int) error {
	ctx, cancel := context.WithTimeout(ctx, formWithin)
	defer cancel()
	if err := until(ctx, func() bool { n, _ := l.fleet.Usable(); return n == workers }); err != nil {
		n, _ := l.fleet.Usable()
		return fmt.Errorf("%d of %d workers came: %w", n, workers, err)
	}
	return nil
}

// Report hears of workers, as the leader's sink.
func (l *leader) Report(ev dispatch.Event) {
	var entry record.Entry
	switch ev := ev.(type) {
	case dispatch.Done:
		l.tasks.Add(1)
	case dispatch.WorkerDown:
		l.lost.Add(1)
		entry = record.WorkerGone{Name: ev.Worker, Epoch: ev.Epoch, Reason: ev.Reason}
	case dispatch.WorkerUp:
		entry = record.WorkerJoined{Name: ev.Worker, Epoch: ev.Epoch}
	}
	if entry != nil {
		ctx, cancel := context.WithTimeout(context.Background(), recordWithin)
		defer cancel()
		_ = l.group.Append(ctx, entry) // as for the server: only a next leader would miss it
	}
	l.book.Reported(ev)
	l.driver.Report(ev)
}

// recordWithin bounds the wait for a worker's entry.
const recordWithin = 5 * time.Second

// hands carries launches out and lets the book know.
type hands struct {
	*fleet.Fleet
	book *history.Book
}

// Launch hands a task to its worker.
func (h *hands) Launch(worker string, epoch int64, t *pb.Task) {
	h.book.Launched(driver.TaskOf(t.GetId()), worker)
	h.Fleet.Launch(worker, epoch, t)
}

// log is the record; the book reads along.
type log struct {
	group *cluster.Group
	book  *history.Book
}

// Append makes an entry durable.
func (l log) Append(ctx context.Context, e record.Entry) error {
	if s, ok := e.(record.SubmitJob); ok {
		l.book.Submitted(graph(s.Job).job(), "")
	}
	err := l.group.Append(ctx, e)
	if end, ok := e.(record.EndJob); ok {
		l.book.Ended(end.Job, nil)
	}
	return err
}
