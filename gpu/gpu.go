// Package gpu is how a process has work done on a device: it finds the helper process that owns the devices, starts it, and
// makes calls to it. It knows no driver and no model.
package gpu

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spurwheel/spurwheel/gpu/wire"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// HelperName is the file name of the helper program.
const HelperName = "spurwheel-gpu"

// deviceFile is there where NVIDIA's kernel module is.
const deviceFile = "/dev/nvidiactl"

// Config says where the helper is.
type Config struct {
	Helper string // the program; "" looks beside this one and in the path
	Driver string // the CUDA driver library; "" is the system's
	// Patience is how long the helper may take to come to an end when a call is cancelled; then it is killed. 0 is a minute: what is
	// under way takes a second, unless the device hangs.
	Patience time.Duration
}

const defaultPatience = time.Minute

// Device describes a device.
type Device = wire.Device

// Probe tells at no cost whether a device may be there; only Start knows. An error is of kind NotSupported and says what is
// missing.
func Probe(c Config) error {
	if _, err := c.helper(); err != nil {
		return err
	}
	if c.Driver != "" {
		return nil
	}
	if _, err := os.Stat(deviceFile); err != nil {
		return errs.Errorf(errs.NotSupported, "gpu.Probe", "no GPU: %s is not there", deviceFile)
	}
	return nil
}

func (c Config) helper() (string, error) {
	if c.Helper != "" {
		if _, err := os.Stat(c.Helper); err != nil {
			return "", errs.E(errs.NotSupported, "gpu.Probe", fmt.Errorf("the helper program for GPUs: %w", err))
		}
		return c.Helper, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), HelperName)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath(HelperName)
	if err != nil {
		return "", errs.Errorf(errs.NotSupported, "gpu.Probe", "no GPU: the program %s is neither beside this one nor in the path", HelperName)
	}
	return path, nil
}

// kinds says what a caller may do about a fault of the helper.
func kind(code wire.Code) errs.Kind {
	switch code {
	case wire.NoDriver, wire.NoDevice, wire.Capability:
		return errs.NotSupported
	case wire.OutOfMemory:
		return errs.Exhausted
	case wire.DeviceLost:
		return errs.Lost
	case wire.BadRequest:
		return errs.Invalid
	case wire.Launch, wire.Failed:
		return errs.Internal
	default:
		return errs.Internal
	}
}
