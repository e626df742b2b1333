package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/gpu"
)

func TestGPUInfoWithoutHelper(t *testing.T) {
	var stdout, stderr bytes.Buffer
	p := process{environ: []string{gpuHelperVariable + "=/nonexistent/spurwheel-gpu"}, stdout: &stdout, stderr: &stderr}
	require.Equal(t, exitFailure, execute(t.Context(), p, []string{"gpu", "info"}))
	require.Empty(t, stdout.String())
	require.Contains(t, stderr.String(), "/nonexistent/spurwheel-gpu")
}

func TestGPUConfigOfTheEnvironment(t *testing.T) {
	require.Equal(t, gpu.Config{}, gpuConfig([]string{"PATH=/bin"}))
	require.Equal(t, gpu.Config{Helper: "/a", Driver: "/b"}, gpuConfig([]string{gpuHelperVariable + "=/a", gpuDriverVariable + "=/b"}))
}

func TestDevicesArePrinted(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, printDevices(&out, 12040, []gpu.Device{
		{Name: "new", Major: 9, Processors: 132, Memory: 3 << 30, Free: 1 << 30, Kernels: "sm_90"},
		{Name: "old", Major: 6, Minor: 1},
	}))
	require.Equal(t, `driver for CUDA 12.4
0: new, capability 9.0, 132 processors, 3.0 GiB (1.0 free), kernels sm_90
1: old, capability 6.1, 0 processors, 0.0 GiB (0.0 free), kernels none: the device is too old
`, out.String())
}
