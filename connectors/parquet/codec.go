package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/spurwheel/spurwheel/connectors/parquet/zpage"
)

// codecs holds reusable decompressors. The zero value is ready.
type codecs struct {
	zpages  sync.Pool
	zstds   sync.Pool
	gzips   sync.Pool
	brotlis sync.Pool
}

// decompress fills dst exactly from src.
func (c *codecs) decompress(codec int32, dst, src []byte) error {
	n, err := c.inflate(codec, dst, src)
	if err != nil {
		if _, ok := errors.AsType[*lacking](err); ok {
			return err
		}
		return damaged("a page does not decompress (%v)", err)
	}
	if n != len(dst) {
		return damaged("a page decompresses to %d bytes instead of %d", n, len(dst))
	}
	return nil
}

func (c *codecs) inflate(codec int32, dst, src []byte) (int, error) {
	switch codec {
	case codecNone:
		if len(src) != len(dst) {
			return len(src), nil
		}
		return copy(dst, src), nil
	case codecSnappy:
		return snappyBlock(dst, src)
	case codecGzip:
		return c.gunzip(dst, src)
	case codecBrotli:
		return c.unbrotli(dst, src)
	case codecZstd:
		return c.unzstd(dst, src)
	case codecLZ4Raw:
		return lz4.UncompressBlock(src, dst)
	case codecLZ4:
		return lz4Framed(dst, src)
	}
	return 0, &lacking{fmt.Sprintf("compression codec %d", codec)}
}

func snappyBlock(dst, src []byte) (int, error) {
	n, err := s2.DecodedLen(src)
	if err != nil || n != len(dst) {
		return n, err
	}
	out, err := s2.Decode(slices.Clip(dst), src)
	return len(out), err
}

// unzstd leaves what zpage refuses, frames of other kinds and damaged ones, to
// the general decoder.
func (c *codecs) unzstd(dst, src []byte) (int, error) {
	if zpage.Fast() {
		z, ok := c.zpages.Get().(*zpage.Decoder)
		if !ok {
			z = &zpage.Decoder{}
		}
		err := z.Decode(dst, src)
		c.zpages.Put(z)
		if err == nil {
			return len(dst), nil
		}
	}
	d, ok := c.zstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		// The cap limit makes hostile frames fail instead of growing dst.
		d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true), zstd.IgnoreChecksum(false))
		if err != nil {
			return 0, err
		}
	}
	// A few bytes of room behind the output let the library copy in whole words.
	out, err := d.DecodeAll(src, dst[:0:min(len(dst)+unpackSlack, cap(dst))])
	c.zstds.Put(d)
	return len(out), err
}

func (c *codecs) gunzip(dst, src []byte) (int, error) {
	r, ok := c.gzips.Get().(*gzip.Reader)
	if !ok {
		r = new(gzip.Reader)
	}
	defer c.gzips.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return 0, err
	}
	return fill(r, dst)
}

func (c *codecs) unbrotli(dst, src []byte) (int, error) {
	r, ok := c.brotlis.Get().(*brotli.Reader)
	if !ok {
		r = brotli.NewReader(nil)
	}
	defer c.brotlis.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return 0, err
	}
	return fill(r, dst)
}

// fill reads all of r into dst; more bytes than dst holds count as one too many.
func fill(r io.Reader, dst []byte) (int, error) {
	n, err := io.ReadFull(r, dst)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	var one [1]byte
	k, err := r.Read(one[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return n, err
	}
	return n + k, nil
}

// lz4Framed reads codec 5: Hadoop's blocks, each with two big-endian lengths,
// or, from writers that ignored that, one raw block.
func lz4Framed(dst, src []byte) (int, error) {
	if n, ok := hadoopBlocks(dst, src); ok {
		return n, nil
	}
	return lz4.UncompressBlock(src, dst)
}

func hadoopBlocks(dst, src []byte) (int, bool) {
	at := 0
	for len(src) > 0 {
		if len(src) < 8 {
			return 0, false
		}
		raw, size := binary.BigEndian.Uint32(src), binary.BigEndian.Uint32(src[4:])
		src = src[8:]
		if uint64(size) > uint64(len(src)) || uint64(raw) > uint64(len(dst)-at) {
			return 0, false
		}
		n, err := lz4.UncompressBlock(src[:size], dst[at:at+int(raw)])
		if err != nil || n != int(raw) {
			return 0, false
		}
		at, src = at+n, src[size:]
	}
	return at, true
}

// compressor is the writing side of one codec; not for concurrent use.
type compressor struct {
	codec int
	zstd  *zstd.Encoder
	gzip  *gzip.Writer
	lz4   lz4.Compressor
}

func newCompressor(codec int) (*compressor, error) {
	c := &compressor{codec: codec}
	var err error
	if codec == codecZstd {
		// Level 3, as Spark's default; one goroutine: parallelism is across tasks.
		c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(3)), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	}
	return c, err
}

// append compresses src behind dst.
func (c *compressor) append(dst, src []byte) ([]byte, error) {
	at := len(dst)
	switch c.codec {
	case codecSnappy:
		dst = grow(dst, s2.MaxEncodedLen(len(src)))
		out := s2.EncodeSnappy(dst[at:cap(dst)], src)
		return dst[:at+len(out)], nil
	case codecZstd:
		return c.zstd.EncodeAll(src, dst), nil
	case codecGzip:
		return c.deflate(dst, src)
	case codecLZ4Raw:
		dst = grow(dst, lz4.CompressBlockBound(len(src)))
		n, err := c.lz4.CompressBlock(src, dst[at:cap(dst)])
		return dst[:at+n], err
	}
	return append(dst, src...), nil
}

func (c *compressor) deflate(dst, src []byte) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	if c.gzip == nil {
		c.gzip = gzip.NewWriter(buf)
	} else {
		c.gzip.Reset(buf)
	}
	if _, err := c.gzip.Write(src); err != nil {
		return nil, err
	}
	if err := c.gzip.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// grow makes room for n more bytes behind b.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	nb := make([]byte, len(b), max(2*cap(b), len(b)+n))
	copy(nb, b)
	return nb
}
