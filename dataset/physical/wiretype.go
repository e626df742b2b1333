package physical

import (
	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// EncodeType puts a type into its wire form.
func EncodeType(t types.Type) *pb.Type {
	out := &pb.Type{Kind: uint32(t.Kind), Precision: uint32(t.Precision), Scale: int32(t.Scale), Length: t.Length, Nullable: t.Nullable}
	if t.Elem != nil {
		out.Elem = EncodeType(*t.Elem)
	}
	if t.Key != nil {
		out.Key = EncodeType(*t.Key)
	}
	if t.UDT != nil {
		out.Udt = &pb.UDT{JvmClass: t.UDT.JVMClass, PythonClass: t.UDT.PythonClass, Serialized: t.UDT.Serialized}
	}
	out.Fields = encodeFields(t.Fields)
	return out
}

func encodeFields(fs []types.Field) []*pb.Field {
	var out []*pb.Field
	for _, f := range fs {
		out = append(out, &pb.Field{Name: f.Name, Type: EncodeType(f.Type), Nullable: f.Nullable, Metadata: f.Metadata})
	}
	return out
}

// EncodeSchema puts a schema into its wire form.
func EncodeSchema(s types.Schema) *pb.Schema { return &pb.Schema{Fields: encodeFields(s.Fields)} }

// decoder rebuilds trees from the wire. Bytes come from a peer: depth and
// kinds are checked, and the first fault stays in err.
type decoder struct {
	err   error
	depth int
}

// maxWireDepth bounds nested messages; plans reach plan.MaxDepth operators, an
// expression in each counts on top.
const maxWireDepth = 4096

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = errs.Errorf(errs.Corrupt, "physical.Decode", format, args...)
	}
}

// enter counts a level and reports whether to go on.
func (d *decoder) enter() bool {
	d.depth++
	if d.depth > maxWireDepth {
		d.fail("fragment nested deeper than %d levels", maxWireDepth)
	}
	return d.err == nil
}

func (d *decoder) leave() { d.depth-- }

// DecodeType reads a type's wire form.
func DecodeType(p *pb.Type) (types.Type, error) {
	d := &decoder{}
	t := d.typ(p)
	return t, d.err
}

func (d *decoder) typ(p *pb.Type) types.Type {
	defer d.leave()
	if !d.enter() || p == nil {
		return types.Null
	}
	t := types.Type{
		Kind: types.Kind(p.Kind), Precision: uint8(p.Precision), Scale: int8(p.Scale),
		Length: p.Length, Nullable: p.Nullable, Fields: d.fields(p.Fields),
	}
	if p.Elem != nil {
		e := d.typ(p.Elem)
		t.Elem = &e
	}
	if p.Key != nil {
		k := d.typ(p.Key)
		t.Key = &k
	}
	if u := p.Udt; u != nil {
		t.UDT = &types.UDT{JVMClass: u.JvmClass, PythonClass: u.PythonClass, Serialized: u.Serialized}
	}
	d.checkType(t, p.Kind)
	return t
}

func (d *decoder) checkType(t types.Type, kind uint32) {
	switch {
	case kind > uint32(types.KindUDT):
		d.fail("unknown type kind %d", kind)
	case (t.Kind == types.KindArray || t.Kind == types.KindMap || t.Kind == types.KindUDT) && t.Elem == nil,
		t.Kind == types.KindMap && t.Key == nil:
		d.fail("type kind %d lacks its members", kind)
	case t.Kind == types.KindDecimal && (t.Precision < 1 || t.Precision > types.MaxPrecision || int(t.Scale) > int(t.Precision)):
		d.fail("decimal(%d,%d) is out of range", t.Precision, t.Scale)
	}
}

func (d *decoder) fields(fs []*pb.Field) []types.Field {
	var out []types.Field
	for _, f := range fs {
		out = append(out, types.Field{Name: f.Name, Type: d.typ(f.Type), Nullable: f.Nullable, Metadata: f.Metadata})
	}
	return out
}

func (d *decoder) schema(p *pb.Schema) types.Schema {
	return types.Schema{Fields: d.fields(p.GetFields())}
}

