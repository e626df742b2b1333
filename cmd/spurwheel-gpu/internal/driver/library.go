// Package driver calls the CUDA driver library, which it opens at run time, so that the program starts without one. It is the
// only importer of purego. It knows memory, modules, streams and launches; it knows no kernel.
package driver

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/spurwheel/spurwheel/gpu/wire"
)

// DefaultPath is the driver library as every installation names it.
const DefaultPath = "libcuda.so.1"

// symbols are the functions that are used, as indices into Library.calls.
const (
	cuInit = iota
	cuDriverGetVersion
	cuDeviceGetCount
	cuDeviceGet
	cuDeviceGetName
	cuDeviceGetAttribute
	cuDeviceTotalMem
	cuDevicePrimaryCtxRetain
	cuDevicePrimaryCtxRelease
	cuCtxSetCurrent
	cuMemGetInfo
	cuMemAlloc
	cuMemFree
	cuMemHostAlloc
	cuMemFreeHost
	cuMemcpyHtoDAsync
	cuMemcpyDtoHAsync
	cuMemsetD8Async
	cuModuleLoadDataEx
	cuModuleUnload
	cuModuleGetFunction
	cuFuncSetAttribute
	cuFuncGetAttribute
	cuLaunchKernel
	cuStreamCreate
	cuStreamDestroy
	cuStreamSynchronize
	cuStreamWaitEvent
	cuEventCreate
	cuEventDestroy
	cuEventRecord
	cuEventSynchronize
	cuEventElapsedTime
	cuGetErrorName
	callCount
)

// The _v2 names are those that the driver's header maps the plain ones to.
var symbolNames = [callCount]string{
	"cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute",
	"cuDeviceTotalMem_v2", "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2", "cuCtxSetCurrent", "cuMemGetInfo_v2",
	"cuMemAlloc_v2", "cuMemFree_v2", "cuMemHostAlloc", "cuMemFreeHost", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
	"cuMemsetD8Async", "cuModuleLoadDataEx", "cuModuleUnload", "cuModuleGetFunction", "cuFuncSetAttribute",
	"cuFuncGetAttribute", "cuLaunchKernel", "cuStreamCreate", "cuStreamDestroy_v2", "cuStreamSynchronize", "cuStreamWaitEvent",
	"cuEventCreate", "cuEventDestroy_v2", "cuEventRecord", "cuEventSynchronize", "cuEventElapsedTime", "cuGetErrorName",
}

// Library is an opened and initialised driver.
type Library struct {
	calls [callCount]uintptr
}

// Open loads the driver library and initialises it.
func Open(path string) (*Library, error) {
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, &wire.Fault{Code: wire.NoDriver, Message: "no CUDA driver: " + err.Error()}
	}
	l := &Library{}
	for i, name := range symbolNames {
		if l.calls[i], err = purego.Dlsym(handle, name); err != nil {
			return nil, &wire.Fault{Code: wire.NoDriver, Message: fmt.Sprintf("the CUDA driver %s is too old: %v", path, err)}
		}
	}
	if err := l.call(cuInit, 0); err != nil {
		return nil, err
	}
	return l, nil
}

// call makes one call and turns its result into an error. Pointers among the arguments are kept alive by the caller.
func (l *Library) call(function int, args ...uintptr) error {
	r, _, _ := purego.SyscallN(l.calls[function], args...)
	if r := int32(r); r != 0 {
		return l.fault(function, r)
	}
	return nil
}

func (l *Library) errorName(code int32) string {
	text := fresh[*byte]()
	r, _, _ := purego.SyscallN(l.calls[cuGetErrorName], uintptr(code), address(text))
	if r != 0 || *text == nil {
		return fmt.Sprintf("error %d", code)
	}
	return cString(*text)
}

// cString copies a text that the driver owns.
func cString(text *byte) string {
	const longest = 4096 // the name of an error or a device
	n := 0
	for n < longest && *(*byte)(unsafe.Add(unsafe.Pointer(text), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(text, n))
}

// fresh is a variable for the driver to write to or read from. It lies on the heap, whose objects stay where they are; a stack
// may move during a call. Not inlined, or the compiler would see that the pointer goes nowhere.
//
//go:noinline
func fresh[T any]() *T { return new(T) }

// address is a pointer from fresh as an argument; the caller reads the variable after the call, which keeps it alive.
func address[T any](p *T) uintptr { return uintptr(unsafe.Pointer(p)) }
