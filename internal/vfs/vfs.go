// Package vfs is the file-system interface between storage and everything that
// reads or writes bytes. A file is named by path and version; output is
// invisible before Commit. It knows no format and no store.
package vfs

import (
	"context"
	"io"
	"iter"
	"time"
)

// FileRef names one immutable version of a file. Version is opaque (an ETag,
// or size and modification time); empty means "whatever is there".
// Size is the length in bytes of that version.
type FileRef struct {
	Path    string
	Version string
	Size    int64
}

// Info describes a file or, in listings, a folder (IsDir, no version).
type Info struct {
	FileRef
	ModTime time.Time
	IsDir   bool
}

// Range is a half-open span of bytes.
type Range struct{ Off, Len int64 }

// Hint tells the store how bytes will be used.
type Hint uint8

const (
	HintDefault    Hint = iota
	HintSequential      // the following bytes come next
	HintOnce            // do not keep in caches
	HintMeta            // footers and indexes: keep
)

// Caps says what a file system can do.
type Caps struct {
	AtomicRename   bool // POSIX
	ConditionalPut bool // create-if-absent is atomic
	RealFolders    bool // folders exist by themselves
}

// FS is a store of files. Methods are safe for concurrent use. Errors carry
// errs kinds: NotFound, Permission, Conflict (the version is gone), Unavailable.
type FS interface {
	// Open pins ref's version: reads fail with errs.Conflict when the file has
	// changed since. An empty version pins what is there now.
	Open(ctx context.Context, ref FileRef) (File, error)
	// Create starts a new file; nothing is visible at path before Commit.
	Create(ctx context.Context, path string) (Writer, error)
	Stat(ctx context.Context, path string) (Info, error)
	// List yields the files below prefix, recursively, in lexical order.
	// A missing prefix yields nothing.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
	// Remove deletes a file; a missing file is no error.
	Remove(ctx context.Context, path string) error
	Caps() Caps
}

// File is an open version. Safe for concurrent reads.
type File interface {
	Ref() FileRef
	// ReadRanges returns the bytes of each range in order. Short ranges are errors.
	ReadRanges(ctx context.Context, ranges []Range, hint Hint) (Pages, error)
	Close() error
}

// Distant is a File whose requests take as long as reading that many further
// bytes. Whoever will probably need bytes soon, and fewer than that, asks for
// them with the others.
type Distant interface {
	RequestBytes() int64
}

// Pages holds the bytes of a ReadRanges call until Release.
// The bytes must not be written and not be used after Release.
type Pages interface {
	Bytes(i int) []byte
	Release()
}

// Writer is an uncommitted file. Exactly one of Commit and Abort ends it.
type Writer interface {
	io.Writer
	// Commit makes the file visible, replacing an older one, durable on return.
	Commit(ctx context.Context) (FileRef, error)
	// Abort leaves no trace. It is safe after Commit and then does nothing.
	Abort(ctx context.Context) error
}
