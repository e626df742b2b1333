package parquet

import (
	"fmt"

	"github.com/spurwheel/spurwheel/internal/types"
)

// maxColumns bounds the leaves of one file.
const maxColumns = 1 << 16

type nodeKind uint8

const (
	leafNode nodeKind = iota
	structNode
	listNode
	mapNode
)

// node is a member of the file's schema as the engine sees it: wrapper groups
// of lists and maps are folded away.
//
// def is the definition level from which on the value is not null; slotDef and
// slotRep are the levels of an element of a list or map.
type node struct {
	kind             nodeKind
	name             string
	typ              types.Type
	nullable         bool
	def, rep         int
	slotDef, slotRep int
	leaf             int // first leaf below, or the leaf itself
	leaves           int
	children         []*node // fields; [element]; [key, value]
	el               *schemaElement
}

type schemaTree struct {
	root   *node
	leaves []*node
}

type schemaBuilder struct {
	elements []schemaElement
	next     int
	leaves   []*node
	opt      readOptions
}

// readOptions change how unannotated columns are understood.
type readOptions struct {
	binaryAsString bool
	int96AsNTZ     bool
}

func buildSchema(elements []schemaElement, opt readOptions) (*schemaTree, error) {
	if len(elements) == 0 {
		return nil, fmt.Errorf("the schema has no elements")
	}
	b := &schemaBuilder{elements: elements, opt: opt}
	root := &node{kind: structNode, name: "", el: &elements[0]}
	b.next = 1
	if err := b.fields(root, elements[0].children, 0, 0, 0); err != nil {
		return nil, err
	}
	if b.next != len(elements) {
		return nil, fmt.Errorf("the schema has %d elements, its tree holds %d", len(elements), b.next)
	}
	root.finishStruct()
	return &schemaTree{root: root, leaves: b.leaves}, nil
}

func (n *node) finishStruct() {
	fields := make([]types.Field, len(n.children))
	for i, c := range n.children {
		fields[i] = types.Field{Name: c.name, Type: c.typ, Nullable: c.nullable}
	}
	n.typ = types.Struct(fields...)
}

func (b *schemaBuilder) fields(parent *node, count int32, def, rep, depth int) error {
	if count < 0 || int(count) > len(b.elements)-b.next {
		return fmt.Errorf("group %q claims %d members", parent.name, count)
	}
	parent.leaf = len(b.leaves)
	for range count {
		c, err := b.node(def, rep, depth+1)
		if err != nil {
			return err
		}
		parent.children = append(parent.children, c)
	}
	parent.leaves = len(b.leaves) - parent.leaf
	return nil
}

// node reads the next element with all below it. An element repeated by itself
// is a list whose elements are never null.
func (b *schemaBuilder) node(def, rep, depth int) (*node, error) {
	if depth > types.MaxTypeDepth {
		return nil, fmt.Errorf("the schema is nested more than %d deep", types.MaxTypeDepth)
	}
	if b.next >= len(b.elements) {
		return nil, fmt.Errorf("the schema ends too early")
	}
	el := &b.elements[b.next]
	b.next++
	if el.rep == repRepeated {
		elem, err := b.body(el, def+1, rep+1, depth)
		if err != nil {
			return nil, err
		}
		return b.list(el.name, elem, def, rep, false), nil
	}
	if el.rep == repOptional {
		def++
	}
	n, err := b.body(el, def, rep, depth)
	if err == nil {
		n.nullable = el.rep == repOptional
	}
	return n, err
}

func (b *schemaBuilder) list(name string, elem *node, def, rep int, containsNull bool) *node {
	return &node{
		kind: listNode, name: name, typ: types.Array(elem.typ, containsNull), def: def, rep: rep, slotDef: def + 1, slotRep: rep + 1,
		leaf: elem.leaf, leaves: elem.leaves, children: []*node{elem},
	}
}

// body reads what el holds, el's own repetition apart.
func (b *schemaBuilder) body(el *schemaElement, def, rep, depth int) (*node, error) {
	switch {
	case el.children == 0 && el.typ >= 0:
		return b.leafNode(el, def, rep)
	case el.logical.kind == lList && el.children == 1 && b.nextRepeated():
		return b.annotatedList(el, def, rep, depth)
	case el.logical.kind == lMap && el.children == 1 && b.nextRepeated() && b.elements[b.next].children == 2:
		return b.annotatedMap(el, def, rep, depth)
	}
	n := &node{kind: structNode, name: el.name, def: def, rep: rep, el: el}
	if err := b.fields(n, el.children, def, rep, depth); err != nil {
		return nil, err
	}
	n.finishStruct()
	return n, nil
}