// EncodeValue puts a boxed value into its wire form.
func EncodeValue(v any) *pb.Value {
	switch v := v.(type) {
	case nil:
		return &pb.Value{}
	case bool:
		return &pb.Value{Kind: &pb.Value_BoolValue{BoolValue: v}}
	case int8:
		return intValue(int64(v))
	case int16:
		return intValue(int64(v))
	case int32:
		return intValue(int64(v))
	case int64:
		return intValue(v)
	case float32:
		return &pb.Value{Kind: &pb.Value_FloatValue{FloatValue: v}}
	case float64:
		return &pb.Value{Kind: &pb.Value_DoubleValue{DoubleValue: v}}
	case string:
		return &pb.Value{Kind: &pb.Value_StringValue{StringValue: v}}
	case []byte:
		return &pb.Value{Kind: &pb.Value_BytesValue{BytesValue: v}}
	case batch.Int128:
		return &pb.Value{Kind: &pb.Value_Int128Value{Int128Value: &pb.Int128{Lo: v.Lo, Hi: v.Hi}}}
	case batch.Interval:
		return &pb.Value{Kind: &pb.Value_IntervalValue{IntervalValue: &pb.Interval{Months: v.Months, Days: v.Days, Micros: v.Micros}}}
	case []any:
		return &pb.Value{Kind: &pb.Value_ListValue{ListValue: &pb.ValueList{Values: encodeValues(v)}}}
	case batch.MapValue:
		return &pb.Value{Kind: &pb.Value_MapValue{MapValue: &pb.ValueMap{Keys: encodeValues(v.Keys), Values: encodeValues(v.Values)}}}
	}
	panic(errs.Errorf(errs.Internal, "physical.EncodeValue", "value of type %T", v))
}

func intValue(v int64) *pb.Value { return &pb.Value{Kind: &pb.Value_IntValue{IntValue: v}} }

func encodeValues(vs []any) []*pb.Value {
	out := make([]*pb.Value, len(vs))
	for i, v := range vs {
		out[i] = EncodeValue(v)
	}
	return out
}

// value decodes a boxed value of type t.
func (d *decoder) value(p *pb.Value, t types.Type) any {
	defer d.leave()
	if !d.enter() || p == nil || p.Kind == nil {
		return nil
	}
	if t.Kind == types.KindUDT {
		t = *t.Elem
	}
	v, ok := d.anyValue(p, t)
	if !ok {
		d.fail("value %T for type %s", p.Kind, t)
		return nil
	}
	return v
}

func (d *decoder) anyValue(p *pb.Value, t types.Type) (any, bool) {
	phys := t.Phys()
	switch k := p.Kind.(type) {
	case *pb.Value_BoolValue:
		return k.BoolValue, phys == types.PhysBool
	case *pb.Value_IntValue:
		return intOf(k.IntValue, phys)
	case *pb.Value_FloatValue:
		return k.FloatValue, phys == types.PhysFloat32
	case *pb.Value_DoubleValue:
		return k.DoubleValue, phys == types.PhysFloat64
	case *pb.Value_StringValue:
		return k.StringValue, phys == types.PhysView
	case *pb.Value_BytesValue:
		return k.BytesValue, phys == types.PhysView
	case *pb.Value_Int128Value:
		return batch.Int128{Lo: k.Int128Value.GetLo(), Hi: k.Int128Value.GetHi()}, phys == types.PhysInt128
	case *pb.Value_IntervalValue:
		i := k.IntervalValue
		return batch.Interval{Months: i.GetMonths(), Days: i.GetDays(), Micros: i.GetMicros()}, phys == types.PhysInterval
	case *pb.Value_ListValue:
		return d.list(k.ListValue.GetValues(), t)
	case *pb.Value_MapValue:
		if phys != types.PhysMap {
			return nil, false
		}
		m := k.MapValue
		return batch.MapValue{Keys: d.values(m.GetKeys(), *t.Key), Values: d.values(m.GetValues(), *t.Elem)}, len(m.GetKeys()) == len(m.GetValues())
	}
	return nil, false
}

func intOf(v int64, phys types.Phys) (any, bool) {
	switch phys {
	case types.PhysInt8:
		return int8(v), true
	case types.PhysInt16:
		return int16(v), true
	case types.PhysInt32:
		return int32(v), true
	case types.PhysInt64:
		return v, true
	default:
		return nil, false
	}
}

func (d *decoder) list(vs []*pb.Value, t types.Type) (any, bool) {
	switch t.Phys() {
	case types.PhysArray:
		return d.values(vs, *t.Elem), true
	case types.PhysStruct:
		members := t.Fields
		if t.Kind == types.KindVariant {
			members = []types.Field{{Type: types.Binary}, {Type: types.Binary}}
		}
		if len(vs) != len(members) {
			return nil, false
		}
		out := make([]any, len(vs))
		for i, v := range vs {
			out[i] = d.value(v, members[i].Type)
		}
		return out, true
	default:
		return nil, false
	}
}

func (d *decoder) values(vs []*pb.Value, t types.Type) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = d.value(v, t)
	}
	return out
}
