package arrowipc

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxWindow is the largest zstd window accepted: what `zstd -19` uses.
const maxWindow = 8 << 20

// zstdReader is a decompressor made at the first need.
type zstdReader struct{ dec *zstd.Decoder }

func (z *zstdReader) open(src []byte) (io.Reader, error) {
	if z.dec == nil {
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		z.dec = dec
	}
	return z.dec, z.dec.Reset(bytes.NewReader(src))
}

func (z *zstdReader) close() {
	if z.dec != nil {
		z.dec.Close()
	}
}

// decompress expands a buffer: its length before compression (-1: stored as it
// is) in eight bytes, then a frame. The length is charged before it is believed,
// and the frame must give exactly as much.
func (d *decoder) decompress(codec int, b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, corrupt("a compressed buffer of %d bytes", len(b))
	}
	n := int64(binary.LittleEndian.Uint64(b))
	b = b[8:]
	if n == -1 {
		return b, nil
	}
	if n < 0 {
		return nil, corrupt("a compressed buffer of negative length")
	}
	if err := d.charge(n); err != nil {
		return nil, err
	}
	var src io.Reader = lz4.NewReader(bytes.NewReader(b))
	if codec == codecZstd {
		var err error
		if src, err = d.unzstd.open(b); err != nil {
			return nil, corrupt("a compressed buffer: %v", err)
		}
	}
	out := make([]byte, n)
	if _, err := io.ReadFull(src, out); err != nil {
		return nil, corrupt("a compressed buffer: %v", err)
	}
	if k, err := src.Read(make([]byte, 1)); k != 0 || err != io.EOF {
		return nil, corrupt("a compressed buffer is longer than it says")
	}
	return out, nil
}
