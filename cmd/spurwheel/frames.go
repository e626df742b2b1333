package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxFrame bounds a control message: a fragment and what is around it.
const maxFrame = physical.MaxFragmentBytes + 1<<20

// frames sends and receives length-prefixed messages. Sending is safe for
// concurrent use, receiving is not.
type frames struct {
	r  *bufio.Reader
	mu sync.Mutex
	w  io.Writer
}

func newFrames(r io.Reader, w io.Writer) *frames { return &frames{r: bufio.NewReader(r), w: w} }

func (f *frames) send(m proto.Message) error {
	body, err := proto.Marshal(m)
	if err != nil {
		return errs.E(errs.Internal, "frames.send", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))); err != nil {
		return errs.E(errs.Unavailable, "frames.send", err)
	}
	_, err = f.w.Write(body)
	return errs.E(errs.Unavailable, "frames.send", err)
}

// receive reads the next message; io.EOF when the peer has ended.
func (f *frames) receive(m proto.Message) error {
	var head [4]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n > maxFrame {
		return errs.Errorf(errs.Corrupt, "frames.receive", "a message of %d bytes, the limit is %d", n, maxFrame)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(f.r, body); err != nil {
		return errs.E(errs.Unavailable, "frames.receive", err)
	}
	return errs.E(errs.Corrupt, "frames.receive", proto.Unmarshal(body, m))
}
