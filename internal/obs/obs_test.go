package obs

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTextLine(t *testing.T) {
	var out bytes.Buffer
	h := newTextHandler(&out, slog.LevelInfo, false)
	log := slog.New(h).With(slog.String("role", "worker")).WithGroup("task")
	at := time.Date(2026, 11, 21, 7, 8, 9, 123456789, time.UTC)
	write := func(level slog.Level, msg string, attrs ...slog.Attr) string {
		out.Reset()
		r := slog.NewRecord(at, level, msg, 0)
		r.AddAttrs(attrs...)
		require.NoError(t, log.Handler().Handle(t.Context(), r))
		return out.String()
	}
	for _, c := range []struct{ got, want string }{
		{write(slog.LevelInfo, "started"), "07:08:09.123 INFO  started  role=worker\n"},
		{
			write(slog.LevelError, "failed", slog.Int("n", 3), slog.Any("err", errors.New("no such \"file\""))),
			`07:08:09.123 ERROR failed  role=worker task.n=3 task.err="no such \"file\""` + "\n",
		},
		{write(slog.LevelWarn, "two\nlines", slog.String("q", "a\x1b[31m")), `07:08:09.123 WARN  "two\nlines"  role=worker task.q="a\x1b[31m"` + "\n"},
		{write(slog.LevelInfo, "x", slog.Time("at", at), slog.Duration("d", time.Second), slog.String("none", "")), "07:08:09.123 INFO  x  role=worker task.at=2026-11-21T07:08:09.123456789Z task.d=1s task.none=\"\"\n"},
	} {
		require.Equal(t, c.want, c.got)
	}
	require.False(t, log.Enabled(t.Context(), slog.LevelDebug))
}

func TestTextColours(t *testing.T) {
	var out bytes.Buffer
	slog.New(newTextHandler(&out, slog.LevelInfo, true)).Warn("careful", slog.Int("n", 1))
	require.Contains(t, out.String(), yellow+"WARN "+plain)
	require.Contains(t, out.String(), dim+"n="+plain+"1")
}

// The standard library's own checks of a handler, over lines read back into maps.
func TestTextHandlerKeepsSlogsRules(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return newTextHandler(&out, slog.LevelInfo, false)
	}, func(t *testing.T) map[string]any {
		return readLine(t, strings.TrimSuffix(out.String(), "\n"))
	})
}

func readLine(t *testing.T, line string) map[string]any {
	record := map[string]any{}
	if at, rest, ok := strings.Cut(line, " "); ok && strings.Count(at, ":") == 2 {
		record[slog.TimeKey], line = at, rest
	}
	record[slog.LevelKey], line = strings.TrimSpace(line[:5]), line[6:]
	message, attrs, _ := strings.Cut(line, "  ")
	record[slog.MessageKey] = message
	for pair := range strings.FieldsSeq(attrs) {
		key, value, found := strings.Cut(pair, "=")
		require.True(t, found, pair)
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		path := strings.Split(key, ".")
		group := record
		for _, name := range path[:len(path)-1] {
			if group[name] == nil {
				group[name] = map[string]any{}
			}
			group = group[name].(map[string]any)
		}
		group[path[len(path)-1]] = value
	}
	return record
}

func TestLinesStayWhole(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelInfo, Text)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				log.With(slog.Int("i", i)).Info("line", slog.Int("n", i))
			}
		})
	}
	all.Wait()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 400)
	for _, line := range lines {
		require.Regexp(t, `^\S+ INFO  line  i=\d n=\d$`, line)
	}
}

func TestFormatAndLevel(t *testing.T) {
	for name, want := range map[string]Format{"auto": Auto, "text": Text, "json": JSON, "": Auto} {
		require.Equal(t, want, ParseFormat(name))
	}
	for name, want := range map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError, "info": slog.LevelInfo, "?": slog.LevelInfo} {
		require.Equal(t, want, ParseLevel(name))
	}
	file, err := os.Create(t.TempDir() + "/log")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	NewLogger(file, slog.LevelInfo, Auto).Info("for a machine")
	content, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	require.Contains(t, string(content), `"msg":"for a machine"`, "auto is JSON away from a terminal")
}

func TestRegistry(t *testing.T) {
	registry := NewRegistry("v1-test")
	require.NotPanics(t, func() { NewRegistry("again") }, "nothing is global")
	answer := httptest.NewRecorder()
	MetricsHandler(registry).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	for _, want := range []string{`spurwheel_build_info{version="v1-test"} 1`, "go_goroutines", "process_resident_memory_bytes"} {
		require.Contains(t, answer.Body.String(), want)
	}
}
