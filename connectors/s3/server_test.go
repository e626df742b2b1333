package s3_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/s3"
	"github.com/spurwheel/spurwheel/internal/mem"
)

const (
	serverBucket = "conformance"
	serverKey    = "conformancekey"
	serverSecret = "conformancesecret"
)

// TestConformanceOfServer runs against a real server: the program that
// SPURWHEEL_TEST_S3_SERVER names (versitygw or minio; make test and make
// test-minio do), or one that runs already, by SPURWHEEL_TEST_S3_ENDPOINT and
// SPURWHEEL_TEST_S3_BUCKET, with the credentials of the environment.
func TestConformanceOfServer(t *testing.T) {
	keys, bucket := s3.Keys{"fs.s3a.endpoint": os.Getenv("SPURWHEEL_TEST_S3_ENDPOINT")}, os.Getenv("SPURWHEEL_TEST_S3_BUCKET")
	if program := os.Getenv("SPURWHEEL_TEST_S3_SERVER"); program != "" {
		keys, bucket = startServer(t, program), serverBucket
	}
	if keys["fs.s3a.endpoint"] == "" || bucket == "" {
		t.Skip("SPURWHEEL_TEST_S3_SERVER names no program")
	}
	fs := s3.New(new(mem.Pool), keys, os.Getenv)
	t.Cleanup(fs.Close)
	conformance(t, fs, "s3://"+bucket+"/"+t.Name())
	pendingConformance(t, fs, "s3a://"+bucket+"/"+t.Name())
	_, err := prepare(t, fs, "s3a://"+bucket+"/swept/part-0-job1-0", "x")
	require.NoError(t, err)
	require.NoError(t, fs.Sweep(t.Context(), "s3a://"+bucket+"/swept", "job1"))
}

// startServer runs an object store over an empty folder until the test ends.
func startServer(t *testing.T, program string) s3.Keys {
	data := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(data, serverBucket), 0o755)) // both take folders for buckets
	address := freeAddress(t)
	args := []string{"--quiet", "--port", address, "posix", data}
	if filepath.Base(program) == "minio" {
		args = []string{"server", "--quiet", "--address", address, data}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(),
		"ROOT_ACCESS_KEY="+serverKey, "ROOT_SECRET_KEY="+serverSecret, // versitygw's names
		"MINIO_ROOT_USER="+serverKey, "MINIO_ROOT_PASSWORD="+serverSecret, "MINIO_BROWSER=off")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Log(said.String())
		}
	})
	keys := s3.Keys{"fs.s3a.endpoint": "http://" + address, "fs.s3a.access.key": serverKey, "fs.s3a.secret.key": serverSecret}
	require.NoError(t, answers(t.Context(), keys))
	return keys
}

// answers waits until the server serves the bucket: each request is tried again
// by the client, with pauses that grow, so a few of them are a minute.
func answers(ctx context.Context, keys s3.Keys) (err error) {
	fs := s3.New(new(mem.Pool), keys, os.Getenv)
	defer fs.Close()
	for range 20 {
		if _, err = fs.Stat(ctx, "s3://"+serverBucket); err == nil {
			return nil
		}
	}
	return err
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
