package parquet

import (
	"github.com/spurwheel/spurwheel/internal/batch"
)

// dictTable is a predicate's answer for each entry of one dictionary, found
// once per row group: windows of codes are then filtered by table look-up.
type dictTable struct {
	dict   *batch.Vector // the dictionary that pass is about
	usable bool
	pass   []uint8
	null   uint8 // the answer for null
	part   batch.Vector
	sel    []int32
	none   *batch.Vector // one null row
}

// covers prepares the table for v's dictionary and tells whether it can be
// used.
func (t *dictTable) covers(r *reader, p *predicate, v *batch.Vector) bool {
	if v.Enc != batch.Dict {
		return false
	}
	if t.dict == v.Dict {
		return t.usable
	}
	t.dict = v.Dict
	t.usable = int64(v.Dict.Len()) <= r.group.rows/2 && t.fill(r, p, v.Dict)
	return t.usable
}

// fill asks the predicate about all entries and about null. An error may be
// about an entry whose rows other filters have removed: then rows are asked
// one window after the other, as without a dictionary.
func (t *dictTable) fill(r *reader, p *predicate, dict *batch.Vector) bool {
	n := dict.Len()
	if cap(t.pass) < n {
		t.pass = make([]uint8, n)
	}
	t.pass = t.pass[:n]
	clear(t.pass)
	if p.filter.Mark != nil {
		p.filter.Mark(dict, t.pass)
		t.null = 0
		return true
	}
	for from := 0; from < n; from += batch.Rows {
		k := min(batch.Rows, n-from)
		t.part.Slice(dict, from, k)
		t.sel = append(t.sel[:0], r.iota(k)...)
		kept, err := p.sel(&t.part, t.sel)
		if err != nil {
			return false
		}
		for _, i := range kept {
			t.pass[from+int(i)] = 1
		}
	}
	if t.none == nil {
		t.none = batch.New(dict.Type, 1)
		t.none.Reset(0)
		t.none.AppendNulls(1)
	}
	t.sel = append(t.sel[:0], 0)
	kept, err := p.sel(t.none, t.sel)
	t.null = uint8(len(kept))
	return err == nil
}

// keep leaves those rows in cur that pass.
func (t *dictTable) keep(v *batch.Vector, cur []int32) []int32 {
	codes, pass, k := v.Codes, t.pass, 0
	valid := v.Validity()
	if valid == nil {
		for _, i := range cur {
			cur[k] = i
			k += int(pass[codes[i]])
		}
		return cur[:k]
	}
	for _, i := range cur {
		cur[k] = i
		if bitSet(valid, int(i)) {
			k += int(pass[codes[i]])
		} else {
			k += int(t.null)
		}
	}
	return cur[:k]
}
