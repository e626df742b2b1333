package fleet_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
	"github.com/spurwheel/spurwheel/scheduler/fleet"
	"github.com/spurwheel/spurwheel/worker/agent"
)

// patience is for what must happen; a test that passes never waits for it.
const patience = 20 * time.Second

// ear is a Sink that keeps events for the test.
type ear struct{ events chan dispatch.Event }

func newEar() *ear { return &ear{events: make(chan dispatch.Event, 100_000)} }

func (e *ear) Report(ev dispatch.Event) { e.events <- ev }

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		require.FailNow(t, "nothing came")
		panic("not reached")
	}
}

// next is the next event, which must be of type T.
func next[T dispatch.Event](t *testing.T, e *ear) T {
	t.Helper()
	ev, ok := receive(t, e.events).(T)
	require.True(t, ok, "event %#v", ev)
	return ev
}

// await skips events until one of type T fits.
func await[T dispatch.Event](t *testing.T, e *ear, fits func(T) bool) T {
	t.Helper()
	for {
		if ev, ok := receive(t, e.events).(T); ok && fits(ev) {
			return ev
		}
	}
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, patience, 5*time.Millisecond, what)
}

// scheduler is a process that may lead, on an address of its own.
type scheduler struct {
	door    *fleet.Door
	address string
	server  *grpc.Server
}

func newScheduler(t testing.TB) *scheduler {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scheduler{door: &fleet.Door{}, address: ln.Addr().String()}
	s.server = grpc.NewServer(grpc.MaxRecvMsgSize(fleet.MaxMessage), grpc.MaxSendMsgSize(fleet.MaxMessage), grpc.WaitForHandlers(true))
	pb.RegisterControlServer(s.server, s.door)
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.server.Serve(ln) })
	t.Cleanup(func() { s.server.Stop(); serving.Wait() })
	return s
}

// lead makes a fleet and lets workers in until the returned function is called.
func (s *scheduler) lead(t testing.TB, cfg fleet.Config, expected ...fleet.Member) (f *fleet.Fleet, step func()) {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = clock.Real{}
	}
	if cfg.Terms == (fleet.Terms{}) { // a busy machine loses nobody
		cfg.Terms = fleet.StandardTerms()
		cfg.Terms.Redial, cfg.Terms.Lease = patience, patience
	}
	f = fleet.New(cfg)
	f.Expect(expected)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = f.Run(ctx) })
	s.door.Lead(f)
	step = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(step)
	return f, step
}

// hands are an agent's Tasks, which do nothing by themselves.
type hands struct {
	launched  chan *pb.Task
	canceled  chan *pb.TaskID
	discarded chan string
}

func newHands() *hands {
	return &hands{launched: make(chan *pb.Task, 100_000), canceled: make(chan *pb.TaskID, 100_000), discarded: make(chan string, 1000)}
}

func (h *hands) Launch(t *pb.Task)    { h.launched <- t }
func (h *hands) Cancel(id *pb.TaskID) { h.canceled <- id }
func (h *hands) Discard(job string)   { h.discarded <- job }

// shelf is an agent's Inventory.
type shelf struct {
	mu  sync.Mutex
	out []*pb.Output
}

func (s *shelf) put(o *pb.Output) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(s.out, o)
}

func (s *shelf) Held() []*pb.Output {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*pb.Output{}, s.out...)
}

// cable makes connections that the test can cut.
type cable struct {
	mu    sync.Mutex
	conns []net.Conn
	dead  bool
}

func (c *cable) dial(ctx context.Context, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nil, net.ErrClosed
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

// cut breaks all connections; for good, or until the next dial.
func (c *cable) cut(forGood bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = forGood
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

func (c *cable) grpc(address string) (agent.Conn, error) {
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(c.dial))
}

// node is a worker: an agent with nothing behind it.
type node struct {
	*agent.Agent
	*hands
	shelf *shelf
	cable *cable
	stop  func()
}

func newNode(t testing.TB, name string, schedulers ...*scheduler) *node {
	t.Helper()
	n := &node{hands: newHands(), shelf: &shelf{}, cable: &cable{}}
	cfg := agent.Config{Name: name, Shuffle: name + ":1", Host: "host", Version: "v", Slots: 4, Clock: clock.Real{}, Dial: n.cable.grpc, Inventory: n.shelf}
	for _, s := range schedulers {
		cfg.Schedulers = append(cfg.Schedulers, s.address)
	}
	n.Agent = agent.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.Run(ctx, n.hands) })
	n.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(n.stop)
	return n
}

// end reports a task done, with its output on the shelf.
func (n *node) end(t *pb.Task) {
	o := &pb.Output{Task: t.GetId(), Worker: "w:1", Rows: []int64{1}}
	n.shelf.put(o)
	n.TaskDone(&pb.TaskDone{Id: t.GetId(), Output: o})
}

func task(job string, partition int) *pb.Task {
	return &pb.Task{Id: &pb.TaskID{Job: job, Stage: 1, Partition: int32(partition)}, Fragment: []byte("fragment of " + job), Threads: 2, Memory: 7}
}
