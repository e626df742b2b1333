package parquet

import (
	"container/list"
	"context"
	"encoding/binary"
	"sync"

	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// footerGuess is read first; most footers are smaller.
	footerGuess = 64 << 10
	maxFooter   = 256 << 20
	magic       = "PAR1"
	magicSealed = "PARE" // encrypted footer
	// footerWeight is what a decoded footer takes beside its bytes, measured on
	// TPC-H files at 4–6 times.
	footerWeight = 6
	// cacheBytes bounds the footers kept; beyond it the oldest go.
	cacheBytes = 64 << 20
)

// footer is a file's decoded metadata. Immutable.
type footer struct {
	meta *fileMeta
	tree *schemaTree
	size int64 // of the file
	cost int64
}

// footers keeps decoded footers by file version and options.
type footers struct {
	mu struct {
		sync.Mutex
		by    map[footerKey]*list.Element
		order *list.List // front: used last
		bytes int64
	}
}

type footerKey struct {
	path, version string
	opt           readOptions
}

type footerEntry struct {
	key      footerKey
	foot     *footer
	distinct []int64 // nil: not asked for yet
}

// distinct is what setDistinct kept.
func (c *footers) distinct(k footerKey) ([]int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.mu.by[k]
	if !ok {
		return nil, false
	}
	d := e.Value.(*footerEntry).distinct
	return d, d != nil
}

func (c *footers) setDistinct(k footerKey, d []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.mu.by[k]; ok {
		e.Value.(*footerEntry).distinct = d
	}
}

func (c *footers) get(k footerKey) *footer {
	if k.version == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.mu.by[k]
	if !ok {
		return nil
	}
	c.mu.order.MoveToFront(e)
	return e.Value.(*footerEntry).foot
}

func (c *footers) put(k footerKey, f *footer) {
	if k.version == "" || f.cost > cacheBytes/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.by == nil {
		c.mu.by, c.mu.order = map[footerKey]*list.Element{}, list.New()
	}
	if _, ok := c.mu.by[k]; ok {
		return
	}
	c.mu.by[k] = c.mu.order.PushFront(&footerEntry{key: k, foot: f})
	for c.mu.bytes += f.cost; c.mu.bytes > cacheBytes; {
		e := c.mu.order.Back()
		old := c.mu.order.Remove(e).(*footerEntry)
		delete(c.mu.by, old.key)
		c.mu.bytes -= old.foot.cost
	}
}

// footer reads the metadata of an open file.
func (f *Format) footer(ctx context.Context, file vfs.File, opt readOptions) (*footer, error) {
	ref := file.Ref()
	key := footerKey{ref.Path, ref.Version, opt}
	if foot := f.footers.get(key); foot != nil {
		return foot, nil
	}
	b, err := footerBytes(ctx, file)
	if err != nil {
		return nil, err
	}
	meta, err := decodeFileMeta(b)
	if err != nil {
		return nil, badFooter(ref.Path, err.Error())
	}
	tree, err := buildSchema(meta.schema, opt)
	if err != nil {
		return nil, badFooter(ref.Path, err.Error())
	}
	if err := meta.check(len(tree.leaves), tree, ref.Path); err != nil {
		return nil, err
	}
	foot := &footer{meta: meta, tree: tree, size: ref.Size, cost: int64(len(b)) * footerWeight}
	f.footers.put(key, foot)
	return foot, nil
}

// footerBytes copies the footer out of the end of the file.
func footerBytes(ctx context.Context, file vfs.File) ([]byte, error) {
	ref := file.Ref()
	if ref.Size < 12 {
		return nil, badFooter(ref.Path, "it is too short")
	}
	n := min(ref.Size, footerGuess)
	for {
		p, err := file.ReadRanges(ctx, []vfs.Range{{Off: ref.Size - n, Len: n}}, vfs.HintMeta)
		if err != nil {
			return nil, err
		}
		tail := p.Bytes(0)
		want, err := footerLen(ref, tail)
		if err != nil || want+8 <= n {
			var out []byte
			if err == nil {
				out = append(out, tail[n-8-want:n-8]...)
			}
			p.Release()
			return out, err
		}
		p.Release()
		n = want + 8
	}
}

func footerLen(ref vfs.FileRef, tail []byte) (int64, error) {
	end := tail[len(tail)-8:]
	switch string(end[4:]) {
	case magic:
	case magicSealed:
		return 0, unsupported(ref.Path, "", "an encrypted footer")
	default:
		return 0, badFooter(ref.Path, "it does not end in the format's mark")
	}
	n := int64(binary.LittleEndian.Uint32(end))
	if n > ref.Size-12 || n > maxFooter || n == 0 {
		return 0, badFooter(ref.Path, "the footer's length does not fit the file")
	}
	return n, nil
}

// check compares row groups with the schema, so that readers may index freely.
func (m *fileMeta) check(leaves int, tree *schemaTree, path string) error {
	if m.rows < 0 {
		return badFooter(path, "it tells of a negative number of rows")
	}
	total := int64(0)
	for i := range m.groups {
		g := &m.groups[i]
		if len(g.columns) != leaves {
			return badFooter(path, "a row group does not have the columns of the schema")
		}
		if g.rows < 0 || g.rows > 1<<40 {
			return badFooter(path, "a row group tells of an impossible number of rows")
		}
		total += g.rows
		for k := range g.columns {
			if g.columns[k].typ >= 0 && g.columns[k].typ != tree.leaves[k].el.typ {
				return badFooter(path, "the type of column "+tree.leaves[k].name+" differs between schema and row group")
			}
		}
	}
	if total != m.rows {
		return badFooter(path, "the rows of its row groups do not add up")
	}
	return nil
}
