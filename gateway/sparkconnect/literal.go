package sparkconnect

import (
	"math"
	"math/big"
	"strings"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// literalFrom reads a constant of any type.
func literalFrom(l *pb.Expression_Literal) (*plan.Literal, error) {
	v, t, err := literalAt(l, 0)
	if err != nil {
		return nil, err
	}
	return &plan.Literal{Value: v, Typ: t}, nil
}

func literalAt(l *pb.Expression_Literal, depth int) (any, types.Type, error) {
	if depth > types.MaxTypeDepth {
		return nil, types.Null, invalidPlan("a literal is nested deeper than the limit")
	}
	switch k := l.GetLiteralType().(type) {
	case *pb.Expression_Literal_Null:
		return nullLiteral(l, k.Null)
	case *pb.Expression_Literal_Binary:
		return append([]byte{}, k.Binary...), types.Binary, nil
	case *pb.Expression_Literal_Boolean:
		return k.Boolean, types.Bool, nil
	case *pb.Expression_Literal_Byte:
		return int8(k.Byte), types.Byte, nil
	case *pb.Expression_Literal_Short:
		return int16(k.Short), types.Short, nil
	case *pb.Expression_Literal_Integer:
		return k.Integer, types.Int, nil
	case *pb.Expression_Literal_Long:
		return k.Long, types.Long, nil
	case *pb.Expression_Literal_Float:
		return k.Float, types.Float, nil
	case *pb.Expression_Literal_Double:
		return k.Double, types.Double, nil
	case *pb.Expression_Literal_Decimal_:
		return decimalLiteral(k.Decimal)
	case *pb.Expression_Literal_String_:
		return k.String_, types.String, nil
	}
	if v, t, ok := timeLiteral(l); ok {
		return v, t, nil
	}
	return nestedLiteral(l, depth)
}

func nullLiteral(l *pb.Expression_Literal, t *pb.DataType) (any, types.Type, error) {
	if t.GetKind() == nil {
		t = l.GetDataType()
	}
	if t.GetKind() == nil {
		return nil, types.Null, nil
	}
	typ, err := typeFrom(t)
	return nil, typ, err
}

// timeLiteral reads dates, times and intervals.
func timeLiteral(l *pb.Expression_Literal) (any, types.Type, bool) {
	switch k := l.GetLiteralType().(type) {
	case *pb.Expression_Literal_Date:
		return k.Date, types.Date, true
	case *pb.Expression_Literal_Timestamp:
		return k.Timestamp, types.Timestamp, true
	case *pb.Expression_Literal_TimestampNtz:
		return k.TimestampNtz, types.TimestampNTZ, true
	case *pb.Expression_Literal_Time_:
		t := types.Time
		if k.Time.Precision != nil {
			t.Precision = uint8(k.Time.GetPrecision())
		}
		return k.Time.GetNano(), t, true
	case *pb.Expression_Literal_CalendarInterval_:
		i := k.CalendarInterval
		return batch.Interval{Months: i.GetMonths(), Days: i.GetDays(), Micros: i.GetMicroseconds()}, types.CalendarInterval, true
	case *pb.Expression_Literal_YearMonthInterval:
		return k.YearMonthInterval, types.YearMonth, true
	case *pb.Expression_Literal_DayTimeInterval:
		return k.DayTimeInterval, types.DayTime, true
	}
	return nil, types.Null, false
}

// decimalLiteral reads "123.45" with a precision and scale, or with those of the text.
func decimalLiteral(d *pb.Expression_Literal_Decimal) (any, types.Type, error) {
	r, ok := new(big.Rat), false
	text := d.GetValue()
	if len(text) <= 200 && !strings.ContainsAny(text, "/_xXpPbBoO") && smallExponent(text) {
		r, ok = r.SetString(text)
	}
	if !ok {
		return nil, types.Null, invalidPlan("a decimal literal is not a number")
	}
	// The client sends DECIMAL(10,0) for every decimal.Decimal: what it says is
	// a lower bound.
	scale := max(textScale(text), int(d.GetScale()))
	if scale > types.MaxPrecision {
		return nil, types.Null, invalidPlan("a decimal literal's scale is out of range")
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	digits := len(new(big.Int).Abs(r.Num()).String())
	precision := max(digits, scale, int(d.GetPrecision()), 1)
	if !r.IsInt() || precision > types.MaxPrecision {
		return nil, types.Null, errs.Cond(errs.Arithmetic, "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION", "22003",
			"The decimal literal "+text+" has too many digits.", "value", text)
	}
	t := types.Decimal(precision, scale)
	if t.Phys() == types.PhysInt64 {
		return r.Num().Int64(), t, nil
	}
	return int128(r.Num()), t, nil
}

// smallExponent guards big.Rat against "1e999999999".
func smallExponent(s string) bool {
	i := strings.IndexAny(s, "eE")
	return i < 0 || len(s)-i <= 5
}

// textScale is the number of digits after the point, less the exponent.
func textScale(s string) int {
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, _ := new(big.Int).SetString(strings.TrimPrefix(s[i+1:], "+"), 10)
		if e != nil && e.IsInt64() {
			exp = int(e.Int64())
		}
		s = s[:i]
	}
	if i := strings.IndexByte(s, '.'); i >= 0 {
		return max(len(s)-i-1-exp, 0)
	}
	return max(-exp, 0)
}

func int128(v *big.Int) batch.Int128 {
	lo := new(big.Int).And(v, new(big.Int).SetUint64(math.MaxUint64))
	return batch.Int128{Lo: lo.Uint64(), Hi: new(big.Int).Rsh(v, 64).Int64()}
}

// nestedLiteral reads arrays, maps and structs. The type comes from data_type
// (clients from 4.1), the older fields, or the first element.
func nestedLiteral(l *pb.Expression_Literal, depth int) (any, types.Type, error) {
	switch k := l.GetLiteralType().(type) {
	case *pb.Expression_Literal_Array_:
		return arrayLiteral(l, k.Array, depth)
	case *pb.Expression_Literal_Map_:
		return mapLiteral(l, k.Map, depth)
	case *pb.Expression_Literal_Struct_:
		return structLiteral(l, k.Struct, depth)
	case *pb.Expression_Literal_SpecializedArray_:
		return specializedLiteral(k.SpecializedArray)
	case *pb.Expression_Literal_TimestampNtzNanos, *pb.Expression_Literal_TimestampLtzNanos:
		return nil, types.Null, errs.Unsupported("timestamps of nanoseconds")
	}
	return nil, types.Null, invalidPlan("a literal is missing or of unknown type")
}

// elements reads members and finds their common type: the declared one, or the
// first that is not void.
func elements(ls []*pb.Expression_Literal, declared *types.Type, depth int) ([]any, types.Type, bool, error) {
	out := make([]any, len(ls))
	t, null := types.Null, false
	for i, l := range ls {
		v, et, err := literalAt(l, depth+1)
		if err != nil {
			return nil, t, false, err
		}
		if out[i] = v; v == nil {
			null = true
		}
		if t.Kind == types.KindNull {
			t = et
		}
		if declared == nil && et.Kind != types.KindNull && !et.Equal(t) {
			return nil, t, false, invalidPlan("the elements of a literal have different types")
		}
	}
	if declared != nil {
		t = *declared
		for i := range out {
			var err error
			if out[i], err = refit(out[i], t); err != nil {
				return nil, t, false, err
			}
		}
	}
	return out, t, null, nil
}

// refit checks that a boxed value has the layout of a declared type.
func refit(v any, t types.Type) (any, error) {
	ok := false
	switch x := v.(type) {
	case nil:
		return nil, nil
	case bool:
		ok = t.Phys() == types.PhysBool
	case int8:
		ok = t.Phys() == types.PhysInt8
	case int16:
		ok = t.Phys() == types.PhysInt16
	case int32:
		ok = t.Phys() == types.PhysInt32
	case int64:
		if ok = t.Phys() == types.PhysInt64; t.Phys() == types.PhysInt128 {
			return batch.Int128{Lo: uint64(x), Hi: x >> 63}, nil
		}
	case float32:
		ok = t.Phys() == types.PhysFloat32
	case float64:
		ok = t.Phys() == types.PhysFloat64
	case string, []byte:
		ok = t.Phys() == types.PhysView
	case batch.Int128:
		ok = t.Phys() == types.PhysInt128
	case batch.Interval:
		ok = t.Phys() == types.PhysInterval
	case batch.MapValue:
		ok = t.Phys() == types.PhysMap
	case []any:
		ok = t.Phys() == types.PhysArray || t.Phys() == types.PhysStruct && len(x) == len(t.Fields)
	}
	if !ok {
		return nil, invalidPlan("a literal's element is not of the declared type " + t.String())
	}
	return v, nil
}

func arrayLiteral(l *pb.Expression_Literal, a *pb.Expression_Literal_Array, depth int) (any, types.Type, error) {
	declared, contains, err := declaredMember(l.GetDataType().GetArray().GetElementType(), a.GetElementType())
	if err != nil {
		return nil, types.Null, err
	}
	vs, t, null, err := elements(a.GetElements(), declared, depth)
	if l.GetDataType().GetArray() != nil {
		contains = l.GetDataType().GetArray().GetContainsNull()
	}
	return vs, types.Array(t, null || contains), err
}

// declaredMember is the first of two types that is given.
func declaredMember(newer, older *pb.DataType) (*types.Type, bool, error) {
	for i, d := range []*pb.DataType{newer, older} {
		if d.GetKind() != nil {
			t, err := typeFrom(d)
			return &t, i == 1, err
		}
	}
	return nil, false, nil
}

func mapLiteral(l *pb.Expression_Literal, m *pb.Expression_Literal_Map, depth int) (any, types.Type, error) {
	if len(m.GetKeys()) != len(m.GetValues()) {
		return nil, types.Null, invalidPlan("a map literal has unequal numbers of keys and values")
	}
	dk, _, err := declaredMember(l.GetDataType().GetMap().GetKeyType(), m.GetKeyType())
	if err != nil {
		return nil, types.Null, err
	}
	dv, contains, err := declaredMember(l.GetDataType().GetMap().GetValueType(), m.GetValueType())
	if err != nil {
		return nil, types.Null, err
	}
	ks, kt, nullKey, err := elements(m.GetKeys(), dk, depth)
	if err != nil || nullKey {
		return nil, types.Null, firstError(err, invalidPlan("a map literal has a null key"))
	}
	vs, vt, null, err := elements(m.GetValues(), dv, depth)
	if l.GetDataType().GetMap() != nil {
		contains = l.GetDataType().GetMap().GetValueContainsNull()
	}
	return batch.MapValue{Keys: ks, Values: vs}, types.Map(kt, vt, null || contains), err
}

func firstError(es ...error) error {
	for _, e := range es {
		if e != nil {
			return e
		}
	}
	return nil
}

func structLiteral(l *pb.Expression_Literal, s *pb.Expression_Literal_Struct, depth int) (any, types.Type, error) {
	declared := l.GetDataType()
	if declared.GetStruct() == nil {
		declared = s.GetStructType()
	}
	t, err := typeFrom(declared)
	if err != nil {
		return nil, types.Null, err
	}
	if t.Kind != types.KindStruct || len(t.Fields) != len(s.GetElements()) {
		return nil, types.Null, invalidPlan("a struct literal does not match its type")
	}
	out := make([]any, len(t.Fields))
	for i, e := range s.GetElements() {
		v, et, err := literalAt(e, depth+1)
		if err != nil {
			return nil, types.Null, err
		}
		if out[i], err = refit(v, t.Fields[i].Type); err != nil {
			return nil, types.Null, err
		}
		if t.Fields[i].Type.Kind == types.KindNull {
			t.Fields[i].Type = et
		}
	}
	return out, t, nil
}

func specializedLiteral(a *pb.Expression_Literal_SpecializedArray) (any, types.Type, error) {
	switch k := a.GetValueType().(type) {
	case *pb.Expression_Literal_SpecializedArray_Bools:
		return boxed(k.Bools.GetValues()), types.Array(types.Bool, false), nil
	case *pb.Expression_Literal_SpecializedArray_Ints:
		return boxed(k.Ints.GetValues()), types.Array(types.Int, false), nil
	case *pb.Expression_Literal_SpecializedArray_Longs:
		return boxed(k.Longs.GetValues()), types.Array(types.Long, false), nil
	case *pb.Expression_Literal_SpecializedArray_Floats:
		return boxed(k.Floats.GetValues()), types.Array(types.Float, false), nil
	case *pb.Expression_Literal_SpecializedArray_Doubles:
		return boxed(k.Doubles.GetValues()), types.Array(types.Double, false), nil
	case *pb.Expression_Literal_SpecializedArray_Strings:
		return boxed(k.Strings.GetValues()), types.Array(types.String, false), nil
	}
	return nil, types.Null, invalidPlan("an array literal without values")
}

func boxed[T any](vs []T) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = v
	}
	return out
}
