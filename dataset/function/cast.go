package function

import (
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// caster is one cast's context: how values that do not convert are treated,
// and what conversions need to know.
type caster struct {
	env      *Env
	from, to types.Type
	m        plan.CastMode
	zone     *calendar.Zone
}

// CastKernel converts values of one type to another: Spark's Cast in its
// legacy, ANSI or try mode. It is a NullIn kernel of one argument, which is
// flat, or constant over one row.
func CastKernel(env *Env, from, to types.Type, m plan.CastMode, at *errs.Origin) (Kernel, error) {
	c := &caster{env: env, from: from, to: to, m: m, zone: calendar.NewZone(env.Zone)}
	k := c.kernel()
	if k == nil {
		err := CheckCast(from, to, m)
		if err == nil {
			err = errs.Unsupported("cast of " + from.SQL() + " to " + to.SQL())
		}
		if at != nil {
			err = errs.At(err, *at)
		}
		return nil, err
	}
	return k, nil
}

func (c *caster) kernel() Kernel {
	from, to := c.from, c.to
	switch {
	case from.Kind == types.KindUDT:
		inner := *c
		inner.from = *from.Elem
		return inner.kernel()
	case from.Kind == types.KindNull:
		return allNull
	case SameLayout(from, to):
		return copyKernel
	case !CanCast(from, to, c.m != plan.CastLegacy) && !CanCast(from, to, false):
		return nil
	case to.Kind == types.KindString:
		return c.toText()
	case from.IsNested():
		return c.nested()
	case from.Kind == types.KindString:
		return c.fromText()
	case to.Kind == types.KindBinary:
		return c.toBinary()
	case from.Kind == types.KindDecimal:
		return c.fromDecimal()
	case to.Kind == types.KindDecimal:
		return c.toDecimal()
	case from.IsNumeric() || from.Kind == types.KindBool:
		return c.fromNumber()
	}
	return c.fromTime()
}

// SameLayout tells that values of the types are the same bits.
func SameLayout(from, to types.Type) bool {
	if from.Kind == types.KindString && to.Kind == types.KindBinary || from.Kind == types.KindString && to.Kind == types.KindString {
		return true
	}
	return from.Equal(to)
}

func allNull(_ []*batch.Vector, _ int, out *batch.Vector) error {
	out.SetAllNull()
	return nil
}

// copyKernel copies bytes: an alias would make later batches write into the source.
func copyKernel(args []*batch.Vector, n int, out *batch.Vector) error {
	var bits []uint64
	if m := out.Validity(); m != nil {
		bits = append(bits, m...)
	}
	out.Reset(0)
	out.AppendRange(asFlat(args[0]), 0, n)
	out.AndValidity(bits)
	return nil
}

// strict tells whether a value that does not convert is an error.
func (c *caster) strict() bool { return c.m == plan.CastAnsi }

// wraps tells whether integers wrap around instead.
func (c *caster) wraps() bool { return c.m == plan.CastLegacy }

// malformed treats text in row i that does not read as the target.
func (c *caster) malformed(out *batch.Vector, i int, text []byte) error {
	if !c.strict() {
		out.SetNull(i)
		return nil
	}
	return castInvalid(plan.LiteralSQL(types.String, string(text), nil), c.from, c.to)
}

// tooLarge treats a value v of row i that does not fit the target.
func (c *caster) tooLarge(out *batch.Vector, i int, v any) error {
	if !c.strict() {
		out.SetNull(i)
		return nil
	}
	if c.to.Kind == types.KindDecimal {
		return DecimalOverflow(plainText(c.from, v), c.to)
	}
	return castOverflow(plan.LiteralSQL(c.from, v, c.env.Zone), c.from, c.to)
}

// plainText is a value without quotes and suffix.
func plainText(t types.Type, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return plan.ValueText(t, v, nil)
}

// nested casts members.
func (c *caster) nested() Kernel {
	members := func(from, to types.Type) Kernel {
		inner := *c
		inner.from, inner.to = from, to
		return inner.kernel()
	}
	var ks []Kernel
	switch c.from.Kind {
	case types.KindArray:
		ks = []Kernel{members(*c.from.Elem, *c.to.Elem)}
	case types.KindMap:
		ks = []Kernel{members(*c.from.Key, *c.to.Key), members(*c.from.Elem, *c.to.Elem)}
	default:
		for i, f := range c.from.Fields {
			ks = append(ks, members(f.Type, c.to.Fields[i].Type))
		}
	}
	for _, k := range ks {
		if k == nil {
			return nil
		}
	}
	if c.from.Kind == types.KindStruct {
		return structCast(ks)
	}
	return listCast(ks)
}

// listCast casts the elements between the first and the last row's.
func listCast(ks []Kernel) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := asFlat(args[0])
		lo, hi := src.Offsets[0], src.Offsets[n]
		out.Offsets = out.Offsets[:0]
		for _, o := range src.Offsets[:n+1] {
			out.Offsets = append(out.Offsets, o-lo)
		}
		for k, kernel := range ks {
			var part batch.Vector
			part.Slice(src.Children[k], int(lo), int(hi-lo))
			if err := castMember(kernel, &part, nil, int(hi-lo), out.Children[k]); err != nil {
				return err
			}
		}
		return nil
	}
}

func structCast(ks []Kernel) Kernel {
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := asFlat(args[0])
		for k, kernel := range ks {
			if err := castMember(kernel, src.Children[k], src.Validity(), n, out.Children[k]); err != nil {
				return err
			}
		}
		return nil
	}
}

// castMember runs a member's kernel; rows outside the parent's validity are null.
func castMember(k Kernel, src *batch.Vector, parent []uint64, n int, out *batch.Vector) error {
	if src.Enc != batch.Flat {
		src = src.Flatten(batch.New(src.Type, 0))
	}
	out.Reset(n)
	if src.Type.Kind == types.KindNull {
		out.Reset(0)
		out.AppendNulls(n)
		return nil
	}
	out.AndValidity(src.Validity())
	out.AndValidity(parent)
	return k([]*batch.Vector{src}, n, out)
}
