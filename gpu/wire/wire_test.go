package wire

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func TestFrames(t *testing.T) {
	data, err := Encode(TypeFree, Free{Slot: 3})
	require.NoError(t, err)
	frame, err := Read(bytes.NewReader(data))
	require.NoError(t, err)
	var f Free
	require.NoError(t, Decode(frame, &f))
	require.Equal(t, Free{Slot: 3}, f)

	_, err = Read(bytes.NewReader(nil))
	require.Equal(t, io.EOF, err, "a bare end")
	for cut := 1; cut < len(data); cut++ {
		_, err = Read(bytes.NewReader(data[:cut]))
		require.True(t, errs.Is(err, errs.Unavailable), "cut at %d: %v", cut, err)
	}
	for name, at := range map[string]int{"version": 5, "length": 0} {
		broken := bytes.Clone(data)
		broken[at] ^= 0x40
		_, err = Read(bytes.NewReader(broken))
		require.True(t, errs.Is(err, errs.Invalid), "%s: %v", name, err)
	}
	_, err = Encode(TypeFault, &Fault{Code: Failed, Message: string(make([]byte, maxFrame))})
	require.True(t, errs.Is(err, errs.Internal), "%v", err)
}

func valid() Train {
	var p Plan
	t := Train{Words: 10, Dim: 4, Window: 5, Negative: 5, Epochs: 1, Alpha: 0.025, Tokens: 100}
	t.Counts, t.In, t.Out = p.Add(80), p.Add(160), p.Add(160)
	t.Slots = []Slot{{Tokens: p.Add(400), Ends: p.Add(400)}}
	return t
}

func TestTrainIsValidated(t *testing.T) {
	good := valid()
	require.NoError(t, good.Validate())
	for name, change := range map[string]func(*Train){
		"no words":            func(t *Train) { t.Words = 0 },
		"dim":                 func(t *Train) { t.Dim = MaxDim + 1 },
		"window":              func(t *Train) { t.Window = MaxWindow + 1 },
		"negative":            func(t *Train) { t.Negative = MaxNegative + 1 },
		"epochs":              func(t *Train) { t.Epochs = -1 },
		"alpha":               func(t *Train) { t.Alpha = 0 },
		"alphas":              func(t *Train) { t.MinAlpha = 1 },
		"sample":              func(t *Train) { t.Sample = -1 },
		"no slots":            func(t *Train) { t.Slots = nil },
		"weights too short":   func(t *Train) { t.In.Length -= 4 },
		"section below zero":  func(t *Train) { t.Out.Offset = -8 },
		"section not aligned": func(t *Train) { t.Counts.Offset = 4 },
		"slot too long":       func(t *Train) { t.Slots[0].Ends.Length = maxSection },
	} {
		bad := valid()
		change(&bad)
		require.Error(t, bad.Validate(), name)
	}
}

func TestSharedMemoryGoesThroughTheSocket(t *testing.T) {
	ours, file, err := Pair()
	require.NoError(t, err)
	defer ours.Close()
	theirs, err := NewSocket(file)
	require.NoError(t, err)
	defer theirs.Close()

	var p Plan
	first, second := p.Add(12), p.Add(8)
	memory, err := NewMemory(p.Size())
	require.NoError(t, err)
	defer memory.Close()
	copy(Slice[float32](memory, first), []float32{1, 2, 3})
	require.NoError(t, ours.Send(TypeEnd, Empty{}, memory.File()))

	frame, err := theirs.Receive()
	require.NoError(t, err)
	require.Equal(t, TypeEnd, frame.Type)
	received, err := theirs.TakeFile()
	require.NoError(t, err)
	same, err := OpenMemory(received)
	require.NoError(t, err)
	defer same.Close()
	require.Equal(t, []float32{1, 2, 3}, Slice[float32](same, first))
	Slice[uint64](same, second)[0] = 42
	require.Equal(t, []uint64{42}, Slice[uint64](memory, second))

	require.NoError(t, same.Check([]Section{first, second}))
	require.Error(t, same.Check([]Section{{Offset: p.Size(), Length: 1}}))
	require.Error(t, same.Check([]Section{{Offset: -1, Length: 1}}))
	_, err = theirs.TakeFile()
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
	require.NoError(t, ours.Close())
	_, err = theirs.Receive()
	require.Equal(t, io.EOF, err)
}

// Memory that the other side could shrink would be a fatal signal here.
func TestMemoryWithoutSealsIsRefused(t *testing.T) {
	fd, err := unix.MemfdCreate("test", unix.MFD_ALLOW_SEALING)
	require.NoError(t, err)
	require.NoError(t, unix.Ftruncate(fd, 4096))
	_, err = OpenMemory(os.NewFile(uintptr(fd), "test"))
	require.True(t, errs.Is(err, errs.Invalid), "%v", err)
}

// No bytes of a peer make the decoder panic or accept what Validate refuses.
func FuzzDecode(f *testing.F) {
	for _, m := range []struct {
		t Type
		v any
	}{{TypeTrain, valid()}, {TypeBlock, Block{Tokens: 3, Sentences: 1}}, {TypeFault, &Fault{Code: Failed}}, {TypeNearest, Nearest{}}, {TypeAssign, Assign{}}} {
		data, err := Encode(m.t, m.v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, m := range []Message{&Train{}, &Block{}, &Fault{}, &Nearest{}, &Assign{}, &Welcome{}, &Ready{}, &Trained{}, &Free{}, &Hello{}} {
			if Decode(frame, m) == nil {
				require.NoError(t, m.Validate())
			}
		}
	})
}
