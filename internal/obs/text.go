package obs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// textHandler writes one line a record for a person to read:
//
//	15:04:05.000 INFO  worker started  threads=2 data=/var/lib/spurwheel
//
// Groups become dotted keys, and a value that holds spaces, quotes or control characters is quoted, so a line stays a line.
type textHandler struct {
	out    *sink
	level  slog.Leveler
	colour bool
	group  string // dotted, with a dot at the end
	attrs  []byte // of WithAttrs, formatted once
}

// sink is shared by all handlers of one logger: it keeps lines whole.
type sink struct {
	mu sync.Mutex
	w  io.Writer
}

const clockLayout = "15:04:05.000"

// Terminal colours: dim for what is the same on every line, one for each level that should catch the eye.
const (
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

func newTextHandler(w io.Writer, level slog.Leveler, colour bool) *textHandler {
	return &textHandler{out: &sink{w: w}, level: level, colour: colour}
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	line := make([]byte, 0, 256) // most lines fit
	if !r.Time.IsZero() {
		line = h.paint(line, dim, r.Time.Format(clockLayout))
		line = append(line, ' ')
	}
	line = h.paint(line, levelColour(r.Level), fmt.Sprintf("%-5s", r.Level))
	line = append(line, ' ')
	line = append(line, message(r.Message)...)
	if len(h.attrs) > 0 || r.NumAttrs() > 0 {
		line = append(line, ' ') // two spaces set the message apart
	}
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = h.appendAttr(line, h.group, a)
		return true
	})
	line = append(line, '\n')

	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	_, err := h.out.w.Write(line) // the one write under a lock: lines must not mix
	return err
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		next.attrs = h.appendAttr(next.attrs, h.group, a)
	}
	return &next
}

func (h *textHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.group = h.group + name + "."
	return &next
}

func (h *textHandler) appendAttr(line []byte, group string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return line
	}
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range value.Group() {
			line = h.appendAttr(line, group, inner)
		}
		return line
	}
	line = append(line, ' ')
	line = h.paint(line, dim, quoted(group+a.Key)+"=")
	return append(line, quoted(text(value))...)
}

// message is the record's message, which the house keeps constant; one that is not cannot break the line either.
func message(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

func text(v slog.Value) string {
	if v.Kind() == slog.KindTime {
		return v.Time().Format(time.RFC3339Nano)
	}
	return v.String()
}

// paint appends s in a colour when there are colours.
func (h *textHandler) paint(line []byte, colour, s string) []byte {
	if !h.colour || colour == "" {
		return append(line, s...)
	}
	line = append(line, colour...)
	line = append(line, s...)
	return append(line, plain...)
}

func levelColour(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return red
	case level >= slog.LevelWarn:
		return yellow
	}
	return ""
}

// quoted keeps what is not ours, a user's query or a file name, from breaking the line or steering the terminal.
func quoted(s string) string {
	for _, r := range s {
		if r == ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	if s == "" {
		return `""`
	}
	return s
}
