// Package obs makes what an operator watches: the log and the metrics registry of a process. It does not know what is logged
// or counted; whoever needs a logger or a registry is handed one.
package obs

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// Format is how log lines look.
type Format uint8

// The formats. Auto chooses text for a person at a terminal and JSON for a machine.
const (
	Auto Format = iota
	Text
	JSON
)

// ParseFormat reads the names auto, text and json; anything else is Auto, settings are checked before.
func ParseFormat(name string) Format {
	switch name {
	case "text":
		return Text
	case "json":
		return JSON
	}
	return Auto
}

// ParseLevel reads the names debug, info, warn and error; anything else is info, settings are checked before.
func ParseLevel(name string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// NewLogger writes records of the level and above to w. Colours are used on a terminal only, and not with NO_COLOR set.
func NewLogger(w io.Writer, level slog.Leveler, format Format) *slog.Logger {
	terminal := isTerminal(w)
	if format == JSON || format == Auto && !terminal {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(newTextHandler(w, level, terminal && os.Getenv("NO_COLOR") == ""))
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
