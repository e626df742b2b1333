package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"

	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	promptFirst = "spurwheel> "
	promptMore  = "        -> "
)

// prompt reads statements from the terminal until end of input or "exit".
// A statement ends with a semicolon and may take several lines; Ctrl-C drops
// the lines typed so far, or cancels the statement that runs.
func (s *shell) prompt(ctx context.Context, p process) error {
	ctx = context.WithoutCancel(ctx) // Ctrl-C is for the statement, not for the prompt
	fd := int(os.Stdin.Fd())
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{p.stdin, p.stdout}, promptFirst)
	fmt.Fprintln(p.stdout, "End a statement with ;  Leave with exit or Ctrl-D.")
	var typed []string
	for {
		t.SetPrompt(promptFirst)
		if len(typed) > 0 {
			t.SetPrompt(promptMore)
		}
		line, err := readLine(fd, t)
		switch {
		case errors.Is(err, io.EOF):
			if len(typed) == 0 {
				fmt.Fprintln(p.stdout)
				return nil
			}
			typed = nil // Ctrl-C or Ctrl-D within a statement
			continue
		case err != nil:
			return errs.E(errs.Other, "prompt", err)
		}
		if word := strings.TrimSpace(line); len(typed) == 0 && (word == "exit" || word == "quit" || word == "") {
			if word == "" {
				continue
			}
			return nil
		}
		typed = append(typed, line)
		if !strings.HasSuffix(strings.TrimSpace(line), ";") {
			continue
		}
		s.answer(ctx, p, strings.Join(typed, "\n"))
		typed = nil
	}
}

// readLine edits one line in raw mode; the terminal is as before when it returns.
func readLine(fd int, t *term.Terminal) (string, error) {
	old, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, old) }()
	return t.ReadLine()
}

// answer runs statements; errors are shown, not returned: the prompt goes on.
func (s *shell) answer(ctx context.Context, p process, text string) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	if err := s.script(ctx, text); err != nil {
		if ctx.Err() != nil {
			fmt.Fprintln(p.stdout, "canceled")
			return
		}
		fmt.Fprintln(p.stdout, err)
	}
}
