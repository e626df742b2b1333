package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	// restartFirst and restartMost bound the wait before a process that died is started again.
	restartFirst = 200 * time.Millisecond
	restartMost  = 5 * time.Second
	// steadyAfter is how long a process lives until its next death counts as a first one.
	steadyAfter = 10 * time.Second
	// readyWithin is how long a process may take to say that it is ready.
	readyWithin = 30 * time.Second
	// endWithin is how long a process may take to end when it is told to.
	endWithin = 15 * time.Second
)

// member is one process of a cluster on this machine.
type member struct {
	name string
	args []string
	env  []string
}

// supervisor starts processes of this binary, starts them again when they die,
// and ends them with its own: each ends when its standard input does.
type supervisor struct {
	log    *slog.Logger
	stderr io.Writer
	report func(name string, pid int) // a process was started
	ready  func(name string, fields map[string]string)
	wg     sync.WaitGroup
}

// keep runs m until ctx ends. The first return of ready is its first ready
// line's fields, or why it will never be ready.
func (s *supervisor) keep(ctx context.Context, m member) (ready func() (map[string]string, error)) {
	type answer struct {
		fields map[string]string
		err    error
	}
	first := make(chan answer, 1)
	s.wg.Go(func() {
		wait := restartFirst
		for ctx.Err() == nil {
			started, served := time.Now(), false
			err := s.once(ctx, m, func(fields map[string]string) {
				served = true
				s.ready(m.name, fields)
				select {
				case first <- answer{fields: fields}:
				default:
				}
			})
			if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == exitUsage && !served { // a panic has the same status
				err = errs.Errorf(errs.Invalid, "", "%s refused its settings, see its messages", m.name)
				select {
				case first <- answer{err: err}:
				default:
				}
				return
			}
			if ctx.Err() != nil || err == nil {
				return // it was told to end, or left of its own will: a drained worker
			}
			if time.Since(started) > steadyAfter {
				wait = restartFirst
			}
			s.log.Warn("a process ended and is started again", slog.String("name", m.name), slog.Any("error", err))
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
			wait = min(2*wait, restartMost)
		}
	})
	return func() (map[string]string, error) {
		select {
		case a := <-first:
			return a.fields, a.err
		case <-time.After(readyWithin):
			return nil, errs.Errorf(errs.Unavailable, "up", "%s was not ready within %s", m.name, readyWithin)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// once runs a process to its end.
func (s *supervisor) once(ctx context.Context, m member, ready func(map[string]string)) error {
	self, err := os.Executable()
	if err != nil {
		return errs.E(errs.Internal, "up", err)
	}
	cmd := exec.Command(self, m.args...) //nolint:noctx // ended by its input, so that it can leave in order
	cmd.Env = append(os.Environ(), m.env...)
	cmd.Stderr = s.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return errs.E(errs.Exhausted, "up", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return errs.E(errs.Exhausted, "up", err)
	}
	if err := cmd.Start(); err != nil {
		return errs.E(errs.Exhausted, "up", err)
	}
	s.report(m.name, cmd.Process.Pid)
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = in.Close()
		select {
		case <-ended:
		case <-time.After(endWithin):
			_ = cmd.Process.Kill()
		}
	})
	defer stop()
	defer close(ended)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if fields, ok := readyLine(lines.Text()); ok {
			ready(fields)
		}
	}
	return cmd.Wait()
}

// readyLine reads "ready key=value …", which a server prints when it serves.
func readyLine(line string) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(line, "ready ")
	if !ok {
		return nil, false
	}
	fields := map[string]string{}
	for f := range strings.FieldsSeq(rest) {
		if key, value, ok := strings.Cut(f, "="); ok {
			fields[key] = value
		}
	}
	return fields, true
}

// untilInputEnds ends ctx when standard input does: a process that `up` started lives no longer than it.
func untilInputEnds(ctx context.Context, p process) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { // ends with the process: a read of standard input cannot be called off
		_, _ = io.Copy(io.Discard, p.stdin)
		cancel(errs.Errorf(errs.Canceled, "up", "the process that started this one ended"))
	}()
	return ctx
}

func printReady(w io.Writer, fields ...string) {
	fmt.Fprintln(w, "ready "+strings.Join(fields, " "))
}
