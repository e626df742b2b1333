package wire

import (
	"errors"
	"fmt"
	"math"
)

// Limits of a call. They bound what a confused peer can ask for, not what is sensible.
const (
	MaxWords    = 1 << 28 // word ids and row numbers, doubled, stay within 32 bits
	MaxDim      = 512     // the widest kernel
	MaxWindow   = 32      // the ring of a window lives in shared memory
	MaxNegative = 31      // one lane of a warp draws one example
	MaxSlots    = 8
	MaxEpochs   = 100_000
	MaxTop      = 128 // neighbours kept per query
	maxSection  = 1 << 42
)

// Hello opens the conversation.
type Hello struct{}

// Validate accepts every greeting.
func (Hello) Validate() error { return nil }

// Device is one device as its driver describes it.
type Device struct {
	Name       string `json:"name"`
	Major      int    `json:"major"` // compute capability
	Minor      int    `json:"minor"`
	Memory     uint64 `json:"memory"`
	Free       uint64 `json:"free"`
	Processors int    `json:"processors"`
	CacheBytes int    `json:"cache_bytes"` // second level
	SharedMax  int    `json:"shared_max"`  // shared memory that one block may ask for
	Kernels    string `json:"kernels"`     // the embedded code it runs: sm_70 or sm_90; empty if none
}

// Welcome answers Hello.
type Welcome struct {
	Driver  int      `json:"driver"` // 12010 is CUDA 12.1
	Devices []Device `json:"devices"`
}

// Validate checks what a parent relies on.
func (w *Welcome) Validate() error {
	if len(w.Devices) == 0 {
		return errors.New("no devices")
	}
	return nil
}

// Code says what went wrong on the other side.
type Code string

// The codes of a Fault.
const (
	NoDriver    Code = "no-driver"     // libcuda.so.1 is not there or does not start
	NoDevice    Code = "no-device"     // a driver without devices
	Capability  Code = "capability"    // the device is too old for the kernels, or the driver for their PTX
	OutOfMemory Code = "out-of-memory" // of the device
	DeviceLost  Code = "device-lost"   // the device or its context is unusable; a new helper may find it well
	Launch      Code = "launch"        // a kernel did not start
	BadRequest  Code = "bad-request"
	Failed      Code = "failed"
)

// Fault ends a call.
type Fault struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Validate checks that the fault says something.
func (f *Fault) Validate() error {
	if f.Code == "" {
		return errors.New("fault without code")
	}
	return nil
}

func (f *Fault) Error() string { return f.Message }

