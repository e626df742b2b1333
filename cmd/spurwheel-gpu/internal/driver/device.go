package driver

import (
	"errors"
	"runtime"
	"unsafe"

	"github.com/spurwheel/spurwheel/gpu/wire"
)

// Attributes of a device, by the driver's numbers.
const (
	attributeProcessors = 16
	attributeCache      = 38
	attributeMajor      = 75
	attributeMinor      = 76
	attributeShared     = 97
)

// Version is the CUDA version of the driver: 12010 is 12.1.
func (l *Library) Version() (int, error) {
	v := fresh[int32]()
	err := l.call(cuDriverGetVersion, address(v))
	return int(*v), err
}

// Count is the number of devices.
func (l *Library) Count() (int, error) {
	n := fresh[int32]()
	if err := l.call(cuDeviceGetCount, address(n)); err != nil {
		return 0, err
	}
	if *n < 1 {
		return 0, &wire.Fault{Code: wire.NoDevice, Message: "the CUDA driver has no device"}
	}
	return int(*n), nil
}

// Device is one device. Its methods belong to the thread that has opened it.
type Device struct {
	lib     *Library
	ordinal int32
}

// Thread owns a device: a goroutine that is locked to its thread, because the driver keeps the current context per thread.
type Thread struct {
	work chan func()
	done chan struct{}
	dev  *Device
}

// Start opens a device on a thread of its own.
func (l *Library) Start(ordinal int) (*Thread, error) {
	t := &Thread{work: make(chan func()), done: make(chan struct{})}
	opened := make(chan error)
	go func() {
		defer close(t.done)
		runtime.LockOSThread() // never unlocked: the thread dies with its context
		dev, err := l.open(int32(ordinal))
		t.dev = dev
		opened <- err
		if err != nil {
			return
		}
		for f := range t.work {
			f()
		}
		_ = dev.close()
	}()
	return t, <-opened
}

// Do runs f on the device's thread and returns what f returns.
func (t *Thread) Do(f func(*Device) error) error {
	var err error
	finished := make(chan struct{})
	t.work <- func() {
		defer close(finished)
		err = f(t.dev)
	}
	<-finished
	return err
}

// Stop closes the device and waits for its thread.
func (t *Thread) Stop() {
	close(t.work)
	<-t.done
}

func (l *Library) open(ordinal int32) (*Device, error) {
	context := fresh[uintptr]()
	err := l.call(cuDevicePrimaryCtxRetain, address(context), uintptr(ordinal))
	if err == nil {
		err = l.call(cuCtxSetCurrent, *context)
	}
	return &Device{lib: l, ordinal: ordinal}, err
}

func (d *Device) close() error { return d.lib.call(cuDevicePrimaryCtxRelease, uintptr(d.ordinal)) }

// Info describes the device.
func (d *Device) Info() (wire.Device, error) {
	info := wire.Device{}
	name := fresh[[256]byte]()
	err := d.lib.call(cuDeviceGetName, address(name), uintptr(len(name)), uintptr(d.ordinal))
	free, total := fresh[uintptr](), fresh[uintptr]()
	err = errors.Join(err, d.lib.call(cuMemGetInfo, address(free), address(total)))
	info.Name, info.Memory, info.Free = cString(&name[0]), uint64(*total), uint64(*free)
	for _, a := range []struct {
		number int
		to     *int
	}{
		{attributeProcessors, &info.Processors},
		{attributeCache, &info.CacheBytes},
		{attributeMajor, &info.Major},
		{attributeMinor, &info.Minor},
		{attributeShared, &info.SharedMax},
	} {
		v := fresh[int32]()
		err = errors.Join(err, d.lib.call(cuDeviceGetAttribute, address(v), uintptr(a.number), uintptr(d.ordinal)))
		*a.to = int(*v)
	}
	return info, err
}

// Free is the memory that is left on the device.
func (d *Device) Free() (uint64, error) {
	free, total := fresh[uintptr](), fresh[uintptr]()
	err := d.lib.call(cuMemGetInfo, address(free), address(total))
	return uint64(*free), err
}

// Pointer is an address on a device.
type Pointer uint64

// Alloc takes memory of the device.
func (d *Device) Alloc(bytes int64) (Pointer, error) {
	p := fresh[uint64]()
	err := d.lib.call(cuMemAlloc, address(p), uintptr(max(bytes, 1)))
	return Pointer(*p), err
}

// FreeMemory gives memory of the device back.
func (d *Device) FreeMemory(p Pointer) error { return d.lib.call(cuMemFree, uintptr(p)) }

// Pinned is memory of the process that the device reads and writes by itself. It is not Go's: copies outlive calls.
type Pinned struct {
	Bytes []byte
}

// AllocPinned takes pinned memory.
func (d *Device) AllocPinned(bytes int) (Pinned, error) {
	p := fresh[*byte]()
	if err := d.lib.call(cuMemHostAlloc, address(p), uintptr(max(bytes, 1)), 0); err != nil {
		return Pinned{}, err
	}
	return Pinned{Bytes: unsafe.Slice(*p, bytes)}, nil
}

// FreePinned gives pinned memory back.
func (d *Device) FreePinned(p Pinned) error {
	return d.lib.call(cuMemFreeHost, uintptr(unsafe.Pointer(unsafe.SliceData(p.Bytes))))
}

// As is pinned memory as an array.
func As[T any](bytes []byte) []T {
	var zero T
	if len(bytes) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/int(unsafe.Sizeof(zero)))
}
