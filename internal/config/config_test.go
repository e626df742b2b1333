package config

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
)

func machine(files map[string]string, env map[string]string) host {
	root := fstest.MapFS{}
	for name, content := range files {
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return host{root: root, getenv: func(key string) string { return env[key] }, threads: 6}
}

const meminfo = "MemTotal:       10485760 kB\nMemFree:        1 kB\n" // 10 GiB

func TestDefaults(t *testing.T) {
	c := Config{}
	require.NoError(t, c.validate(machine(map[string]string{"proc/meminfo": meminfo}, map[string]string{"HOME": "/home/u"})))
	require.Equal(t, Config{
		Connect: "127.0.0.1:15002",
		HTTP:    "127.0.0.1:8080",
		Data:    "/home/u/.local/state/spurwheel", Warehouse: "/home/u/.local/state/spurwheel/warehouse",
		Memory:  7 << 30,
		Threads: 6, Workers: 1,
		Cluster: Cluster{Listen: "127.0.0.1:0", Raft: "127.0.0.1:0", Expect: 1},
		Log:     Log{Level: "info", Format: "auto"},
	}, c)
}

func TestValidateOnThisMachine(t *testing.T) {
	c := Config{}
	require.NoError(t, c.Validate())
	require.Positive(t, c.Threads)
	require.GreaterOrEqual(t, c.Memory, MinMemory)
	require.True(t, filepath.IsAbs(c.Data))
}

func TestMemory(t *testing.T) {
	v2 := "0::/user.slice/job.scope\n"
	v1 := "12:cpuset:/x\n5:cpu,memory:/docker/abc\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  Size
	}{
		{name: "nothing known", want: fallbackMemory},
		{name: "machine", files: map[string]string{"proc/meminfo": meminfo}, want: 7 << 30},
		{name: "v2 own limit", files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": v2,
			"sys/fs/cgroup/user.slice/job.scope/memory.max": "1073741824\n",
		}, want: 751619276},
		{name: "v2 limit of a parent", files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": v2,
			"sys/fs/cgroup/user.slice/job.scope/memory.max": "max\n",
			"sys/fs/cgroup/user.slice/memory.max":           "2147483648\n",
		}, want: 1503238553},
		{name: "v2 in a container of its own namespace", files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "1073741824\n",
		}, want: 751619276},
		{name: "v2 path that escapes the mount", files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../x\n",
			"sys/fs/cgroup/memory.max": "1073741824\n",
		}, want: 751619276},
		{name: "v1 in a container, path of the host", files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n",
		}, want: 751619276},
		{name: "v1 without a limit", files: map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": v1,
			"sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712\n",
		}, want: 7 << 30},
		{name: "limit below what can work", files: map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1048576\n",
		}, want: MinMemory},
		{name: "nonsense", files: map[string]string{"proc/meminfo": "MemTotal: x kB\n", "proc/self/cgroup": "zzz\n"}, want: fallbackMemory},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, machine(c.files, nil).memory())
		})
	}
}

func TestStateFolder(t *testing.T) {
	require.Equal(t, "/s/spurwheel", machine(nil, map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}).stateFolder())
	require.Equal(t, "/h/.local/state/spurwheel", machine(nil, map[string]string{"XDG_STATE_HOME": "relative", "HOME": "/h"}).stateFolder())
	require.True(t, strings.HasPrefix(machine(nil, nil).stateFolder(), os.TempDir()))
}

func TestValidateRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Config
		want string
	}{
		{"no port", Config{Connect: "localhost"}, `connect "localhost": want host:port`},
		{"port too large", Config{HTTP: "127.0.0.1:70000"}, `http "127.0.0.1:70000": the port is not a number up to 65535`},
		{"all interfaces", Config{Connect: ":15002"}, `connect ":15002" is reached from other machines`},
		{"public address", Config{HTTP: "0.0.0.0:8080"}, `http "0.0.0.0:8080" is reached from other machines`},
		{"name of a machine", Config{HTTP: "db.example:8080"}, `is reached from other machines`},
		{"memory", Config{Memory: 1 << 20}, "memory 1MiB: want at least 32MiB"},
		{"negative memory", Config{Memory: -1}, "memory -1B: want at least 32MiB"},
		{"threads", Config{Threads: -2}, "threads -2: want 1 to 4096"},
		{"level", Config{Log: Log{Level: "loud"}}, `log.level "loud": want one of [debug info warn error]`},
		{"format", Config{Log: Log{Format: "xml"}}, `log.format "xml": want one of [auto text json]`},
		{"batch of nothing", Config{Testing: Testing{BatchRows: -1}}, "testing.batch-rows -1: want 0 to 65536"},
		{"spill before anything", Config{Testing: Testing{SpillBeyond: -1}}, "testing.spill-beyond -1B: want 0 or more"},
		{"half a key", Config{S3: S3{AccessKey: "a"}}, "s3.access-key and s3.secret-key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.in.validate(machine(nil, nil))
			require.ErrorContains(t, err, c.want)
			require.True(t, errs.Is(err, errs.Invalid))
		})
	}
}

func TestAddressesAllowed(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "127.5.0.1:1", "[::1]:8080", "localhost:8080"} {
		require.NoError(t, checkAddress("http", address, false))
	}
	require.NoError(t, checkAddress("http", ":8080", true))
}

func TestKeys(t *testing.T) {
	require.Equal(t, []string{
		"connect", "http", "insecure-i-know", "data", "memory", "threads", "workers", "schedulers", "warehouse", "tls", "tokens",
		"cluster.name", "cluster.join", "cluster.expect", "cluster.listen", "cluster.raft", "cluster.key", "log.level", "log.format",
		"s3.endpoint", "s3.region", "s3.access-key", "s3.secret-key", "s3.session-token", "s3.path-style",
		"testing.batch-rows", "testing.spill-beyond",
	}, Keys())
}

func TestSecretsDoNotShow(t *testing.T) {
	c := Config{S3: S3{SecretKey: "hunter2"}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("settings", slog.Any("key", c.S3.SecretKey), slog.Any("s3", c.S3))
	shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, c.S3.SecretKey) + log.String()
	require.NotContains(t, shown, "hunter2")
	require.Contains(t, shown, hidden)
	require.Empty(t, Secret("").String())
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "4096": 4096, "12b": 12, "256MiB": 256 << 20, "256mib": 256 << 20, "1g": 1 << 30, "1.5 GiB": 3 << 29,
		"2TiB": 2 << 40, "10MB": 10_000_000, "1kb": 1000, " 3k ": 3 << 10,
	} {
		got, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		"": "want a number", "MiB": "want a number", "1.2.3M": "want a number", "-1M": "want a number", "5 apples": `unknown unit "apples"`,
		"9000000TiB": "too large", "99999999999999999999": "too large",
	} {
		_, err := ParseSize(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestSizeReadsBackItsText(t *testing.T) {
	for size, want := range map[Size]string{0: "0B", 1: "1B", 1 << 10: "1KiB", 256 << 20: "256MiB", 3 << 29: "1536MiB", 1e9: "1000000000B"} {
		text, err := size.MarshalText()
		require.NoError(t, err)
		require.Equal(t, want, string(text))
		var back Size
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, size, back)
	}
	var s Size
	require.Error(t, s.UnmarshalText([]byte("much")))
}