// Section is a part of the shared memory.
type Section struct {
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

func (s Section) check(name string, want int64) error {
	if s.Offset < 0 || s.Length < 0 || s.Offset > maxSection || s.Length > maxSection || s.Offset%8 != 0 {
		return fmt.Errorf("section %s lies at %d with %d bytes", name, s.Offset, s.Length)
	}
	if s.Length != want {
		return fmt.Errorf("section %s has %d bytes, not %d", name, s.Length, want)
	}
	return nil
}

// Slot is where blocks of sentences are handed over.
type Slot struct {
	Tokens Section `json:"tokens"` // uint32 each
	Ends   Section `json:"ends"`   // uint32 each
}

// Train starts a skip-gram training.
type Train struct {
	Words     int     `json:"words"`
	Dim       int     `json:"dim"`
	Window    int     `json:"window"`
	Negative  int     `json:"negative"`
	Epochs    int     `json:"epochs"`
	Sample    float64 `json:"sample"`
	Alpha     float64 `json:"alpha"`
	MinAlpha  float64 `json:"min_alpha"`
	Seed      uint64  `json:"seed"`
	Tokens    int64   `json:"tokens"`    // of one epoch
	Sentences int64   `json:"sentences"` // of one epoch; what the parent expects, for planning memory
	Seen      int64   `json:"seen"`      // tokens trained before, by a training that this one resumes
	// Concurrency is the number of sentences trained at the same time; 0 lets the helper choose.
	Concurrency int `json:"concurrency"`
	// Cap is the number of concurrent gradients that a row takes at full strength; 0 lets the helper choose, below 0 is no cap.
	Cap     float64 `json:"cap"`
	Devices int     `json:"devices"` // at most; 0 is all
	Counts  Section `json:"counts"`  // uint64 per word
	In      Section `json:"in"`      // float32, words x dim
	Out     Section `json:"out"`
	Slots   []Slot  `json:"slots"`
}

// Validate checks every number against its limits and every section against the numbers.
func (t *Train) Validate() error {
	for _, c := range []struct {
		name      string
		v, lo, hi int64
	}{
		{"words", int64(t.Words), 1, MaxWords},
		{"dim", int64(t.Dim), 1, MaxDim},
		{"window", int64(t.Window), 1, MaxWindow},
		{"negative", int64(t.Negative), 1, MaxNegative},
		{"epochs", int64(t.Epochs), 1, MaxEpochs},
		{"tokens", t.Tokens, 1, 1 << 48},
		{"sentences", t.Sentences, 0, math.MaxUint32},
		{"seen", t.Seen, 0, 1 << 62},
		{"concurrency", int64(t.Concurrency), 0, 1 << 16},
		{"devices", int64(t.Devices), 0, 64},
		{"slots", int64(len(t.Slots)), 1, MaxSlots},
	} {
		if c.v < c.lo || c.v > c.hi {
			return fmt.Errorf("%s is %d, outside of %d to %d", c.name, c.v, c.lo, c.hi)
		}
	}
	for _, f := range []float64{t.Sample, t.Alpha, t.MinAlpha, t.Cap} {
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return errors.New("a rate is not a number")
		}
	}
	if t.Sample < 0 || t.Alpha <= 0 || t.MinAlpha < 0 || t.MinAlpha > t.Alpha {
		return fmt.Errorf("sample %g, alpha %g, min alpha %g", t.Sample, t.Alpha, t.MinAlpha)
	}
	return t.validateSections()
}

func (t *Train) validateSections() error {
	weights := 4 * int64(t.Words) * int64(t.Dim)
	err := errors.Join(t.Counts.check("counts", 8*int64(t.Words)), t.In.check("in", weights), t.Out.check("out", weights))
	for i, s := range t.Slots {
		if s.Tokens.Length > 4<<30 || s.Ends.Length > 4<<30 || s.Tokens.Length%4 != 0 || s.Ends.Length%4 != 0 {
			err = errors.Join(err, fmt.Errorf("slot %d of %d and %d bytes", i, s.Tokens.Length, s.Ends.Length))
		}
		err = errors.Join(err, s.Tokens.check("tokens", s.Tokens.Length), s.Ends.check("ends", s.Ends.Length))
	}
	return err
}

// Sections lists all of them, to be checked against the size of the memory.
func (t *Train) Sections() []Section {
	all := []Section{t.Counts, t.In, t.Out}
	for _, s := range t.Slots {
		all = append(all, s.Tokens, s.Ends)
	}
	return all
}

// Ready answers Train.
type Ready struct {
	Resident    bool    `json:"resident"` // blocks stay on the device: later epochs name them instead of sending them
	Concurrency int     `json:"concurrency"`
	Cap         float64 `json:"cap"`
	Devices     int     `json:"devices"`
	Kernels     string  `json:"kernels"`
}

// Validate accepts every plan.
func (*Ready) Validate() error { return nil }

// Block hands over a block of sentences, or names one that is resident.
type Block struct {
	Slot      int   `json:"slot"`
	Resident  int   `json:"resident"` // -1: the slot holds it
	Keep      bool  `json:"keep"`     // make it resident; kept blocks are numbered from 0 in the order in which they came
	Epoch     int   `json:"epoch"`
	Tokens    int   `json:"tokens"`
	Sentences int   `json:"sentences"`
	First     int64 `json:"first"` // number of the first sentence in the epoch
}

