package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// cells is one row of a call: arguments by position and the result. Functions
// whose work per row outweighs a call (formatting, parsing, searching) are
// written over it; those that do not have loops of their own.
type cells struct {
	i    int
	args []cell
	out  cell
	buf  []byte // scratch for building results
}

// cell is a column with its slots looked up once per batch.
type cell struct {
	vec   *batch.Vector
	mask  int
	nulls bool
	views []batch.View
	i8    []int8
	i16   []int16
	i32   []int32
	i64   []int64
	f32   []float32
	f64   []float64
	wide  []batch.Int128
	spans []batch.Interval
}

// load looks up v's slots.
func (c *cell) load(v *batch.Vector) {
	*c = cell{vec: v, mask: -1, nulls: v.HasNulls()}
	if v.Enc == batch.Const {
		c.mask = 0
	}
	switch v.Phys() {
	case types.PhysBool, types.PhysInt8:
		c.i8 = batch.Values[int8](v)
	case types.PhysInt16:
		c.i16 = batch.Values[int16](v)
	case types.PhysInt32:
		c.i32 = batch.Values[int32](v)
	case types.PhysInt64:
		c.i64 = batch.Values[int64](v)
	case types.PhysFloat32:
		c.f32 = batch.Values[float32](v)
	case types.PhysFloat64:
		c.f64 = batch.Values[float64](v)
	case types.PhysInt128:
		c.wide = batch.Values[batch.Int128](v)
	case types.PhysInterval:
		c.spans = batch.Values[batch.Interval](v)
	case types.PhysView:
		c.views = batch.Values[batch.View](v)
	default:
	}
}

// null tells whether argument k is null in this row.
func (c *cells) null(k int) bool { return c.args[k].nulls && !c.args[k].vec.Valid(c.i) }

// has tells whether argument k is given and not null.
func (c *cells) has(k int) bool { return k < len(c.args) && !c.null(k) }

func (c *cells) str(k int) []byte {
	a := &c.args[k]
	return a.views[c.i&a.mask].Bytes(a.vec.Bufs)
}
func (c *cells) bool(k int) bool            { return c.args[k].i8[c.i&c.args[k].mask] != 0 }
func (c *cells) int(k int) int              { return int(c.args[k].i32[c.i&c.args[k].mask]) }
func (c *cells) long(k int) int64           { return c.args[k].i64[c.i&c.args[k].mask] }
func (c *cells) real(k int) float64         { return c.args[k].f64[c.i&c.args[k].mask] }
func (c *cells) span(k int) batch.Interval  { return c.args[k].spans[c.i&c.args[k].mask] }
func (c *cells) slot(k int) int             { return c.i & c.args[k].mask }
func (c *cells) vector(k int) *batch.Vector { return c.args[k].vec }

// decimal is the unscaled value of decimal argument k.
func (c *cells) decimal(k int) batch.Int128 {
	a := &c.args[k]
	if a.wide != nil {
		return a.wide[c.i&a.mask]
	}
	x := a.i64[c.i&a.mask]
	return batch.Int128{Lo: uint64(x), Hi: x >> 63}
}

func (c *cells) setNull()                 { c.out.vec.SetNull(c.i) }
func (c *cells) setStr(s []byte)          { c.out.views[c.i] = c.out.vec.Intern(s) }
func (c *cells) setText(s string)         { c.out.vec.SetString(c.i, s) }
func (c *cells) setInt(x int)             { c.out.i32[c.i] = int32(x) }
func (c *cells) setLong(x int64)          { c.out.i64[c.i] = x }
func (c *cells) setReal(x float64)        { c.out.f64[c.i] = x }
func (c *cells) setByte(x int8)           { c.out.i8[c.i] = x }
func (c *cells) setSpan(x batch.Interval) { c.out.spans[c.i] = x }
func (c *cells) setBool(x bool) {
	c.out.i8[c.i] = 0
	if x {
		c.out.i8[c.i] = 1
	}
}

// setDecimal writes an unscaled value in the width of the result's type.
func (c *cells) setDecimal(x batch.Int128) {
	if c.out.wide != nil {
		c.out.wide[c.i] = x
		return
	}
	c.out.i64[c.i] = x.Int64()
}

// rowFn computes one row.
type rowFn func(c *cells) error

// maker is the type of Entry.Kernel.
type maker = func(env *Env, call *plan.Call) (Kernel, error)

// rows makes a kernel that calls f for each row whose result is not null yet.
func rows(f rowFn) maker {
	return func(*Env, *plan.Call) (Kernel, error) { return rowKernel(f), nil }
}

// rowKernel is the kernel of rows. The result must have slots: lists and
// structs are appended, see listRows.
func rowKernel(f rowFn) Kernel {
	c := &cells{}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args, out)
		nulls := out.HasNulls()
		for i := range n {
			if nulls && !out.Valid(i) {
				continue
			}
			c.i = i
			if err := f(c); err != nil {
				return err
			}
		}
		return nil
	}
}

func (c *cells) load(args []*batch.Vector, out *batch.Vector) {
	c.args = grown(c.args[:0], len(args))
	for k, a := range args {
		c.args[k].load(a)
	}
	c.out.load(out)
}

// fnSpec is a row of the tables of scalar functions.
type fnSpec struct {
	name string
	min  int
	max  int
	rule Rule
	make maker
	doc  doc
	also fnMore
}

// fnMore is what few functions need.
type fnMore struct {
	aliases  []string
	nulls    bool // null arguments do not make the result null by themselves
	volatile bool
}

func fnEntries(group string, specs ...fnSpec) []*Entry {
	out := make([]*Entry, len(specs))
	for i, s := range specs {
		out[i] = &Entry{
			Name: s.name, Aliases: s.also.aliases, Kind: Scalar, Group: group, MinArgs: s.min, MaxArgs: s.max, Type: s.rule,
			Kernel: s.make, NullIn: !s.also.nulls, Volatile: s.also.volatile,
			Usage: s.doc.usage, Example: s.doc.example, Result: s.doc.result,
		}
	}
	return out
}

// named are aliases.
func named(aliases ...string) fnMore { return fnMore{aliases: aliases} }

// withNulls is for functions that see null arguments.
func withNulls(aliases ...string) fnMore { return fnMore{aliases: aliases, nulls: true} }

// rewriteSpec is a function that other expressions express.
func rewriteSpec(group, name string, least, most int, f func(env *Env, args []plan.Expr) (plan.Expr, error), d doc, aliases ...string) *Entry {
	return &Entry{
		Name: name, Aliases: aliases, Kind: Scalar, Group: group, MinArgs: least, MaxArgs: most, Rewrite: f,
		Usage: d.usage, Example: d.example, Result: d.result,
	}
}

// listKernel is the kernel of functions whose result is an array or map: f
// appends a row's elements to the result's children.
func listKernel(f rowFn) Kernel {
	c := &cells{}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		c.load(args, out)
		nulls := out.HasNulls()
		for i := range n {
			c.i = i
			if !nulls || out.Valid(i) {
				if err := f(c); err != nil {
					return err
				}
			}
			out.Offsets = append(out.Offsets, int32(out.Children[0].Len()))
		}
		return nil
	}
}

// lists is rows for functions whose result is an array or map.
func lists(f rowFn) maker {
	return func(*Env, *plan.Call) (Kernel, error) { return listKernel(f), nil }
}

// addStr appends a string to v.
func addStr(v *batch.Vector, s []byte) {
	at := v.Len()
	v.SetLen(at + 1)
	v.SetStr(at, s)
}
