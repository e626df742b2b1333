// Package corpus reads the text that word2vec learns from: text files, plain or compressed, and columns of Parquet files. It
// counts words, and encodes sentences once into a compact stream of word ids that trainers read as often as they like. It knows
// no trainer's algorithm and no model.
package corpus

import (
	"context"
	"fmt"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Source is the files of a corpus in their order, each pinned to the version that was found: a file that changes between the
// count and the encoding is an errs.Conflict error. It is safe for concurrent use.
type Source struct {
	fs      vfs.FS
	parquet format.Format
	files   []file
}

// file is one file; columns of Parquet files are found when they are opened.
type file struct {
	ref    vfs.FileRef
	column string // wanted of Parquet files, "" for the only one that fits
	table  bool   // Parquet
}

// Find looks paths up: files, folders with all that is below them (hidden files aside) and globs. Files that end in .parquet are
// read as Parquet, from column, or from the only column of strings or of lists of strings if column is empty; all others are
// text, decompressed as their names say.
func Find(ctx context.Context, fs vfs.FS, parquet format.Format, paths []string, column string) (*Source, error) {
	s := &Source{fs: fs, parquet: parquet}
	for _, p := range paths {
		infos, err := mux.Expand(ctx, fs, p)
		if err != nil {
			return nil, err
		}
		before := len(s.files)
		for _, i := range infos {
			if err := s.add(ctx, i, column); err != nil {
				return nil, err
			}
		}
		if len(s.files) == before {
			return nil, errs.Errorf(errs.NotFound, "corpus", "no file at %s", p)
		}
	}
	if len(s.files) == 0 {
		return nil, errs.Errorf(errs.Invalid, "corpus", "no input was named")
	}
	return s, nil
}

func (s *Source) add(ctx context.Context, i vfs.Info, column string) error {
	if !i.IsDir {
		s.files = append(s.files, file{ref: i.FileRef, column: column, table: strings.HasSuffix(strings.ToLower(i.Path), ".parquet")})
		return nil
	}
	for sub, err := range s.fs.List(ctx, i.Path) {
		if err != nil {
			return err
		}
		if rel := strings.TrimPrefix(strings.TrimPrefix(sub.Path, i.Path), "/"); sub.IsDir || mux.Hidden(rel) {
			continue
		}
		if err := s.add(ctx, sub, column); err != nil {
			return err
		}
	}
	return nil
}

// Files is how many files there are, and Bytes how many bytes they hold.
func (s *Source) Files() int { return len(s.files) }

// Bytes is the size of all files, as they are stored.
func (s *Source) Bytes() (n int64) {
	for i := range s.files {
		n += s.files[i].ref.Size
	}
	return n
}

// pick finds the column of a Parquet file to read.
func pick(schema types.Schema, f *file) (int, error) {
	var fits []string
	at := -1
	for i, field := range schema.Fields {
		if !isText(field.Type) {
			if field.Name == f.column {
				return 0, errs.Errorf(errs.Invalid, "corpus", "%s: column %s is of type %s; want strings or lists of strings", f.ref.Path, field.Name, field.Type.SQL())
			}
			continue
		}
		if field.Name == f.column {
			return i, nil
		}
		fits, at = append(fits, field.Name), i
	}
	switch {
	case f.column != "":
		return 0, errs.Errorf(errs.Invalid, "corpus", "%s has no column %s; of strings or lists of strings it has %s", f.ref.Path, f.column, listed(fits))
	case len(fits) != 1:
		return 0, errs.Errorf(errs.Invalid, "corpus", "%s: say which column to read (--column); of strings or lists of strings it has %s", f.ref.Path, listed(fits))
	}
	return at, nil
}

func isText(t types.Type) bool {
	return t.Kind == types.KindString || t.Kind == types.KindArray && t.Elem.Kind == types.KindString
}

// maxListed bounds a message.
const maxListed = 10

func listed(names []string) string {
	switch n := len(names); {
	case n == 0:
		return "none"
	case n > maxListed:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), n-maxListed)
	}
	return strings.Join(names, ", ")
}
