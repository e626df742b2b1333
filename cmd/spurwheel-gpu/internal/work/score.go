package work

import (
	"github.com/spurwheel/spurwheel/gpu/wire"
)

// Assign finds the nearest centre of every point.
func (d *Devices) Assign(wire.Assign, *wire.Memory) error {
	return &wire.Fault{Code: wire.BadRequest, Message: "assignment is not available"}
}

// Nearest finds the best rows of every query.
func (d *Devices) Nearest(wire.Nearest, *wire.Memory) error {
	return &wire.Fault{Code: wire.BadRequest, Message: "nearest rows are not available"}
}
