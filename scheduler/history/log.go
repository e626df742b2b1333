package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/dispatch"
)

// EventKind names what happened.
type EventKind string

// The kinds of events.
const (
	EventSubmitted EventKind = "submitted"
	EventLaunched  EventKind = "launched"
	EventFinished  EventKind = "finished"
	EventFailed    EventKind = "failed"
	EventLost      EventKind = "lost"
	EventEnded     EventKind = "ended"
)

// Event is one line of a job's log.
type Event struct {
	At   time.Time `json:"at"`
	Kind EventKind `json:"kind"`
	Text string    `json:"text"`
}

const (
	// maxLogBytes bounds a job's log; a job of 100,000 tasks takes about 20 MiB.
	maxLogBytes = 64 << 20
	// maxText cuts an event's text: an error may carry a whole plan.
	maxText = 2000
	// flushAfter is how long an event may wait for others before it is written.
	flushAfter = 100 * time.Millisecond
)

// log is an append-only file of events, one JSON object a line. What cannot be
// written is dropped: a full disk must not end jobs.
type log struct {
	path string
	mu   struct {
		sync.Mutex
		file    *os.File
		out     *bufio.Writer
		size    int
		flushed time.Time
		wake    chan struct{} // closed when there is more, or the end
		over    bool
	}
}

func newLog(dir, job string) *log {
	l := &log{}
	l.mu.wake = make(chan struct{})
	if dir == "" {
		return l
	}
	l.path = filepath.Join(dir, fileName(job))
	f, err := openLog(l.path)
	if err != nil {
		return l
	}
	l.mu.file, l.mu.out = f, bufio.NewWriter(f)
	return l
}

// openLog opens a log for more lines, in a folder that is made for the first.
func openLog(path string) (*os.File, error) {
	open := func() (*os.File, error) {
		return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	}
	f, err := open()
	if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return open()
}

// fileName is a job's id without what a path would read into it: ids come from clients.
func fileName(job string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, job) + ".log"
}

// note appends an event to a job's log; the book's lock is held.
func (b *Book) note(e *entry, kind EventKind, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	e.log.add(Event{At: b.cfg.Clock.Now(), Kind: kind, Text: text[:min(len(text), maxText)]})
}

func (l *log) add(ev Event) {
	line, err := json.Marshal(ev)
	if err == nil {
		l.write(ev.At, append(line, '\n'))
	}
}

// noteTask is note for what happens to every task: formatting and encoding by
// reflection cost a fifth of a busy leader's time.
func (b *Book) noteTask(e *entry, kind EventKind, t dispatch.Task, worker string) {
	if !plain(t.Job) || !plain(worker) {
		b.note(e, kind, "%s on %s", t, worker)
		return
	}
	now := b.cfg.Clock.Now()
	line := append(b.line[:0], `{"at":"`...)
	line = now.AppendFormat(line, time.RFC3339Nano)
	line = append(append(append(line, `","kind":"`...), kind...), `","text":"`...)
	line = t.Append(line)
	line = append(append(append(line, " on "...), worker...), "\"}\n"...)
	b.line = line
	e.log.write(now, line)
}

// plain tells a text that JSON takes as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// write appends a line. See log: what cannot be written is dropped.
func (l *log) write(now time.Time, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.out == nil || l.mu.size > maxLogBytes {
		return
	}
	n, _ := l.mu.out.Write(line)
	l.mu.size += n
	if now.Sub(l.mu.flushed) >= flushAfter {
		l.flush(now)
	}
}

// flush writes what waits; the lock is held.
func (l *log) flush(now time.Time) {
	_ = l.mu.out.Flush()
	l.mu.flushed = now
	close(l.mu.wake)
	l.mu.wake = make(chan struct{})
}

func (l *log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.over = true
	if l.mu.out != nil {
		l.flush(l.mu.flushed)
		_ = l.mu.file.Close()
		l.mu.out, l.mu.file = nil, nil
	}
	close(l.mu.wake)
	l.mu.wake = make(chan struct{})
}

func (l *log) remove() {
	if l.path != "" {
		_ = os.Remove(l.path)
	}
}

// written flushes and tells whether more may follow, and what to wait for.
func (l *log) written() (wake chan struct{}, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.out != nil {
		_ = l.mu.out.Flush()
	}
	return l.mu.wake, l.mu.over
}

// pollLog bounds how late a follower sees events that wait to be flushed.
const pollLog = 200 * time.Millisecond

// Events gives a job's events to f, in order; with follow, also those to come
// until the job ends. f's error ends it.
func (b *Book) Events(ctx context.Context, id string, follow bool, f func(Event) error) error {
	b.mu.Lock()
	e := b.mu.jobs[id]
	b.mu.Unlock()
	if e == nil {
		return errs.Errorf(errs.NotFound, "", "no job %s is known here", id)
	}
	wake, over := e.log.written()
	file, err := os.Open(e.log.path)
	if err != nil {
		return errs.Errorf(errs.NotFound, "", "job %s has no log here", id)
	}
	defer file.Close()
	r := &lines{r: bufio.NewReader(file)}
	for {
		if err := r.each(f); err != nil {
			return err
		}
		if over || !follow {
			return nil
		}
		select {
		case <-wake:
		case <-time.After(pollLog):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		wake, over = e.log.written()
	}
}

// lines reads whole lines of a file that grows.
type lines struct {
	r    *bufio.Reader
	part []byte
}

func (l *lines) each(f func(Event) error) error {
	for {
		more, err := l.r.ReadBytes('\n')
		l.part = append(l.part, more...)
		if err != nil { // the end, for now
			return nil
		}
		var ev Event
		if err := json.Unmarshal(bytes.TrimSpace(l.part), &ev); err != nil {
			return errs.Errorf(errs.Corrupt, "history.Events", "line %q: %w", l.part, err)
		}
		l.part = l.part[:0]
		if err := f(ev); err != nil {
			return err
		}
	}
}
