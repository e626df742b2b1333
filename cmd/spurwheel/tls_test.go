package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/gateway/auth"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/pki"
)

func tlsCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newTLS()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestTLSCommandsMakeWhatNodesUse(t *testing.T) {
	ca, node := filepath.Join(t.TempDir(), "ca"), filepath.Join(t.TempDir(), "n1")
	_, err := tlsCommand(t, "init", "--dir", ca, "--cluster", "prod")
	require.NoError(t, err)
	_, err = tlsCommand(t, "init", "--dir", ca, "--cluster", "prod")
	require.True(t, errs.Is(err, errs.Invalid), "an authority is not written over: %v", err)
	key, err := pki.ReadKey(filepath.Join(ca, pki.KeyFile))
	require.NoError(t, err)
	require.Len(t, key, pki.KeySize)

	_, err = tlsCommand(t, "issue", "--dir", ca, "--out", node, "--role", "worker,gateway", "--name", "n1", "--host", "n1.example.org,10.0.0.1")
	require.NoError(t, err)
	s, err := pki.Open(node, clock.Real{}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Equal(t, pki.Identity{Cluster: "prod", Name: "n1", Roles: []pki.Role{pki.Worker, pki.Gateway}}, s.Identity())
	out, err := tlsCommand(t, "show", filepath.Join(node, pki.NodeFile), filepath.Join(node, pki.CAFile))
	require.NoError(t, err)
	require.Contains(t, out, `"n1", [worker gateway] of cluster prod, hosts [n1.example.org 10.0.0.1]`)
	require.Contains(t, out, "authority")
	require.NotContains(t, out, "PRIVATE")
	for _, args := range [][]string{
		{"issue", "--dir", ca, "--out", node, "--role", "root"},
		{"issue", "--dir", node, "--out", node, "--role", "worker"},
		{"init", "--dir", t.TempDir(), "--cluster", "No Name"},
		{"show", ca},
		{"token", "a b", "--file", filepath.Join(ca, "tokens")},
	} {
		_, err = tlsCommand(t, args...)
		require.True(t, errs.Is(err, errs.Invalid), "%v: %v", args, err)
	}
}

func TestTokensArePrintedOnceAndKeptAsHashes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tls", "tokens")
	for _, user := range []string{"ada", "bob"} {
		out, err := tlsCommand(t, "token", user, "--file", file)
		require.NoError(t, err)
		secret := strings.TrimSpace(out)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), secret)
		list, err := auth.OpenTokens(file, clock.Real{}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		who, err := list.Lookup(secret)
		require.NoError(t, err)
		require.Equal(t, auth.Principal{Name: user, Role: auth.User}, who)
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
}
