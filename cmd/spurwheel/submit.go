package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// submitGrace is how long a program has to clean up once it was told to stop.
const submitGrace = 10 * time.Second

func newSubmit(p process) *cobra.Command {
	var remote, python string
	cmd := &cobra.Command{
		Use:   "submit FILE.py|FILE.sql [args]",
		Short: "Run a program against a server; exits with the program's status",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch ext := filepath.Ext(args[0]); ext {
			case ".py":
				return runPython(cmd.Context(), p, python, remote, args)
			case ".sql":
				return withShell(cmd, p, "table", func(ctx context.Context, sh *shell) error {
					text, err := statementText("", args[:1], p)
					if err != nil {
						return err
					}
					return sh.script(ctx, text)
				})
			default:
				return errs.Errorf(errs.Invalid, "", "submit %s: want a .py or a .sql file", args[0])
			}
		},
	}
	cmd.Flags().SetInterspersed(false) // what stands behind FILE is the program's
	cmd.Flags().StringVar(&remote, "remote", "sc://"+config.DefaultConnect, "server to use")
	cmd.Flags().StringVar(&python, "python", "python3", "interpreter that has PySpark")
	return cmd
}

// runPython runs the program as the user would, with SPARK_REMOTE naming the server.
func runPython(ctx context.Context, p process, python, remote string, args []string) error {
	const op = "submit"
	if _, err := os.Stat(args[0]); err != nil {
		return errs.E(errs.Invalid, op, err)
	}
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.Env = append(without(p.environ, "SPARK_REMOTE"), "SPARK_REMOTE="+remote)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.WaitDelay = submitGrace
	cmd.Cancel = func() error {
		if p.terminal {
			return nil // Ctrl-C reached the program too; a second one would break into its cleaning up
		}
		return cmd.Process.Signal(os.Interrupt)
	}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return statusOf(exit)
	}
	return errs.E(errs.Other, op, err)
}

// statusOf is the program's status as a shell tells it: 128 and the signal for one that was killed.
func statusOf(exit *exec.ExitError) exitStatus {
	if wait, ok := exit.Sys().(syscall.WaitStatus); ok && wait.Signaled() {
		return exitStatus(128 + int(wait.Signal()))
	}
	return exitStatus(exit.ExitCode())
}

func without(environ []string, name string) []string {
	kept := make([]string, 0, len(environ)+1)
	for _, variable := range environ {
		if !strings.HasPrefix(variable, name+"=") {
			kept = append(kept, variable)
		}
	}
	return kept
}
