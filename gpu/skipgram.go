package gpu

import (
	"context"

	"github.com/spurwheel/spurwheel/gpu/wire"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// SkipGram says how to train: skip-gram with negative examples shared by the neighbours of a word.
type SkipGram struct {
	Dim, Window, Negative, Epochs int
	Sample, Alpha, MinAlpha       float64
	Seed                          uint64
	Counts                        []uint64 // occurrences of each word, which also says how many words there are
	Tokens, Sentences             int64    // of one epoch; Sentences may be an estimate
	Concurrency                   int      // sentences trained at the same time; 0: as many as the device does well
	Cap                           float64  // concurrent gradients per row; 0: a good one, below 0: none
	Devices                       int      // at most; 0: all
	SlotTokens                    int      // words handed over at a time; 0: DefaultSlot
}

// DefaultSlot is a tenth of a second of training on a fast device, and 64 MiB.
const DefaultSlot = 16 << 20

// slotCount lets the parent fill one slot while the helper copies another.
const slotCount = 2

// Weights are the rows of both matrices, one after the other without padding; they are trained in place.
type Weights struct {
	In, Out []float32 // words x dim
}

// Corpus is what is trained on, epoch by epoch.
type Corpus interface {
	// Open starts an epoch, after its first skip words. The same epoch has the same sentences in the same order.
	Open(ctx context.Context, epoch int, skip int64) (Sentences, error)
}

// Sentences is an epoch under way.
type Sentences interface {
	// Next returns sentences of word ids, sentence i being tokens[ends[i-1]:ends[i]]; a bare io.EOF ends them. The slices are
	// good until the next call.
	Next(ctx context.Context) (tokens, ends []int32, err error)
	Close() error
}

// Position is how far a training has come: whole epochs, and words of the epoch under way.
type Position struct {
	Epoch int
	Words int64
}

// Progress is what a watcher is told after every block.
type Progress struct {
	Position
	Trained       int64   // words left after sub-sampling, in this call
	Words         int64   // words in this call, before sub-sampling
	Loss          float64 // mean over a sample of the scored pairs of the last block
	DeviceSeconds float64 // that the device has worked, in this call
	Plan          Plan
}

// Plan is what the helper has chosen.
type Plan struct {
	Resident    bool // the corpus stays on the device
	Concurrency int
	Cap         float64
	Devices     int
	Kernels     string
}

// TrainSkipGram trains from a position on. When ctx ends, it finishes what is under way, about two blocks, and returns its
// error; the weights are those of the position that it returns. After any other error the weights are not usable, and after one
// of kind Lost or Unavailable neither is the helper. watch must not block.
func (h *Helper) TrainSkipGram(ctx context.Context, s SkipGram, c Corpus, w Weights, from Position, watch func(Progress)) (Position, error) {
	h.call.Lock()
	defer h.call.Unlock()
	defer h.killIfStuck(ctx)()
	t := &training{helper: h, SkipGram: s, corpus: c, watch: watch, at: from, sent: from}
	if err := t.layOut(w); err != nil {
		return from, err
	}
	defer t.memory.Close()
	if err := h.socket.Send(wire.TypeTrain, t.request, t.memory.File()); err != nil {
		return from, h.gone()
	}
	var ready wire.Ready
	if err := h.expect(context.WithoutCancel(ctx), wire.TypeReady, &ready); err != nil {
		return from, err
	}
	t.plan = Plan(ready)
	err := t.run(ctx)
	if err != nil && ctx.Err() == nil {
		return from, t.abandon(err)
	}
	if ending := t.end(); ending != nil {
		return from, t.abandon(ending)
	}
	copy(w.In, wire.Slice[float32](t.memory, t.request.In))
	copy(w.Out, wire.Slice[float32](t.memory, t.request.Out))
	return t.at, errs.E(errs.Canceled, "gpu.TrainSkipGram", err)
}

// training is one call of TrainSkipGram.
type training struct {
	SkipGram
	helper   *Helper
	corpus   Corpus
	watch    func(Progress)
	memory   *wire.Memory
	request  wire.Train
	plan     Plan
	free     []int        // slots
	flying   []wire.Block // sent and not reported
	resident []wire.Block // of a whole epoch
	at, sent Position     // reported and sent
	progress Progress
}

// layOut makes the shared memory and the request.
func (t *training) layOut(w Weights) error {
	words := len(t.Counts)
	if len(w.In) != words*t.Dim || len(w.Out) != words*t.Dim {
		return errs.Errorf(errs.Invalid, "gpu.TrainSkipGram", "weights of %d and %d floats for %d words of %d", len(w.In), len(w.Out), words, t.Dim)
	}
	if t.SlotTokens == 0 {
		t.SlotTokens = int(min(DefaultSlot, max(t.Tokens, 1)))
	}
	var plan wire.Plan
	t.request = wire.Train{
		Words: words, Dim: t.Dim, Window: t.Window, Negative: t.Negative, Epochs: t.Epochs, Sample: t.Sample,
		Alpha: t.Alpha, MinAlpha: t.MinAlpha, Seed: t.Seed, Tokens: t.Tokens, Sentences: t.Sentences,
		Seen: int64(t.at.Epoch)*t.Tokens + t.at.Words, Concurrency: t.Concurrency, Cap: t.Cap, Devices: t.Devices,
		Counts: plan.Add(8 * int64(words)), In: plan.Add(4 * int64(len(w.In))), Out: plan.Add(4 * int64(len(w.Out))),
	}
	for i := range slotCount {
		t.request.Slots = append(t.request.Slots, wire.Slot{
			Tokens: plan.Add(4 * int64(t.SlotTokens)), Ends: plan.Add(4 * int64(t.SlotTokens)),
		})
		t.free = append(t.free, i)
	}
	if err := t.request.Validate(); err != nil {
		return errs.E(errs.Invalid, "gpu.TrainSkipGram", err)
	}
	var err error
	if t.memory, err = wire.NewMemory(plan.Size()); err != nil {
		return err
	}
	copy(wire.Slice[uint64](t.memory, t.request.Counts), t.Counts)
	copy(wire.Slice[float32](t.memory, t.request.In), w.In)
	copy(wire.Slice[float32](t.memory, t.request.Out), w.Out)
	return nil
}

// run feeds all epochs.
func (t *training) run(ctx context.Context) error {
	for t.sent.Epoch < t.Epochs {
		var err error
		if len(t.resident) > 0 {
			err = t.replay(ctx)
		} else {
			err = t.feed(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// feed reads one epoch and hands it over.
func (t *training) feed(ctx context.Context) error {
	whole := t.sent.Words == 0
	sentences, err := t.corpus.Open(ctx, t.sent.Epoch, t.sent.Words)
	if err != nil {
		return err
	}
	defer sentences.Close()
	f := filler{training: t, sentences: sentences}
	var kept []wire.Block
	for first := int64(0); ; {
		if err := t.waitSlot(ctx); err != nil {
			return err
		}
		b, err := f.fill(ctx)
		if err != nil {
			return err
		}
		if b.Tokens == 0 {
			break
		}
		b.Epoch, b.First, b.Resident, b.Keep = t.sent.Epoch, first, -1, whole && t.plan.Resident
		first += int64(b.Sentences)
		t.free = t.free[1:]
		if err := t.send(b); err != nil {
			return err
		}
		if b.Keep {
			b.Resident, b.Keep = len(kept), false
			kept = append(kept, b)
		}
	}
	t.resident = kept
	return t.nextEpoch()
}

// replay has the helper train the blocks that it keeps.
func (t *training) replay(ctx context.Context) error {
	for _, b := range t.resident {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.Epoch = t.sent.Epoch
		if err := t.send(b); err != nil {
			return err
		}
	}
	return t.nextEpoch()
}

// maxFlying bounds the blocks that have been sent and not reported, so that a cancel comes soon. It is one more than the helper
// has under way, which reports a block when it is sent the next but one.
const maxFlying = 3

func (t *training) send(b wire.Block) error {
	for len(t.flying) == maxFlying {
		if err := t.next(); err != nil {
			return err
		}
	}
	if err := t.helper.socket.Send(wire.TypeBlock, &b, nil); err != nil {
		return t.next() // the fault that made the helper go, if it sent one
	}
	t.flying = append(t.flying, b)
	t.sent.Words += int64(b.Tokens)
	return nil
}

func (t *training) nextEpoch() error {
	if t.sent.Words == 0 {
		return errs.Errorf(errs.Invalid, "gpu.TrainSkipGram", "epoch %d has no words", t.sent.Epoch)
	}
	t.sent = Position{Epoch: t.sent.Epoch + 1}
	return nil
}

func (t *training) waitSlot(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for len(t.free) == 0 {
		if err := t.next(); err != nil {
			return err
		}
	}
	return nil
}

// next takes one message of the helper.
func (t *training) next() error {
	frame, ok := <-t.helper.frames
	if !ok {
		return t.helper.gone()
	}
	switch frame.Type {
	case wire.TypeFree:
		var f wire.Free
		if err := wire.Decode(frame, &f); err != nil {
			return err
		}
		t.free = append(t.free, f.Slot)
		return nil
	case wire.TypeTrained:
		var r wire.Trained
		if err := wire.Decode(frame, &r); err != nil {
			return err
		}
		return t.report(r)
	default:
		return t.helper.unexpected(frame)
	}
}

// report moves the position behind the oldest block.
func (t *training) report(r wire.Trained) error {
	if len(t.flying) == 0 {
		return errs.Errorf(errs.Internal, "gpu.TrainSkipGram", "the helper reports a block that it was not sent")
	}
	b := t.flying[0]
	t.flying = t.flying[1:]
	if b.Epoch > t.at.Epoch {
		t.at = Position{Epoch: b.Epoch}
	}
	t.at.Words += int64(b.Tokens)
	if t.at.Words >= t.Tokens {
		t.at = Position{Epoch: b.Epoch + 1}
	}
	p := &t.progress
	p.Position, p.Plan = t.at, t.plan
	p.Trained += r.Trained
	p.Words += int64(b.Tokens)
	p.DeviceSeconds += r.Seconds
	if r.Losses > 0 {
		p.Loss = r.Loss / r.Losses
	}
	if t.watch != nil {
		t.watch(*p)
	}
	return nil
}

// end finishes what is under way and has the helper write the weights.
func (t *training) end() error {
	if err := t.helper.socket.Send(wire.TypeEnd, wire.Empty{}, nil); err != nil {
		return t.next()
	}
	for len(t.flying) > 0 {
		if err := t.next(); err != nil {
			return err
		}
	}
	for {
		frame, ok := <-t.helper.frames
		switch {
		case !ok:
			return t.helper.gone()
		case frame.Type == wire.TypeFree:
			continue
		case frame.Type == wire.TypeDone:
			return wire.Decode(frame, &wire.Empty{})
		}
		return t.helper.unexpected(frame)
	}
}

// abandon brings the helper back into a state in which it takes calls, and returns err.
func (t *training) abandon(err error) error {
	if t.helper.socket.Send(wire.TypeEnd, wire.Empty{}, nil) == nil {
		t.helper.settle()
	}
	return err
}
