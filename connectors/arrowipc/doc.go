// Package arrowipc turns batches into Arrow IPC streams and back. Writing lays
// bytes out directly, without builders per value; reading trusts nothing: every
// length, offset and index is checked against the input before it is used. It
// knows nothing of who sends the streams.
package arrowipc