func (b *schemaBuilder) nextRepeated() bool {
	return b.next < len(b.elements) && b.elements[b.next].rep == repRepeated
}

// annotatedList reads the repeated member of a LIST group. Writers before the
// three-level rule made that member the element itself; the format's
// compatibility rules tell them apart by shape and name.
func (b *schemaBuilder) annotatedList(el *schemaElement, def, rep, depth int) (*node, error) {
	r := &b.elements[b.next]
	wrapper := r.children == 1 && r.name != "array" && r.name != el.name+"_tuple" &&
		b.next+1 < len(b.elements) && b.elements[b.next+1].rep != repRepeated
	var elem *node
	var err error
	b.next++
	if wrapper {
		elem, err = b.node(def+1, rep+1, depth+1)
	} else {
		elem, err = b.body(r, def+1, rep+1, depth+1)
	}
	if err != nil {
		return nil, err
	}
	return b.list(el.name, elem, def, rep, elem.nullable), nil
}

func (b *schemaBuilder) annotatedMap(el *schemaElement, def, rep, depth int) (*node, error) {
	n := &node{kind: mapNode, name: el.name, def: def, rep: rep, slotDef: def + 1, slotRep: rep + 1}
	b.next++
	if err := b.fields(n, 2, def+1, rep+1, depth+1); err != nil {
		return nil, err
	}
	n.typ = types.Map(n.children[0].typ, n.children[1].typ, n.children[1].nullable)
	return n, nil
}

func (b *schemaBuilder) leafNode(el *schemaElement, def, rep int) (*node, error) {
	if len(b.leaves) >= maxColumns {
		return nil, fmt.Errorf("the schema has more than %d columns", maxColumns)
	}
	if int(el.typ) >= len(physNames) || el.typ == pFixed && (el.length < 1 || el.length > 1<<20) {
		return nil, fmt.Errorf("column %q has physical type %d of length %d", el.name, el.typ, el.length)
	}
	n := &node{kind: leafNode, name: el.name, typ: leafType(el, b.opt), def: def, rep: rep, leaf: len(b.leaves), leaves: 1, el: el}
	b.leaves = append(b.leaves, n)
	return n, nil
}

// leafType is the Spark type of a primitive column. Void stands for a physical
// type with an annotation that does not go with it: reading it is refused.
func leafType(el *schemaElement, opt readOptions) types.Type {
	l := &el.logical
	if l.kind == lDecimal {
		return decimalType(el)
	}
	switch el.typ {
	case pBoolean:
		return types.Bool
	case pInt32:
		return int32Type(l)
	case pInt64:
		return int64Type(l)
	case pInt96:
		if opt.int96AsNTZ {
			return types.TimestampNTZ
		}
		return types.Timestamp
	case pFloat:
		return types.Float
	case pDouble:
		return types.Double
	}
	switch l.kind {
	case lString, lEnum, lJSON:
		return types.String
	case lUUID:
		if el.typ == pFixed && el.length == uuidLen {
			return types.String
		}
	case lFloat16:
		return types.Float
	case lNone:
		if opt.binaryAsString && el.typ == pByteArray {
			return types.String
		}
	}
	return types.Binary
}

func decimalType(el *schemaElement) types.Type {
	p, s := int(el.logical.precision), int(el.logical.scale)
	if p < 1 || p > types.MaxPrecision || s < 0 || s > p {
		return types.Null
	}
	if el.typ == pBoolean || el.typ == pInt96 || el.typ == pFloat || el.typ == pDouble {
		return types.Null
	}
	return types.Decimal(p, s)
}

func int32Type(l *logical) types.Type {
	switch {
	case l.kind == lDate:
		return types.Date
	case l.kind == lTime:
		return types.Time
	case l.kind != lInteger:
		return types.Int
	}
	switch {
	case l.bits == 8 && l.signed:
		return types.Byte
	case l.bits == 16 && l.signed, l.bits == 8:
		return types.Short
	case l.bits == 32 && !l.signed:
		return types.Long
	}
	return types.Int
}

func int64Type(l *logical) types.Type {
	switch {
	case l.kind == lTimestamp && l.utc:
		return types.Timestamp
	case l.kind == lTimestamp:
		return types.TimestampNTZ
	case l.kind == lTime:
		return types.Time
	case l.kind == lInteger && !l.signed:
		return types.Decimal(20, 0)
	}
	return types.Long
}

// String describes a leaf's storage for messages: "INT32 (date)".
func (n *node) storage() string {
	if n.kind != leafNode {
		return n.typ.String()
	}
	return physNames[n.el.typ] + " (" + n.typ.String() + ")"
}
