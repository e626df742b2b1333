package parquet

import (
	"context"
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/batch"
)

// leafReader decodes one primitive column of a row group, any number of values
// at a time. Both flat and nested columns are made of it.
type leafReader struct {
	chunk
	node *node
	conv conv

	head   pageHeader // of the current page
	unread bool       // the page's body lies behind the chunk's position
	loaded bool       // the page's body was read
	left   int        // level entries left in the page; of flat columns: rows
	lag    int        // rows to pass over before the next read (flat columns)
	seen   int64      // level entries of all pages so far

	noNulls bool   // the page has no null, defs is not needed
	defs    hybrid // flat columns: definition levels, width 1
	levels  levels // nested columns: the page's levels, decoded
	vals    values
	codes   hybrid

	dict     *batch.Vector // converted dictionary, new for each chunk
	hasDict  bool
	scratch  []int32
	raw      []byte // for values on their way to conversion
	blocks   [][]byte
	current  []byte // pooled block of the current page
	views    viewBufs
	pageBase int // index of the current page's bytes in views, -1: not there yet
}

// viewBufs are the buffers that string views of the current batch point to.
type viewBufs struct {
	list     [][]byte
	dictBase int // index of the dictionary's first buffer, -1: not there yet
}

// begin starts a batch: buffers of pages done with are free now.
func (l *leafReader) begin() {
	l.recycle()
	for _, b := range l.blocks {
		l.r.free(b)
	}
	l.blocks = l.blocks[:0]
	l.views.list, l.views.dictBase, l.pageBase = l.views.list[:0], -1, -1
}

func (l *leafReader) close() {
	l.begin()
	l.retire()
	l.begin()
	l.chunk.close()
}

// retire lets go of the current page once the batch is over.
func (l *leafReader) retire() {
	if l.current != nil {
		l.blocks = append(l.blocks, l.current)
	}
	l.blocks = append(l.blocks, l.vals.own...)
	l.vals.own = l.vals.own[:0]
	l.current, l.loaded, l.left = nil, false, 0
}

// page makes the next data page current, unread. Dictionary and index pages
// on the way are dealt with.
func (l *leafReader) page(ctx context.Context) error {
	l.retire()
	if l.unread {
		l.skip(&l.head)
		l.unread = false
	}
	for {
		h, ok, err := l.header(ctx)
		if err != nil {
			return err
		}
		if !ok {
			return damaged("it ends after %d of %d values", l.seen, l.meta.values)
		}
		switch h.typ {
		case pageData, pageDataV2:
			l.head, l.left, l.pageBase, l.unread = h, int(h.values), -1, true
			l.seen += int64(h.values)
			return nil
		case pageDict:
			if err := l.dictionary(ctx, &h); err != nil {
				return err
			}
		default:
			l.skip(&h)
		}
	}
}

func (l *leafReader) dictionary(ctx context.Context, h *pageHeader) error {
	if l.hasDict {
		return damaged("it has two dictionaries")
	}
	if h.encoding != encPlain && h.encoding != encPlainDict {
		return damaged("its dictionary has encoding %d", h.encoding)
	}
	plain, block, err := l.body(ctx, h)
	if err != nil {
		return err
	}
	l.hasDict = true
	l.dict = batch.New(l.conv.to, 0)
	l.dict.Reset(0)
	if block != nil {
		l.r.keep(block) // until the row group ends
	} else if l.conv.views() {
		// The segment may go before the row group does.
		if block, err = l.r.alloc(len(plain)); err != nil {
			return err
		}
		l.r.keep(block)
		plain = block[:copy(block, plain)]
	}
	return l.conv.dictionary(l, plain, int(h.values))
}

// load reads the current page's body and finds levels and values in it.
func (l *leafReader) load(ctx context.Context) error {
	l.unread = false
	plain, block, err := l.body(ctx, &l.head)
	if err != nil {
		return err
	}
	l.current, l.loaded = block, true
	var rep, def []byte
	if l.head.typ == pageDataV2 {
		rep, def = plain[:l.head.repLen], plain[l.head.repLen:l.head.repLen+l.head.defLen]
		plain = plain[l.head.repLen+l.head.defLen:]
	} else {
		if rep, plain, err = v1Levels(plain, l.node.rep, l.head.repEnc); err != nil {
			return err
		}
		if def, plain, err = v1Levels(plain, l.node.def, l.head.defEnc); err != nil {
			return err
		}
	}
	present, err := l.setLevels(rep, def)
	if err != nil {
		return err
	}
	return l.setValues(plain, present)
}

// v1Levels cuts a length-prefixed level block off the front of a page.
func v1Levels(b []byte, maxLevel int, enc int32) (block, rest []byte, err error) {
	if maxLevel == 0 {
		return nil, b, nil
	}
	if enc == encBitPacked {
		return nil, nil, &lacking{"levels in the deprecated encoding BIT_PACKED"}
	}
	if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, nil, damaged("a page is too short for its levels")
	}
	n := int(binary.LittleEndian.Uint32(b))
	return b[4 : 4+n], b[4+n:], nil
}

// setLevels prepares the levels and returns the number of values present, -1
// if that is known only while reading.
func (l *leafReader) setLevels(rep, def []byte) (int, error) {
	n := int(l.head.values)
	if l.levels.on {
		return l.levels.decode(l, rep, def, n)
	}
	if l.node.def == 0 {
		l.noNulls = true
		return n, nil
	}
	if err := l.defs.reset(def, 1); err != nil {
		return 0, err
	}
	if l.noNulls = l.defs.allOnes(n); l.noNulls {
		return n, nil
	}
	return -1, nil
}

// settle passes over the rows in lag, whole pages without reading them, and
// makes sure that a page with rows is loaded.
func (l *leafReader) settle(ctx context.Context) error {
	for l.left == 0 || l.lag >= l.left {
		l.lag -= l.left
		if err := l.page(ctx); err != nil {
			return err
		}
	}
	if !l.loaded {
		if err := l.load(ctx); err != nil {
			return err
		}
	}
	if l.lag == 0 {
		return nil
	}
	n, present := l.lag, l.lag
	if !l.noNulls {
		var err error
		if present, err = l.countPresent(n); err != nil {
			return err
		}
	}
	l.lag, l.left = 0, l.left-n
	return l.vals.skip(l, present)
}

// countPresent passes over the definition levels of n rows.
func (l *leafReader) countPresent(n int) (int, error) {
	var m [batch.Rows / 64]uint64
	total := 0
	for n > 0 {
		k := min(n, batch.Rows)
		clear(m[:])
		ones, err := l.defs.bits(m[:], 0, k)
		if err != nil {
			return 0, err
		}
		total += ones
		n -= k
	}
	return total, nil
}

// ints is scratch for n codes.
func (l *leafReader) ints(n int) []int32 {
	if cap(l.scratch) < n {
		l.scratch = make([]int32, n)
	}
	return l.scratch[:n]
}

// bytes is 8-byte aligned scratch.
func (l *leafReader) bytes(n int) []byte {
	if cap(l.raw) < n {
		l.raw = make([]byte, max(n, 4096*8))
	}
	return l.raw[:n]
}
