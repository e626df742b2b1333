package zpage

import "github.com/klauspost/compress/huff0"

// maxBlock is the most bytes a block, and so its literals, can have.
const maxBlock = 128 << 10

const (
	litRaw = iota
	litRepeated
	litCoded
	litCodedAgain // with the table of an earlier block
)

// litHeader is the head of a block's literals.
type litHeader struct {
	kind, size   int
	packed       int // bytes of the coded form with its table
	streams, len int
}

func readLitHeader(b []byte) (h litHeader, err error) {
	var v uint64 // the header is at most 5 bytes
	for i := range min(len(b), 5) {
		v |= uint64(b[i]) << (8 * i)
	}
	format := int(v >> 2 & 3)
	h.kind, h.streams = int(v&3), 4
	if h.kind <= litRepeated {
		h.len = [4]int{1, 2, 1, 3}[format]
		shift := [4]int{3, 4, 3, 4}[format]
		h.size = int(v & (1<<(8*h.len) - 1) >> shift)
		h.packed = 1
		if h.kind == litRaw {
			h.packed = h.size
		}
	} else {
		width := [4]int{10, 10, 14, 18}[format]
		h.len = [4]int{3, 3, 4, 5}[format]
		h.size = int(v >> 4 & (1<<width - 1))
		h.packed = int(v >> (4 + width) & (1<<width - 1))
		if format == 0 {
			h.streams = 1
		}
	}
	if h.len > len(b) || h.packed > len(b)-h.len || h.size > maxBlock {
		return h, ErrCorrupt
	}
	return h, nil
}

// literals makes d.lits and returns the rest of the block.
func (d *Decoder) literals(b []byte) ([]byte, error) {
	h, err := readLitHeader(b)
	if err != nil {
		return nil, err
	}
	src, rest := b[h.len:h.len+h.packed], b[h.len+h.packed:]
	if h.kind == litRaw && cap(src)-len(src) >= slack {
		d.lits = src
		return rest, nil
	}
	if cap(d.litBuf) < maxBlock+slack {
		d.litBuf = make([]byte, maxBlock+slack)
	}
	d.lits = d.litBuf[:h.size:cap(d.litBuf)]
	switch h.kind {
	case litRaw:
		copy(d.lits, src)
	case litRepeated:
		fill(d.lits, src[0])
	default:
		err = d.huffman(src, &h)
	}
	return rest, err
}

func (d *Decoder) huffman(src []byte, h *litHeader) error {
	if h.kind == litCoded {
		if d.huff == nil {
			d.huff = &huff0.Scratch{}
		}
		var err error
		if d.huff, src, err = huff0.ReadTable(src, d.huff); err != nil {
			d.huff, d.hasLit = nil, false
			return ErrCorrupt
		}
		d.hasLit = true
	} else if !d.hasLit {
		return ErrCorrupt
	}
	d.huff.MaxDecodedSize = h.size
	decode := d.huff.Decoder().Decompress4X
	if h.streams == 1 {
		decode = d.huff.Decoder().Decompress1X
	}
	out, err := decode(d.litBuf[:0:h.size], src)
	if err != nil || len(out) != h.size {
		return ErrCorrupt
	}
	return nil
}
