package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
)

func load(t *testing.T, environ []string, args ...string) (config.Config, []string, error) {
	t.Helper()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	commonFlags(flags)
	serverFlags(flags)
	require.NoError(t, flags.Parse(args))
	return loadSettings(environ, flags)
}

func settingsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spurwheel.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestLaterLayersWin(t *testing.T) {
	file := settingsFile(t, `
connect: 127.0.0.1:1
http: 127.0.0.1:1
memory: 1GiB
threads: 3
data: /from/file
s3:
  endpoint: http://file
  path-style: true
s3.region: dotted
log: {level: warn}
`)
	c, unknown, err := load(t, []string{
		"SPURWHEEL_CONFIG=" + file, "SPURWHEEL_HTTP=127.0.0.1:2", "SPURWHEEL_MEMORY=2g", "SPURWHEEL_S3_ENDPOINT=http://env", "PATH=/bin",
	}, "--memory", "3GiB", "--log-format", "json")
	require.NoError(t, err)
	require.Empty(t, unknown)
	require.Equal(t, config.Config{
		Connect: "127.0.0.1:1",
		HTTP:    "127.0.0.1:2",
		Data:    "/from/file",
		Memory:  3 << 30,
		Threads: 3, Workers: 1,
		Log:       config.Log{Level: "warn", Format: "json"},
		S3:        config.S3{Endpoint: "http://env", Region: "dotted", PathStyle: true},
		Warehouse: "/from/file/warehouse",
		Cluster:   config.Cluster{Expect: 1, Listen: config.DefaultInner, Raft: config.DefaultInner},
	}, c)
}

func TestEverySettingHasAnEnvironmentName(t *testing.T) {
	names := map[string]bool{envConfig: true}
	for _, key := range config.Keys() {
		require.False(t, names[envName(key)], "%s stands for two settings", envName(key))
		names[envName(key)] = true
	}
	c, unknown, err := load(t, []string{"SPURWHEEL_S3_PATH_STYLE=true", "SPURWHEEL_THREADS=5", "SPURWHEEL_S3_ACCESS_KEY=k", "SPURWHEEL_S3_SECRET_KEY=s"})
	require.NoError(t, err)
	require.Empty(t, unknown)
	require.Equal(t, config.S3{PathStyle: true, AccessKey: "k", SecretKey: "s"}, c.S3)
	require.Equal(t, 5, c.Threads)
}

func TestEveryFlagSetsAKnownKey(t *testing.T) {
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	commonFlags(flags)
	serverFlags(flags)
	flags.AddFlagSet(newUp(process{}).Flags())
	for _, role := range newRoles(process{}) {
		flags.AddFlagSet(role.Flags())
	}
	for name, key := range flagKeys {
		require.NotNil(t, flags.Lookup(name), name)
		require.Contains(t, config.Keys(), key)
	}
}

func TestUnknownSettingsAreNamedOnce(t *testing.T) {
	file := settingsFile(t, "memroy: 1GiB\ns3: {endpiont: x}\nlog: {}\nconnect: {host: x}\n")
	_, unknown, err := load(t, []string{"SPURWHEEL_THREADZ=1", "SPURWHEEL_THREADZ=2"}, "--config", file)
	require.NoError(t, err)
	require.Equal(t, []string{"SPURWHEEL_THREADZ", "connect.host", "memroy", "s3.endpiont"}, unknown)
}

func TestSettingsThatCannotWork(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	large := settingsFile(t, "# "+string(make([]byte, maxConfigFile)))
	for _, c := range []struct {
		name    string
		environ []string
		args    []string
		want    string
	}{
		{"size", []string{"SPURWHEEL_MEMORY=lots"}, nil, `size "lots"`},
		{"number", []string{"SPURWHEEL_THREADS=two"}, nil, "threads"},
		{"check", nil, []string{"--connect", "0.0.0.0:1"}, "insecure-i-know"},
		{"named file missing", nil, []string{"--config", missing}, "none.yaml"},
		{"named file missing, by environment", []string{"SPURWHEEL_CONFIG=" + missing}, nil, "none.yaml"},
		{"not YAML", nil, []string{"--config", settingsFile(t, "a: [")}, "spurwheel.yaml"},
		{"a folder", nil, []string{"--config", t.TempDir()}, "not a settings file"},
		{"too large", nil, []string{"--config", large}, "at most 1MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := load(t, c.environ, c.args...)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\n")
			require.True(t, errs.Is(err, errs.Invalid))
		})
	}
}

func TestUsersOwnFile(t *testing.T) {
	folder := t.TempDir()
	c, _, err := load(t, []string{"HOME=" + folder})
	require.NoError(t, err, "it may be missing")
	require.Equal(t, config.DefaultConnect, c.Connect)

	require.NoError(t, os.MkdirAll(filepath.Join(folder, ".config", "spurwheel"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, ".config", "spurwheel", "spurwheel.yaml"), []byte("threads: 7"), 0o600))
	for _, variable := range []string{"HOME=" + folder, "XDG_CONFIG_HOME=" + filepath.Join(folder, ".config")} {
		c, _, err = load(t, []string{variable})
		require.NoError(t, err)
		require.Equal(t, 7, c.Threads)
	}
}
