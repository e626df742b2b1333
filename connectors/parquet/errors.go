package parquet

import (
	"errors"
	"fmt"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

const stateReadFailed = "KD001"

// corrupt says that a file's bytes contradict the format. It is not retryable:
// the file itself is wrong, not its transport.
func corrupt(path, column, why string) error {
	msg := "The Parquet file " + path + " is damaged: " + why + "."
	if column != "" {
		msg = "The Parquet file " + path + " is damaged in column " + types.QuoteIfNeeded(column) + ": " + why + "."
	}
	c := errs.Cond(errs.Spark, "FAILED_READ_FILE.NO_HINT", stateReadFailed, msg, "path", path)
	if column != "" {
		c.Params["column"] = column
	}
	return errs.E(errs.Invalid, "parquet.Read", c)
}

func badFooter(path, why string) error {
	return errs.E(errs.Invalid, "parquet.Open", errs.Cond(errs.Spark, "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER", stateReadFailed,
		"The file "+path+" has no readable Parquet footer: "+why+". Check that it is a Parquet file and complete.", "path", path))
}

func mismatch(path, column, want, have string) error {
	return errs.E(errs.Invalid, "parquet.Open", errs.Cond(errs.Spark, "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH", stateReadFailed,
		fmt.Sprintf("Column %s of the Parquet file %s holds %s, which cannot be read as %s.", types.QuoteIfNeeded(column), path, have, want),
		"path", path, "column", column, "expectedType", want, "actualType", have))
}

func unsupported(path, column, what string) error {
	return errs.E(errs.NotSupported, "parquet.Read",
		errs.Unsupported(fmt.Sprintf("%s in column %s of the Parquet file %s", what, types.QuoteIfNeeded(column), path)))
}

// damage is a contradiction found below the place that knows file and column.
type damage struct{ why string }

func (d *damage) Error() string { return d.why }

func damaged(format string, args ...any) error { return &damage{fmt.Sprintf(format, args...)} }

// lacking is a valid feature of the format that is not there.
type lacking struct{ what string }

func (l *lacking) Error() string { return l.what }

// locate adds file and column to an error from below.
func locate(err error, path, column string) error {
	if err == nil {
		return nil
	}
	if d, ok := errors.AsType[*damage](err); ok {
		return corrupt(path, column, d.why)
	}
	if l, ok := errors.AsType[*lacking](err); ok {
		return unsupported(path, column, l.what)
	}
	return err
}
