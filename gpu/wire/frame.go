// Package wire is the protocol between a process that wants work done on a device and the helper process that owns the
// device: small framed messages over a Unix socket, with bulk data beside them in shared memory. It knows neither side.
package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Version is the version of the protocol. Both binaries ship together, so a difference is an installation fault and refused.
const Version = 1

// maxFrame bounds a message; bulk data never travels in one.
const maxFrame = 64 << 10

// header is length (4 bytes), version (2) and type (2), big endian.
const headerSize = 8

// Type names a message.
type Type uint16

// The messages. The comments name the sender: parent or helper.
const (
	TypeHello   Type = iota + 1 // parent: first message; answered by Welcome or Fault
	TypeWelcome                 // helper: the devices
	TypeFault                   // helper: the call failed
	TypeTrain                   // parent: with the shared memory; answered by Ready
	TypeReady                   // helper
	TypeBlock                   // parent: a block of sentences lies in a slot; answered by Free and later Trained
	TypeFree                    // helper: the slot may be filled again
	TypeTrained                 // helper: a block is done
	TypeFetch                   // parent: weights into shared memory; answered by Fetched
	TypeFetched                 // helper
	TypeEnd                     // parent: weights into shared memory and the training is over; answered by Done
	TypeDone                    // helper: a call has succeeded
	TypeAssign                  // parent: with the shared memory; answered by Done
	TypeNearest                 // parent: with the shared memory; answered by Done
)

// Frame is one message as it travelled.
type Frame struct {
	Type Type
	Body []byte
}

// Encode renders a message.
func Encode(t Type, message any) ([]byte, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return nil, errs.E(errs.Internal, "wire.Encode", err)
	}
	if len(body) > maxFrame {
		return nil, errs.Errorf(errs.Internal, "wire.Encode", "message %d of %d bytes is over %d", t, len(body), maxFrame)
	}
	out := make([]byte, headerSize, headerSize+len(body))
	binary.BigEndian.PutUint32(out, uint32(len(body)))
	binary.BigEndian.PutUint16(out[4:], Version)
	binary.BigEndian.PutUint16(out[6:], uint16(t))
	return append(out, body...), nil
}

// Read takes the next message; a bare io.EOF is an end between messages.
func Read(r io.Reader) (Frame, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return Frame{}, io.EOF
		}
		return Frame{}, errs.E(errs.Unavailable, "wire.Read", err)
	}
	length := binary.BigEndian.Uint32(header[:])
	version := binary.BigEndian.Uint16(header[4:])
	frame := Frame{Type: Type(binary.BigEndian.Uint16(header[6:]))}
	if version != Version {
		return Frame{}, errs.Errorf(errs.Invalid, "wire.Read", "the other side speaks version %d of the device protocol, this one %d", version, Version)
	}
	if length > maxFrame {
		return Frame{}, errs.Errorf(errs.Invalid, "wire.Read", "message of %d bytes is over %d", length, maxFrame)
	}
	frame.Body = make([]byte, length)
	if _, err := io.ReadFull(r, frame.Body); err != nil {
		return Frame{}, errs.E(errs.Unavailable, "wire.Read", fmt.Errorf("message cut short: %w", err))
	}
	return frame, nil
}

// Message is a decoded body that can tell whether its values make sense.
type Message interface{ Validate() error }

// Decode parses and validates a frame's body.
func Decode(f Frame, into Message) error {
	decoder := json.NewDecoder(bytes.NewReader(f.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errs.E(errs.Invalid, "wire.Decode", fmt.Errorf("message %d: %w", f.Type, err))
	}
	if err := into.Validate(); err != nil {
		return errs.E(errs.Invalid, "wire.Decode", fmt.Errorf("message %d: %w", f.Type, err))
	}
	return nil
}
