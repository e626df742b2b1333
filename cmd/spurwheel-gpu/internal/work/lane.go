package work

import (
	"unsafe"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/driver"
	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/table"
	"github.com/spurwheel/spurwheel/gpu/wire"
)

// inFlight is the number of blocks under way: one is trained while the next is copied.
const inFlight = 2

// chunkBytes is the pinned memory through which weights and tables pass.
const chunkBytes = 16 << 20

// The counters of a device, as offsets in bytes. Those from trainedAt on belong to one block.
const (
	seenAt     = 0
	trainedAt  = 8
	lossAt     = 16
	nextAt     = 24
	countBytes = 32
)

// place of a block on the device and its marks.
type buffer struct {
	tokens, ends      driver.Pointer
	staging           driver.Pinned // tokens, then ends
	stats             driver.Pinned
	begun, done, sent driver.Event
}

// lane is one device of a training. It is used on the device's thread only.
type lane struct {
	holdings
	plan      plan
	part      int // of the input rows that it trains
	copies    driver.Stream
	compute   driver.Stream
	kernel    driver.Kernel
	arguments driver.Arguments
	chunk     driver.Pinned
	in, out   driver.Pointer
	keep      driver.Pointer
	capIn     driver.Pointer
	capOut    driver.Pointer
	aliases   []driver.Pointer // of each part
	counters  driver.Pointer
	buffers   [inFlight]buffer
	resident  []resident
	handed    driver.Pinned // output rows on their way to another device
}

// resident is a block that stays on the device.
type resident struct {
	tokens, ends driver.Pointer
	block        wire.Block
}

func openLane(dev *driver.Device, info wire.Device, p plan, part int) (*lane, error) {
	l := &lane{holdings: holdings{dev: dev}, plan: p, part: part}
	err := l.open(info)
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// close waits for what is queued, which uses what is given back then.
func (l *lane) close() {
	for _, s := range []driver.Stream{l.copies, l.compute} {
		if s != (driver.Stream{}) {
			_ = s.Wait() // an error of a device that is lost, or of a kernel, which the call has reported
		}
	}
	l.holdings.close()
}

func (l *lane) open(info wire.Device) error {
	module, err := l.load(info)
	if err != nil {
		return err
	}
	if l.kernel, err = module.Kernel(kernel.SkipGram(l.plan.quads), l.plan.blockWarps*l.plan.sharedBytes); err != nil {
		return err
	}
	weights := 4 * int64(l.plan.Words) * int64(l.plan.rowFloats())
	for _, a := range []struct {
		to    *driver.Pointer
		bytes int64
	}{
		{&l.in, weights},
		{&l.out, weights},
		{&l.keep, 4 * int64(l.plan.Words)},
		{&l.capIn, 4 * int64(l.plan.Words)},
		{&l.capOut, 4 * int64(l.plan.Words)},
		{&l.counters, countBytes},
	} {
		if *a.to, err = l.alloc(a.bytes); err != nil {
			return err
		}
	}
	if l.copies, err = l.stream(); err != nil {
		return err
	}
	if l.compute, err = l.stream(); err != nil {
		return err
	}
	if l.arguments, err = l.holdings.arguments(int(unsafe.Sizeof(kernel.SkipGramArgs{}))); err != nil {
		return err
	}
	if l.chunk, err = l.pinned(chunkBytes); err != nil {
		return err
	}
	if l.plan.parts > 1 {
		largest := l.plan.partStart(1) // the first part takes what does not divide
		if l.handed, err = l.pinned(4 * largest * l.plan.rowFloats()); err != nil {
			return err
		}
	}
	return l.openBuffers()
}

func (l *lane) openBuffers() error {
	var tokens, ends int64
	for _, s := range l.plan.Slots {
		tokens, ends = max(tokens, s.Tokens.Length), max(ends, s.Ends.Length)
	}
	var err error
	for i := range l.buffers {
		b := &l.buffers[i]
		if b.tokens, err = l.alloc(tokens); err != nil {
			return err
		}
		if b.ends, err = l.alloc(ends); err != nil {
			return err
		}
		if b.staging, err = l.pinned(int(tokens + ends)); err != nil {
			return err
		}
		if b.stats, err = l.pinned(countBytes); err != nil {
			return err
		}
		for _, e := range []*driver.Event{&b.begun, &b.done, &b.sent} {
			if *e, err = l.event(); err != nil {
				return err
			}
		}
	}
	return nil
}

// upload copies a table of one value per word to the device, in the order in which words lie there.
func (l *lane) upload(to driver.Pointer, values []uint32) error {
	for at := 0; at < len(values); at += chunkBytes / 4 {
		n := min(chunkBytes/4, len(values)-at)
		copy(driver.As[uint32](l.chunk.Bytes), values[at:at+n])
		if err := l.copies.Upload(to+driver.Pointer(4*at), l.chunk.Bytes[:4*n]); err != nil {
			return err
		}
		if err := l.copies.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// tables are the same for all devices but for the parts that each works on.
type tables struct {
	keep, capIn, capOut []uint32
	aliases             [][]uint32
}

func newTables(p plan, counts []uint64) tables {
	placed := make([]uint64, len(counts))
	for w, c := range counts {
		placed[p.place(w)] = c
	}
	in, out := table.Caps(placed, table.Training{
		Window: p.Window, Negative: p.Negative, Sample: p.Sample, Concurrency: p.Concurrency * p.parts, Cap: p.Cap,
	})
	t := tables{keep: table.Keep(placed, p.Sample), capIn: bits(in), capOut: bits(out)}
	for part := range p.parts {
		t.aliases = append(t.aliases, table.Aliases(placed[p.partStart(part):p.partStart(part+1)]))
	}
	return t
}

func bits(f []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(f))), len(f))
}

