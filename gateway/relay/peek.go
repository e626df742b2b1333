package relay

import (
	"errors"
	"io"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxPeek bounds the fields that are looked at: ids, and what the user is called.
const maxPeek = 1 << 20

// fields is a set of field numbers below 64.
type fields uint64

func set(numbers ...int) (s fields) {
	for _, n := range numbers {
		s |= 1 << n
	}
	return s
}

func (s fields) has(n protowire.Number) bool { return n < 64 && s&(1<<n) != 0 }

// peek calls f for the fields of a message that are wanted, in their order, with
// the bytes of those that have a length. Others are skipped unread: a result
// batch costs its tag and length.
func peek(data mem.BufferSlice, want fields, f func(n int, value []byte)) error {
	r := data.Reader()
	defer r.Close()
	for r.Remaining() > 0 {
		if err := peekField(r, want, f); err != nil {
			return errs.E(errs.Invalid, "relay.peek", err)
		}
	}
	return nil
}

var errField = errors.New("the message is not well formed")

func peekField(r *mem.Reader, want fields, f func(n int, value []byte)) error {
	tag, err := varint(r)
	if err != nil {
		return err
	}
	n, typ := protowire.DecodeTag(tag)
	if n < protowire.MinValidNumber {
		return errField
	}
	size := uint64(0)
	switch typ {
	case protowire.VarintType:
		_, err = varint(r)
	case protowire.Fixed32Type:
		size = 4
	case protowire.Fixed64Type:
		size = 8
	case protowire.BytesType:
		size, err = varint(r)
	default: // groups are not in these messages
		err = errField
	}
	if err != nil {
		return err
	}
	if size > uint64(r.Remaining()) {
		return errField
	}
	if typ != protowire.BytesType || !want.has(n) {
		if want.has(n) {
			f(int(n), nil)
		}
		_, err = r.Discard(int(size))
		return err
	}
	if size > maxPeek {
		return errField
	}
	value := make([]byte, size)
	if _, err = io.ReadFull(r, value); err == nil {
		f(int(n), value)
	}
	return err
}

func varint(r io.ByteReader) (uint64, error) {
	var b [10]byte
	for i := range b {
		c, err := r.ReadByte()
		if err != nil {
			return 0, errField
		}
		if b[i] = c; c < 0x80 {
			v, n := protowire.ConsumeVarint(b[:i+1])
			if n < 0 {
				return 0, errField
			}
			return v, nil
		}
	}
	return 0, errField
}
