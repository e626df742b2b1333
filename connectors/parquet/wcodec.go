package parquet

import (
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/errs"
)

const optCompression = "compression"

var codecNames = map[int]string{codecSnappy: "snappy", codecGzip: "gz", codecZstd: "zstd", codecLZ4Raw: "lz4raw"}

// codecOf reads the option compression.
func codecOf(opt format.Options) (int, error) {
	switch name := strings.ToLower(opt[optCompression]); name {
	case "", "snappy":
		return codecSnappy, nil
	case "none", "uncompressed":
		return codecNone, nil
	case "gzip":
		return codecGzip, nil
	case "zstd":
		return codecZstd, nil
	case "lz4", "lz4_raw", "lz4raw":
		return codecLZ4Raw, nil
	default:
		return 0, errs.E(errs.Invalid, "parquet.Create", errs.Cond(errs.IllegalArg, "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", "56038",
			"The compression codec "+name+" is not known for Parquet: use none, uncompressed, snappy, gzip, lz4, lz4_raw or zstd.",
			"codecName", name, "availableCodecs", "none, uncompressed, snappy, gzip, lz4, lz4_raw, zstd"))
	}
}