func (l *lane) uploadTables(t tables) error {
	for _, u := range []struct {
		to   driver.Pointer
		from []uint32
	}{
		{l.keep, t.keep},
		{l.capIn, t.capIn},
		{l.capOut, t.capOut},
	} {
		if err := l.upload(u.to, u.from); err != nil {
			return err
		}
	}
	for _, a := range t.aliases {
		p, err := l.alloc(4 * int64(len(a)))
		if err != nil {
			return err
		}
		if err := l.upload(p, a); err != nil {
			return err
		}
		l.aliases = append(l.aliases, p)
	}
	seen := [8]uint32{}
	start := uint64(l.plan.Seen) * uint64(l.plan.parts)
	seen[seenAt/4], seen[seenAt/4+1] = uint32(start), uint32(start>>32)
	return l.upload(l.counters, seen[:])
}

// uploadWeights pads the rows of a matrix and copies them to the device.
func (l *lane) uploadWeights(to driver.Pointer, from []float32) error {
	return l.passWeights(0, l.plan.parts, func(rows []float32, part, first, count int) error {
		clear(rows)
		for i := range count {
			copy(rows[i*l.plan.rowFloats():], from[l.plan.wordAt(part, first+i)*l.plan.Dim:][:l.plan.Dim])
		}
		at := to + driver.Pointer(4*l.plan.rowFloats()*(l.plan.partStart(part)+first))
		if err := l.copies.Upload(at, l.chunk.Bytes[:4*len(rows)]); err != nil {
			return err
		}
		return l.copies.Wait()
	})
}

// downloadWeights copies parts of a matrix back.
func (l *lane) downloadWeights(from driver.Pointer, to []float32, firstPart, endPart int) error {
	return l.passWeights(firstPart, endPart, func(rows []float32, part, first, count int) error {
		at := from + driver.Pointer(4*l.plan.rowFloats()*(l.plan.partStart(part)+first))
		if err := l.copies.Download(l.chunk.Bytes[:4*len(rows)], at); err != nil {
			return err
		}
		if err := l.copies.Wait(); err != nil {
			return err
		}
		for i := range count {
			copy(to[l.plan.wordAt(part, first+i)*l.plan.Dim:][:l.plan.Dim], rows[i*l.plan.rowFloats():])
		}
		return nil
	})
}

// passWeights calls pass for rows that lie side by side on the device, as many at a time as fit into the pinned chunk.
func (l *lane) passWeights(firstPart, endPart int, pass func(rows []float32, part, first, count int) error) error {
	fit := chunkBytes / 4 / l.plan.rowFloats()
	for part := firstPart; part < endPart; part++ {
		size := l.plan.partStart(part+1) - l.plan.partStart(part)
		for first := 0; first < size; first += fit {
			count := min(fit, size-first)
			rows := driver.As[float32](l.chunk.Bytes)[:count*l.plan.rowFloats()]
			if err := pass(rows, part, first, count); err != nil {
				return err
			}
		}
	}
	return nil
}
