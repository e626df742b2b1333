package work

import (
	"fmt"
	"slices"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/driver"
	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/wire"
)

// Devices are all devices of the driver, each with its thread.
type Devices struct {
	version int
	threads []*driver.Thread
}

// OpenDevices loads the driver and opens its devices.
func OpenDevices(path string) (*Devices, error) {
	lib, err := driver.Open(path)
	if err != nil {
		return nil, err
	}
	count, err := lib.Count()
	if err != nil {
		return nil, err
	}
	d := &Devices{}
	if d.version, err = lib.Version(); err != nil {
		return nil, err
	}
	for i := range count {
		thread, err := lib.Start(i)
		if err != nil {
			d.Close()
			return nil, err
		}
		d.threads = append(d.threads, thread)
	}
	return d, nil
}

// Close releases the devices and waits for their threads.
func (d *Devices) Close() {
	for _, t := range d.threads {
		t.Stop()
	}
}

// Welcome describes driver and devices.
func (d *Devices) Welcome() (*wire.Welcome, error) {
	devices, err := describe(d.threads)
	return &wire.Welcome{Driver: d.version, Devices: devices}, err
}

// usable are the threads and descriptions of up to limit devices that run the kernels; 0 is all. Devices of one call run the
// same kernels.
func (d *Devices) usable(limit int) ([]*driver.Thread, []wire.Device, error) {
	all, err := describe(d.threads)
	if err != nil {
		return nil, nil, err
	}
	var threads []*driver.Thread
	var devices []wire.Device
	for i, dev := range all {
		full := limit > 0 && len(threads) == limit
		if dev.Kernels == "" || full || len(devices) > 0 && dev.Kernels != devices[0].Kernels {
			continue
		}
		threads, devices = append(threads, d.threads[i]), append(devices, dev)
	}
	if len(threads) == 0 {
		_, _, err := kernel.Image(all[0].Major, all[0].Minor)
		return nil, nil, &wire.Fault{Code: wire.Capability, Message: fmt.Sprintf("%s: %v", all[0].Name, err)}
	}
	return threads, devices, nil
}

// holdings is what a call has taken on one device, to be given back in the end whatever happened.
type holdings struct {
	dev     *driver.Device
	closers []func() error
}

func (h *holdings) add(giveBack func() error) { h.closers = append(h.closers, giveBack) }

// close gives everything back, last things first. Errors are those of a device that is lost, which the call has reported.
func (h *holdings) close() {
	for _, giveBack := range slices.Backward(h.closers) {
		_ = giveBack()
	}
	h.closers = nil
}

func (h *holdings) alloc(bytes int64) (driver.Pointer, error) {
	p, err := h.dev.Alloc(bytes)
	if err == nil {
		h.add(func() error { return h.dev.FreeMemory(p) })
	}
	return p, err
}

func (h *holdings) pinned(bytes int) (driver.Pinned, error) {
	p, err := h.dev.AllocPinned(bytes)
	if err == nil {
		h.add(func() error { return h.dev.FreePinned(p) })
	}
	return p, err
}

func (h *holdings) stream() (driver.Stream, error) {
	s, err := h.dev.NewStream()
	if err == nil {
		h.add(s.Close)
	}
	return s, err
}

func (h *holdings) event() (driver.Event, error) {
	e, err := h.dev.NewEvent()
	if err == nil {
		h.add(e.Close)
	}
	return e, err
}

func (h *holdings) arguments(bytes int) (driver.Arguments, error) {
	a, err := h.dev.NewArguments(bytes)
	if err == nil {
		h.add(a.Close)
	}
	return a, err
}

// load compiles the embedded kernels for the device.
func (h *holdings) load(d wire.Device) (driver.Module, error) {
	_, ptx, err := kernel.Image(d.Major, d.Minor)
	if err != nil {
		return driver.Module{}, &wire.Fault{Code: wire.Capability, Message: err.Error()}
	}
	m, err := h.dev.Load(ptx)
	if err == nil {
		h.add(m.Close)
	}
	return m, err
}
