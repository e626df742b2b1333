package parquet

import (
	"context"
	"hash/crc32"

	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Bounds on what a page may claim.
const (
	maxPageHeader = 16 << 20 // statistics of long strings
	headerGuess   = 4 << 10
	maxPageBytes  = 1 << 30
	maxPageValues = 1 << 28
)

// chunk walks the pages of one column chunk. Its bytes come in segments, so
// that a huge row group does not have to be in memory at once.
type chunk struct {
	r    *reader
	meta *columnMeta
	name string

	pos, end int64 // of the next page header in the file, of the chunk
	step     int64 // bytes of a segment
	seg      []byte
	segOff   int64
	segment  heldPages   // what seg is of, empty while it belongs to the row group
	old      []heldPages // segments that views of the current batch may point to
}

// heldPages are bytes read and the budget they take.
type heldPages struct {
	pages vfs.Pages
	size  int64
}

// span is where the chunk lies in the file, checked against its size.
func (c *columnMeta) span(size int64) (off, end int64, err error) {
	off = c.dataOff
	if c.hasDict && c.dictOff > 0 && c.dictOff < off {
		off = c.dictOff
	}
	if off < 0 || c.total < 0 || off > size || c.total > size-off {
		return 0, 0, damaged("its bytes %d+%d lie outside of the %d bytes of the file", off, c.total, size)
	}
	return off, off + c.total, nil
}

// need makes bytes [pos, pos+n) of the chunk present, or as many as it has.
func (c *chunk) need(ctx context.Context, n int64) ([]byte, error) {
	n = min(n, c.end-c.pos)
	if at := c.pos - c.segOff; at >= 0 && at+n <= int64(len(c.seg)) {
		return c.seg[at:], nil
	}
	size := min(max(n, c.step), c.end-c.pos)
	if err := c.r.grow(size); err != nil {
		return nil, err
	}
	p, err := c.r.file.ReadRanges(ctx, []vfs.Range{{Off: c.pos, Len: size}}, vfs.HintSequential)
	if err != nil {
		c.r.used -= size
		return nil, err
	}
	if c.segment.pages != nil {
		c.old = append(c.old, c.segment)
	}
	c.segment, c.seg, c.segOff = heldPages{p, size}, p.Bytes(0), c.pos
	return c.seg, nil
}

// adopt gives the chunk its first bytes, read with those of other columns.
func (c *chunk) adopt(seg []byte) { c.seg, c.segOff = seg, c.pos }

// recycle frees what views of the last batch may have pointed to.
func (c *chunk) recycle() {
	for _, h := range c.old {
		h.pages.Release()
		c.r.used -= h.size
	}
	c.old = c.old[:0]
}

func (c *chunk) close() {
	if c.segment.pages != nil {
		c.old = append(c.old, c.segment)
	}
	c.recycle()
	c.segment, c.seg = heldPages{}, nil
}

// header reads the next page header and moves behind it. ok is false at the
// end of the chunk.
func (c *chunk) header(ctx context.Context) (h pageHeader, ok bool, err error) {
	if c.pos >= c.end {
		return h, false, nil
	}
	for want := int64(headerGuess); ; want *= 8 {
		b, err := c.need(ctx, want)
		if err != nil {
			return h, false, err
		}
		b = b[:min(int64(len(b)), c.end-c.pos)]
		h, n, err := decodePageHeader(b)
		if err == nil {
			c.pos += int64(n)
			return h, true, c.check(&h)
		}
		if int64(len(b)) >= c.end-c.pos || want >= maxPageHeader {
			return h, false, damaged("a page header is malformed (%v)", err)
		}
	}
}

func (c *chunk) check(h *pageHeader) error {
	switch {
	case h.size < 0 || h.uncompressed < 0 || int64(h.size) > c.end-c.pos:
		return damaged("a page of %d bytes does not fit its column chunk", h.size)
	case h.uncompressed > maxPageBytes:
		return damaged("a page claims %d bytes", h.uncompressed)
	case h.values < 0 || h.values > maxPageValues:
		return damaged("a page claims %d values", h.values)
	case (h.typ == pageData || h.typ == pageDataV2) && !h.hasData, h.typ == pageDict && !h.hasDictBlock:
		return damaged("a page header has no description of its page")
	case h.typ == pageDataV2 && (h.defLen < 0 || h.repLen < 0 || int64(h.defLen)+int64(h.repLen) > int64(min(h.size, h.uncompressed))):
		return damaged("levels of %d and %d bytes do not fit their page", h.defLen, h.repLen)
	}
	return nil
}

// skip passes over the body of the page whose header was read last.
func (c *chunk) skip(h *pageHeader) { c.pos += int64(h.size) }

// body reads the page behind the last header: plain is its content without
// compression, block the pooled buffer that holds it (nil: the segment does).
func (c *chunk) body(ctx context.Context, h *pageHeader) (plain, block []byte, err error) {
	src, err := c.need(ctx, int64(h.size))
	if err != nil {
		return nil, nil, err
	}
	src = src[:h.size]
	if h.hasCRC && crc32.ChecksumIEEE(src) != uint32(h.crc) {
		return nil, nil, damaged("the checksum of a page does not match")
	}
	c.pos += int64(h.size)
	levels := 0
	if h.typ == pageDataV2 {
		levels = int(h.defLen + h.repLen)
	}
	if c.meta.codec == codecNone || h.typ == pageDataV2 && !h.compressed {
		return src, nil, nil
	}
	if block, err = c.r.alloc(int(h.uncompressed) + unpackSlack); err != nil {
		return nil, nil, err
	}
	plain = block[:h.uncompressed]
	copy(plain, src[:levels])
	if int(h.uncompressed) > levels || h.typ != pageDataV2 {
		err = c.r.format.codecs.decompress(c.meta.codec, plain[levels:], src[levels:])
	}
	if err != nil {
		c.r.free(block)
		return nil, nil, err
	}
	return plain, block, nil
}
