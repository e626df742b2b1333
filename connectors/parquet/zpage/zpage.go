// Package zpage decompresses zstd frames into buffers of known size, as the
// pages of Parquet files are: whole frames, all history in the output, no
// dictionary. Its one job is to spend fewer cycles on the short sequences of
// such pages than a general decoder does. It knows nothing of Parquet.
package zpage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/huff0"
)

var (
	// ErrCorrupt says that the frame is not what the format allows, or not of
	// the size asked for.
	ErrCorrupt = errors.New("zpage: corrupt frame")
	// ErrOther says that the input uses what this package leaves to others:
	// several frames, dictionaries, checksums.
	ErrOther = errors.New("zpage: not a plain frame")
	// errOffsetZero stands apart because other decoders read such a match as
	// one of offset 1, against RFC 8878 §3.1.1.5.
	errOffsetZero = fmt.Errorf("%w: match of offset 0", ErrCorrupt)
)

// slack is how far beyond a sequence's end copies may read and write.
const slack = 32

// Decoder keeps tables and buffers between frames. The zero value is ready; it
// is not for concurrent use.
type Decoder struct {
	tabs   tables
	valid  [kinds]bool // the tables of an earlier block can be repeated
	huff   *huff0.Scratch
	hasLit bool // huff is of this frame
	litBuf []byte
	lits   []byte // of the block; slack readable bytes behind
	reps   [3]uint64
	loop   loop
	norm   [maxSymbols]int16
	order  [1 << maxLog]uint8
	out    []byte // up to the capacity of the caller's buffer
	n      int    // bytes of out written
}

const (
	magic        = 0xFD2FB528
	flagSingle   = 1 << 5
	flagReserved = 1 << 3
	flagChecksum = 1 << 2
	maskDict     = 3
)

// Decode fills dst from the frame in src. Bytes between dst's length and its
// capacity are scratch.
func (d *Decoder) Decode(dst, src []byte) error {
	body, err := frameBody(src)
	if err != nil {
		return err
	}
	d.out, d.n = dst[:cap(dst)], 0
	d.valid, d.hasLit, d.reps = [kinds]bool{}, false, [3]uint64{1, 4, 8}
	err = d.blocks(body, len(dst))
	d.out, d.lits = nil, nil
	return err
}

// frameBody is what follows the frame header.
func frameBody(src []byte) ([]byte, error) {
	if len(src) < 6 || binary.LittleEndian.Uint32(src) != magic {
		return nil, ErrOther
	}
	flags := src[4]
	if flags&(flagReserved|flagChecksum|maskDict) != 0 {
		return nil, ErrOther
	}
	at := 5 + [4]int{0, 2, 4, 8}[flags>>6]
	if flags>>6 == 0 && flags&flagSingle != 0 || flags&flagSingle == 0 {
		at++ // a size of one byte, or the window descriptor
	}
	if at > len(src) {
		return nil, ErrCorrupt
	}
	return src[at:], nil
}

// blocks decodes all blocks; size is what they must give.
func (d *Decoder) blocks(b []byte, size int) error {
	for last := false; !last; {
		if len(b) < 3 {
			return ErrCorrupt
		}
		head := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		b = b[3:]
		last = head&1 != 0
		n := head >> 3
		var err error
		switch head >> 1 & 3 {
		case 0:
			if n > len(b) || n > size-d.n {
				return ErrCorrupt
			}
			d.n += copy(d.out[d.n:], b[:n])
			b = b[n:]
		case 1:
			if len(b) == 0 || n > size-d.n {
				return ErrCorrupt
			}
			fill(d.out[d.n:d.n+n], b[0])
			d.n += n
			b = b[1:]
		case 2:
			if n > len(b) {
				return ErrCorrupt
			}
			err = d.compressed(b[:n:cap(b)], size)
			b = b[n:]
		default:
			err = ErrCorrupt
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(b) > 0:
		return ErrOther
	case d.n != size:
		return ErrCorrupt
	}
	return nil
}

// compressed decodes one compressed block.
func (d *Decoder) compressed(b []byte, size int) error {
	b, err := d.literals(b)
	if err != nil {
		return err
	}
	count, b, err := sequenceCount(b)
	if err != nil {
		return err
	}
	if count > 0 {
		if b, err = d.readTables(b); err != nil {
			return err
		}
		if err = d.sequences(b, count, size); err != nil {
			return err
		}
	} else if len(b) > 0 {
		return ErrCorrupt
	}
	if len(d.lits) > size-d.n {
		return ErrCorrupt
	}
	d.n += copy(d.out[d.n:], d.lits)
	return nil
}

func sequenceCount(b []byte) (n int, rest []byte, err error) {
	switch {
	case len(b) == 0:
		return 0, nil, ErrCorrupt
	case b[0] < 128:
		return int(b[0]), b[1:], nil
	case b[0] < 255 && len(b) >= 2:
		return int(b[0]-128)<<8 | int(b[1]), b[2:], nil
	case b[0] == 255 && len(b) >= 3:
		return int(b[1]) | int(b[2])<<8 + 0x7f00, b[3:], nil
	}
	return 0, nil, ErrCorrupt
}

func fill(dst []byte, x byte) {
	for i := range dst {
		dst[i] = x
	}
}
