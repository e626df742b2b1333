package session

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettingsOfStorage(t *testing.T) {
	c := newConf(map[string]string{"fs.s3a.endpoint": "the server's are not the session's own"})
	require.Nil(t, c.storage())
	for _, k := range []string{"spark.hadoop.fs.s3a.access.key", "fs.s3a.endpoint", "spark.sql.shuffle.partitions", "spark.hadoop.io.file.buffer.size"} {
		require.NoError(t, c.Set(k, "1"))
	}
	require.Equal(t, map[string]string{"spark.hadoop.fs.s3a.access.key": "1", "fs.s3a.endpoint": "1"}, c.storage())
	require.NoError(t, c.Unset("fs.s3a.endpoint"))
	require.NoError(t, c.Unset("spark.hadoop.fs.s3a.access.key"))
	require.Nil(t, c.storage())
}

func TestRedacted(t *testing.T) {
	for key, hide := range map[string]bool{
		"fs.s3a.secret.key": true, "spark.hadoop.fs.s3a.bucket.b.access.key": true, "fs.s3a.session.token": true, "x.PASSWORD": true,
		"fs.azure.accesskey": true, "fs.s3a.endpoint": false, "spark.sql.ansi.enabled": false,
	} {
		require.Equal(t, hide, redacted(key, "v") != "v", key)
	}
}

func TestEachStopsAtTheFirstFailure(t *testing.T) {
	var calls atomic.Int64
	require.NoError(t, each(100, func(int) error { calls.Add(1); return nil }))
	require.EqualValues(t, 100, calls.Load())
	require.NoError(t, each(0, func(int) error { panic("no work") }))

	calls.Store(0)
	broken := errors.New("broken")
	err := each(10_000, func(i int) error {
		calls.Add(1)
		if i == 3 {
			return broken
		}
		return nil
	})
	require.ErrorIs(t, err, broken)
	require.LessOrEqual(t, calls.Load(), int64(10_000))

	calls.Store(0)
	err = each(10_000, func(int) error { calls.Add(1); return broken })
	require.ErrorIs(t, err, broken)
	require.LessOrEqual(t, calls.Load(), int64(atOnce), "each worker stops after its failure")
}
