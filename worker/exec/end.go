package exec

import "io"

// atEnd tells whether a stream has ended. Only the bare io.EOF ends it: a
// wrapped one is a failure, such as a file cut short, and must not pass for
// the end of the rows.
func atEnd(err error) bool { return err == io.EOF } //nolint:errorlint // see above
