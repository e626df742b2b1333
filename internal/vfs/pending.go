package vfs

import "context"

// Pending is a file written but not visible. It is plain data: another process
// can finish or discard it, which is how a job's files become visible together
// after one attempt of each task was chosen.
type Pending struct {
	Path  string // where the file will be
	Token string // what the store needs: a temporary name, an upload id with its parts
	Size  int64
}

// Preparer is a Writer that can leave its commit to somebody else. Prepare ends
// the writer, like Commit and Abort.
type Preparer interface {
	Prepare(ctx context.Context) (Pending, error)
}

// Finisher is an FS that completes pending files. Both calls are idempotent:
// finishing twice, or discarding after finishing, changes nothing.
type Finisher interface {
	Finish(ctx context.Context, p Pending) (FileRef, error)
	Discard(ctx context.Context, p Pending) error
}

// Sweeper is an FS that finds pending files whose tokens are lost: of attempts
// that died. It drops those below folder whose path holds mark.
type Sweeper interface {
	Sweep(ctx context.Context, folder, mark string) error
}
