// Command spurwheel is the one binary: it reads flags, configuration and signals, and wires the rooms of the house together.
// It decides nothing about data; whatever can be tested without a process lives below it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Exit statuses, beside those of a submitted program.
const (
	exitFailure = 1
	exitUsage   = 2 // the command line or the settings are wrong; nothing was started
)

// process is what a command touches of the process it runs in, so that tests can hold it.
type process struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // stdin is one
}

// exitStatus ends the process with the status of a program that ran for it; that program has said what was wrong.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func main() {
	// A second signal finds no handler and ends the process at once.
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release)
	p := process{
		environ:  os.Environ(),
		stdin:    os.Stdin,
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: term.IsTerminal(int(os.Stdin.Fd())),
	}
	os.Exit(execute(ctx, p, os.Args[1:]))
}

// execute runs one command line and returns the status to exit with.
func execute(ctx context.Context, p process, args []string) int {
	started := false
	root := newRoot(p, &started)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	fmt.Fprintln(p.stderr, "spurwheel:", err)
	if !started || errs.Is(err, errs.Invalid) {
		return exitUsage
	}
	return exitFailure
}

// newRoot sets started when a command's own work begins: errors before that are those of the command line.
func newRoot(p process, started *bool) *cobra.Command {
	root := &cobra.Command{
		Use:               "spurwheel",
		Short:             "Spurwheel runs PySpark programs and Spark SQL on one static binary",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRun:  func(*cobra.Command, []string) { *started = true },
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	commonFlags(root.PersistentFlags())
	root.AddCommand(newUp(p), newSQL(p), newWorkerProcess(p), newSubmit(p), newWord2vec(p), newGPU(p), newVersion(), newTLS())
	root.AddCommand(newRoles(p)...)
	root.AddCommand(newAdminCommands(p)...)
	return root
}
