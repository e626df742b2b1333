package parquet

import (
	"strings"

	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// find looks a member up by name: the exact one first, else one that differs
// in case only.
func (n *node) find(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	for _, c := range n.children {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// bind plans the column of a wanted field; f.root lacks it if n is nil.
func (r *reader) bind(field types.Field) (column, error) {
	n := r.foot.tree.root.find(field.Name)
	if n == nil || field.Type.Kind == types.KindNull {
		return &nullColumn{r: r, vec: batch.New(field.Type, 1), win: batch.New(field.Type, 1)}, nil
	}
	if n.kind == leafNode {
		c, ok := bindLeaf(n, field.Type)
		if !ok {
			return nil, mismatch(r.path(), field.Name, field.Type.String(), n.storage())
		}
		f := newFlatColumn(r, n, c)
		f.name = field.Name
		return f, nil
	}
	col := &nestedColumn{r: r, out: batch.New(field.Type, 0)}
	s, err := r.bindShape(col, n, field.Type, field.Name)
	if err != nil {
		return nil, err
	}
	col.shape = s
	return col, nil
}

// bindShape plans a nested member. A struct none of whose wanted members is in
// the file still needs one leaf for its own nulls.
func (r *reader) bindShape(col *nestedColumn, n *node, want types.Type, path string) (*shape, error) {
	s := &shape{typ: want, node: n, vec: batch.New(want, 0)}
	s.blank = append(s.blank, s.vec.Children...)
	var err error
	switch {
	case n.kind == leafNode && want.IsAtomic():
		c, ok := bindLeaf(n, want)
		if !ok {
			return nil, mismatch(r.path(), path, want.String(), n.storage())
		}
		s.leaf = col.leaf(r, n, c, path)
		s.levels = s.leaf
		return s, nil
	case n.kind == structNode && want.Kind == types.KindStruct:
		err = r.bindFields(col, s, n, want, path)
	case n.kind == listNode && want.Kind == types.KindArray:
		err = r.bindMembers(col, s, n, path, *want.Elem)
	case n.kind == mapNode && want.Kind == types.KindMap:
		err = r.bindMembers(col, s, n, path, *want.Key, *want.Elem)
	default:
		return nil, mismatch(r.path(), path, want.String(), n.storage())
	}
	if err != nil {
		return nil, err
	}
	for _, c := range s.children {
		if c.node == nil {
			c.inherit(s.levels)
		}
	}
	return s, nil
}

// inherit gives a member that the file lacks the structure of its parent.
func (s *shape) inherit(l *nestedLeaf) { s.levels = l }

func (r *reader) bindFields(col *nestedColumn, s *shape, n *node, want types.Type, path string) error {
	for _, f := range want.Fields {
		m := n.find(f.Name)
		if m == nil {
			s.children = append(s.children, &shape{typ: f.Type, vec: batch.New(f.Type, 0)})
			continue
		}
		c, err := r.bindShape(col, m, f.Type, path+"."+f.Name)
		if err != nil {
			return err
		}
		s.children = append(s.children, c)
		if s.levels == nil {
			s.levels = c.levels
		}
	}
	if s.levels != nil {
		return nil
	}
	if n.leaves == 0 {
		return mismatch(r.path(), path, want.String(), "a struct without members")
	}
	leaf := r.foot.tree.leaves[n.leaf]
	c, ok := bindLeaf(leaf, leaf.typ)
	if !ok {
		return mismatch(r.path(), path, want.String(), leaf.storage())
	}
	s.levels = col.leaf(r, leaf, c, path)
	return nil
}

func (r *reader) bindMembers(col *nestedColumn, s *shape, n *node, path string, want ...types.Type) error {
	names := []string{"element"}
	if len(want) == 2 {
		names = []string{"key", "value"}
	}
	for i, m := range n.children {
		c, err := r.bindShape(col, m, want[i], path+"."+names[i])
		if err != nil {
			return err
		}
		s.children = append(s.children, c)
	}
	s.levels = s.children[0].levels
	return nil
}

func (col *nestedColumn) leaf(r *reader, n *node, c conv, path string) *nestedLeaf {
	l := &nestedLeaf{leafReader: leafReader{node: n, conv: c}}
	l.r, l.name, l.levels.on = r, path, true
	l.vals = newSink(&l.conv, false)
	col.leaves = append(col.leaves, l)
	return l
}

// leafNodes lists the leaves that a column reads.
func leafNodes(c column) []*leafReader {
	switch c := c.(type) {
	case *flatColumn:
		return []*leafReader{&c.leafReader}
	case *nestedColumn:
		out := make([]*leafReader, len(c.leaves))
		for i, l := range c.leaves {
			out[i] = &l.leafReader
		}
		return out
	}
	return nil
}
