package work

import (
	"fmt"
	"math"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/driver"
	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/table"
	"github.com/spurwheel/spurwheel/gpu/wire"
)

// Training is a skip-gram training under way. It is used by one goroutine.
//
// On several devices the words are split into as many parts. In every round of a block, device d trains the pairs whose
// neighbour is in part d and whose word is in another part for each device; after as many rounds as there are devices, every
// pair of the block has been trained once. No row is ever on two devices, so nothing is averaged and nothing conflicts.
type Training struct {
	plan    plan
	memory  *wire.Memory
	threads []*driver.Thread
	lanes   []*lane
	pending []wire.Block // sent to the devices and not reported, at most inFlight
	next    int          // buffer of the next block
	kept    int          // blocks that are resident
}

// NewTraining lays the training out, compiles the kernels and copies weights and tables to the devices.
func (d *Devices) NewTraining(t wire.Train, memory *wire.Memory) (*Training, *wire.Ready, error) {
	threads, devices, err := d.usable(t.Devices)
	if err != nil {
		return nil, nil, err
	}
	for len(threads) > t.Words { // a part is never empty
		threads, devices = threads[:t.Words], devices[:t.Words]
	}
	p, err := newPlan(t, devices)
	if err != nil {
		return nil, nil, err
	}
	tr := &Training{plan: p, memory: memory, threads: threads}
	tables := newTables(p, wire.Slice[uint64](memory, t.Counts))
	for i, thread := range threads {
		err := thread.Do(func(dev *driver.Device) error { return tr.openLane(dev, devices[i], i, tables) })
		if err != nil {
			tr.Close()
			return nil, nil, err
		}
	}
	return tr, &wire.Ready{Resident: p.resident, Concurrency: p.Concurrency, Cap: p.Cap, Devices: p.parts, Kernels: p.kernels}, nil
}

func (t *Training) openLane(dev *driver.Device, info wire.Device, part int, tables tables) error {
	l, err := openLane(dev, info, t.plan, part)
	if err != nil {
		return err
	}
	t.lanes = append(t.lanes, l)
	if err := l.uploadTables(tables); err != nil {
		return err
	}
	if err := l.uploadWeights(l.in, wire.Slice[float32](t.memory, t.plan.In)); err != nil {
		return err
	}
	return l.uploadWeights(l.out, wire.Slice[float32](t.memory, t.plan.Out))
}

// Close gives back what the training holds on the devices.
func (t *Training) Close() {
	for i, l := range t.lanes {
		_ = t.threads[i].Do(func(*driver.Device) error { l.close(); return nil })
	}
}

// each runs f for every device on its thread, one after the other; work that f queues runs side by side.
func (t *Training) each(f func(*lane) error) error {
	for i, l := range t.lanes {
		if err := t.threads[i].Do(func(*driver.Device) error { return f(l) }); err != nil {
			return err
		}
	}
	return nil
}

// Block queues a block. free is called as soon as its slot may be filled again, trained for each block that is done.
func (t *Training) Block(b wire.Block, free func() error, trained func(*wire.Trained) error) error {
	if err := t.check(b); err != nil {
		return err
	}
	if len(t.pending) == inFlight {
		if err := t.finishOldest(trained); err != nil {
			return err
		}
	}
	number := t.next
	t.next = (t.next + 1) % inFlight
	if err := t.place(&b, number); err != nil {
		return err
	}
	if err := free(); err != nil {
		return err
	}
	t.pending = append(t.pending, b)
	return t.rounds(b, number)
}

