package sparkconnect

import (
	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// typeFrom reads a client's type.
func typeFrom(t *pb.DataType) (types.Type, error) { return typeAt(t, 0) }

func typeAt(t *pb.DataType, depth int) (types.Type, error) {
	if depth > types.MaxTypeDepth {
		return types.Null, invalidPlan("a type is nested deeper than the limit")
	}
	if plain, ok := plainType(t); ok {
		return plain, nil
	}
	switch k := t.GetKind().(type) {
	case *pb.DataType_Decimal_:
		return decimalType(k.Decimal)
	case *pb.DataType_String_:
		if c := k.String_.GetCollation(); c != "" && c != types.DefaultCollation {
			return types.Null, errs.Unsupported("collation " + c)
		}
		return types.String, nil
	case *pb.DataType_Char_:
		return types.Char(int(k.Char.GetLength())), nil
	case *pb.DataType_VarChar_:
		return types.Varchar(int(k.VarChar.GetLength())), nil
	case *pb.DataType_Time_:
		out := types.Time
		if k.Time.Precision != nil {
			out.Precision = uint8(k.Time.GetPrecision())
		}
		return out, nil
	case *pb.DataType_YearMonthInterval_:
		m := k.YearMonthInterval
		return intervalType(types.YearMonth, m.StartField, m.EndField), nil
	case *pb.DataType_DayTimeInterval_:
		m := k.DayTimeInterval
		return intervalType(types.DayTime, m.StartField, m.EndField), nil
	case *pb.DataType_Unparsed_:
		return sql.ParseType(k.Unparsed.GetDataTypeString())
	case *pb.DataType_Geometry_, *pb.DataType_Geography_:
		return types.Null, errs.Unsupported("geospatial types")
	case *pb.DataType_TimestampNtzNanos, *pb.DataType_TimestampLtzNanos:
		return types.Null, errs.Unsupported("timestamps of nanoseconds")
	}
	return nestedType(t, depth)
}

func plainType(t *pb.DataType) (types.Type, bool) {
	switch t.GetKind().(type) {
	case *pb.DataType_Null:
		return types.Null, true
	case *pb.DataType_Binary_:
		return types.Binary, true
	case *pb.DataType_Boolean_:
		return types.Bool, true
	case *pb.DataType_Byte_:
		return types.Byte, true
	case *pb.DataType_Short_:
		return types.Short, true
	case *pb.DataType_Integer_:
		return types.Int, true
	case *pb.DataType_Long_:
		return types.Long, true
	case *pb.DataType_Float_:
		return types.Float, true
	case *pb.DataType_Double_:
		return types.Double, true
	case *pb.DataType_Date_:
		return types.Date, true
	case *pb.DataType_Timestamp_:
		return types.Timestamp, true
	case *pb.DataType_TimestampNtz:
		return types.TimestampNTZ, true
	case *pb.DataType_CalendarInterval_:
		return types.CalendarInterval, true
	case *pb.DataType_Variant_:
		return types.Variant, true
	}
	return types.Null, false
}

func decimalType(d *pb.DataType_Decimal) (types.Type, error) {
	p, s := 10, 0
	if d.Precision != nil {
		p = int(d.GetPrecision())
	}
	if d.Scale != nil {
		s = int(d.GetScale())
	}
	if p < 1 || p > types.MaxPrecision || s < 0 || s > p {
		return types.Null, invalidPlan("a decimal's precision or scale is out of range")
	}
	return types.Decimal(p, s), nil
}

func intervalType(full types.Type, start, end *int32) types.Type {
	if start != nil {
		full.Precision = uint8(*start)
	}
	switch {
	case end != nil:
		full.Scale = int8(*end)
	case start != nil:
		full.Scale = int8(*start)
	}
	return full
}

func nestedType(t *pb.DataType, depth int) (types.Type, error) {
	switch k := t.GetKind().(type) {
	case *pb.DataType_Array_:
		elem, err := typeAt(k.Array.GetElementType(), depth+1)
		return types.Array(elem, k.Array.GetContainsNull()), err
	case *pb.DataType_Map_:
		key, err := typeAt(k.Map.GetKeyType(), depth+1)
		if err != nil {
			return types.Null, err
		}
		value, err := typeAt(k.Map.GetValueType(), depth+1)
		return types.Map(key, value, k.Map.GetValueContainsNull()), err
	case *pb.DataType_Struct_:
		var fields []types.Field
		for _, f := range k.Struct.GetFields() {
			ft, err := typeAt(f.GetDataType(), depth+1)
			if err != nil {
				return types.Null, err
			}
			fields = append(fields, types.Field{Name: f.GetName(), Type: ft, Nullable: f.GetNullable(), Metadata: f.GetMetadata()})
		}
		return types.Struct(fields...), nil
	case *pb.DataType_Udt:
		stored, err := typeAt(k.Udt.GetSqlType(), depth+1)
		id := &types.UDT{JVMClass: k.Udt.GetJvmClass(), PythonClass: k.Udt.GetPythonClass(), Serialized: k.Udt.GetSerializedPythonClass()}
		return types.Type{Kind: types.KindUDT, Elem: &stored, UDT: id}, err
	}
	return types.Null, invalidPlan("a type is missing or unknown")
}

// schemaTo is a schema as clients read it.
func schemaTo(s types.Schema) *pb.DataType { return typeTo(s.Struct()) }

// typeTo writes a type.
func typeTo(t types.Type) *pb.DataType {
	switch t.Kind {
	case types.KindDecimal:
		p, s := int32(t.Precision), int32(t.Scale)
		return &pb.DataType{Kind: &pb.DataType_Decimal_{Decimal: &pb.DataType_Decimal{Precision: &p, Scale: &s}}}
	case types.KindString:
		return stringTo(t)
	case types.KindTime:
		p := int32(t.Precision)
		return &pb.DataType{Kind: &pb.DataType_Time_{Time: &pb.DataType_Time{Precision: &p}}}
	case types.KindYearMonthInterval:
		a, b := int32(t.Precision), int32(t.Scale)
		return &pb.DataType{Kind: &pb.DataType_YearMonthInterval_{YearMonthInterval: &pb.DataType_YearMonthInterval{StartField: &a, EndField: &b}}}
	case types.KindDayTimeInterval:
		a, b := int32(t.Precision), int32(t.Scale)
		return &pb.DataType{Kind: &pb.DataType_DayTimeInterval_{DayTimeInterval: &pb.DataType_DayTimeInterval{StartField: &a, EndField: &b}}}
	case types.KindArray:
		return &pb.DataType{Kind: &pb.DataType_Array_{Array: &pb.DataType_Array{ElementType: typeTo(*t.Elem), ContainsNull: t.Nullable}}}
	case types.KindMap:
		m := &pb.DataType_Map{KeyType: typeTo(*t.Key), ValueType: typeTo(*t.Elem), ValueContainsNull: t.Nullable}
		return &pb.DataType{Kind: &pb.DataType_Map_{Map: m}}
	case types.KindStruct:
		s := &pb.DataType_Struct{}
		for _, f := range t.Fields {
			s.Fields = append(s.Fields, fieldTo(f))
		}
		return &pb.DataType{Kind: &pb.DataType_Struct_{Struct: s}}
	case types.KindUDT:
		return udtTo(t)
	default:
		return plainTo(t.Kind)
	}
}

func stringTo(t types.Type) *pb.DataType {
	switch {
	case t.Length < 0:
		return &pb.DataType{Kind: &pb.DataType_Char_{Char: &pb.DataType_Char{Length: -t.Length}}}
	case t.Length > 0:
		return &pb.DataType{Kind: &pb.DataType_VarChar_{VarChar: &pb.DataType_VarChar{Length: t.Length}}}
	}
	return &pb.DataType{Kind: &pb.DataType_String_{String_: &pb.DataType_String{Collation: types.DefaultCollation}}}
}

func fieldTo(f types.Field) *pb.DataType_StructField {
	out := &pb.DataType_StructField{Name: f.Name, DataType: typeTo(f.Type), Nullable: f.Nullable}
	if f.Metadata != "" && f.Metadata != "{}" {
		out.Metadata = &f.Metadata
	}
	return out
}

func udtTo(t types.Type) *pb.DataType {
	u := &pb.DataType_UDT{Type: "udt", SqlType: typeTo(*t.Elem)}
	if t.UDT != nil {
		u.JvmClass, u.PythonClass = optionalText(t.UDT.JVMClass), optionalText(t.UDT.PythonClass)
		u.SerializedPythonClass = optionalText(t.UDT.Serialized)
	}
	return &pb.DataType{Kind: &pb.DataType_Udt{Udt: u}}
}

func optionalText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func plainTo(k types.Kind) *pb.DataType {
	switch k {
	case types.KindBool:
		return &pb.DataType{Kind: &pb.DataType_Boolean_{Boolean: &pb.DataType_Boolean{}}}
	case types.KindByte:
		return &pb.DataType{Kind: &pb.DataType_Byte_{Byte: &pb.DataType_Byte{}}}
	case types.KindShort:
		return &pb.DataType{Kind: &pb.DataType_Short_{Short: &pb.DataType_Short{}}}
	case types.KindInt:
		return &pb.DataType{Kind: &pb.DataType_Integer_{Integer: &pb.DataType_Integer{}}}
	case types.KindLong:
		return &pb.DataType{Kind: &pb.DataType_Long_{Long: &pb.DataType_Long{}}}
	case types.KindFloat:
		return &pb.DataType{Kind: &pb.DataType_Float_{Float: &pb.DataType_Float{}}}
	case types.KindDouble:
		return &pb.DataType{Kind: &pb.DataType_Double_{Double: &pb.DataType_Double{}}}
	case types.KindBinary:
		return &pb.DataType{Kind: &pb.DataType_Binary_{Binary: &pb.DataType_Binary{}}}
	case types.KindDate:
		return &pb.DataType{Kind: &pb.DataType_Date_{Date: &pb.DataType_Date{}}}
	case types.KindTimestamp:
		return &pb.DataType{Kind: &pb.DataType_Timestamp_{Timestamp: &pb.DataType_Timestamp{}}}
	case types.KindTimestampNTZ:
		return &pb.DataType{Kind: &pb.DataType_TimestampNtz{TimestampNtz: &pb.DataType_TimestampNTZ{}}}
	case types.KindCalendarInterval:
		return &pb.DataType{Kind: &pb.DataType_CalendarInterval_{CalendarInterval: &pb.DataType_CalendarInterval{}}}
	case types.KindVariant:
		return &pb.DataType{Kind: &pb.DataType_Variant_{Variant: &pb.DataType_Variant{}}}
	default:
		return &pb.DataType{Kind: &pb.DataType_Null{Null: &pb.DataType_NULL{}}}
	}
}
