package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/spurwheel/spurwheel/"

// The main binary stays static: it does not import purego, whatever it imports of the GPU.
func TestMainBinaryDoesNotImportPurego(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"cmd/spurwheel").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), module+"gpu\n", "the main binary starts the helper")
	require.NotContains(t, string(out), "ebitengine/purego")
}

// Only internal/driver imports purego.
func TestPuregoHasOneImporter(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Imports}}", module+"...").Output()
	require.NoError(t, err)
	var importers []string
	for line := range strings.Lines(string(out)) {
		if name, imports, _ := strings.Cut(line, " "); strings.Contains(imports, "github.com/ebitengine/purego") {
			importers = append(importers, name)
		}
	}
	require.Equal(t, []string{module + "cmd/spurwheel-gpu/internal/driver"}, importers)
}

// A program that imports what the main binary imports of the GPU has no interpreter: it runs where there is no libc.
func TestClientOfTheHelperIsStatic(t *testing.T) {
	folder := t.TempDir()
	source := "package main\n\nimport \"" + module + "gpu\"\n\nfunc main() { _ = gpu.Probe(gpu.Config{}) }\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "main.go"), []byte(source), 0o644))
	program := filepath.Join(folder, "client")
	build := exec.Command("go", "build", "-o", program, filepath.Join(folder, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	file, err := elf.Open(program)
	require.NoError(t, err)
	defer file.Close()
	for _, p := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "the program asks for a loader")
	}
}
