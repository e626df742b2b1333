// Package serve is the helper's side of the device protocol: it takes calls from the parent's socket, one at a time, and has
// package work carry them out. It ends when the socket does.
package serve

import (
	"errors"
	"fmt"
	"io"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/work"
	"github.com/spurwheel/spurwheel/gpu/wire"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// server is one conversation.
type server struct {
	socket  *wire.Socket
	devices *work.Devices
	// training is the one under way, with its memory.
	training *work.Training
	memory   *wire.Memory
}

// Serve answers the parent until it closes its end. An error is one after which this process is of no use any more: the parent
// has been told, and starts another.
func Serve(socket *wire.Socket, driverPath string) error {
	s := &server{socket: socket}
	defer s.close()
	for {
		frame, err := socket.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.answer(frame, driverPath); err != nil {
			fault := asFault(err)
			if sent := socket.Send(wire.TypeFault, fault, nil); sent != nil {
				return nil // the parent has gone
			}
			s.endTraining()
			if fault.Code == wire.DeviceLost || fault.Code == wire.NoDriver {
				return fault
			}
		}
	}
}

func (s *server) close() {
	s.endTraining()
	if s.devices != nil {
		s.devices.Close()
	}
}

func (s *server) endTraining() {
	if s.training != nil {
		s.training.Close()
		s.training = nil
	}
	if s.memory != nil {
		_ = s.memory.Close()
		s.memory = nil
	}
}

// asFault is what the parent is told of an error.
func asFault(err error) *wire.Fault {
	if fault, ok := errors.AsType[*wire.Fault](err); ok {
		return &wire.Fault{Code: fault.Code, Message: err.Error()}
	}
	code := wire.Failed
	if errs.Is(err, errs.Invalid) {
		code = wire.BadRequest
	}
	return &wire.Fault{Code: code, Message: err.Error()}
}

func (s *server) answer(frame wire.Frame, driverPath string) error {
	if frame.Type == wire.TypeHello {
		return s.hello(frame, driverPath)
	}
	if s.devices == nil {
		return &wire.Fault{Code: wire.BadRequest, Message: "the first message is not a greeting"}
	}
	switch frame.Type {
	case wire.TypeTrain:
		return s.train(frame)
	case wire.TypeBlock, wire.TypeFetch, wire.TypeEnd:
		if s.training == nil {
			return &wire.Fault{Code: wire.BadRequest, Message: "no training is under way"}
		}
		return s.advance(frame)
	case wire.TypeAssign:
		return s.assign(frame)
	case wire.TypeNearest:
		return s.nearest(frame)
	default:
		return &wire.Fault{Code: wire.BadRequest, Message: fmt.Sprintf("message %d is unknown", frame.Type)}
	}
}

func (s *server) hello(frame wire.Frame, driverPath string) error {
	if err := wire.Decode(frame, &wire.Hello{}); err != nil {
		return err
	}
	if s.devices == nil {
		devices, err := work.OpenDevices(driverPath)
		if err != nil {
			return err
		}
		s.devices = devices
	}
	welcome, err := s.devices.Welcome()
	if err != nil {
		return err
	}
	return s.socket.Send(wire.TypeWelcome, welcome, nil)
}

// openMemory maps the memory that came with a call.
func (s *server) openMemory(sections []wire.Section) (*wire.Memory, error) {
	file, err := s.socket.TakeFile()
	if err != nil {
		return nil, err
	}
	memory, err := wire.OpenMemory(file)
	if err != nil {
		return nil, err
	}
	if err := memory.Check(sections); err != nil {
		_ = memory.Close()
		return nil, err
	}
	return memory, nil
}

func (s *server) train(frame wire.Frame) error {
	if s.training != nil {
		return &wire.Fault{Code: wire.BadRequest, Message: "a training is under way"}
	}
	var request wire.Train
	if err := wire.Decode(frame, &request); err != nil {
		return err
	}
	var err error
	if s.memory, err = s.openMemory(request.Sections()); err != nil {
		return err
	}
	var ready *wire.Ready
	if s.training, ready, err = s.devices.NewTraining(request, s.memory); err != nil {
		return err
	}
	return s.socket.Send(wire.TypeReady, ready, nil)
}

func (s *server) advance(frame wire.Frame) error {
	trained := func(t *wire.Trained) error { return s.socket.Send(wire.TypeTrained, t, nil) }
	switch frame.Type {
	case wire.TypeBlock:
		var b wire.Block
		if err := wire.Decode(frame, &b); err != nil {
			return err
		}
		free := func() error {
			if b.Resident >= 0 {
				return nil
			}
			return s.socket.Send(wire.TypeFree, wire.Free{Slot: b.Slot}, nil)
		}
		return s.training.Block(b, free, trained)
	case wire.TypeFetch:
		if err := s.training.Fetch(trained); err != nil {
			return err
		}
		return s.socket.Send(wire.TypeFetched, wire.Empty{}, nil)
	default: // TypeEnd
		if err := s.training.Fetch(trained); err != nil {
			return err
		}
		s.endTraining()
		return s.socket.Send(wire.TypeDone, wire.Empty{}, nil)
	}
}

func (s *server) assign(frame wire.Frame) error {
	var request wire.Assign
	if err := wire.Decode(frame, &request); err != nil {
		return err
	}
	memory, err := s.openMemory(request.Sections())
	if err != nil {
		return err
	}
	defer memory.Close()
	if err := s.devices.Assign(request, memory); err != nil {
		return err
	}
	return s.socket.Send(wire.TypeDone, wire.Empty{}, nil)
}

func (s *server) nearest(frame wire.Frame) error {
	var request wire.Nearest
	if err := wire.Decode(frame, &request); err != nil {
		return err
	}
	memory, err := s.openMemory(request.Sections())
	if err != nil {
		return err
	}
	defer memory.Close()
	if err := s.devices.Nearest(request, memory); err != nil {
		return err
	}
	return s.socket.Send(wire.TypeDone, wire.Empty{}, nil)
}
