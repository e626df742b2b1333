package interp

import (
	"encoding/binary"
	"fmt"
	"math"
)

const lanes = 32

// Launch is a grid of one-dimensional blocks and the memory that it works on.
type Launch struct {
	Blocks, Threads int // Threads of a block, a multiple of 32
	SharedBytes     int // of a block
	Param           []byte
	Global          *Memory
}

// Memory is device memory, which tests fill and read.
type Memory struct{ bytes []byte }

// NewMemory makes device memory.
func NewMemory(bytes int) *Memory { return &Memory{bytes: make([]byte, bytes)} }

// warp is 32 lanes under way.
type warp struct {
	*Kernel
	launch        *Launch
	shared        []byte
	block, number int
	regs          [lanes][]uint64
	pc            [lanes]int
	ended         [lanes]bool
	steps         int
}

// maxSteps ends a kernel that does not end by itself.
const maxSteps = 1 << 30

// Run runs all warps, one after the other: our kernels wait for no other warp.
func (k *Kernel) Run(l *Launch) error {
	for block := range l.Blocks {
		shared := make([]byte, l.SharedBytes)
		for number := range l.Threads / lanes {
			w := &warp{Kernel: k, launch: l, shared: shared, block: block, number: number}
			for lane := range w.regs {
				w.regs[lane] = make([]uint64, k.registers)
				for s, v := range []int{number*lanes + lane, l.Threads, block, l.Blocks} { // in the order of specials
					w.regs[lane][k.special[specials[s]]] = uint64(v)
				}
			}
			if err := w.run(); err != nil {
				return fmt.Errorf("block %d warp %d: %w", block, number, err)
			}
		}
	}
	return nil
}

// run lets every lane go to its next meeting point and then carries that out for all of them.
func (w *warp) run() error {
	for {
		at := -1
		for lane := range lanes {
			if w.ended[lane] {
				continue
			}
			if err := w.runLane(lane); err != nil {
				return fmt.Errorf("lane %d: %q: %w", lane, w.code[w.pc[lane]].text, err)
			}
			if w.ended[lane] {
				continue
			}
			if at >= 0 && at != w.pc[lane] {
				return fmt.Errorf("lanes meet at %q and %q", w.code[at].text, w.code[w.pc[lane]].text)
			}
			at = w.pc[lane]
		}
		if at < 0 {
			return nil
		}
		for lane := range lanes {
			if w.ended[lane] {
				return fmt.Errorf("lane %d has ended before %q", lane, w.code[at].text)
			}
			w.pc[lane]++
		}
		if err := w.meet(&w.code[at]); err != nil {
			return err
		}
	}
}

func (w *warp) runLane(lane int) error {
	for {
		if w.pc[lane] >= len(w.code) {
			return fmt.Errorf("ran over the end")
		}
		in := &w.code[w.pc[lane]]
		if w.steps++; w.steps > maxSteps {
			return fmt.Errorf("does not end")
		}
		if in.guard >= 0 && (w.regs[lane][in.guard] != 0) == in.negated {
			w.pc[lane]++
			continue
		}
		switch in.op {
		case "ret":
			w.ended[lane] = true
			return nil
		case "bra":
			w.pc[lane] = in.branchTo
			continue
		case "shfl", "vote", "mma":
			return nil
		case "bar":
			if in.mods[0] != "warp" {
				return fmt.Errorf("a barrier of the block")
			}
			return nil
		}
		if err := w.step(in, lane); err != nil {
			return err
		}
		w.pc[lane]++
	}
}

func (w *warp) value(a operand, lane int) uint64 {
	if a.kind == register {
		return w.regs[lane][a.reg]
	}
	return a.value
}

func (w *warp) float(a operand, lane int) float32 {
	return math.Float32frombits(uint32(w.value(a, lane)))
}

func (w *warp) set(a operand, lane int, v uint64) { w.regs[lane][a.reg] = v }

