package driver

import (
	"fmt"

	"github.com/spurwheel/spurwheel/gpu/wire"
)

// faultCodes says what a result of the driver means for the caller; others are plain failures. After those that are mapped to
// DeviceLost every further call of the process fails too, so the process has to go.
var faultCodes = map[int32]wire.Code{
	2:   wire.OutOfMemory,
	3:   wire.NoDriver,   // not initialised
	4:   wire.NoDriver,   // being torn down
	34:  wire.NoDriver,   // a library to link with, without a driver behind it
	46:  wire.DeviceLost, // unavailable
	100: wire.NoDevice,
	200: wire.Capability, // invalid image
	201: wire.DeviceLost, // invalid context
	209: wire.Capability, // no binary for this device
	214: wire.DeviceLost, // uncorrectable memory error
	218: wire.Capability, // the PTX did not compile
	220: wire.DeviceLost, // link
	222: wire.Capability, // PTX of a later version
	700: wire.DeviceLost, // illegal address
	701: wire.Launch,     // too many resources
	702: wire.DeviceLost, // timeout
	709: wire.DeviceLost, // context destroyed
	710: wire.DeviceLost, // assertion
	714: wire.DeviceLost, // hardware stack
	715: wire.DeviceLost, // illegal instruction
	716: wire.DeviceLost, // misaligned address
	717: wire.DeviceLost, // invalid address space
	718: wire.DeviceLost, // invalid program counter
	719: wire.DeviceLost, // launch failed
	802: wire.NoDriver,   // system not ready
	803: wire.NoDriver,   // driver and kernel module differ
	999: wire.DeviceLost, // unknown
}

func (l *Library) fault(function int, code int32) error {
	meaning, known := faultCodes[code]
	if !known {
		meaning = wire.Failed
		if function == cuLaunchKernel {
			meaning = wire.Launch
		}
		if function == cuInit {
			meaning = wire.NoDriver
		}
	}
	return &wire.Fault{Code: meaning, Message: fmt.Sprintf("%s: %s (%d)", symbolNames[function], l.errorName(code), code)}
}
