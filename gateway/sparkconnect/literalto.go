package sparkconnect

import (
	"fmt"
	"math/big"
	"strings"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// literalTo writes a boxed value, for observed metrics.
func literalTo(v any, t types.Type) *pb.Expression_Literal {
	if v == nil {
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Null{Null: typeTo(t)}}
	}
	switch x := v.(type) {
	case bool:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Boolean{Boolean: x}}
	case int8:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Byte{Byte: int32(x)}}
	case int16:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Short{Short: int32(x)}}
	case int32:
		return intTo(x, t)
	case int64:
		return longTo(x, t)
	case float32:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Float{Float: x}}
	case float64:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Double{Double: x}}
	case string:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_String_{String_: validText(x)}}
	case []byte:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Binary{Binary: x}}
	case batch.Int128:
		return decimalTo(bigInt(x), t)
	case batch.Interval:
		i := &pb.Expression_Literal_CalendarInterval{Months: x.Months, Days: x.Days, Microseconds: x.Micros}
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_CalendarInterval_{CalendarInterval: i}}
	}
	return nestedTo(v, t)
}

func intTo(x int32, t types.Type) *pb.Expression_Literal {
	switch t.Kind {
	case types.KindDate:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Date{Date: x}}
	case types.KindYearMonthInterval:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_YearMonthInterval{YearMonthInterval: x}}
	default:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Integer{Integer: x}}
	}
}

func longTo(x int64, t types.Type) *pb.Expression_Literal {
	switch t.Kind {
	case types.KindTimestamp:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Timestamp{Timestamp: x}}
	case types.KindTimestampNTZ:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_TimestampNtz{TimestampNtz: x}}
	case types.KindDayTimeInterval:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_DayTimeInterval{DayTimeInterval: x}}
	case types.KindTime:
		p := int32(t.Precision)
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Time_{Time: &pb.Expression_Literal_Time{Nano: x, Precision: &p}}}
	case types.KindDecimal:
		return decimalTo(big.NewInt(x), t)
	default:
		return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Long{Long: x}}
	}
}

func bigInt(x batch.Int128) *big.Int {
	v := new(big.Int).Lsh(big.NewInt(x.Hi), 64)
	return v.Add(v, new(big.Int).SetUint64(x.Lo))
}

func decimalTo(v *big.Int, t types.Type) *pb.Expression_Literal {
	p, s := int32(t.Precision), int32(t.Scale)
	digits := new(big.Int).Abs(v).String()
	if pad := int(s) + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	text := digits
	if s > 0 {
		text = digits[:len(digits)-int(s)] + "." + digits[len(digits)-int(s):]
	}
	if v.Sign() < 0 {
		text = "-" + text
	}
	return &pb.Expression_Literal{LiteralType: &pb.Expression_Literal_Decimal_{
		Decimal: &pb.Expression_Literal_Decimal{Value: text, Precision: &p, Scale: &s},
	}}
}

// nestedTo writes arrays, maps and structs in the older form, which all clients
// read, with the type of the newer one.
func nestedTo(v any, t types.Type) *pb.Expression_Literal {
	out := &pb.Expression_Literal{DataType: typeTo(t)}
	switch x := v.(type) {
	case batch.MapValue:
		m := &pb.Expression_Literal_Map{KeyType: typeTo(*t.Key), ValueType: typeTo(*t.Elem)}
		for i := range x.Keys {
			m.Keys, m.Values = append(m.Keys, literalTo(x.Keys[i], *t.Key)), append(m.Values, literalTo(x.Values[i], *t.Elem))
		}
		out.LiteralType = &pb.Expression_Literal_Map_{Map: m}
		return out
	case []any:
		if t.Kind == types.KindStruct {
			s := &pb.Expression_Literal_Struct{StructType: typeTo(t)}
			for i, e := range x {
				s.Elements = append(s.Elements, literalTo(e, t.Fields[i].Type))
			}
			out.LiteralType = &pb.Expression_Literal_Struct_{Struct: s}
			return out
		}
		if t.Kind == types.KindArray {
			a := &pb.Expression_Literal_Array{ElementType: typeTo(*t.Elem)}
			for _, e := range x {
				a.Elements = append(a.Elements, literalTo(e, *t.Elem))
			}
			out.LiteralType = &pb.Expression_Literal_Array_{Array: a}
			return out
		}
	}
	panic(fmt.Sprintf("sparkconnect: a %T of type %s", v, t))
}
