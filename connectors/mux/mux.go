// Package mux is a vfs.FS that sends each path to the file system of its
// scheme, and helpers on paths of any store: joining, globs. The file systems
// are handed over; it knows none of them.
package mux

import (
	"context"
	"fmt"
	"iter"
	"sort"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// FS routes by scheme. Plain paths belong to the scheme "file".
type FS struct {
	byScheme map[string]vfs.FS
}

// New makes a router over file systems by lower-case scheme ("file", "s3", "s3a").
func New(byScheme map[string]vfs.FS) *FS { return &FS{byScheme: byScheme} }

// Scheme is the scheme of a path, "file" for plain ones.
func Scheme(path string) string {
	s, _, ok := strings.Cut(path, ":")
	if !ok || s == "" || strings.ContainsAny(s, "/\\*?[{") {
		return "file"
	}
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') && s[i] != '+' && s[i] != '-' && s[i] != '.' {
			return "file"
		}
	}
	return strings.ToLower(s)
}

func (m *FS) route(path string) (vfs.FS, error) {
	s := Scheme(path)
	if f, ok := m.byScheme[s]; ok {
		return f, nil
	}
	known := make([]string, 0, len(m.byScheme))
	for k := range m.byScheme {
		known = append(known, k)
	}
	sort.Strings(known)
	c := errs.Unsupported(fmt.Sprintf("paths of scheme %q (known: %s): %s", s, strings.Join(known, ", "), path))
	return nil, errs.E(errs.NotSupported, "mux", c)
}

// Open pins a version in the path's file system.
func (m *FS) Open(ctx context.Context, ref vfs.FileRef) (vfs.File, error) {
	f, err := m.route(ref.Path)
	if err != nil {
		return nil, err
	}
	return f.Open(ctx, ref)
}

// Create starts a file in the path's file system.
func (m *FS) Create(ctx context.Context, path string) (vfs.Writer, error) {
	f, err := m.route(path)
	if err != nil {
		return nil, err
	}
	return f.Create(ctx, path)
}

// Stat asks the path's file system.
func (m *FS) Stat(ctx context.Context, path string) (vfs.Info, error) {
	f, err := m.route(path)
	if err != nil {
		return vfs.Info{}, err
	}
	return f.Stat(ctx, path)
}

// List asks the path's file system.
func (m *FS) List(ctx context.Context, prefix string) iter.Seq2[vfs.Info, error] {
	f, err := m.route(prefix)
	if err != nil {
		return func(yield func(vfs.Info, error) bool) { yield(vfs.Info{}, err) }
	}
	return f.List(ctx, prefix)
}

// Remove asks the path's file system.
func (m *FS) Remove(ctx context.Context, path string) error {
	f, err := m.route(path)
	if err != nil {
		return err
	}
	return f.Remove(ctx, path)
}

// Finish asks the path's file system, if it can leave commits open at all.
func (m *FS) Finish(ctx context.Context, p vfs.Pending) (vfs.FileRef, error) {
	f, err := m.finisher(p.Path)
	if err != nil {
		return vfs.FileRef{}, err
	}
	return f.Finish(ctx, p)
}

// Discard asks the path's file system.
func (m *FS) Discard(ctx context.Context, p vfs.Pending) error {
	f, err := m.finisher(p.Path)
	if err != nil {
		return err
	}
	return f.Discard(ctx, p)
}

// Sweep asks the path's file system, if it leaves anything to sweep.
func (m *FS) Sweep(ctx context.Context, folder, mark string) error {
	f, err := m.route(folder)
	if err != nil {
		return err
	}
	if s, ok := f.(vfs.Sweeper); ok {
		return s.Sweep(ctx, folder, mark)
	}
	return nil
}

func (m *FS) finisher(path string) (vfs.Finisher, error) {
	f, err := m.route(path)
	if err != nil {
		return nil, err
	}
	out, ok := f.(vfs.Finisher)
	if !ok {
		return nil, errs.E(errs.NotSupported, "mux", errs.Unsupported("writing tables to paths of scheme "+Scheme(path)))
	}
	return out, nil
}

// Caps is what all routes have in common.
func (m *FS) Caps() vfs.Caps {
	c := vfs.Caps{AtomicRename: true, ConditionalPut: true, RealFolders: true}
	for _, f := range m.byScheme {
		k := f.Caps()
		c.AtomicRename = c.AtomicRename && k.AtomicRename
		c.ConditionalPut = c.ConditionalPut && k.ConditionalPut
		c.RealFolders = c.RealFolders && k.RealFolders
	}
	return c
}

// CapsOf is what the file system of one path can do.
func (m *FS) CapsOf(path string) vfs.Caps {
	f, err := m.route(path)
	if err != nil {
		return vfs.Caps{}
	}
	return f.Caps()
}
