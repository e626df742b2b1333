package shuffle

import (
	"context"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
)

// A connection that breaks anywhere goes on where it broke: no row twice, none missing.
func TestACutConnectionGoesOnWhereItBroke(t *testing.T) {
	for _, limit := range []int64{0, 1} {
		p := newPair(t, Config{Dir: t.TempDir(), Budget: mem.NewBudget("far", limit)})
		o := stored(t, p.far, &pb.TaskID{Job: "j"}, 6, 30)
		for after := 1; after < 6000; after += 37 {
			p.mangle = func(dial int, c net.Conn) net.Conn {
				if dial%2 == 1 {
					return &cutAfter{c, after}
				}
				return c
			}
			p.dials.Store(0)
			right, err := same(t.Context(), p.near, o)
			require.NoError(t, err, "cut after %d", after)
			require.True(t, right, "cut after %d", after)
		}
	}
}

func TestRetriesAreBounded(t *testing.T) {
	p := newPair(t, Config{})
	o := stored(t, p.far, &pb.TaskID{Job: "j"}, 2, 30)
	p.mangle = func(_ int, c net.Conn) net.Conn { return &cutAfter{c, 10} }
	_, err := same(t.Context(), p.near, o)
	requireLost(t, err, ReasonCut)
	require.EqualValues(t, 1+maxCuts, p.dials.Load())

	var r retries
	_, ok := r.again(ReasonCut, true)
	require.True(t, ok)
	_, ok = r.again(ReasonCut, true)
	require.False(t, ok, "a peer that stalls is waited for twice")
	for _, why := range []Reason{ReasonGone, ReasonDisk, reasonNone} {
		_, ok := (&retries{}).again(why, false)
		require.False(t, ok, why)
	}
}

// A process that is stopped takes connections and gives no answer: it is asked
// twice, and not as often as one that breaks them.
func TestAPeerThatStallsIsAskedTwice(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	for _, epoch := range []uint64{0, 7} { // stalls at the request, at the greeting
		dial, dials := &Dialer{Within: 20 * time.Millisecond}, 0
		client := NewClient(func(ctx context.Context, worker string) (net.Conn, error) {
			dials++
			return dial.Dial(ctx, worker)
		})
		client.stall = 20 * time.Millisecond
		near := New(Config{Worker: "near", Peers: client, Clock: hurried{}})
		_, err = same(t.Context(), near, &pb.Output{Task: &pb.TaskID{Job: "j"}, Worker: Address{TCP: l.Addr().String(), Epoch: epoch}.String(), Rows: []int64{0, 1}})
		requireLost(t, err, ReasonCut)
		require.Equal(t, 2, dials)
		require.NoError(t, client.Close())
		require.NoError(t, near.Close())
	}
}

func requireLost(t *testing.T, err error, why Reason) {
	t.Helper()
	var gone *LostError
	require.ErrorAs(t, err, &gone)
	require.True(t, errs.Is(err, errs.Lost), "%v", err)
	require.Equal(t, why, gone.Reason, "%v", err)
	require.ErrorContains(t, err, why.String())
}

func TestADroppedOutputIsGone(t *testing.T) {
	p := newPair(t, Config{})
	a, b := stored(t, p.far, &pb.TaskID{Job: "j", Partition: 1}, 2, 30), stored(t, p.far, &pb.TaskID{Job: "j", Partition: 0}, 2, 30)
	inventory := p.far.Inventory()
	require.Len(t, inventory, 2)
	require.EqualValues(t, 0, inventory[0].GetTask().GetPartition())
	require.Equal(t, a.GetRows(), inventory[1].GetRows())
	p.far.Drop(a.GetTask())
	p.far.Drop(a.GetTask())
	_, err := same(t.Context(), p.near, a)
	requireLost(t, err, ReasonGone)
	require.EqualValues(t, 1, p.dials.Load(), "what is gone is not asked for twice")
	right, err := same(t.Context(), p.near, b)
	require.NoError(t, err)
	require.True(t, right)
	require.Len(t, p.far.Inventory(), 1)
}

