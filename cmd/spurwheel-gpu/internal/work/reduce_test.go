package work

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/driver"
	"github.com/spurwheel/spurwheel/gpu/kernel"
	"github.com/spurwheel/spurwheel/gpu/table"
)

// Additions are the speed of adding to rows of 512 bytes, which is half of what training moves.
type Additions struct {
	Words   int     `json:"words"`
	Zipf    bool    `json:"zipf"`
	Warps   int     `json:"warps"`
	Rows    int64   `json:"rows"`
	Seconds float64 `json:"seconds"`
	GBs     float64 `json:"gigabytes_per_second"`
}

// TestAdditions measures, where SPURWHEEL_ADDITIONS names a file for the results; otherwise it only shows that the kernel runs.
func TestAdditions(t *testing.T) {
	library := os.Getenv("SPURWHEEL_TEST_CUDA")
	if library == "" {
		t.Skip("SPURWHEEL_TEST_CUDA is not set: see `make test-gpu`")
	}
	to := os.Getenv("SPURWHEEL_ADDITIONS")
	devices, err := OpenDevices(library)
	require.NoError(t, err)
	defer devices.Close()
	threads, infos, err := devices.usable(1)
	require.NoError(t, err)
	warpRows, all := 64, []Additions{{Words: 1000, Warps: 8}}
	if to != "" {
		warpRows, all = 1<<16, nil
		for _, words := range []int{50_000, 1_000_000} {
			for _, warps := range []int{264, 1056, 4224} {
				all = append(all, Additions{Words: words, Warps: warps}, Additions{Words: words, Warps: warps, Zipf: true})
			}
		}
	}
	for i := range all {
		a := &all[i]
		a.Rows = int64(a.Warps) * int64(warpRows)
		require.NoError(t, threads[0].Do(func(d *driver.Device) error {
			return a.measure(&holdings{dev: d}, infos[0].Major, infos[0].Minor, warpRows)
		}))
		t.Logf("%+v", *a)
	}
	if to != "" {
		data, err := json.MarshalIndent(all, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(to, data, 0o644))
	}
}

func (a *Additions) measure(h *holdings, major, minor, warpRows int) error {
	defer h.close()
	_, ptx, err := kernel.Image(major, minor)
	if err != nil {
		return err
	}
	module, err := h.dev.Load(ptx)
	if err != nil {
		return err
	}
	h.add(module.Close)
	k, err := module.Kernel(kernel.AddRows, 0)
	if err != nil {
		return err
	}
	stream, err := h.stream()
	if err != nil {
		return err
	}
	room, err := h.arguments(int(unsafe.Sizeof(kernel.ReduceArgs{})))
	if err != nil {
		return err
	}
	rows, err := h.alloc(int64(a.Words) * 4 * kernel.QuadFloats)
	if err != nil {
		return err
	}
	args := kernel.ReduceArgs{Rows: uint64(rows), Words: uint32(a.Words), Quads: 1, PerWarp: uint32(warpRows)}
	if a.Zipf {
		if args.Aliases, err = a.aliases(h, stream); err != nil {
			return err
		}
	}
	begun, err := h.event()
	if err != nil {
		return err
	}
	done, err := h.event()
	if err != nil {
		return err
	}
	if err := stream.Zero(rows, a.Words*4*kernel.QuadFloats); err != nil {
		return err
	}
	for _, e := range []driver.Event{begun, done} { // the first launch warms up
		if err := driver.Launch(stream, k, room, args, a.Warps/4, 4*kernel.WarpLanes, 0); err != nil {
			return err
		}
		if err := stream.Record(e); err != nil {
			return err
		}
	}
	if err := done.Wait(); err != nil {
		return err
	}
	ms, err := done.Milliseconds(begun)
	if err != nil {
		return err
	}
	a.Seconds = ms / 1000
	if a.Seconds > 0 {
		a.GBs = float64(a.Rows) * 4 * kernel.QuadFloats / a.Seconds / 1e9
	}
	return nil
}

// aliases draws rows as words are: the count of a word falls with its rank.
func (a *Additions) aliases(h *holdings, s driver.Stream) (uint64, error) {
	counts := make([]uint64, a.Words)
	for i := range counts {
		counts[i] = uint64(1e9 / (float64(i) + 2.7))
	}
	values := table.Aliases(counts)
	p, err := h.alloc(int64(4 * len(values)))
	if err != nil {
		return 0, err
	}
	pinned, err := h.pinned(4 * len(values))
	if err != nil {
		return 0, err
	}
	copy(driver.As[uint32](pinned.Bytes), values)
	if err := s.Upload(p, pinned.Bytes); err != nil {
		return 0, err
	}
	if err := s.Wait(); err != nil {
		return 0, fmt.Errorf("aliases: %w", err)
	}
	return uint64(p), nil
}
