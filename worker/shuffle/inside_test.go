package shuffle

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Tests that need to see blocks, files and bytes on their way.

var twoCols = types.NewSchema(types.F("k", types.Long), types.F("s", types.String))

// rowsOf is n rows whose content follows from their number.
func rowsOf(from, n int) *batch.Batch {
	b := batch.NewBatch(twoCols.Types(), 0)
	for i := from; i < from+n; i++ {
		b.Cols[0].Append(int64(i))
		b.Cols[1].Append(fmt.Sprintf("the text of row number %d", i))
		b.N++
	}
	return b
}

// stored puts blocks of so many rows into partition 1 of 2 of a new output.
func stored(t testing.TB, s *Store, id *pb.TaskID, blocks, rows int) *pb.Output {
	t.Helper()
	o := s.newOutput(id, 2)
	for i := range blocks {
		require.NoError(t, o.Write(t.Context(), 1, rowsOf(i*rows, rows)))
		require.NoError(t, o.flush(1, &o.open[1]))
	}
	require.NoError(t, o.finish())
	out := &pb.Output{Task: id, Worker: s.cfg.Worker, Rows: []int64{0, int64(blocks * rows)}, Bytes: []int64{0, o.parts[1].bytes}}
	o.done = out
	require.NoError(t, s.add(keyOf(id), o))
	return out
}

// same reads partition 1 and tells whether the rows are all there, right and in order.
func same(ctx context.Context, s *Store, o *pb.Output) (bool, error) {
	r, err := s.Read(ctx, o, 1, twoCols)
	if err != nil {
		return false, err
	}
	defer r.Close()
	n := 0
	for {
		b, err := r.Next(ctx)
		if atEnd(err) {
			return int64(n) == o.Rows[1], nil
		}
		if err != nil {
			return false, err
		}
		want := rowsOf(n, b.N)
		for i := range b.N {
			if b.Cols[0].Get(i) != want.Cols[0].Get(i) || b.Cols[1].Get(i) != want.Cols[1].Get(i) {
				return false, nil
			}
		}
		n += b.N
	}
}

// hurried is a clock whose timers are over when they are made.
type hurried struct{ clock.Real }

func (c hurried) NewTimer(time.Duration) clock.Timer { return c.Real.NewTimer(0) }

// pair is two stores; near reads far over pipes that mangle may damage.
type pair struct {
	near, far *Store
	dials     atomic.Int32
	mangle    func(dial int, c net.Conn) net.Conn
}

const farEpoch = 0xfeed

func newPair(t *testing.T, far Config) *pair {
	t.Helper()
	p := &pair{mangle: func(_ int, c net.Conn) net.Conn { return c }}
	far.Worker, far.Epoch, far.Clock = Address{TCP: "far:1", Epoch: farEpoch}.String(), farEpoch, hurried{}
	p.far = New(far)
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	client := NewClient(func(context.Context, string) (net.Conn, error) {
		a, b := net.Pipe()
		serving.Go(func() {
			stop := context.AfterFunc(ctx, func() { _ = b.Close() })
			defer stop()
			_ = p.far.serveConn(ctx, b)
			_ = b.Close()
		})
		return p.mangle(int(p.dials.Add(1)), a), nil
	})
	p.near = New(Config{Worker: "near", Peers: client, Clock: hurried{}, Budget: mem.NewBudget("near", 1<<20)})
	t.Cleanup(func() {
		cancel()
		require.NoError(t, client.Close())
		require.NoError(t, p.near.Close())
		require.NoError(t, p.far.Close())
		serving.Wait()
	})
	return p
}

// bitFlip damages one bit of what is read, or of what is written.
type bitFlip struct {
	net.Conn
	at      int // bit of the stream
	writing bool
	seen    int
	fired   *bool
}

func (c *bitFlip) hit(p []byte) {
	if i := c.at/8 - c.seen; i >= 0 && i < len(p) {
		p[i] ^= 1 << (c.at % 8)
		*c.fired = true
	}
	c.seen += len(p)
}

func (c *bitFlip) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.writing {
		c.hit(p[:n])
	}
	return n, err
}

func (c *bitFlip) Write(p []byte) (int, error) {
	if c.writing {
		p = append([]byte(nil), p...)
		c.hit(p)
	}
	return c.Conn.Write(p)
}

// cutAfter ends a connection after so many bytes were read.
type cutAfter struct {
	net.Conn
	left int
}

func (c *cutAfter) Read(p []byte) (int, error) {
	if c.left <= 0 {
		_ = c.Close()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
