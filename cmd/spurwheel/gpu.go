package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spurwheel/spurwheel/gpu"
)

// Where the helper program and the driver library are, where they are not in the usual places.
const (
	gpuHelperVariable = "SPURWHEEL_GPU_HELPER"
	gpuDriverVariable = "SPURWHEEL_GPU_DRIVER"
)

func gpuConfig(environ []string) gpu.Config {
	var c gpu.Config
	for _, e := range environ {
		switch name, value, _ := strings.Cut(e, "="); name {
		case gpuHelperVariable:
			c.Helper = value
		case gpuDriverVariable:
			c.Driver = value
		}
	}
	return c
}

func newGPU(p process) *cobra.Command {
	cmd := &cobra.Command{Use: "gpu", Short: "What Spurwheel can do with the GPUs of this machine"}
	asJSON := false
	info := &cobra.Command{
		Use:   "info",
		Short: "List the GPUs, the driver and the kernels that will be used; fails, with the reason, where there are none",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := gpuConfig(p.environ)
			if err := gpu.Probe(c); err != nil {
				return err
			}
			h, err := gpu.Start(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer h.Close()
			if asJSON {
				return json.NewEncoder(p.stdout).Encode(map[string]any{"driver": h.Driver(), "devices": h.Devices()})
			}
			return printDevices(p.stdout, h.Driver(), h.Devices())
		},
	}
	info.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(info)
	return cmd
}

func printDevices(w io.Writer, driver int, devices []gpu.Device) error {
	if _, err := fmt.Fprintf(w, "driver for CUDA %d.%d\n", driver/1000, driver%1000/10); err != nil {
		return err
	}
	for i, d := range devices {
		kernels := d.Kernels
		if kernels == "" {
			kernels = "none: the device is too old"
		}
		if _, err := fmt.Fprintf(w, "%d: %s, capability %d.%d, %d processors, %.1f GiB (%.1f free), kernels %s\n",
			i, d.Name, d.Major, d.Minor, d.Processors, gib(d.Memory), gib(d.Free), kernels); err != nil {
			return err
		}
	}
	return nil
}

func gib(bytes uint64) float64 { return float64(bytes) / (1 << 30) }
