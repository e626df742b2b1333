package function

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocsAreCurrent fails when docs/functions.md was not generated again.
func TestDocsAreCurrent(t *testing.T) {
	want, err := os.ReadFile("../../docs/functions.md")
	require.NoError(t, err)
	var got bytes.Buffer
	require.NoError(t, WriteDocs(&got, Standard()))
	require.Equal(t, string(want), got.String(), "run make generate")
}