// Blocks of another attempt, another epoch or another place are not taken for those asked for.
func TestIdentityOfBlocks(t *testing.T) {
	p := newPair(t, Config{})
	o := stored(t, p.far, &pb.TaskID{Job: "j", Attempt: 1}, 2, 30)
	held := p.far.mu.outputs[keyOf(o.GetTask())]
	change := map[string]func(h *header){
		"job": func(h *header) { h.job++ }, "stage": func(h *header) { h.stage++ }, "attempt": func(h *header) { h.attempt = 0 },
		"map": func(h *header) { h.partition++ }, "part": func(h *header) { h.part = 0 }, "epoch": func(h *header) { h.epoch++ },
		"order": func(h *header) { h.seq++ },
	}
	for name, f := range change {
		old := held.parts[1].blocks[1].mem
		data := append([]byte(nil), old...)
		h, err := parseHeader(data)
		require.NoError(t, err)
		f(&h)
		h.put(data)
		held.parts[1].blocks[1].mem = data
		_, err = same(t.Context(), p.near, o)
		requireLost(t, err, ReasonChecksum)
		held.parts[1].blocks[1].mem = old
		require.NotEmpty(t, name)
	}
	o.Rows[1]++ // the task reported a row that is not there
	_, err := same(t.Context(), p.near, o)
	requireLost(t, err, ReasonChecksum)
}

// badDisk is a spill file whose disk fails.
type badDisk struct {
	spillFile
	write, read error
}

func (d *badDisk) WriteAt(p []byte, off int64) (int, error) {
	if d.write != nil {
		return 0, d.write
	}
	return d.spillFile.WriteAt(p, off)
}

func (d *badDisk) ReadAt(p []byte, off int64) (int, error) {
	if d.read != nil {
		return 0, d.read
	}
	return d.spillFile.ReadAt(p, off)
}

func TestDisksThatFail(t *testing.T) {
	var disk *badDisk
	p := newPair(t, Config{Dir: t.TempDir(), Budget: mem.NewBudget("far", 1)})
	var failing badDisk
	p.far.newFile = func(dir string) (spillFile, error) {
		f, err := newSpillFile(dir)
		disk = &badDisk{f, failing.write, failing.read}
		return disk, err
	}
	o := stored(t, p.far, &pb.TaskID{Job: "j"}, 2, 30)
	disk.read = syscall.EIO
	_, err := same(t.Context(), p.far, o)
	requireLost(t, err, ReasonDisk)
	_, err = same(t.Context(), p.near, o)
	requireLost(t, err, ReasonDisk)
	require.EqualValues(t, 1, p.dials.Load())

	for full, cause := range map[bool]error{true: syscall.ENOSPC, false: syscall.EIO} {
		failing.write = cause
		w := p.far.newOutput(&pb.TaskID{Job: "j", Partition: 1}, 1)
		require.NoError(t, w.Write(t.Context(), 0, rowsOf(0, 10)))
		err = w.finish()
		var failed *DiskError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, full, failed.Full)
		require.True(t, errs.KindOf(err).Retryable(), "another worker may have room: %v", err)
		require.NoError(t, w.drop())
	}
}

// Many tasks of one process fetch a broadcast once; its memory is booked until the job is over.
func TestBroadcastsAreFetchedOnce(t *testing.T) {
	p := newPair(t, Config{})
	o := stored(t, p.far, &pb.TaskID{Job: "j"}, 3, 30)
	const tasks = 8
	var all sync.WaitGroup
	for range tasks {
		all.Go(func() {
			right, err := sharedSame(p.near, o)
			require.NoError(t, err)
			require.True(t, right)
		})
	}
	all.Wait()
	require.EqualValues(t, 1, p.dials.Load())
	require.Positive(t, p.near.cfg.Budget.Used())
	p.near.Discard("j")
	require.Zero(t, p.near.cfg.Budget.Used())
}

func sharedSame(s *Store, o *pb.Output) (bool, error) {
	r, err := s.readShared(context.Background(), o, 1, twoCols)
	if err != nil {
		return false, err
	}
	defer r.Close()
	return int64(count(r)) == o.GetRows()[1], nil
}

func count(r batch.Reader) (n int) {
	for {
		b, err := r.Next(context.Background())
		if err != nil {
			return n
		}
		n += b.N
	}
}

