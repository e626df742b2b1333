package function

import (
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// generators are the functions that make rows.
func generators() []*Entry {
	var out []*Entry
	add := func(name, usage, example, result string, g explodeKind) {
		for _, outer := range []bool{false, true} {
			e := &Entry{
				Name: name, Kind: Generator, Group: "generator_funcs", MinArgs: 1, MaxArgs: 1, Usage: usage,
				Example: "SELECT " + name + "(" + example + ")", Result: result, Columns: g.columns(outer), Generate: g.generate(outer),
			}
			if outer {
				e.Name += "_outer"
				e.Usage += " Rows without any give one of nulls."
				e.Example = "SELECT " + e.Name + "(" + example + ")"
			}
			out = append(out, e)
		}
	}
	add("explode", "A row for each element of an array or entry of a map.", "array(10, 20)", "10; 20", explodeKind{})
	add("posexplode", "Like explode, with the position from 0.", "array(10, 20)", "0, 10; 1, 20", explodeKind{pos: true})
	add("inline", "A row for each struct of an array, with its fields as columns.", "array(struct(1, 'a'), struct(2, 'b'))", "1, a; 2, b", explodeKind{inline: true})
	return append(out, &Entry{
		Name: "stack", Kind: Generator, Group: "generator_funcs", MinArgs: 2, MaxArgs: -1, Usage: "The arguments in n rows.",
		Example: "SELECT stack(2, 1, 2, 3)", Result: "1, 2; 3, NULL", Columns: stackColumns, Generate: newStack,
	})
}

// explodeKind is explode, posexplode or inline.
type explodeKind struct{ pos, inline bool }

func (g explodeKind) columns(outer bool) func(args []plan.Expr) ([]types.Field, error) {
	return func(args []plan.Expr) ([]types.Field, error) {
		t := args[0].Type()
		var out []types.Field
		if g.pos {
			out = append(out, types.Field{Name: "pos", Type: types.Int, Nullable: outer})
		}
		switch {
		case g.inline:
			if t.Kind != types.KindArray || t.Elem.Kind != types.KindStruct {
				return nil, UnexpectedType(args, 0, "ARRAY<STRUCT>")
			}
			for _, f := range t.Elem.Fields {
				out = append(out, types.Field{Name: f.Name, Type: f.Type, Nullable: f.Nullable || t.Nullable || outer})
			}
		case t.Kind == types.KindArray:
			out = append(out, types.Field{Name: "col", Type: *t.Elem, Nullable: t.Nullable || outer})
		case t.Kind == types.KindMap:
			out = append(out, types.Field{Name: "key", Type: *t.Key, Nullable: outer}, types.Field{Name: "value", Type: *t.Elem, Nullable: t.Nullable || outer})
		default:
			return nil, UnexpectedType(args, 0, "ARRAY\" or \"MAP")
		}
		return out, nil
	}
}

// exploder is a generator's reused memory.
type exploder struct {
	idx, from []int32
	pos       *batch.Vector
	places    []int32
	cols      []*batch.Vector
}

func (g explodeKind) generate(outer bool) func(env *Env, call *plan.Call) (RowMaker, error) {
	return func(_ *Env, _ *plan.Call) (RowMaker, error) {
		x := &exploder{pos: batch.New(types.Int, 0)}
		c := &cells{}
		return func(args []*batch.Vector, n int) ([]*batch.Vector, []int32, error) {
			c.args = grown(c.args[:0], 1)
			c.args[0].load(args[0])
			x.list(c, n, outer)
			return x.gather(args[0], g), x.from, nil
		}, nil
	}
}

// list finds the elements of all rows; -1 stands for the row of nulls of outer.
func (x *exploder) list(c *cells, n int, outer bool) {
	x.idx, x.from, x.places = x.idx[:0], x.from[:0], x.places[:0]
	for i := range n {
		c.i = i
		lo, hi := 0, 0
		if !c.null(0) {
			lo, hi = c.list(0)
		}
		for r := lo; r < hi; r++ {
			x.idx, x.from, x.places = append(x.idx, int32(r)), append(x.from, int32(i)), append(x.places, int32(r-lo))
		}
		if lo == hi && outer {
			x.idx, x.from, x.places = append(x.idx, -1), append(x.from, int32(i)), append(x.places, -1)
		}
	}
}

func (x *exploder) gather(src *batch.Vector, g explodeKind) []*batch.Vector {
	children := src.Children
	idx := x.idx
	if g.inline {
		elems := src.Children[0]
		children = elems.Children
		for k, r := range idx {
			if r >= 0 && !elems.Valid(int(r)) {
				idx[k] = -1 // a null struct gives nulls
			}
		}
	}
	var out []*batch.Vector
	if g.pos {
		x.pos.Reset(0)
		at := appendSlots(x.pos, x.places)
		for k, p := range x.places {
			if p < 0 {
				x.pos.SetNull(at + k)
			}
		}
		out = append(out, x.pos)
	}
	for len(x.cols) < len(children) {
		x.cols = append(x.cols, batch.New(children[len(x.cols)].Type, 0))
	}
	for k, child := range children {
		x.cols[k].Gather(child, idx)
		out = append(out, x.cols[k])
	}
	return out
}

// stackShape is the number of rows and columns of stack(n, values...).
func stackShape(args []plan.Expr) (n, cols int, err error) {
	rows, ok := constLong(args[0])
	if !ok {
		return 0, 0, NonFoldable(args, 0, "n", "INT")
	}
	if rows <= 0 {
		return 0, 0, OutOfRange("n", "(0, 2147483647]", strconv.FormatInt(rows, 10))
	}
	n = int(rows)
	return n, (len(args) - 2 + n) / n, nil
}

func stackColumns(args []plan.Expr) ([]types.Field, error) {
	_, cols, err := stackShape(args)
	if err != nil {
		return nil, err
	}
	out := make([]types.Field, cols)
	for k := range out {
		out[k] = types.F("col"+strconv.Itoa(k), types.Null)
		for i := k; i < len(args)-1; i += cols {
			t := args[i+1].Type()
			switch {
			case t.Kind == types.KindNull || t.Equal(out[k].Type):
			case out[k].Type.Kind == types.KindNull:
				out[k].Type = t
			default:
				return nil, mismatch("STACK_COLUMN_DIFF_TYPES", "all values of a column have to be of one type.", "columnIndex", strconv.Itoa(k),
					"leftParamIndex", strconv.Itoa(k+1), "leftType", quoted(out[k].Type.SQL()), "rightParamIndex", strconv.Itoa(i+1), "rightType", quoted(t.SQL()))
			}
		}
	}
	return out, nil
}

func newStack(_ *Env, call *plan.Call) (RowMaker, error) {
	n, cols, err := stackShape(call.Args)
	if err != nil {
		return nil, err
	}
	fields, err := stackColumns(call.Args)
	if err != nil {
		return nil, err
	}
	out := make([]*batch.Vector, cols)
	for k, f := range fields {
		out[k] = batch.New(f.Type, 0)
	}
	var from []int32
	return func(args []*batch.Vector, m int) ([]*batch.Vector, []int32, error) {
		from = from[:0]
		for _, v := range out {
			v.Reset(0)
		}
		for i := range m {
			for r := range n {
				for k, v := range out {
					at := 1 + r*cols + k
					if at < len(args) && args[at].Valid(i) {
						v.AppendRange(args[at], i, 1)
					} else {
						v.AppendNulls(1)
					}
				}
				from = append(from, int32(i))
			}
		}
		return out, from, nil
	}, nil
}
