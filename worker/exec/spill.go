package exec

import (
	"context"
)

// spiller makes the files of one fragment's spilled rows.
type spiller struct{}

type aggFiles struct{}

func (f *aggFiles) read(ctx context.Context, p int, each func(c *aggChunk, raw bool) error) error {
	return nil
}

func (l *aggLocal) spilled() bool { return l.files != nil }

func (l *aggLocal) spillAll() error { l.held.force(l.size()); return nil }
