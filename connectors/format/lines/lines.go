// Package lines reads text files in blocks of whole lines: byte ranges of
// plain files, whole compressed ones. It knows nothing of what lines hold.
package lines

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/transform"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	blockBytes = 1 << 20
	// streamBytes is what decompressors ask the file for, who else take 4 KiB at a time.
	streamBytes = 256 << 10
	// requests is how many requests' worth of bytes are read at once of distant files.
	requests  = 4
	tailBytes = 64 << 10 // read beyond the split's end until its last line is whole
	// maxLine bounds one line; longer ones are a file of another kind.
	maxLine = 256 << 20
	// Splits are large enough to amortise opening and small enough to spread.
	minSplit = 4 << 20
	maxSplit = 32 << 20
	spread   = 16 // splits wanted of a file between those bounds
)

// Options say how a file is cut into lines.
type Options struct {
	Sep     []byte // nil: \n, \r\n and \r alike
	Charset string // "": UTF-8
	Budget  *mem.Budget
}

// Codec is the compression that a file's name tells of, "" for none.
func Codec(path string) string {
	dot := strings.LastIndexByte(path, '.')
	if dot < strings.LastIndexByte(path, '/') {
		return ""
	}
	switch ext := strings.ToLower(path[dot+1:]); ext {
	case "gz", "gzip":
		return "gzip"
	case "bz2":
		return "bzip2"
	case "zst", "zstd":
		return "zstd"
	case "deflate":
		return "deflate"
	case "lz4", "snappy", "xz", "br":
		return ext
	}
	return ""
}

// UTF8 tells whether the charset needs no conversion.
func UTF8(charset string) bool {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return true
	}
	return false
}

// Splittable tells whether reading may start anywhere: a separator of several
// bytes may overlap itself ("||||"), and other charsets are converted as a stream.
func Splittable(sep []byte, charset string) bool { return len(sep) <= 1 && UTF8(charset) }

// Plan cuts a file into splits: whole if it must be read from its beginning.
func Plan(name string, ref vfs.FileRef, whole bool) []format.Split {
	one := format.Split{Format: name, File: ref, Bytes: ref.Size}
	if ref.Size == 0 {
		return nil
	}
	if whole || Codec(ref.Path) != "" || ref.Size <= minSplit {
		return []format.Split{one}
	}
	size := min(max(ref.Size/spread, minSplit), maxSplit)
	var out []format.Split
	for at := int64(0); at < ref.Size; at += size {
		s := one
		s.Lo, s.Hi = at, min(at+size, ref.Size)
		if ref.Size-s.Hi < size/4 { // no crumb at the end
			s.Hi, at = ref.Size, ref.Size
		}
		s.Bytes = s.Hi - s.Lo
		out = append(out, s)
	}
	return out
}

// Reader delivers blocks of whole lines of one split.
type Reader struct {
	file   vfs.File
	src    io.Reader // of compressed or converted files; nil: byte ranges
	end    func()
	opt    Options
	off    int64 // of the next byte to read from file
	hi     int64 // lines that start here or later are not ours
	buf    []byte
	from   int   // start of what was not delivered yet
	base   int64 // offset of buf[from]
	eof    bool
	done   bool
	ahead  ahead
	booked int64
	ctx    context.Context //nolint:containedctx // of the call in progress, for src
}

// Open starts reading a split; Hi = 0 means the whole file.
func Open(ctx context.Context, fs vfs.FS, s format.Split, opt Options) (*Reader, error) {
	file, err := fs.Open(ctx, s.File)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: file, opt: opt, off: s.Lo, base: s.Lo, hi: s.Hi, ctx: ctx}
	if s.Hi == 0 || s.Hi > file.Ref().Size {
		r.hi = file.Ref().Size
	}
	if err := r.stream(s.File.Path); err != nil {
		file.Close()
		return nil, err
	}
	if r.src == nil && s.Lo > 0 {
		if err := r.skipFirst(ctx); err != nil {
			r.Close()
			return nil, err
		}
	}
	return r, nil
}

// stream sets src if bytes must be converted.
func (r *Reader) stream(path string) error {
	codec := Codec(path)
	if codec == "" && UTF8(r.opt.Charset) {
		return nil
	}
	r.off, r.base, r.hi = 0, 0, 1<<62
	var err error
	if r.src, r.end, err = decompressor(codec, bufio.NewReaderSize(fileStream{r}, streamBytes)); err != nil {
		if errs.KindOf(err) != errs.Other {
			return err
		}
		return damaged(path, err)
	}
	if UTF8(r.opt.Charset) {
		return nil
	}
	enc, err := htmlindex.Get(r.opt.Charset)
	if err != nil {
		return errs.E(errs.Invalid, "lines.Open", errs.Cond(errs.IllegalArg, "INVALID_PARAMETER_VALUE.CHARSET", "22023",
			fmt.Sprintf("The encoding %q of %s is not known.", r.opt.Charset, path), "charset", r.opt.Charset))
	}
	r.src = transform.NewReader(r.src, enc.NewDecoder())
	return nil
}