func (t *Training) check(b wire.Block) error {
	bad := func(format string, args ...any) error {
		return &wire.Fault{Code: wire.BadRequest, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case b.Resident >= t.kept:
		return bad("block %d is not resident", b.Resident)
	case b.Resident >= 0:
		return nil
	case b.Slot >= len(t.plan.Slots):
		return bad("slot %d of %d", b.Slot, len(t.plan.Slots))
	case b.Keep && !t.plan.resident:
		return bad("this training keeps no blocks")
	}
	slot := t.plan.Slots[b.Slot]
	if int64(b.Tokens)*4 > slot.Tokens.Length || int64(b.Sentences)*4 > slot.Ends.Length {
		return bad("block of %d tokens and %d sentences is larger than its slot", b.Tokens, b.Sentences)
	}
	if i := checkEnds(wire.Slice[uint32](t.memory, slot.Ends)[:b.Sentences], uint32(b.Tokens)); i >= 0 {
		return bad("sentence %d of a block of %d tokens ends out of order", i, b.Tokens)
	}
	return nil
}

// checkEnds returns the first sentence that does not end at or after its predecessor and within the tokens; -1 if all do.
func checkEnds(ends []uint32, tokens uint32) int {
	last := uint32(0)
	for i, e := range ends {
		if e < last || e > tokens {
			return i
		}
		last = e
	}
	if last != tokens {
		return len(ends) - 1
	}
	return -1
}

// place brings the block into device memory, or finds it there.
func (t *Training) place(b *wire.Block, number int) error {
	if b.Resident >= 0 {
		return t.each(func(l *lane) error {
			index, epoch := b.Resident, b.Epoch
			*b = l.resident[index].block
			b.Resident, b.Epoch = index, epoch
			return nil
		})
	}
	slot := t.plan.Slots[b.Slot]
	tokens := wire.Slice[uint32](t.memory, slot.Tokens)[:b.Tokens]
	ends := wire.Slice[uint32](t.memory, slot.Ends)[:b.Sentences]
	err := t.each(func(l *lane) error { return l.send(*b, number, tokens, ends) })
	if b.Keep {
		b.Resident = t.kept
		t.kept++
	}
	return err
}

// send stages a block and queues its copy to the device.
func (l *lane) send(b wire.Block, number int, tokens, ends []uint32) error {
	buf := &l.buffers[number]
	staged := driver.As[uint32](buf.staging.Bytes)
	if i := l.plan.translate(staged[:len(tokens)], tokens); i >= 0 {
		return &wire.Fault{Code: wire.BadRequest, Message: fmt.Sprintf("token %d is %d, the vocabulary has %d words", i, tokens[i], l.plan.Words)}
	}
	copy(staged[len(tokens):], ends)
	at := resident{tokens: buf.tokens, ends: buf.ends, block: b}
	if b.Keep {
		var err error
		if at.tokens, err = l.alloc(4 * int64(len(tokens))); err != nil {
			return err
		}
		if at.ends, err = l.alloc(4 * int64(len(ends))); err != nil {
			return err
		}
		l.resident = append(l.resident, at)
	}
	if err := l.copies.Upload(at.tokens, buf.staging.Bytes[:4*len(tokens)]); err != nil {
		return err
	}
	if err := l.copies.Upload(at.ends, buf.staging.Bytes[4*len(tokens):4*(len(tokens)+len(ends))]); err != nil {
		return err
	}
	if err := l.copies.Record(buf.sent); err != nil {
		return err
	}
	return l.compute.After(buf.sent)
}

// translate writes the places of words; it returns the first token that is no word, or -1.
func (p plan) translate(to, from []uint32) int {
	words := uint32(p.Words)
	if p.parts == 1 {
		for i, w := range from {
			if w >= words {
				return i
			}
			to[i] = w
		}
		return -1
	}
	for i, w := range from {
		if w >= words {
			return i
		}
		to[i] = uint32(p.place(int(w)))
	}
	return -1
}

// rounds queues the training of a block: one launch on one device, or as many rounds as there are devices.
func (t *Training) rounds(b wire.Block, number int) error {
	for round := range t.plan.parts {
		first, last := round == 0, round == t.plan.parts-1
		if err := t.each(func(l *lane) error { return l.launch(b, number, round, first, last) }); err != nil {
			return err
		}
		if t.plan.parts > 1 {
			if err := t.exchange(round); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lane) launch(b wire.Block, number, round int, first, last bool) error {
	buf := &l.buffers[number]
	if first {
		if err := l.compute.Record(buf.begun); err != nil {
			return err
		}
		if err := l.compute.Zero(l.counters+trainedAt, nextAt-trainedAt); err != nil {
			return err
		}
	}
	if err := l.compute.Zero(l.counters+nextAt, 4); err != nil {
		return err
	}
	args := l.args(b, number, (l.part+round)%l.plan.parts)
	shared := l.plan.blockWarps * l.plan.sharedBytes
	if err := driver.Launch(l.compute, l.kernel, l.arguments, args, l.plan.blocks, l.plan.blockWarps*kernel.WarpLanes, shared); err != nil {
		return err
	}
	if !last {
		return nil
	}
	if err := l.compute.Download(buf.stats.Bytes, l.counters); err != nil {
		return err
	}
	return l.compute.Record(buf.done)
}

func (l *lane) args(b wire.Block, number, target int) kernel.SkipGramArgs {
	p := l.plan
	tokens, ends := l.buffers[number].tokens, l.buffers[number].ends
	if b.Resident >= 0 {
		tokens, ends = l.resident[b.Resident].tokens, l.resident[b.Resident].ends
	}
	sample, draw := table.Keys(p.Seed, b.Epoch)
	all := float64(p.Tokens) * float64(p.Epochs) * float64(p.parts) // every device sees every word in every round
	return kernel.SkipGramArgs{
		Tokens: uint64(tokens), Ends: uint64(ends), In: uint64(l.in), Out: uint64(l.out),
		Keep: uint64(l.keep), Aliases: uint64(l.aliases[target]), CapIn: uint64(l.capIn), CapOut: uint64(l.capOut),
		NextSentence: uint64(l.counters + nextAt), WordsSeen: uint64(l.counters + seenAt),
		WordsTrained: uint64(l.counters + trainedAt), Loss: uint64(l.counters + lossAt),
		Sentences: uint32(b.Sentences), FirstSentence: uint32(b.First),
		Window: uint32(p.Window), Negative: uint32(p.Negative), KeySample: sample, KeyDraw: draw,
		Alpha: float32(p.Alpha), MinAlpha: float32(p.MinAlpha), PerWord: float32(1 / all),
		ContextFrom: uint32(p.partStart(l.part)), ContextTo: uint32(p.partStart(l.part + 1)),
		TargetFrom: uint32(p.partStart(target)), TargetTo: uint32(p.partStart(target + 1)),
		SharedFloats: uint32(p.sharedBytes / 4),
	}
}

// exchange hands the output rows that each device has trained in a round to the device that trains them in the next one.
func (t *Training) exchange(round int) error {
	err := t.each(func(l *lane) error {
		from, bytes := l.partRows((l.part + round) % t.plan.parts)
		return l.compute.Download(l.handed.Bytes[:bytes], from)
	})
	if err == nil {
		err = t.each(func(l *lane) error { return l.compute.Wait() })
	}
	if err == nil {
		err = t.each(func(l *lane) error {
			// The device of the next part of the input rows has trained the output rows that are wanted.
			to, bytes := l.partRows((l.part + round + 1) % t.plan.parts)
			return l.compute.Upload(to, t.lanes[(l.part+1)%t.plan.parts].handed.Bytes[:bytes])
		})
	}
	if err == nil {
		err = t.each(func(l *lane) error { return l.compute.Wait() })
	}
	return err
}

// partRows is where the output rows of a part lie.
func (l *lane) partRows(part int) (at driver.Pointer, bytes int64) {
	row := int64(4 * l.plan.rowFloats())
	start := int64(l.plan.partStart(part))
	return l.out + driver.Pointer(row*start), row * (int64(l.plan.partStart(part+1)) - start)
}

// finishOldest waits for the block that was sent first and reports it.
func (t *Training) finishOldest(trained func(*wire.Trained) error) error {
	b := t.pending[0]
	number := (t.next - len(t.pending) + inFlight) % inFlight
	report := &wire.Trained{Epoch: b.Epoch, Tokens: b.Tokens}
	err := t.each(func(l *lane) error {
		buf := &l.buffers[number]
		if err := buf.done.Wait(); err != nil {
			return err
		}
		ms, err := buf.done.Milliseconds(buf.begun)
		report.Seconds = max(report.Seconds, ms/1000)
		if l.part == 0 {
			report.Trained = int64(driver.As[uint64](buf.stats.Bytes)[trainedAt/8]) / int64(t.plan.parts)
		}
		loss := driver.As[float32](buf.stats.Bytes[lossAt:])
		report.Loss, report.Losses = report.Loss+float64(loss[0]), report.Losses+float64(loss[1])
		return err
	})
	if err != nil {
		return err
	}
	t.pending = t.pending[1:]
	if math.IsNaN(report.Loss) || math.IsInf(report.Loss, 0) {
		report.Loss, report.Losses = math.MaxFloat32, 1 // numbers that a message can carry
	}
	return trained(report)
}

// Fetch finishes all blocks and copies the weights into shared memory.
func (t *Training) Fetch(trained func(*wire.Trained) error) error {
	for len(t.pending) > 0 {
		if err := t.finishOldest(trained); err != nil {
			return err
		}
	}
	in, out := wire.Slice[float32](t.memory, t.plan.In), wire.Slice[float32](t.memory, t.plan.Out)
	return t.each(func(l *lane) error {
		if err := l.downloadWeights(l.in, in, l.part, l.part+1); err != nil {
			return err
		}
		// Between blocks, the output rows of a part are on the device that trains this part of the input rows too.
		return l.downloadWeights(l.out, out, l.part, l.part+1)
	})
}
