package config

import (
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// host is what the defaults are drawn from, so that tests can describe a machine.
type host struct {
	root    fs.FS // the file system's root, for /proc and /sys
	getenv  func(string) string
	threads int
}

func thisHost() host {
	return host{root: os.DirFS("/"), getenv: os.Getenv, threads: runtime.GOMAXPROCS(0)}
}

// stateFolder follows the XDG rule for state that is neither configuration nor disposable.
func (h host) stateFolder() string {
	if dir := h.getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "spurwheel")
	}
	if home := h.getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "state", "spurwheel")
	}
	return filepath.Join(os.TempDir(), "spurwheel-"+strconv.Itoa(os.Getuid()))
}

// memory is our share of the machine's memory or of the smallest cgroup limit around the process, whichever is less: a
// cgroup without a limit says a number larger than any machine.
func (h host) memory() Size {
	granted := int64(math.MaxInt64)
	for _, found := range append(h.cgroupLimits(), h.totalMemory()...) {
		granted = min(granted, found)
	}
	if granted == math.MaxInt64 {
		return fallbackMemory
	}
	return max(Size(float64(granted)*memoryShare), MinMemory)
}

// totalMemory is MemTotal of /proc/meminfo, or nothing.
func (h host) totalMemory() []int64 {
	for line := range strings.Lines(h.read("proc/meminfo")) {
		rest, found := strings.CutPrefix(line, "MemTotal:")
		if !found {
			continue
		}
		if kib, ok := number(strings.TrimSuffix(strings.TrimSpace(rest), " kB")); ok {
			return []int64{kib << 10}
		}
	}
	return nil
}

// cgroupLimits collects the memory limits of the process's cgroup and of all those around it, in either version: each binds.
func (h host) cgroupLimits() []int64 {
	var limits []int64
	for line := range strings.Lines(h.read("proc/self/cgroup")) {
		// hierarchy:controllers:path; version 2 has hierarchy 0 and no controllers
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[0] == "0" && parts[1] == "":
			limits = append(limits, h.limitsAbove("sys/fs/cgroup", parts[2], "memory.max")...)
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			limits = append(limits, h.limitsAbove("sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes")...)
		}
	}
	return limits
}

// limitsAbove reads the file in the cgroup and its parents up to the mount. In a container the path is often the host's and
// does not exist below the mount; then only the mount's own file counts, which is the container's.
func (h host) limitsAbove(mount, cgroup, file string) []int64 {
	var limits []int64
	for dir := path.Clean("/" + cgroup); ; dir = path.Dir(dir) {
		if limit, ok := number(strings.TrimSpace(h.read(path.Join(mount, dir, file)))); ok {
			limits = append(limits, limit)
		}
		if dir == "/" {
			return limits
		}
	}
}

// read returns nothing for a file that cannot be read: another system, or one that hides it.
func (h host) read(name string) string {
	content, err := fs.ReadFile(h.root, name)
	if err != nil {
		return ""
	}
	return string(content)
}

// number refuses what is not a positive number, "max" among it.
func number(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0
}
