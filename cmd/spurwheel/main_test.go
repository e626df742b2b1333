package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func TestMain(m *testing.M) {
	if status, ok := inWorkerProcess(); ok {
		os.Exit(status)
	}
	goleak.VerifyTestMain(m)
}

// command runs one command line to its end.
func command(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, log bytes.Buffer
	status = execute(t.Context(), process{stdin: strings.NewReader(""), stdout: &out, stderr: &log, environ: os.Environ()}, args)
	return status, out.String(), log.String()
}

func TestVersion(t *testing.T) {
	status, out, _ := command(t, "version")
	require.Zero(t, status)
	require.Regexp(t, `^spurwheel \S+ `+runtime.GOOS+"/"+runtime.GOARCH+` go\S+\n$`, out)
}

func TestStatusAndMessage(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"bogus"}, exitUsage, `unknown command "bogus"`},
		{[]string{"up", "--bogus"}, exitUsage, "unknown flag: --bogus"},
		{[]string{"up", "extra"}, exitUsage, `unknown command "extra"`},
		{[]string{"up", "--threads", "many"}, exitUsage, "--threads"},
		{[]string{"up", "--memory", "1KiB"}, exitUsage, "memory 1KiB: want at least 32MiB"},
		{[]string{"up", "--data", "/dev/null/x", "--http", "127.0.0.1:0"}, exitFailure, "data folder: "},
		{[]string{"sql", "-e", "select nothing"}, exitUsage, "[UNRESOLVED_COLUMN"},
		{[]string{"sql", "-e", "selec 1"}, exitUsage, "[PARSE_SYNTAX_ERROR]"},
		{[]string{"sql", "--format", "xml", "-e", "select 1"}, exitUsage, "want table, csv or json"},
		{[]string{"submit"}, exitUsage, "requires at least 1 arg"},
		{[]string{"submit", "job.R"}, exitUsage, "submit job.R: want a .py or a .sql file"},
		{[]string{"submit", "none.py"}, exitUsage, "none.py"},
		{[]string{"submit", "none.sql"}, exitUsage, "none.sql"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			status, _, stderr := command(t, c.args...)
			require.Equal(t, c.status, status, stderr)
			require.Contains(t, stderr, c.want)
		})
	}
}

func TestSQL(t *testing.T) {
	query := "create temp view v as select * from values (1, 'a'), (2, null) t(i, s); select i, s from v order by i"
	for format, want := range map[string]string{
		"table": "i  s\n-  ----\n1  a\n2  NULL\n(2 rows)\n",
		"csv":   "i,s\n1,a\n2,\n",
		"json":  "{\"i\":1,\"s\":\"a\"}\n{\"i\":2,\"s\":null}\n",
	} {
		status, out, stderr := command(t, "sql", "--format", format, "-e", query)
		require.Zero(t, status, stderr)
		require.Equal(t, want, out, format)
	}
}

