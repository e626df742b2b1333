package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/config"
)

// A worker process works with the server's settings, wherever the server has them from.
func TestChildEnv(t *testing.T) {
	settings := config.Config{S3: config.S3{Endpoint: "http://store", PathStyle: true}, Testing: config.Testing{BatchRows: 7, SpillBeyond: 64}}
	require.ElementsMatch(t, []string{
		"SPURWHEEL_TESTING_BATCH_ROWS=7", "SPURWHEEL_TESTING_SPILL_BEYOND=64", "SPURWHEEL_S3_ENDPOINT=http://store", "SPURWHEEL_S3_PATH_STYLE=true",
	}, childEnv(settings))
}
