package parquet

import (
	"encoding/binary"
	"math"

	"github.com/parquet-go/bitpack"
)

// unpackSlack is how many readable bytes bitpack.Unpack wants behind its input.
const unpackSlack = bitpack.PaddingInt32

// unpackStep is the most values unpacked at once into scratch.
const unpackStep = 1024

var (
	errRunShort = &damage{"run-length data ends too early"}
	errRunBad   = &damage{"run-length data is malformed"}
)

// hybrid decodes the mix of run-length and bit-packed runs that levels,
// dictionary codes and booleans are stored in. It stops anywhere and skips
// without unpacking.
type hybrid struct {
	src   []byte // the rest, after the current run
	width uint
	left  int // values left in the current run
	// Current run: a repeated value, or packed bits of which at are used.
	packed  []byte
	at      int
	value   int32
	rle     bool
	scratch *[unpackStep + 16]int32
	pad     *[(unpackStep+16)*4 + unpackSlack]byte
}

// reset starts at src. Width 0 means zeros without end.
func (h *hybrid) reset(src []byte, width uint) error {
	if width > 32 {
		return errRunBad
	}
	h.src, h.width, h.left, h.packed, h.at, h.rle, h.value = src, width, 0, nil, 0, true, 0
	if width == 0 {
		h.left = math.MaxInt
	}
	return nil
}

func (h *hybrid) nextRun() error {
	for h.left == 0 {
		head, n := binary.Uvarint(h.src)
		if n == 0 {
			return errRunShort
		}
		if n < 0 || head>>1 > math.MaxInt32 {
			return errRunBad
		}
		h.src = h.src[n:]
		if head&1 == 0 {
			if err := h.repeated(int(head >> 1)); err != nil {
				return err
			}
			continue
		}
		// The last run may be cut short by writers that drop padding.
		size := min(head>>1*uint64(h.width), uint64(len(h.src)))
		h.rle, h.at = false, 0
		h.packed = h.src[:size:cap(h.src)]
		h.left = min(int(head>>1)*8, int(size)*8/int(h.width))
		h.src = h.src[size:]
		if h.left == 0 && head>>1 > 0 {
			return errRunShort
		}
	}
	return nil
}

func (h *hybrid) repeated(n int) error {
	size := int(h.width+7) / 8
	if size > len(h.src) {
		return errRunShort
	}
	var v uint32
	for i := range size {
		v |= uint32(h.src[i]) << (8 * i)
	}
	if h.width < 32 && v>>h.width != 0 {
		return errRunBad
	}
	h.src, h.left, h.rle, h.value = h.src[size:], n, true, int32(v)
	return nil
}

// allOnes tells whether the run at the start covers n values of 1.
func (h *hybrid) allOnes(n int) bool {
	return h.nextRun() == nil && h.rle && h.value == 1 && h.left >= n
}

// next fills dst.
func (h *hybrid) next(dst []int32) error {
	for len(dst) > 0 {
		if h.left == 0 {
			if err := h.nextRun(); err != nil {
				return err
			}
		}
		n := min(len(dst), h.left)
		if h.rle {
			for i := range dst[:n] {
				dst[i] = h.value
			}
		} else {
			n = h.unpack(dst[:n])
		}
		h.left -= n
		dst = dst[n:]
	}
	return nil
}

// unpack decodes the next values of a packed run: all of dst if the position
// is at a byte group and there is slack behind, else a piece through scratch.
func (h *hybrid) unpack(dst []int32) int {
	skew := h.at & 7
	from := h.at >> 3 * int(h.width)
	if skew == 0 && len(dst) >= 8 {
		n := len(dst) &^ 7
		need := (n*int(h.width) + 7) / 8
		if from+need+unpackSlack <= cap(h.packed) && from+need <= len(h.packed) {
			bitpack.Unpack(dst[:n], h.packed[from:from+need+unpackSlack], h.width)
			h.at += n
			return n
		}
	}
	if h.scratch == nil {
		h.scratch = new([unpackStep + 16]int32)
		h.pad = new([(unpackStep+16)*4 + unpackSlack]byte)
	}
	n := min(len(dst), unpackStep-skew)
	count := skew + n
	need := (count*int(h.width) + 7) / 8
	k := copy(h.pad[:need], h.packed[from:])
	clear(h.pad[k : need+unpackSlack])
	bitpack.Unpack(h.scratch[:count], h.pad[:need+unpackSlack], h.width)
	copy(dst[:n], h.scratch[skew:count])
	h.at += n
	return n
}

// skip passes over n values.
func (h *hybrid) skip(n int) error {
	for n > 0 {
		if h.left == 0 {
			if err := h.nextRun(); err != nil {
				return err
			}
		}
		k := min(n, h.left)
		if !h.rle {
			h.at += k
		}
		h.left -= k
		n -= k
	}
	return nil
}

// bits appends n values of width 1 to the bitmap dst at bit position at and
// counts the ones. Bits of dst from at on must be 0.
func (h *hybrid) bits(dst []uint64, at, n int) (ones int, err error) {
	for n > 0 {
		if h.left == 0 {
			if err := h.nextRun(); err != nil {
				return ones, err
			}
		}
		k := min(n, h.left)
		switch {
		case !h.rle:
			ones += copyPacked(dst, at, h.packed, h.at, k)
			h.at += k
		case h.value != 0:
			setBits(dst, at, k)
			ones += k
		}
		h.left -= k
		n -= k
		at += k
	}
	return ones, nil
}

func setBits(dst []uint64, at, n int) {
	for n > 0 {
		k := min(n, 64-at&63)
		dst[at>>6] |= ^uint64(0) >> uint(64-k) << uint(at&63)
		at += k
		n -= k
	}
}
