package parquet

import (
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// writeNode is a member of the schema being written.
type writeNode struct {
	kind             nodeKind
	name             string
	typ              types.Type
	optional         bool
	def              int // definition level of a present value
	slotDef, slotRep int // of elements of lists and maps
	children         []*writeNode
	leaf             *leafWriter
	flat, tmp        *batch.Vector // the vector being written, flattened
}

// newWriteNode plans a member. All but map keys are optional, since other
// readers of the same table must be able to add nulls.
func newWriteNode(w *writer, name string, t types.Type, optional bool, def, rep int) (*writeNode, error) {
	if t.Kind == types.KindUDT {
		t = *t.Elem
	}
	if optional {
		def++
	}
	n := &writeNode{name: name, typ: t, optional: optional, def: def, tmp: batch.New(t, 0)}
	add := func(name string, t types.Type, optional bool, def, rep int) error {
		c, err := newWriteNode(w, name, t, optional, def, rep)
		n.children = append(n.children, c)
		return err
	}
	switch t.Kind {
	case types.KindStruct:
		n.kind = structNode
		for _, f := range t.Fields {
			if err := add(f.Name, f.Type, true, def, rep); err != nil {
				return nil, err
			}
		}
		if len(t.Fields) == 0 {
			return nil, unwritable(name, t)
		}
		return n, nil
	case types.KindArray:
		n.kind, n.slotDef, n.slotRep = listNode, def+1, rep+1
		return n, add("element", *t.Elem, true, def+1, rep+1)
	case types.KindMap:
		n.kind, n.slotDef, n.slotRep = mapNode, def+1, rep+1
		if err := add("key", *t.Key, false, def+1, rep+1); err != nil {
			return nil, err
		}
		return n, add("value", *t.Elem, true, def+1, rep+1)
	default:
	}
	l, ok := newLeafWriter(w, t, def, rep)
	if !ok {
		return nil, unwritable(name, t)
	}
	n.leaf = l
	w.leaves = append(w.leaves, l)
	return n, nil
}

func unwritable(name string, t types.Type) error {
	c := errs.Cond(errs.Analysis, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "0A000",
		"Parquet files cannot hold column "+types.QuoteIfNeeded(name)+" of type "+t.SQL()+".",
		"format", "Parquet", "columnName", types.QuoteIfNeeded(name), "columnType", `"`+t.SQL()+`"`)
	return errs.E(errs.NotSupported, "parquet.Create", c)
}

// schema writes n and its members in depth-first order.
func (n *writeNode) schema(e *encoder, path []string) {
	rep := repRequired
	if n.optional {
		rep = repOptional
	}
	path = append(path, n.name)
	switch n.kind {
	case leafNode:
		n.leaf.path = append([]string(nil), path...)
		n.leaf.element(e, n.name, rep)
		return
	case structNode:
		group(e, n.name, rep, len(n.children), lNone)
	case listNode:
		group(e, n.name, rep, 1, lList)
		group(e, "list", repRepeated, 1, lNone)
		path = append(path, "list")
	case mapNode:
		group(e, n.name, rep, 1, lMap)
		group(e, "key_value", repRepeated, 2, lNone)
		path = append(path, "key_value")
	}
	for _, c := range n.children {
		c.schema(e, path)
	}
}

// count is the number of schema elements of n.
func (n *writeNode) count() int {
	total := 1
	if n.kind == listNode || n.kind == mapNode {
		total = 2
	}
	for _, c := range n.children {
		total += c.count()
	}
	return total
}

func group(e *encoder, name string, rep, children, kind int) {
	e.element(func() {
		if rep >= 0 {
			e.i32(3, rep)
		}
		e.string(4, name)
		e.i32(5, children)
		switch kind {
		case lList:
			e.i32(6, 3)
		case lMap:
			e.i32(6, 1)
		}
		if kind != lNone {
			e.structure(10, func() { e.structure(kind, func() {}) })
		}
	})
}

// element writes the leaf's schema element with both kinds of annotation.
func (l *leafWriter) element(e *encoder, name string, rep int) {
	t := l.typ
	e.element(func() {
		e.i32(1, l.phys)
		if l.phys == pFixed {
			e.i32(2, l.width)
		}
		e.i32(3, rep)
		e.string(4, name)
		annotate(e, t)
	})
}

func annotate(e *encoder, t types.Type) {
	converted := func(c int) { e.i32(6, c) }
	logical := func(kind int, f func()) { e.structure(10, func() { e.structure(kind, f) }) }
	none := func() {}
	switch t.Kind {
	case types.KindString:
		converted(0)
		logical(lString, none)
	case types.KindByte, types.KindShort:
		bits := int8(8)
		if t.Kind == types.KindShort {
			bits = 16
		}
		converted(15 + int(bits)/16)
		logical(lInteger, func() { e.i8(1, bits); e.boolean(2, true) })
	case types.KindDate:
		converted(6)
		logical(lDate, none)
	case types.KindDecimal:
		converted(5)
		e.i32(7, int(t.Scale))
		e.i32(8, int(t.Precision))
		logical(lDecimal, func() { e.i32(1, int(t.Scale)); e.i32(2, int(t.Precision)) })
	case types.KindTimestamp, types.KindTimestampNTZ, types.KindTime:
		utc := t.Kind == types.KindTimestamp
		if utc {
			converted(10)
		}
		kind := lTimestamp
		if t.Kind == types.KindTime {
			kind = lTime
		}
		logical(kind, func() {
			e.boolean(1, utc)
			e.structure(2, func() { e.structure(unitMicros, none) })
		})
	default:
	}
}
