package model

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Format is how a model is written.
type Format string

// The formats: word2vec's two, which gensim and most other tools read, and Parquet with the columns word and vector.
const (
	Text    Format = "text"
	Binary  Format = "binary"
	Parquet Format = "parquet"
)

// Files reads and writes models. Parquet may be nil, and is then refused.
type Files struct {
	FS      vfs.FS
	Parquet format.Format
}

// FormatOf is the format that a file's name tells of: .bin binary, .parquet Parquet, anything else text.
func FormatOf(path string) Format {
	switch p := strings.ToLower(path); {
	case strings.HasSuffix(p, ".bin"):
		return Binary
	case strings.HasSuffix(p, ".parquet"):
		return Parquet
	}
	return Text
}

// ParseFormat reads a format's name; "" is FormatOf(path).
func ParseFormat(name, path string) (Format, error) {
	switch f := Format(name); f {
	case "":
		return FormatOf(path), nil
	case Text, Binary, Parquet:
		return f, nil
	}
	return "", errs.Errorf(errs.Invalid, "", "format %q: want text, binary or parquet", name)
}

// Check tells whether words can be written in a format, before hours of training.
func Check(words []string, f Format) error {
	if f == Parquet {
		return nil
	}
	if w, ok := firstWithBlanks(words); ok {
		return errs.Errorf(errs.Invalid, "model", "the word %s has a blank in it, which the %s format has no form for: write Parquet", strconv.Quote(w), f)
	}
	return nil
}

// writeBuffer is large beside a vector: one call of the store for some thousands of words.
const writeBuffer = 256 << 10

// Save writes m to path. The file is there as a whole when Save returns without an error; until then an older one stays.
func (f Files) Save(ctx context.Context, m *Model, path string, as Format) error {
	if err := Check(m.Vocabulary.Words, as); err != nil {
		return err
	}
	if as == Parquet {
		return f.saveParquet(ctx, m, path)
	}
	w, err := f.FS.Create(ctx, path)
	if err != nil {
		return located(path, err)
	}
	if err := write(ctx, w, m, as); err != nil {
		return errors.Join(located(path, err), w.Abort(context.WithoutCancel(ctx)))
	}
	if _, err := w.Commit(ctx); err != nil {
		return errors.Join(located(path, err), w.Abort(context.WithoutCancel(ctx)))
	}
	return nil
}

// located names the file in an error that may not.
func located(path string, err error) error {
	if err == nil || strings.Contains(err.Error(), path) {
		return err
	}
	return errs.E(errs.KindOf(err), "", fmt.Errorf("%s: %w", path, err))
}

func write(ctx context.Context, w io.Writer, m *Model, as Format) error {
	out := bufio.NewWriterSize(w, writeBuffer)
	appendRow := appendText
	if as == Binary {
		appendRow = appendBinary
	}
	buf := fmt.Appendf(nil, "%d %d\n", m.Vocabulary.Len(), m.Dim)
	for i, word := range m.Vocabulary.Words {
		buf = append(append(buf, word...), ' ')
		buf = appendRow(buf, m.Row(int32(i)))
		if _, err := out.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if len(buf) > 0 { // a model without words
		if _, err := out.Write(buf); err != nil {
			return err
		}
	}
	return out.Flush()
}

// magicParquet begins every Parquet file.
const magicParquet = "PAR1"

// Load reads a model of any of the formats, found out from its content; .gz, .zst and .bz2 are decompressed.
func (f Files) Load(ctx context.Context, path string) (*Model, error) {
	info, err := f.FS.Stat(ctx, path)
	if err != nil {
		return nil, located(path, err)
	}
	if info.IsDir {
		return nil, errs.Errorf(errs.Invalid, "", "%s is a folder; want the file of a model", path)
	}
	file, err := f.FS.Open(ctx, info.FileRef)
	if err != nil {
		return nil, located(path, err)
	}
	defer file.Close()
	size := file.Ref().Size
	in, end, err := lines.Decompress(path, vfs.Section(ctx, file, 0, size, writeBuffer))
	if err != nil {
		return nil, located(path, damaged(err))
	}
	defer end()
	if lines.Codec(path) != "" {
		size = -1
	}
	r := newReader(in, size)
	if head, _ := r.in.Peek(len(magicParquet)); string(head) == magicParquet && size >= 0 {
		return f.loadParquet(ctx, file.Ref())
	}
	m, err := r.read(ctx)
	return m, located(path, err)
}

// damaged gives bytes that do not decompress their kind.
func damaged(err error) error {
	if errs.KindOf(err) != errs.Other {
		return err
	}
	return errs.E(errs.Corrupt, "", err)
}
