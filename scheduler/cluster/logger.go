package cluster

import (
	"context"
	"io"
	"log" //nolint:depguard // hclog's interface names it
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
)

// raftLog brings raft's log to ours: its messages and arguments as they are,
// one level lower where it informs, since it tells much.
type raftLog struct {
	to   slog.Handler
	args []any
}

var _ hclog.Logger = raftLog{}

func level(l hclog.Level) slog.Level {
	switch l {
	case hclog.Error:
		return slog.LevelError
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Info:
		return slog.LevelDebug
	default:
		return slog.LevelDebug - 4
	}
}

// Log writes one line.
func (r raftLog) Log(l hclog.Level, msg string, args ...any) {
	ctx := context.Background()
	if !r.to.Enabled(ctx, level(l)) {
		return
	}
	line := slog.NewRecord(time.Now(), level(l), "raft: "+msg, 0)
	line.Add(r.args...)
	line.Add(args...)
	_ = r.to.Handle(ctx, line) // nowhere to report it to
}

// Trace and the next four are Log at a level.
func (r raftLog) Trace(msg string, args ...any) { r.Log(hclog.Trace, msg, args...) }

// Debug writes one line.
func (r raftLog) Debug(msg string, args ...any) { r.Log(hclog.Debug, msg, args...) }

// Info writes one line.
func (r raftLog) Info(msg string, args ...any) { r.Log(hclog.Info, msg, args...) }

// Warn writes one line.
func (r raftLog) Warn(msg string, args ...any) { r.Log(hclog.Warn, msg, args...) }

// Error writes one line.
func (r raftLog) Error(msg string, args ...any) { r.Log(hclog.Error, msg, args...) }

func (r raftLog) enabled(l hclog.Level) bool { return r.to.Enabled(context.Background(), level(l)) }

// IsTrace and the next four tell whether a line would be written.
func (r raftLog) IsTrace() bool { return r.enabled(hclog.Trace) }

// IsDebug tells whether a line would be written.
func (r raftLog) IsDebug() bool { return r.enabled(hclog.Debug) }

// IsInfo tells whether a line would be written.
func (r raftLog) IsInfo() bool { return r.enabled(hclog.Info) }

// IsWarn tells whether a line would be written.
func (r raftLog) IsWarn() bool { return r.enabled(hclog.Warn) }

// IsError tells whether a line would be written.
func (r raftLog) IsError() bool { return r.enabled(hclog.Error) }

// ImpliedArgs are written with every line.
func (r raftLog) ImpliedArgs() []any { return r.args }

// With adds arguments.
func (r raftLog) With(args ...any) hclog.Logger {
	return raftLog{r.to, append(slices.Clone(r.args), args...)}
}

// Name is not kept.
func (r raftLog) Name() string { return "raft" }

// Named is the same logger.
func (r raftLog) Named(string) hclog.Logger { return r }

// ResetNamed is the same logger.
func (r raftLog) ResetNamed(string) hclog.Logger { return r }

// SetLevel does nothing: the level is our handler's.
func (r raftLog) SetLevel(hclog.Level) {}

// GetLevel is not known here.
func (r raftLog) GetLevel() hclog.Level { return hclog.NoLevel }

// StandardLogger writes through StandardWriter.
func (r raftLog) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(r.StandardWriter(o), "", 0)
}

// StandardWriter writes lines as debug messages.
func (r raftLog) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return lineWriter{r}
}

type lineWriter struct{ to raftLog }

// Write takes a line.
func (w lineWriter) Write(p []byte) (int, error) {
	w.to.Debug(string(p))
	return len(p), nil
}