// Validate checks the numbers that do not depend on the training.
func (b *Block) Validate() error {
	if b.Slot < 0 || b.Resident < -1 || b.Epoch < 0 || b.Tokens < 1 || b.Sentences < 1 || b.Sentences > b.Tokens ||
		b.First < 0 || b.First+int64(b.Sentences) > math.MaxUint32 {
		return fmt.Errorf("block %+v", *b)
	}
	return nil
}

// Free returns a slot.
type Free struct {
	Slot int `json:"slot"`
}

// Validate checks the sign; the parent knows how many slots there are.
func (f *Free) Validate() error {
	if f.Slot < 0 || f.Slot >= MaxSlots {
		return fmt.Errorf("slot %d", f.Slot)
	}
	return nil
}

// Trained tells that a block is done, in the order in which blocks were sent.
type Trained struct {
	Epoch   int     `json:"epoch"`
	Tokens  int     `json:"tokens"`
	Trained int64   `json:"trained"` // tokens left after sub-sampling
	Loss    float64 `json:"loss"`    // sum of the sampled losses
	Losses  float64 `json:"losses"`  // and their number
	Seconds float64 `json:"seconds"` // of device time
}

// Validate accepts every report.
func (*Trained) Validate() error { return nil }

// Empty is the body of messages that say everything by their type.
type Empty struct{}

// Validate accepts.
func (Empty) Validate() error { return nil }

// Assign asks for the nearest centre of every point by Euclidean distance.
type Assign struct {
	Points    int     `json:"points"`
	Centres   int     `json:"centres"`
	Dim       int     `json:"dim"`
	From      Section `json:"from"`      // float32, points x dim
	To        Section `json:"to"`        // float32, centres x dim
	Nearest   Section `json:"nearest"`   // uint32 per point, the answer
	Distances Section `json:"distances"` // float32 per point, squared, the answer
}

// Validate checks numbers and sections.
func (a *Assign) Validate() error {
	if a.Points < 1 || a.Points > MaxWords || a.Centres < 1 || a.Centres > MaxWords || a.Dim < 1 || a.Dim > 1<<16 {
		return fmt.Errorf("%d points, %d centres, %d components", a.Points, a.Centres, a.Dim)
	}
	return errors.Join(a.From.check("from", 4*int64(a.Points)*int64(a.Dim)), a.To.check("to", 4*int64(a.Centres)*int64(a.Dim)),
		a.Nearest.check("nearest", 4*int64(a.Points)), a.Distances.check("distances", 4*int64(a.Points)))
}

// Sections lists all of them.
func (a *Assign) Sections() []Section { return []Section{a.From, a.To, a.Nearest, a.Distances} }

// Nearest asks for the rows with the greatest scalar products with each query.
type Nearest struct {
	Queries int     `json:"queries"`
	Rows    int     `json:"rows"`
	Dim     int     `json:"dim"`
	Top     int     `json:"top"`
	From    Section `json:"from"`   // float32, queries x dim
	To      Section `json:"to"`     // float32, rows x dim
	IDs     Section `json:"ids"`    // uint32, queries x top, the answer, best first
	Scores  Section `json:"scores"` // float32, queries x top
}

// Validate checks numbers and sections.
func (n *Nearest) Validate() error {
	if n.Queries < 1 || n.Queries > MaxWords || n.Rows < 1 || n.Rows > MaxWords || n.Dim < 1 || n.Dim > 1<<16 ||
		n.Top < 1 || n.Top > MaxTop || n.Top > n.Rows {
		return fmt.Errorf("%d queries, %d rows, %d components, %d best", n.Queries, n.Rows, n.Dim, n.Top)
	}
	answer := 4 * int64(n.Queries) * int64(n.Top)
	return errors.Join(n.From.check("from", 4*int64(n.Queries)*int64(n.Dim)), n.To.check("to", 4*int64(n.Rows)*int64(n.Dim)),
		n.IDs.check("ids", answer), n.Scores.check("scores", answer))
}

// Sections lists all of them.
func (n *Nearest) Sections() []Section { return []Section{n.From, n.To, n.IDs, n.Scores} }