func decompressor(codec string, in io.Reader) (io.Reader, func(), error) {
	switch codec {
	case "":
		return in, func() {}, nil
	case "gzip":
		z, err := gzip.NewReader(in)
		return z, func() {}, err
	case "bzip2":
		return bzip2.NewReader(in), func() {}, nil
	case "deflate":
		z, err := zlib.NewReader(in)
		return z, func() {}, err
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxLine))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}
	return nil, nil, errs.Unsupported("text files compressed by " + codec)
}

func damaged(path string, err error) error {
	return errs.E(errs.Invalid, "lines.Read", errs.Cond(errs.Spark, "FAILED_READ_FILE.NO_HINT", "KD001",
		fmt.Sprintf("The file %s cannot be decompressed: %v.", path, err), "path", path))
}

// fileStream reads the file from r.off on, under the context of the call in progress.
type fileStream struct{ r *Reader }

func (f fileStream) Read(p []byte) (int, error) {
	n := min(int64(len(p)), f.r.file.Ref().Size-f.r.off)
	if n <= 0 {
		return 0, io.EOF
	}
	return int(n), f.r.readAt(f.r.ctx, p[:n])
}

// ahead is what was read of a file and not used yet.
type ahead struct {
	pages vfs.Pages
	bytes []byte
}

func (a *ahead) release() {
	if a.pages != nil {
		a.pages.Release()
	}
	*a = ahead{}
}

// readAt fills p from r.off on.
func (r *Reader) readAt(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		if len(r.ahead.bytes) == 0 {
			if err := r.readAhead(ctx, int64(len(p))); err != nil {
				return err
			}
		}
		n := copy(p, r.ahead.bytes)
		p, r.ahead.bytes, r.off = p[n:], r.ahead.bytes[n:], r.off+int64(n)
	}
	if len(r.ahead.bytes) == 0 {
		r.ahead.release()
	}
	return nil
}

// readAhead reads n bytes, or more of the split where requests are dear.
func (r *Reader) readAhead(ctx context.Context, n int64) error {
	r.ahead.release()
	if far, ok := r.file.(vfs.Distant); ok {
		n = max(n, min(requests*far.RequestBytes(), min(r.hi, r.file.Ref().Size)-r.off))
	}
	pages, err := r.file.ReadRanges(ctx, []vfs.Range{{Off: r.off, Len: n}}, vfs.HintSequential)
	if err != nil {
		return err
	}
	r.ahead = ahead{pages, pages.Bytes(0)}
	return nil
}

// skipFirst passes over the line that began before the split: reading starts
// one separator early, so that a line which starts right at Lo is seen as ours.
func (r *Reader) skipFirst(ctx context.Context) error {
	back := min(int64(max(len(r.opt.Sep), 1)), r.off)
	r.off -= back
	r.base -= back
	for {
		if end := r.lineEnd(r.from); end >= 0 {
			r.base += int64(end - r.from)
			r.from = end
			r.done = r.base >= r.hi
			return nil
		}
		if r.eof {
			r.done = true
			return nil
		}
		if err := r.more(ctx); err != nil {
			return err
		}
	}
}

// lineEnd is the position behind the first line end at or after i, -1 if none
// is sure: a \r at the very end may be half of \r\n.
func (r *Reader) lineEnd(i int) int {
	b := r.buf[i:]
	if r.opt.Sep != nil {
		if k := bytes.Index(b, r.opt.Sep); k >= 0 {
			return i + k + len(r.opt.Sep)
		}
		return -1
	}
	k := bytes.IndexByte(b, '\n')
	scope := b
	if k >= 0 {
		scope = b[:k]
	}
	if c := bytes.IndexByte(scope, '\r'); c >= 0 && c+1 < len(b) && b[c+1] != '\n' {
		return i + c + 1
	} else if c >= 0 && c+1 == len(b) && r.eof {
		return i + c + 1
	}
	if k >= 0 {
		return i + k + 1
	}
	return -1
}

// more reads the next piece behind what is there.
func (r *Reader) more(ctx context.Context) error {
	if r.from > 0 {
		r.buf = append(r.buf[:0], r.buf[r.from:]...)
		r.from = 0
	}
	n := int64(blockBytes)
	if r.src == nil {
		if r.off >= r.hi {
			n = tailBytes
		} else {
			n = min(n, r.hi-r.off)
		}
		if n = min(n, r.file.Ref().Size-r.off); n <= 0 {
			r.eof = true
			return nil
		}
	}
	at := len(r.buf)
	if at > maxLine {
		return errs.Errorf(errs.Exhausted, "lines.Read", "%s: a line is longer than %d bytes; is its separator right?", r.file.Ref().Path, maxLine)
	}
	if err := r.room(at + int(n)); err != nil {
		return err
	}
	r.buf = r.buf[:at+int(n)]
	if r.src == nil {
		return r.readAt(ctx, r.buf[at:])
	}
	return r.fromStream(ctx, at)
}

