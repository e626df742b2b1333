package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"
)

// version is set by the linker (see the Makefile); a plain `go build` falls back to what Go records.
var version string

// protocol counts the changes of what processes of a cluster say to each other, and of the record. It is raised when an
// older process would not understand, and only once the release before reads what the new one writes. A string, so that
// the linker can set it in tests.
var protocol = "1"

// protocolSpoken is 0, which is asked of nobody, in a build whose number is none.
func protocolSpoken() int32 {
	n, err := strconv.ParseInt(protocol, 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "spurwheel %s %s/%s %s\n", buildVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
			return err
		},
	}
}

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
