package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// node is a file or folder of the real file system whose calls the table may fail.
type node struct {
	fs.LoopbackNode
	table *table
}

// newRoot serves from; every node below it obeys the same table.
func newRoot(from string, t *table) (fs.InodeEmbedder, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(from, &st); err != nil {
		return nil, err
	}
	root := &fs.LoopbackRoot{Path: from, Dev: uint64(st.Dev)}
	root.NewNode = func(r *fs.LoopbackRoot, _ *fs.Inode, _ string, _ *syscall.Stat_t) fs.InodeEmbedder {
		return &node{LoopbackNode: fs.LoopbackNode{RootData: r}, table: t}
	}
	top := root.NewNode(root, nil, "", &st)
	root.RootNode = top
	return top, nil
}

// Open gives a file; unless -cached, its reads bypass the kernel's cache, which would hide what happens to later ones.
func (n *node) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.table.at("open"); errno != 0 {
		return nil, 0, errno
	}
	h, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	return n.wrap(h, errno), fuseFlags | n.table.flags(), errno
}

// Create makes a file.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if errno := n.table.at("create"); errno != 0 {
		return nil, nil, 0, errno
	}
	inode, h, fuseFlags, errno := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	return inode, n.wrap(h, errno), fuseFlags | n.table.flags(), errno
}

func (n *node) wrap(h fs.FileHandle, errno syscall.Errno) fs.FileHandle {
	f, ok := h.(*fs.LoopbackFile)
	if errno != 0 || !ok {
		return h
	}
	return &file{LoopbackFile: f, table: n.table}
}

// file is an open file.
type file struct {
	*fs.LoopbackFile
	table *table
}

// PassthroughFd keeps the kernel from reading and writing past this program.
func (f *file) PassthroughFd() (int, bool) { return 0, false }

// Read gives the file's bytes, perhaps with one bit changed.
func (f *file) Read(ctx context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	errno, flip, wait := f.table.strike("read")
	time.Sleep(wait)
	if errno != 0 {
		return nil, errno
	}
	r, errno := f.LoopbackFile.Read(ctx, buf, off)
	if errno != 0 || !flip {
		return r, errno
	}
	data, status := r.Bytes(buf)
	if status != fuse.OK {
		return nil, syscall.Errno(status)
	}
	if len(data) > 0 {
		data[rand.IntN(len(data))] ^= 1 << rand.IntN(8)
	}
	return fuse.ReadResultData(data), 0
}

// Write stores bytes.
func (f *file) Write(ctx context.Context, data []byte, off int64) (uint32, syscall.Errno) {
	if errno := f.table.at("write"); errno != 0 {
		return 0, errno
	}
	return f.LoopbackFile.Write(ctx, data, off)
}

// Fsync stores bytes for good, or does not.
func (f *file) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if errno := f.table.at("fsync"); errno != 0 {
		return errno
	}
	return f.LoopbackFile.Fsync(ctx, flags)
}