func (r *Reader) fromStream(ctx context.Context, at int) error {
	r.ctx = ctx
	k, err := io.ReadFull(r.src, r.buf[at:])
	r.buf = r.buf[:at+k]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && k < blockBytes && r.complete() {
		r.eof = true
		return nil
	}
	if err != nil && errs.KindOf(err) == errs.Other {
		return damaged(r.file.Ref().Path, err)
	}
	return err
}

// complete tells a short last piece from a stream that was cut off: the
// decompressor says so itself when asked again.
func (r *Reader) complete() bool {
	var one [1]byte
	_, err := r.src.Read(one[:])
	return errors.Is(err, io.EOF)
}

// usual is the size of the first buffer: a block and a tail, or what is left of
// a smaller file. Thousands of small files would else be a megabyte each.
func (r *Reader) usual() int {
	if r.src != nil {
		return blockBytes + tailBytes
	}
	return int(min(blockBytes+tailBytes, r.file.Ref().Size-r.base))
}

// room grows the buffer to n bytes within the budget.
func (r *Reader) room(n int) error {
	if n <= cap(r.buf) {
		return nil
	}
	size := max(n, 2*cap(r.buf), r.usual())
	if r.opt.Budget != nil {
		if err := r.opt.Budget.Grow(int64(size) - r.booked); err != nil {
			return err
		}
		r.booked = int64(size)
	}
	nb := make([]byte, len(r.buf), size)
	copy(nb, r.buf)
	r.buf = nb
	return nil
}

// Block returns the next lines with their separators (the file's last line may
// lack it) and the offset of the first. io.EOF ends. The bytes are borrowed
// until the next call.
func (r *Reader) Block(ctx context.Context) ([]byte, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, errs.E(errs.Canceled, "lines.Read", err)
	}
	for !r.done {
		if cut := r.cut(); cut > r.from {
			out, at := r.buf[r.from:cut], r.base
			r.base += int64(cut - r.from)
			r.from = cut
			if r.base >= r.hi {
				r.done = true
			}
			return out, at, nil
		}
		if r.eof {
			break
		}
		if err := r.more(ctx); err != nil {
			return nil, 0, err
		}
	}
	r.done = true
	return nil, 0, io.EOF
}

// cut finds how much of the buffer can be delivered.
func (r *Reader) cut() int {
	if r.from == len(r.buf) {
		return r.from
	}
	if past := r.hi - r.base; past <= int64(len(r.buf)-r.from) {
		// The last line of ours is the one that holds byte hi-1.
		if end := r.lineEnd(r.from + int(past) - r.tailOf(int(past))); end >= 0 {
			return end
		}
		if r.eof {
			return len(r.buf)
		}
		return r.from
	}
	if r.eof {
		return len(r.buf)
	}
	return r.lastEnd()
}

// tailOf is how far before byte n the search for the end of its line must
// start: at a separator's first byte.
func (r *Reader) tailOf(n int) int {
	if r.opt.Sep != nil {
		return min(n, len(r.opt.Sep))
	}
	if n >= 2 && r.buf[r.from+n-1] == '\n' && r.buf[r.from+n-2] == '\r' {
		return 2
	}
	return 1
}

// lastEnd is the position behind the last sure line end.
func (r *Reader) lastEnd() int {
	b := r.buf[r.from:]
	if r.opt.Sep != nil {
		if k := bytes.LastIndex(b, r.opt.Sep); k >= 0 {
			return r.from + k + len(r.opt.Sep)
		}
		return r.from
	}
	n := bytes.LastIndexByte(b, '\n') + 1
	if n < len(b) {
		if c := bytes.LastIndexByte(b[n:len(b)-1], '\r'); c >= 0 {
			n += c + 1
		}
	}
	return r.from + n
}

// All reads the rest of the file as one piece.
func (r *Reader) All(ctx context.Context) ([]byte, error) {
	for !r.eof {
		if err := r.more(ctx); err != nil {
			return nil, err
		}
	}
	r.done = true
	return r.buf[r.from:], nil
}

// Path names the file.
func (r *Reader) Path() string { return r.file.Ref().Path }

// Close gives buffers and budget back.
func (r *Reader) Close() error {
	if r.end != nil {
		r.end()
		r.end = nil
	}
	if r.booked > 0 {
		r.opt.Budget.Shrink(r.booked)
		r.booked = 0
	}
	r.ahead.release()
	r.buf, r.done = nil, true
	return r.file.Close()
}

// Next cuts the first line off b, without its separator.
func Next(b, sep []byte) (line, rest []byte) {
	if sep != nil {
		line, rest, _ = bytes.Cut(b, sep)
		return line, rest
	}
	line, rest, _ = bytes.Cut(b, []byte{'\n'})
	c := bytes.IndexByte(line, '\r')
	switch {
	case c < 0:
		return line, rest
	case c == len(line)-1:
		return line[:c], rest
	}
	return b[:c], b[c+1:]
}