// startUp runs `up` on free ports and returns its web address, and what ends it and tells its exit status.
func startUp(t *testing.T, stderr io.Writer, args ...string) (address string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	done := make(chan int, 1)
	go func() {
		p := process{environ: []string{"SPURWHEEL_NONSENSE=1"}, stdin: strings.NewReader(""), stdout: write, stderr: stderr}
		done <- execute(ctx, p, append([]string{"up", "--connect", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...))
		_ = write.Close()
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	require.NoError(t, err)
	for field := range strings.FieldsSeq(line) {
		if found, ok := strings.CutPrefix(field, "http="); ok {
			address = found
		}
	}
	require.NotEmpty(t, address, line)
	return address, func() int {
		cancel()
		return <-done
	}
}

func fetch(t *testing.T, method, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(content)
}

func TestUp(t *testing.T) {
	data := filepath.Join(t.TempDir(), "made", "on demand")
	var log bytes.Buffer
	address, stop := startUp(t, &log, "--data", data, "--log-format", "text")

	status, body := fetch(t, http.MethodGet, "http://"+address+"/healthz")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "ok\n", body)
	_, body = fetch(t, http.MethodGet, "http://"+address+"/metrics")
	require.Contains(t, body, "spurwheel_build_info")
	status, _ = fetch(t, http.MethodPost, "http://"+address+"/healthz")
	require.Equal(t, http.StatusMethodNotAllowed, status)

	info, err := os.Stat(data)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	second, _, stderr := command(t, "up", "--data", data, "--http", "127.0.0.1:0")
	require.Equal(t, exitFailure, second)
	require.Contains(t, stderr, "in use by another server")
	second, _, stderr = command(t, "up", "--data", t.TempDir(), "--http", address)
	require.Equal(t, exitFailure, second)
	require.Contains(t, stderr, "address already in use")

	require.Zero(t, stop())
	require.Equal(t, 1, strings.Count(log.String(), "unknown setting ignored"))
	require.Contains(t, log.String(), "name=SPURWHEEL_NONSENSE")
	require.Contains(t, log.String(), "stopped")

	_, stop = startUp(t, io.Discard, "--data", data)
	require.Zero(t, stop(), "the folder is free again")
}

func TestHealthBeforeReady(t *testing.T) {
	server, err := listenWeb(t.Context(), "127.0.0.1:0", &health{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.serve(ctx) }()
	status, _ := fetch(t, http.MethodGet, "http://"+server.address()+"/")
	require.Equal(t, http.StatusServiceUnavailable, status)
	cancel()
	require.NoError(t, <-done)
}

func TestListenerThatFails(t *testing.T) {
	server, err := listenWeb(t.Context(), "127.0.0.1:0", &health{})
	require.NoError(t, err)
	require.NoError(t, server.listener.Close())
	require.True(t, errs.Is(server.serve(t.Context()), errs.Unavailable))
}

// The interpreter is a shell here: what matters is what the program is handed and how its end is told.
func TestSubmit(t *testing.T) {
	program := filepath.Join(t.TempDir(), "job.py")
	require.NoError(t, os.WriteFile(program, []byte("echo \"$SPARK_REMOTE $*\"\nread line\necho \"in=$line\" >&2\nexit 7\n"), 0o600))
	var out, log bytes.Buffer
	p := process{environ: []string{"SPARK_REMOTE=other", "PATH=" + os.Getenv("PATH")}, stdin: strings.NewReader("typed\n"), stdout: &out, stderr: &log}
	status := execute(t.Context(), p, []string{"submit", "--python", "sh", program, "a", "--format", "b"})
	require.Equal(t, 7, status)
	require.Equal(t, "sc://127.0.0.1:15002 a --format b\n", out.String())
	require.Equal(t, "in=typed\n", log.String())

	status, _, stderr := command(t, "submit", "--python", "no-such-interpreter", program)
	require.Equal(t, exitFailure, status)
	require.Contains(t, stderr, "no-such-interpreter")

	require.NoError(t, os.WriteFile(program, []byte("kill -9 $$\n"), 0o600))
	status, _, _ = command(t, "submit", "--python", "sh", program)
	require.Equal(t, 128+9, status)
}

func TestSubmitPassesTheInterruptOn(t *testing.T) {
	program := filepath.Join(t.TempDir(), "job.py")
	require.NoError(t, os.WriteFile(program, []byte("trap 'kill $!; echo cleaned; exit 3' INT\nsleep 100 >/dev/null 2>&1 &\necho started\nwait\nexit 9\n"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	done := make(chan int, 1)
	go func() {
		p := process{environ: os.Environ(), stdin: strings.NewReader(""), stdout: write, stderr: io.Discard}
		done <- execute(ctx, p, []string{"submit", "--python", "sh", program})
		_ = write.Close()
	}()
	lines := bufio.NewScanner(read)
	require.True(t, lines.Scan())
	require.Equal(t, "started", lines.Text())
	cancel()
	require.True(t, lines.Scan())
	require.Equal(t, "cleaned", lines.Text())
	require.False(t, lines.Scan())
	require.Equal(t, 3, <-done)
}
