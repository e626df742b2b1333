package shuffle

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"hash/fnv"

	"github.com/klauspost/compress/s2"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// A stored block is a header of 64 bytes and a payload: an encoded batch, as it
// is or compressed. It is written once, when the block is closed, and the same
// bytes lie in memory, in the file and on the wire, so that one check at the
// reading end covers all three. Integers are little-endian.
//
//	 0 magic   4 version  6 codec   7 kind
//	 8 job     16 stage   20 map partition  24 attempt  28 part
//	32 epoch   40 seq     44 rows
//	48 raw length  52 stored length  56 sum of the payload  60 sum of the header
//
// The header's own sum is looked at before any field of it is believed. The
// payload's sum of a block stored as it is, is the one that the batch carries
// itself (it covers all of it but the first 8 bytes, which are a magic and the
// sum): no byte is summed twice at either end.
const (
	headerMagic = 0x32424853 // "SHB2"
	version     = 2
	headerLen   = 64
)

// What a header stands before.
const (
	kindBlock  = 1
	kindEnd    = 2 // seq is the number of blocks
	kindFailed = 3 // codec is an errs.Kind; the payload is a reason (1 byte) and a text
	kindHello  = 4 // epoch is the answering worker's
)

// How a payload is stored.
const (
	codecRaw = 0
	codecS2  = 1
)

// maxFrame is the largest block accepted from outside.
const maxFrame = 512 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// identity says whose rows a block holds.
type identity struct {
	job                       uint64 // hash of the name
	stage, partition, attempt int32
	part                      int32
	epoch                     uint64 // of the worker that made it; 0: not known
}

func identityOf(id *pb.TaskID, part int, epoch uint64) identity {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id.GetJob()))
	return identity{h.Sum64(), id.GetStage(), id.GetPartition(), id.GetAttempt(), int32(part), epoch}
}

// matches tells whether got is what was asked for.
func (want identity) matches(got identity) bool {
	if want.epoch == 0 {
		got.epoch = 0
	}
	return want == got
}

type header struct {
	identity
	codec, kind byte
	seq, rows   uint32
	raw, stored uint32
	sum         uint32
}

// put writes the header to the first bytes of b.
func (h *header) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b, headerMagic)
	le.PutUint16(b[4:], version)
	b[6], b[7] = h.codec, h.kind
	le.PutUint64(b[8:], h.job)
	le.PutUint32(b[16:], uint32(h.stage))
	le.PutUint32(b[20:], uint32(h.partition))
	le.PutUint32(b[24:], uint32(h.attempt))
	le.PutUint32(b[28:], uint32(h.part))
	le.PutUint64(b[32:], h.epoch)
	le.PutUint32(b[40:], h.seq)
	le.PutUint32(b[44:], h.rows)
	le.PutUint32(b[48:], h.raw)
	le.PutUint32(b[52:], h.stored)
	le.PutUint32(b[56:], h.sum)
	le.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}

// parseHeader reads and checks the first bytes of b. A fault is errs.Corrupt.
func parseHeader(b []byte) (header, error) {
	le := binary.LittleEndian
	if len(b) < headerLen || le.Uint32(b) != headerMagic {
		return header{}, errNoHeader
	}
	if le.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return header{}, errHeaderSum
	}
	if v := le.Uint16(b[4:]); v != version {
		return header{}, errs.Errorf(errs.Corrupt, "shuffle", "a block of version %d where %d is known", v, version)
	}
	h := header{codec: b[6], kind: b[7], seq: le.Uint32(b[40:]), rows: le.Uint32(b[44:]), raw: le.Uint32(b[48:]), stored: le.Uint32(b[52:]), sum: le.Uint32(b[56:])}
	h.identity = identity{
		le.Uint64(b[8:]), int32(le.Uint32(b[16:])), int32(le.Uint32(b[20:])), int32(le.Uint32(b[24:])), int32(le.Uint32(b[28:])), le.Uint64(b[32:]),
	}
	if h.raw > maxFrame || h.stored > maxFrame {
		return header{}, errTooLarge
	}
	return h, nil
}

var (
	errNoHeader  = errs.E(errs.Corrupt, "shuffle", errors.New("no header of a block"))
	errHeaderSum = errs.E(errs.Corrupt, "shuffle", errors.New("checksum mismatch in the header of a block"))
	errSum       = errs.E(errs.Corrupt, "shuffle", errors.New("checksum mismatch in a block"))
	errTooLarge  = errs.E(errs.Corrupt, "shuffle", errors.New("a block is larger than 512 MiB"))
)

// expect checks that a block is the seq-th of what was asked for.
func (h *header) expect(want identity, seq int) error {
	if !want.matches(h.identity) || int(h.seq) != seq {
		return errs.Errorf(errs.Corrupt, "shuffle", "block %d of %+v where block %d of %+v was asked for", h.seq, h.identity, seq, want)
	}
	return nil
}

// Where a batch keeps its own sum.
const (
	batchSumAt  = 4
	batchSumLen = 8
)

// payloadSum is the sum that a payload's header carries.
func payloadSum(codec byte, payload []byte) uint32 {
	if codec == codecRaw {
		return binary.LittleEndian.Uint32(payload[batchSumAt:])
	}
	return crc32.Checksum(payload, castagnoli)
}

// fits checks what costs nothing of a raw payload, and all of another.
func (h *header) fits(payload []byte) bool {
	if len(payload) != int(h.stored) || h.codec == codecRaw && batch.BlockLen(payload) != len(payload) {
		return false
	}
	return payloadSum(h.codec, payload) == h.sum
}

// unpack checks a payload against its header and gives the encoded batch, in
// buf if it was compressed. What is not compressed is still to be checked by
// its decoder, or by verify.
func (h *header) unpack(payload, buf []byte) ([]byte, error) {
	if !h.fits(payload) {
		return nil, errSum
	}
	switch h.codec {
	case codecRaw:
		return payload, nil
	case codecS2:
		if n, err := s2.DecodedLen(payload); err != nil || n != int(h.raw) {
			return nil, errSum
		}
		raw, err := s2.Decode(buf, payload)
		return raw, errs.E(errs.Corrupt, "shuffle", err)
	}
	return nil, errs.Errorf(errs.Corrupt, "shuffle", "a block of codec %d", h.codec)
}

// verify sums a payload whole, for who keeps it without decoding it.
func (h *header) verify(payload []byte) error {
	if !h.fits(payload) || h.codec == codecRaw && crc32.Checksum(payload[batchSumLen:], castagnoli) != h.sum {
		return errSum
	}
	return nil
}
