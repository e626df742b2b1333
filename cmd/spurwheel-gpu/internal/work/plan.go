// Package work carries out the calls of a parent on devices: training, assignment, nearest rows. It knows kernels and the
// driver; it knows no socket.
package work

import (
	"fmt"
	"math"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/driver"
	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/wire"
)

// How much runs at the same time where the parent does not say. Eight warps on each processor hide the latency of memory; more
// sentences at the same time only make the copies of rows staler.
const (
	warpsPerProcessor = 8
	maxConcurrency    = 1056
	warpsPerBlock     = 4
	// defaultCap is where books of 16 M words train as well as on one thread, with half and with twice of it as good.
	defaultCap = 64
	// residentShare of the free memory may hold the corpus.
	residentShare = 0.7
)

// plan is how a training is laid out on devices that are all alike.
type plan struct {
	wire.Train
	parts       int // devices; the words are split into as many parts
	quads       int
	sharedBytes int // of one warp
	blockWarps  int
	blocks      int
	kernels     string
	resident    bool
}

func newPlan(t wire.Train, devices []wire.Device) (plan, error) {
	p := plan{Train: t, parts: len(devices), quads: kernel.Quads(t.Dim), kernels: devices[0].Kernels}
	p.sharedBytes = 4 * kernel.SkipGramShared(p.quads, t.Window)
	smallest, memory := math.MaxInt, uint64(math.MaxUint64)
	processors := math.MaxInt
	for _, d := range devices {
		smallest, memory, processors = min(smallest, d.SharedMax), min(memory, d.Free), min(processors, d.Processors)
	}
	p.blockWarps = warpsPerBlock
	if p.Concurrency > 0 {
		p.blockWarps = min(p.Concurrency, warpsPerBlock)
	}
	for ; p.blockWarps*p.sharedBytes > smallest; p.blockWarps /= 2 {
		if p.blockWarps == 1 {
			return p, &wire.Fault{Code: wire.BadRequest, Message: fmt.Sprintf(
				"a window of %d words of %d components takes %d bytes of shared memory, the device has %d", t.Window, t.Dim, p.sharedBytes, smallest)}
		}
	}
	if p.Concurrency == 0 {
		p.Concurrency = min(warpsPerProcessor*processors, maxConcurrency)
	}
	if p.Cap == 0 {
		p.Cap = defaultCap
	}
	p.blocks = (p.Concurrency + p.blockWarps - 1) / p.blockWarps
	p.Concurrency = p.blocks * p.blockWarps
	weights := 2 * 4 * int64(t.Words) * int64(p.rowFloats())
	corpus := float64(4*t.Tokens + 4*t.Sentences)
	p.resident = t.Epochs > 1 && corpus < residentShare*(float64(memory)-float64(weights)-float64(p.workingBytes()))
	return p, nil
}

func (p plan) rowFloats() int { return p.quads * kernel.QuadFloats }

// workingBytes is what a device holds beside weights and resident blocks.
func (p plan) workingBytes() int64 {
	bytes := int64(p.Words) * 4 * 5 // keep, aliases and caps
	for _, s := range p.Slots {
		bytes += s.Tokens.Length + s.Ends.Length
	}
	return bytes
}

// The words of part i are i, i+parts, i+2*parts...: words are sorted by frequency, so all parts are about as frequent. On the
// devices they lie side by side.

func (p plan) partStart(part int) int {
	whole, rest := p.Words/p.parts, p.Words%p.parts
	return part*whole + min(part, rest)
}

// place is where a word lies on the devices.
func (p plan) place(word int) int {
	if p.parts == 1 {
		return word
	}
	return p.partStart(word%p.parts) + word/p.parts
}

// wordAt is the word that lies at a place.
func (p plan) wordAt(part, index int) int { return index*p.parts + part }

// describe lists the devices, with the kernels that each can run.
func describe(threads []*driver.Thread) ([]wire.Device, error) {
	all := make([]wire.Device, len(threads))
	for i, t := range threads {
		err := t.Do(func(d *driver.Device) error {
			var err error
			all[i], err = d.Info()
			return err
		})
		if err != nil {
			return nil, err
		}
		if name, _, err := kernel.Image(all[i].Major, all[i].Minor); err == nil {
			all[i].Kernels = name
		}
	}
	return all, nil
}
