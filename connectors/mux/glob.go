package mux

import (
	"context"
	"errors"
	"path"
	"sort"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// maxAlternatives bounds what the braces of one pattern may multiply to.
const maxAlternatives = 4096

// HasGlob tells whether path has characters of patterns.
func HasGlob(p string) bool { return strings.ContainsAny(p, "*?[{") }

// Expand finds the files and folders that pattern names, in lexical order.
// Patterns are Hadoop's: * and ? within one part of the path, [a-z], [^a],
// {a,b} also across parts, and \ before a character meant literally. A path
// without pattern characters names itself. What does not exist gives nothing.
func Expand(ctx context.Context, fs vfs.FS, pattern string) ([]vfs.Info, error) {
	if _, err := fs.Stat(ctx, pattern); err == nil || !HasGlob(pattern) {
		return one(ctx, fs, Clean(pattern))
	}
	alternatives, err := braces(pattern)
	if err != nil {
		return nil, err
	}
	found := map[string]vfs.Info{}
	for _, alt := range alternatives {
		if err := expandOne(ctx, fs, Clean(alt), found); err != nil {
			return nil, err
		}
	}
	out := make([]vfs.Info, 0, len(found))
	for _, i := range found {
		out = append(out, i)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out, nil
}

func one(ctx context.Context, fs vfs.FS, p string) ([]vfs.Info, error) {
	i, err := fs.Stat(ctx, p)
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []vfs.Info{i}, nil
}

// expandOne lists below the longest literal folder and matches whole paths:
// one listing serves any depth, which suits stores without folders.
func expandOne(ctx context.Context, fs vfs.FS, pattern string, found map[string]vfs.Info) error {
	root, rest := Split(pattern)
	parts := strings.Split(rest, "/")
	fixed := 0
	for fixed < len(parts) && !HasGlob(parts[fixed]) {
		fixed++
	}
	base := root + strings.Join(parts[:fixed], "/")
	if fixed == len(parts) {
		list, err := one(ctx, fs, pattern)
		for _, i := range list {
			found[i.Path] = i
		}
		return err
	}
	if base == "" {
		base = "."
	}
	for i, err := range fs.List(ctx, base) {
		if err != nil {
			return err
		}
		if err := match(base, parts[fixed:], i, found); err != nil {
			return err
		}
	}
	return nil
}

// match adds the file, or the folder of the pattern's depth that holds it.
func match(base string, pattern []string, i vfs.Info, found map[string]vfs.Info) error {
	rel := i.Path
	if base != "." {
		rel = strings.TrimPrefix(strings.TrimPrefix(i.Path, base), "/")
	}
	prefix := i.Path[:len(i.Path)-len(rel)]
	have := strings.Split(rel, "/")
	if len(have) < len(pattern) {
		return nil
	}
	for k, p := range pattern {
		ok, err := path.Match(strings.ReplaceAll(p, "[!", "[^"), have[k])
		if errors.Is(err, path.ErrBadPattern) {
			return errs.E(errs.Invalid, "mux.Expand", errs.Cond(errs.IllegalArg, "INVALID_PATH_PATTERN", "42000",
				"The path pattern part "+p+" has an open bracket or a character range without an end.", "pattern", p))
		}
		if !ok {
			return nil
		}
	}
	if len(have) == len(pattern) {
		found[i.Path] = i
		return nil
	}
	p := prefix + strings.Join(have[:len(pattern)], "/")
	found[p] = vfs.Info{FileRef: vfs.FileRef{Path: p}, IsDir: true}
	return nil
}

// braces multiplies {a,b} out.
func braces(pattern string) ([]string, error) {
	todo, out := []string{pattern}, []string(nil)
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		lo, hi, commas, err := firstBrace(p)
		if err != nil {
			return nil, err
		}
		if lo < 0 {
			out = append(out, p)
			continue
		}
		from := lo + 1
		for _, c := range append(commas, hi) {
			todo = append(todo, p[:lo]+p[from:c]+p[hi+1:])
			from = c + 1
		}
		if len(todo)+len(out) > maxAlternatives {
			return nil, errs.Errorf(errs.Invalid, "mux.Expand", "the braces of %q stand for more than %d paths", pattern, maxAlternatives)
		}
	}
	return out, nil
}

// firstBrace finds the first {…} and the commas at its own level; lo < 0 if there is none.
func firstBrace(p string) (lo, hi int, commas []int, err error) {
	lo, depth := -1, 0
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '\\':
			i++
		case '{':
			if depth++; depth == 1 {
				lo = i
			}
		case ',':
			if depth == 1 {
				commas = append(commas, i)
			}
		case '}':
			if depth == 0 {
				continue
			}
			if depth--; depth == 0 {
				return lo, i, commas, nil
			}
		}
	}
	if depth > 0 {
		return 0, 0, nil, errs.Errorf(errs.Invalid, "mux.Expand", "the path pattern %q has an open brace", p)
	}
	return -1, 0, nil, nil
}
