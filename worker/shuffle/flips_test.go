package shuffle

import (
	"errors"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
)

// Single bits flipped in blocks at rest and on their way: each is found, and no
// row is ever wrong. 10,000 in all.
const (
	flipsAtRest = 2000 // in memory and in the file, read here and from a peer
	flipsOnWire = 2000 // once: the second try succeeds
)

const flipBlocks, flipRows = 3, 40

func TestFlippedBitsAtRest(t *testing.T) {
	for _, onDisk := range []bool{false, true} {
		for _, remote := range []bool{false, true} {
			found, wrong := 0, 0
			limit := int64(0)
			if onDisk {
				limit = 1
			}
			p := newPair(t, Config{Dir: t.TempDir(), Budget: mem.NewBudget("far", limit)})
			reader := p.far
			if remote {
				reader = p.near
			}
			o := stored(t, p.far, &pb.TaskID{Job: "j", Stage: 1}, flipBlocks, flipRows)
			rnd := rand.New(rand.NewPCG(1, 2))
			for range flipsAtRest {
				restore := flipAtRest(t, p.far, o, rnd)
				right, err := same(t.Context(), reader, o)
				var gone *LostError
				switch {
				case errors.As(err, &gone) && errs.Is(err, errs.Lost) && gone.Reason == ReasonChecksum && gone.Output == o:
					found++
				case err != nil || !right:
					wrong++
				}
				restore()
			}
			require.Equal(t, flipsAtRest, found, "disk %v, remote %v", onDisk, remote)
			require.Zero(t, wrong)
			right, err := same(t.Context(), reader, o)
			require.NoError(t, err)
			require.True(t, right)
		}
	}
}

// flipAtRest damages one bit of one block and returns what repairs it.
func flipAtRest(t *testing.T, s *Store, o *pb.Output, rnd *rand.Rand) (restore func()) {
	out := s.mu.outputs[keyOf(o.GetTask())]
	b := out.parts[1].blocks[rnd.IntN(flipBlocks)]
	at, bit := rnd.IntN(b.size), byte(1)<<rnd.IntN(8)
	if b.mem != nil {
		b.mem[at] ^= bit
		return func() { b.mem[at] ^= bit }
	}
	var one [1]byte
	flip := func() {
		_, err := out.file().ReadAt(one[:], b.off+int64(at))
		require.NoError(t, err)
		one[0] ^= bit
		_, err = out.file().WriteAt(one[:], b.off+int64(at))
		require.NoError(t, err)
	}
	flip()
	return flip
}

func TestFlippedBitsOnTheWire(t *testing.T) {
	p := newPair(t, Config{})
	o := stored(t, p.far, &pb.TaskID{Job: "j", Stage: 1}, flipBlocks, flipRows)
	answer := headerLen // of the end
	for _, b := range p.far.mu.outputs[keyOf(o.GetTask())].parts[1].blocks {
		answer += b.size
	}
	q, err := (&request{kind: askPart, part: 1, task: o.GetTask()}).encode()
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(3, 4))
	found := 0
	for i := range flipsOnWire {
		require.NoError(t, p.near.cfg.Peers.(*Client).Close()) // each read dials
		p.near.cfg.Peers.(*Client).mu.closed = false
		p.dials.Store(0)
		fired := false
		writing, at := i%10 == 0, rnd.IntN(answer*8)
		if writing {
			at = rnd.IntN(len(q) * 8)
		}
		p.mangle = func(dial int, c net.Conn) net.Conn {
			if dial == 1 {
				return &bitFlip{Conn: c, at: at, writing: writing, fired: &fired}
			}
			return c
		}
		right, err := same(t.Context(), p.near, o)
		require.NoError(t, err, "bit %d, request %v", at, writing)
		require.True(t, right, "bit %d, request %v", at, writing)
		require.True(t, fired)
		if p.dials.Load() == 2 {
			found++
		}
	}
	require.Equal(t, flipsOnWire, found, "each was seen and cost a second connection")
}

// Damage that comes each time is no damage of the way.
func TestBitsThatFlipEachTimeAreALostOutput(t *testing.T) {
	p := newPair(t, Config{})
	o := stored(t, p.far, &pb.TaskID{Job: "j", Stage: 1}, flipBlocks, flipRows)
	fired := false
	p.mangle = func(_ int, c net.Conn) net.Conn { return &bitFlip{Conn: c, at: 8 * 700, fired: &fired} }
	_, err := same(t.Context(), p.near, o)
	var gone *LostError
	require.ErrorAs(t, err, &gone)
	require.Equal(t, ReasonChecksum, gone.Reason)
	require.EqualValues(t, 1+maxFlips, p.dials.Load())
}
