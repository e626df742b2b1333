package lines

import (
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Writer is the compressing end of a text file.
type Writer interface {
	io.Writer
	Close() error
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

func codecOption(opt format.Options) string {
	c := opt["compression"]
	if c == "" {
		c = opt["codec"]
	}
	return strings.ToLower(c)
}

// Ending is the file name's ending that the option compression asks for.
func Ending(opt format.Options) string {
	switch codecOption(opt) {
	case "gzip":
		return ".gz"
	case "zstd":
		return ".zst"
	case "deflate":
		return ".deflate"
	}
	return ""
}

// Compress wraps w as the option compression says.
func Compress(w io.Writer, opt format.Options) (Writer, error) {
	switch c := codecOption(opt); c {
	case "", "none", "uncompressed":
		return plainWriter{w}, nil
	case "gzip":
		return gzip.NewWriter(w), nil
	case "deflate":
		return zlib.NewWriter(w), nil
	case "zstd":
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	default:
		return nil, errs.E(errs.Invalid, "lines.Compress", errs.Cond(errs.IllegalArg, "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", "56038",
			"The compression codec "+c+" is not known for text files: use none, gzip, deflate or zstd.",
			"codecName", c, "availableCodecs", "none, uncompressed, gzip, deflate, zstd"))
	}
}

// Decompress unwraps a stream as the ending of its file's name says (Codec); what was read must be ended. Unknown compressions
// are refused; bytes that do not decompress are errors of the reader, as it gives them.
func Decompress(path string, in io.Reader) (r io.Reader, end func(), err error) {
	return decompressor(Codec(path), in)
}
