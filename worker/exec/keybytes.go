package exec

import (
	"encoding/binary"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Arrays and structs as keys are stored as bytes: equal values, and only they,
// have equal bytes. A member is a presence byte, then its value: fixed-width
// ones little-endian and normalised, strings and lists after their length.

// nestedBytes encodes a nested key column as a binary one.
func (r *keyRows) nestedBytes(k int, v *batch.Vector) *batch.Vector {
	if r.nested[k] == nil {
		r.nested[k] = batch.New(types.Binary, 0)
	}
	out := r.nested[k]
	out.Reset(r.n)
	var buf []byte
	for i := range r.n {
		if v.Valid(i) {
			buf = appendKeyBytes(buf[:0], v, i)
			out.SetStr(i, buf)
		} else {
			out.SetStr(i, nil)
			out.SetNull(i)
		}
	}
	return out
}

// appendKeyBytes appends row i, which is present.
func appendKeyBytes(dst []byte, v *batch.Vector, i int) []byte {
	switch v.Enc {
	case batch.Const:
		i = 0
	case batch.Dict:
		return appendKeyBytes(dst, v.Dict, int(v.Codes[i]))
	default:
	}
	le := binary.LittleEndian
	switch v.Phys() {
	case types.PhysNull:
		return dst
	case types.PhysBool, types.PhysInt8:
		return append(dst, batch.Values[uint8](v)[i])
	case types.PhysInt16:
		return le.AppendUint16(dst, uint16(batch.Values[int16](v)[i]))
	case types.PhysInt32:
		return le.AppendUint32(dst, uint32(batch.Values[int32](v)[i]))
	case types.PhysFloat32:
		return le.AppendUint32(dst, batch.FloatBits32(batch.Values[float32](v)[i]))
	case types.PhysInt64:
		return le.AppendUint64(dst, uint64(batch.Values[int64](v)[i]))
	case types.PhysFloat64:
		return le.AppendUint64(dst, batch.FloatBits64(batch.Values[float64](v)[i]))
	case types.PhysInt128, types.PhysInterval:
		x := batch.Values[batch.Int128](v)[i]
		return le.AppendUint64(le.AppendUint64(dst, x.Lo), uint64(x.Hi))
	case types.PhysView:
		s := v.Str(i)
		return append(le.AppendUint32(dst, uint32(len(s))), s...)
	case types.PhysArray, types.PhysMap:
		dst = le.AppendUint32(dst, uint32(v.Offsets[i+1]-v.Offsets[i]))
		for j := v.Offsets[i]; j < v.Offsets[i+1]; j++ {
			dst = appendMembers(dst, v.Children, int(j))
		}
		return dst
	default:
	}
	return appendMembers(dst, v.Children, i)
}

func appendMembers(dst []byte, members []*batch.Vector, i int) []byte {
	for _, c := range members {
		if !c.Valid(i) {
			dst = append(dst, 0)
			continue
		}
		dst = appendKeyBytes(append(dst, 1), c, i)
	}
	return dst
}

// decodeNested rebuilds nested keys of rows [from, to).
func (l *keyLayout) decodeNested(rows []uint64, from, to, k int, bufs [][]byte, out *batch.Vector) {
	c := &l.cols[k]
	word, bit := l.nullAt(k)
	out.Reset(0)
	for i := from; i < to; i++ {
		row := rows[i*l.words : (i+1)*l.words]
		if row[word]&bit != 0 {
			out.AppendNulls(1)
			continue
		}
		x := batch.View{A: row[c.at], B: row[c.at+1]}
		d := keyDecoder{x.Bytes(bufs)}
		out.Append(d.value(c.typ))
	}
}

// keyDecoder reads what appendKeyBytes wrote in this process.
type keyDecoder struct{ b []byte }

func (d *keyDecoder) take(n int) []byte {
	if n > len(d.b) {
		panic(errs.Errorf(errs.Internal, "exec.keyDecoder", "nested key is cut short"))
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *keyDecoder) member(t types.Type) any {
	if d.take(1)[0] == 0 {
		return nil
	}
	return d.value(t)
}

func (d *keyDecoder) list(t types.Type, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = d.member(t)
	}
	return out
}

// value boxes the next value, as batch.Append takes it.
func (d *keyDecoder) value(t types.Type) any {
	switch t.Phys() {
	case types.PhysNull:
		return nil
	case types.PhysArray:
		return d.list(elemOf(t), int(binary.LittleEndian.Uint32(d.take(4))))
	case types.PhysMap:
		n := int(binary.LittleEndian.Uint32(d.take(4)))
		m := batch.MapValue{Keys: make([]any, n), Values: make([]any, n)}
		for i := range n {
			m.Keys[i], m.Values[i] = d.member(*t.Key), d.member(*t.Elem)
		}
		return m
	case types.PhysStruct:
		ts := memberTypes(t)
		out := make([]any, len(ts))
		for i, m := range ts {
			out[i] = d.member(m)
		}
		return out
	case types.PhysView:
		s := d.take(int(binary.LittleEndian.Uint32(d.take(4))))
		if t.Kind == types.KindBinary {
			return append([]byte{}, s...)
		}
		return string(s)
	default:
	}
	return d.fixed(t)
}

// fixed boxes a fixed-width value by way of a vector, which knows the boxes.
func (d *keyDecoder) fixed(t types.Type) any {
	v := batch.New(t, 1)
	v.Reset(1)
	copy(v.Slot(0), d.take(t.Phys().Width()))
	return v.Get(0)
}

func elemOf(t types.Type) types.Type {
	if t.Kind == types.KindUDT {
		return elemOf(*t.Elem)
	}
	return *t.Elem
}

func memberTypes(t types.Type) []types.Type {
	switch t.Kind {
	case types.KindUDT:
		return memberTypes(*t.Elem)
	case types.KindVariant:
		return []types.Type{types.Binary, types.Binary}
	default:
	}
	out := make([]types.Type, len(t.Fields))
	for i, f := range t.Fields {
		out[i] = f.Type
	}
	return out
}
