package parquet

import (
	"context"
	"math"

	"github.com/spurwheel/spurwheel/internal/vfs"
)

const (
	// distinctRows is the size from which join orders depend on estimates, so
	// that reading a few headers more pays.
	distinctRows = 100_000
	dictHeader   = 64 // a dictionary page's header is about 20 bytes
	// fullDict is where writers give dictionaries up (1 MiB): one of that size
	// holds only the values of the first pages.
	fullDict = 900 << 10
	// saturated: with fewer entries than a 20th of the rows, a row group has seen the whole domain.
	saturated = 20
)

// distinct estimates the number of distinct values of each leaf from the sizes
// of the dictionaries in the largest row group; 0 where there is none.
func (f *Format) distinct(ctx context.Context, fs vfs.FS, ref vfs.FileRef, foot *footer, key footerKey) ([]int64, error) {
	if foot.meta.rows < distinctRows {
		return nil, nil
	}
	if d, ok := f.footers.distinct(key); ok {
		return d, nil
	}
	g := &foot.meta.groups[0]
	for i := range foot.meta.groups {
		if foot.meta.groups[i].rows > g.rows {
			g = &foot.meta.groups[i]
		}
	}
	out := make([]int64, len(g.columns))
	var leaves []int
	var ranges []vfs.Range
	for i := range g.columns {
		c := &g.columns[i]
		if !c.hasDict || c.stats.distinct > 0 || c.dictOff <= 0 || c.dictOff > ref.Size-dictHeader || c.otherFile || c.encrypted {
			continue
		}
		leaves, ranges = append(leaves, i), append(ranges, vfs.Range{Off: c.dictOff, Len: dictHeader})
	}
	if len(leaves) > 0 {
		if err := readDistinct(ctx, fs, ref, ranges, leaves, out, g.rows, foot.meta.rows); err != nil {
			return nil, err
		}
	}
	f.footers.setDistinct(key, out)
	return out, nil
}

func readDistinct(ctx context.Context, fs vfs.FS, ref vfs.FileRef, ranges []vfs.Range, leaves []int, out []int64, group, total int64) error {
	file, err := fs.Open(ctx, ref)
	if err != nil {
		return err
	}
	defer file.Close()
	p, err := file.ReadRanges(ctx, ranges, vfs.HintMeta)
	if err != nil {
		return err
	}
	defer p.Release()
	for k, leaf := range leaves {
		h, _, err := decodePageHeader(p.Bytes(k))
		if err == nil && h.typ == pageDict && h.uncompressed < fullDict {
			out[leaf] = extrapolate(int64(h.values), group, total)
		}
	}
	return nil
}

// extrapolate guesses a file's distinct values from those of one row group.
func extrapolate(seen, group, total int64) int64 {
	if seen <= 0 || group <= 0 || seen*saturated <= group {
		return max(seen, 0)
	}
	// Between a domain seen whole and values that never come again.
	return min(total, int64(float64(seen)*math.Sqrt(float64(total)/float64(group))))
}
