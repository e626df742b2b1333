package shuffle

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// The protocol between stores, over any reliable connection (TCP, TLS, a Unix
// socket): framed bytes move at several times the speed of gRPC streams.
//
//	request   magic, kind, partition, first block, length and sum of what follows,
//	          sum of all this; TaskID (protobuf)
//	answer    headers, each with its payload: blocks, then an end or a failure
//
// A hello has no body; its answer is a header that carries the worker's epoch.
// A connection serves one request after another. Integers are little-endian.
const (
	requestMagic = 0x32525753 // "SWR2"
	requestLen   = 28
	maxRequest   = 4 << 10
	maxFailure   = 64 << 10

	askHello = 1
	askPart  = 2
)

// stall is how long a peer that was asked may give no bytes before it is asked
// once more, and then counts as cut off: both together take about as long as the
// lease that decides whether it is alive.
const stall = 3 * time.Second

// maxPause is how long a peer may take no bytes: a reader that has its hands
// full. Hung up on, it asks again from the block it needs.
const maxPause = 60 * time.Second

// request asks for blocks of a partition, or who answers.
type request struct {
	kind       byte
	part, from int
	task       *pb.TaskID
}

func (q *request) encode() ([]byte, error) {
	b := make([]byte, requestLen)
	b, err := proto.MarshalOptions{}.MarshalAppend(b, q.task)
	if err != nil || len(b)-requestLen > maxRequest {
		return nil, errs.Errorf(errs.Internal, "shuffle.Open", "a request of %d bytes: %v", len(b), err)
	}
	le := binary.LittleEndian
	le.PutUint32(b, requestMagic)
	b[4] = q.kind
	le.PutUint32(b[8:], uint32(q.part))
	le.PutUint32(b[12:], uint32(q.from))
	le.PutUint32(b[16:], uint32(len(b)-requestLen))
	le.PutUint32(b[20:], crc32.Checksum(b[requestLen:], castagnoli))
	le.PutUint32(b[24:], crc32.Checksum(b[:24], castagnoli))
	return b, nil
}

// readRequest reads a request; the bare io.EOF is a connection that ends in its turn.
func readRequest(r io.Reader) (*request, error) {
	le := binary.LittleEndian
	b := make([]byte, requestLen, 256)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	n := le.Uint32(b[16:])
	if le.Uint32(b) != requestMagic || n > maxRequest || crc32.Checksum(b[:24], castagnoli) != le.Uint32(b[24:]) {
		return nil, errNoRequest
	}
	b = append(b, make([]byte, n)...)
	if _, err := io.ReadFull(r, b[requestLen:]); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if crc32.Checksum(b[requestLen:], castagnoli) != le.Uint32(b[20:]) {
		return nil, errNoRequest
	}
	q := &request{kind: b[4], part: int(int32(le.Uint32(b[8:]))), from: int(int32(le.Uint32(b[12:]))), task: &pb.TaskID{}}
	return q, errs.E(errs.Invalid, "shuffle.Serve", proto.Unmarshal(b[requestLen:], q.task))
}

var errNoRequest = errs.Errorf(errs.Invalid, "shuffle.Serve", "this is no request")

// failureFrame tells the reader why there are no blocks.
func failureFrame(want identity, failure error) []byte {
	f := make([]byte, headerLen, headerLen+256)
	f = append(f, byte(reasonOf(failure)))
	f = append(f, failure.Error()...)
	f = f[:min(len(f), headerLen+maxFailure)]
	h := header{identity: want, kind: kindFailed, codec: byte(errs.KindOf(failure)), stored: uint32(len(f) - headerLen)}
	h.sum = crc32.Checksum(f[headerLen:], castagnoli)
	h.put(f)
	return f
}

// failure reads failureFrame's.
func (h *header) failure(payload []byte) error {
	if len(payload) == 0 || len(payload) > maxFailure || crc32.Checksum(payload, castagnoli) != h.sum {
		return errSum
	}
	return &fault{reason: Reason(payload[0]), err: errs.Errorf(errs.Kind(h.codec), "shuffle.Read", "%s", payload[1:])}
}