func TestBroadcastsBeyondTheBudgetAreReadByEachTask(t *testing.T) {
	p := newPair(t, Config{})
	big := stored(t, p.far, &pb.TaskID{Job: "j"}, 3, 4000) // 3 x 256 KiB and more; a quarter of 1 MiB is there
	for range 2 {
		right, err := sharedSame(p.near, big)
		require.NoError(t, err)
		require.True(t, right)
	}
	require.Zero(t, p.near.cfg.Budget.Used())

	gone := stored(t, p.far, &pb.TaskID{Job: "j", Partition: 5}, 1, 10)
	p.far.Drop(gone.GetTask())
	_, err := p.near.readShared(t.Context(), gone, 1, twoCols)
	requireLost(t, err, ReasonGone)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = p.near.readShared(ctx, stored(t, p.far, &pb.TaskID{Job: "j", Partition: 6}, 1, 10), 1, twoCols)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, p.near.cfg.Budget.Used(), "a fetch that was given up leaves nothing")
}

// A job may be discarded between a fetch's last byte and its entry: its tasks
// were cancelled before, and that shows.
func TestABroadcastThatComesAfterItsTaskIsNotKept(t *testing.T) {
	s := New(Config{Worker: "w", Budget: mem.NewBudget("w", 1<<20)})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.shared.get(ctx, sharedKey{worker: "x"}, func() *sharedBlocks {
		require.NoError(t, s.shared.budget.Grow(10))
		cancel()
		return &sharedBlocks{booked: 10}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, s.cfg.Budget.Used())
	require.Empty(t, s.shared.mu.held)
}

// What a reader has in flight counts in the budget when it is more than usual,
// and only while it reads.
func TestLargeBlocksAreBookedByTheirReaders(t *testing.T) {
	for _, limit := range []int64{0, 1} { // raw, compressed in the file
		p := newPair(t, Config{Dir: t.TempDir(), Budget: mem.NewBudget("far", limit)})
		id := &pb.TaskID{Job: "j"}
		w := p.far.newOutput(id, 2)
		wide := batch.NewBatch(twoCols.Types(), 0)
		wide.Cols[0].Append(int64(1))
		wide.Cols[1].Append(strings.Repeat("wide", 3<<20))
		wide.N = 1
		require.NoError(t, w.Write(t.Context(), 1, wide))
		require.NoError(t, w.finish())
		o := &pb.Output{Task: id, Worker: p.far.cfg.Worker, Rows: []int64{0, 1}}
		w.done = o
		require.NoError(t, p.far.add(keyOf(id), w))

		r, err := p.near.Read(t.Context(), o, 1, twoCols)
		require.NoError(t, err)
		_, err = r.Next(t.Context())
		require.True(t, errs.Is(err, errs.Exhausted), "12 MiB where 1 is granted: %v", err)
		require.NoError(t, r.Close())

		roomy := New(Config{Worker: "roomy", Peers: p.near.cfg.Peers, Budget: mem.NewBudget("roomy", 64<<20)})
		r, err = roomy.Read(t.Context(), o, 1, twoCols)
		require.NoError(t, err)
		b, err := r.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, wide.Cols[1].Get(0), b.Cols[1].Get(0))
		require.GreaterOrEqual(t, roomy.cfg.Budget.Used(), int64(12<<20))
		require.NoError(t, r.Close())
		require.Zero(t, roomy.cfg.Budget.Used())
	}
}

// Wide rows make blocks of few rows, however many come at once.
func TestBlocksOfWideRowsAreNotLarger(t *testing.T) {
	const rows, width = 300, 100_000
	s := New(Config{Worker: "w", Budget: mem.NewBudget("w", 0)})
	defer s.Close()
	w := s.newOutput(&pb.TaskID{Job: "j"}, 1)
	b := batch.NewBatch(twoCols.Types(), 0)
	for i := range rows {
		b.Cols[0].Append(int64(i))
		b.Cols[1].Append(strings.Repeat("x", width))
		b.N++
	}
	for range 3 {
		require.NoError(t, w.Write(t.Context(), 0, b))
	}
	require.NoError(t, w.finish())
	require.EqualValues(t, 3*rows, w.parts[0].rows)
	require.Greater(t, len(w.parts[0].blocks), 3*rows*width/blockBytes)
	for _, one := range w.parts[0].blocks {
		require.Less(t, one.size, blockBytes+2*width)
	}
	require.NoError(t, w.drop())
}