func (w *warp) setFloat(a operand, lane int, v float32) {
	w.regs[lane][a.reg] = uint64(math.Float32bits(v))
}

// at is the memory of an access.
func (w *warp) at(a operand, lane, size int) ([]byte, error) {
	address := a.value
	if a.reg >= 0 {
		address += w.regs[lane][a.reg]
	}
	var space []byte
	switch address &^ spaceMask {
	case globalBase:
		space = w.launch.Global.bytes
	case sharedBase:
		space = w.shared
	case paramBase:
		space = w.launch.Param
	}
	offset := int(address & spaceMask)
	if offset%size != 0 {
		return nil, fmt.Errorf("access of %d bytes at %#x is not aligned", size, address)
	}
	if offset+size > len(space) {
		return nil, fmt.Errorf("access of %d bytes at %#x is outside of %d", size, address, len(space))
	}
	return space[offset : offset+size], nil
}

// meet carries an instruction out for which all lanes have come together.
func (w *warp) meet(in *instruction) error {
	switch in.op {
	case "bar":
		return nil
	case "vote":
		mask := uint64(0)
		for lane := range lanes {
			mask |= (w.value(in.args[1], lane) & 1) << lane
		}
		for lane := range lanes {
			w.set(in.args[0], lane, mask)
		}
		return nil
	case "shfl":
		var from [lanes]uint64
		for lane := range lanes {
			other := int(w.value(in.args[2], lane)) & (lanes - 1)
			if in.mods[1] == "bfly" {
				other ^= lane
			} else if in.mods[1] != "idx" {
				return fmt.Errorf("%q", in.text)
			}
			from[lane] = w.value(in.args[1], other)
		}
		for lane := range lanes {
			w.set(in.args[0], lane, from[lane])
		}
		return nil
	case "mma":
		return w.mma(in)
	}
	return fmt.Errorf("%q", in.text)
}

// mma is m16n8k8 of tf32, with the fragments of the PTX manual.
func (w *warp) mma(in *instruction) error {
	if len(in.args) != 14 || in.mods[2] != "m16n8k8" {
		return fmt.Errorf("%q", in.text)
	}
	var a [16][8]float64
	var b [8][8]float64
	for lane := range lanes {
		group, inside := lane>>2, lane&3
		for r := range 4 {
			a[group+8*(r&1)][inside+4*(r>>1)] = tf32(w.value(in.args[4+r], lane))
		}
		for r := range 2 {
			b[inside+4*r][group] = tf32(w.value(in.args[8+r], lane))
		}
	}
	for lane := range lanes {
		for r := range 4 {
			row, column := lane>>2+8*(r>>1), 2*(lane&3)+r&1
			sum := float64(w.float(in.args[10+r], lane))
			for k := range 8 {
				sum += a[row][k] * b[k][column]
			}
			w.setFloat(in.args[r], lane, float32(sum))
		}
	}
	return nil
}

// tf32 is what the tensor cores read of a float.
func tf32(bits uint64) float64 { return float64(math.Float32frombits(uint32(bits) &^ 0x1fff)) }

// Alloc places floats or words in device memory and returns their address.
func Alloc[T float32 | uint32 | uint64](m *Memory, values ...T) uint64 {
	const alignment = 256
	for len(m.bytes)%alignment != 0 {
		m.bytes = append(m.bytes, 0)
	}
	at := len(m.bytes)
	var err error
	if m.bytes, err = binary.Append(m.bytes, binary.LittleEndian, values); err != nil {
		panic("interp: " + err.Error()) // T has a fixed size
	}
	return globalBase + uint64(at)
}

// Read copies values back from an address that Alloc has returned.
func Read[T float32 | uint32 | uint64](m *Memory, at uint64, values []T) error {
	_, err := binary.Decode(m.bytes[at&spaceMask:], binary.LittleEndian, values)
	return err
}
