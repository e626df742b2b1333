package shuffle

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// The protocol between stores, over any reliable connection (TCP, TLS, a Unix
// socket): framed bytes move at several times the speed of gRPC streams.
//
//	request   magic, partition, length, TaskID (protobuf)
//	response  frames: kind (1 byte), length (4), bytes; the last is end or failure
//
// A connection serves one request after another. Integers are little-endian.
const (
	wireMagic   = 0x31465753 // "SWF1"
	maxRequest  = 4 << 10
	maxFailure  = 64 << 10
	frameRaw    = 1
	framePacked = 2
	frameEnd    = 3
	frameFailed = 4 // errs.Kind (1 byte), text
)

// stall is how long a peer may take no or give no bytes before it counts as gone.
const stall = 30 * time.Second

func writeRequest(w *bufio.Writer, id *pb.TaskID, partition int) error {
	body, err := proto.Marshal(id)
	if err != nil {
		return err
	}
	var h [12]byte
	binary.LittleEndian.PutUint32(h[:], wireMagic)
	binary.LittleEndian.PutUint32(h[4:], uint32(partition))
	binary.LittleEndian.PutUint32(h[8:], uint32(len(body)))
	_, err = w.Write(append(h[:], body...))
	if err != nil {
		return err
	}
	return w.Flush()
}

func readRequest(r io.Reader) (*pb.TaskID, int, error) {
	var h [12]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, 0, err
	}
	n := binary.LittleEndian.Uint32(h[8:])
	if binary.LittleEndian.Uint32(h[:]) != wireMagic || n > maxRequest {
		return nil, 0, errs.Errorf(errs.Invalid, "shuffle.Serve", "this is no request")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, 0, err
	}
	id := &pb.TaskID{}
	if err := proto.Unmarshal(body, id); err != nil {
		return nil, 0, errs.E(errs.Invalid, "shuffle.Serve", err)
	}
	return id, int(int32(binary.LittleEndian.Uint32(h[4:]))), nil
}

func writeFrame(w *bufio.Writer, kind byte, data []byte) error {
	var h [5]byte
	h[0] = kind
	binary.LittleEndian.PutUint32(h[1:], uint32(len(data)))
	if _, err := w.Write(h[:]); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func readFrame(r io.Reader) (byte, []byte, error) {
	var h [5]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(h[1:])
	if limit := uint32(maxFrame); n > limit || h[0] == frameFailed && n > maxFailure {
		return 0, nil, errTooLarge
	}
	data := make([]byte, n)
	_, err := io.ReadFull(r, data)
	return h[0], data, err
}

// serveConn answers requests until the peer hangs up.
func (s *Store) serveConn(ctx context.Context, c net.Conn) error {
	r, w := bufio.NewReader(c), bufio.NewWriterSize(c, 256<<10)
	for {
		id, p, err := readRequest(r)
		if atEnd(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.answer(ctx, c, w, id, p); err != nil {
			return err
		}
	}
}

// answer sends one partition.
func (s *Store) answer(ctx context.Context, c net.Conn, w *bufio.Writer, id *pb.TaskID, p int) error {
	bs, err := s.local(id, p)
	if err != nil {
		return sendFailure(c, w, err)
	}
	defer bs.Close()
	for {
		data, packed, err := bs.next(ctx)
		if atEnd(err) {
			if err := writeFrame(w, frameEnd, nil); err != nil {
				return err
			}
			return w.Flush()
		}
		if err != nil {
			return sendFailure(c, w, err)
		}
		kind := byte(frameRaw)
		if packed {
			kind = framePacked
		}
		if err := c.SetWriteDeadline(time.Now().Add(stall)); err != nil {
			return err
		}
		if err := writeFrame(w, kind, data); err != nil {
			return err
		}
	}
}

func sendFailure(c net.Conn, w *bufio.Writer, failure error) error {
	if err := c.SetWriteDeadline(time.Now().Add(stall)); err != nil {
		return err
	}
	text := append([]byte{byte(errs.KindOf(failure))}, failure.Error()...)
	if err := writeFrame(w, frameFailed, text[:min(len(text), maxFailure)]); err != nil {
		return err
	}
	return w.Flush()
}
