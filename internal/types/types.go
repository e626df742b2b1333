// Package types defines Spark's data types, fields and schemas, their names
// and their physical layout class. It knows nothing of values or batches.
package types

import (
	"fmt"
	"strings"
)

// Kind is the logical type constructor.
type Kind uint8

const (
	KindNull Kind = iota // VOID
	KindBool
	KindByte
	KindShort
	KindInt
	KindLong
	KindFloat
	KindDouble
	KindDecimal
	KindString
	KindBinary
	KindDate              // days since 1970-01-01
	KindTimestamp         // LTZ: microseconds since the epoch, UTC
	KindTimestampNTZ      // microseconds since the epoch, no zone
	KindTime              // nanoseconds since midnight
	KindYearMonthInterval // months
	KindDayTimeInterval   // microseconds
	KindCalendarInterval  // months, days, microseconds
	KindArray
	KindMap
	KindStruct
	KindVariant
	KindUDT // a user type over Elem
)

// Phys is the layout class of a type's values inside a vector.
type Phys uint8

const (
	PhysNull Phys = iota // no data
	PhysBool             // one byte, 0 or 1
	PhysInt8
	PhysInt16
	PhysInt32
	PhysInt64
	PhysFloat32
	PhysFloat64
	PhysInt128   // decimal beyond 18 digits: batch.Int128
	PhysInterval // batch.Interval
	PhysView     // string, binary: batch.View
	PhysArray    // offsets + child
	PhysMap      // offsets + key child + value child
	PhysStruct   // children
)

// Limits of decimals, as Spark's.
const (
	MaxPrecision      = 38
	MaxLongPrecision  = 18 // most digits whose unscaled value fits int64
	DefaultScale      = 18 // DECIMAL without arguments is (10,0); SYSTEM_DEFAULT is (38,18)
	MinAdjustedScale  = 6
	MaxTypeDepth      = 100 // nesting accepted from outside
	DefaultCollation  = "UTF8_BINARY"
	DefaultTimeDigits = 6
)

// Interval fields, in Precision (start) and Scale (end).
const (
	FieldYear, FieldMonth                          = 0, 1
	FieldDay, FieldHour, FieldMinute, FieldSeconds = 0, 1, 2, 3
)

// Type is an immutable value. Compare with Equal, not ==.
type Type struct {
	Kind      Kind
	Precision uint8 // decimal precision; interval start field; TIME digits
	Scale     int8  // decimal scale; interval end field
	Length    int32 // 0, or the n of CHAR(n) (negative: -n) and VARCHAR(n) (positive) over KindString
	Nullable  bool  // of array elements and map values
	Elem      *Type // array element, map value, UDT's storage type
	Key       *Type // map key
	Fields    []Field
	UDT       *UDT
}

// UDT is the identity of a user type, kept for the client.
type UDT struct {
	JVMClass, PythonClass, Serialized string
}

// Field is a named member of a struct or schema. Metadata is a JSON object or empty.
type Field struct {
	Name     string
	Type     Type
	Nullable bool
	Metadata string
}

// Schema is the row type of a relation.
type Schema struct{ Fields []Field }

// The types without parameters.
var (
	Null             = Type{Kind: KindNull}
	Bool             = Type{Kind: KindBool}
	Byte             = Type{Kind: KindByte}
	Short            = Type{Kind: KindShort}
	Int              = Type{Kind: KindInt}
	Long             = Type{Kind: KindLong}
	Float            = Type{Kind: KindFloat}
	Double           = Type{Kind: KindDouble}
	String           = Type{Kind: KindString}
	Binary           = Type{Kind: KindBinary}
	Date             = Type{Kind: KindDate}
	Timestamp        = Type{Kind: KindTimestamp}
	TimestampNTZ     = Type{Kind: KindTimestampNTZ}
	Time             = Type{Kind: KindTime, Precision: DefaultTimeDigits}
	YearMonth        = Type{Kind: KindYearMonthInterval, Precision: FieldYear, Scale: FieldMonth}
	DayTime          = Type{Kind: KindDayTimeInterval, Precision: FieldDay, Scale: FieldSeconds}
	CalendarInterval = Type{Kind: KindCalendarInterval}
	Variant          = Type{Kind: KindVariant}
)

// Decimal is DECIMAL(p,s).
func Decimal(p, s int) Type { return Type{Kind: KindDecimal, Precision: uint8(p), Scale: int8(s)} }

// Array is ARRAY<elem>.
func Array(elem Type, containsNull bool) Type {
	return Type{Kind: KindArray, Elem: &elem, Nullable: containsNull}
}

// Map is MAP<key, value>.
func Map(key, value Type, valueContainsNull bool) Type {
	return Type{Kind: KindMap, Key: &key, Elem: &value, Nullable: valueContainsNull}
}

// Struct is STRUCT<fields>.
func Struct(fields ...Field) Type { return Type{Kind: KindStruct, Fields: fields} }

// Char and Varchar are strings with a length.
func Char(n int) Type    { return Type{Kind: KindString, Length: int32(-n)} }
func Varchar(n int) Type { return Type{Kind: KindString, Length: int32(n)} }

// F is a nullable field.
func F(name string, t Type) Field { return Field{Name: name, Type: t, Nullable: true} }

// physByKind is the layout class of each kind; decimals and user types need
// another look. A table beside a switch: vectors ask once per batch and kernel.
var physByKind = [...]Phys{
	KindNull: PhysNull, KindBool: PhysBool, KindByte: PhysInt8, KindShort: PhysInt16, KindInt: PhysInt32, KindLong: PhysInt64,
	KindFloat: PhysFloat32, KindDouble: PhysFloat64, KindDecimal: PhysInt64, KindString: PhysView, KindBinary: PhysView,
	KindDate: PhysInt32, KindTimestamp: PhysInt64, KindTimestampNTZ: PhysInt64, KindTime: PhysInt64,
	KindYearMonthInterval: PhysInt32, KindDayTimeInterval: PhysInt64, KindCalendarInterval: PhysInterval,
	KindArray: PhysArray, KindMap: PhysMap, KindStruct: PhysStruct,
	KindVariant: PhysStruct, // value, metadata
	KindUDT:     PhysStruct,
}

// PhysOf tells the layout of t's values, without copying the type.
func PhysOf(t *Type) Phys {
	switch t.Kind {
	case KindDecimal:
		if t.Precision > MaxLongPrecision {
			return PhysInt128
		}
		return PhysInt64
	case KindUDT:
		return PhysOf(t.Elem)
	default:
		return physByKind[t.Kind]
	}
}

// Phys tells the layout of t's values.
func (t Type) Phys() Phys { return PhysOf(&t) }

// widths are the sizes of slots in bytes.
var widths = [...]uint8{
	PhysNull: 0, PhysBool: 1, PhysInt8: 1, PhysInt16: 2, PhysInt32: 4, PhysInt64: 8, PhysFloat32: 4, PhysFloat64: 8,
	PhysInt128: 16, PhysInterval: 16, PhysView: 16, PhysArray: 0, PhysMap: 0, PhysStruct: 0,
}

// Width is the size in bytes of one value slot of p, 0 for nested and null.
func (p Phys) Width() int { return int(widths[p]) }

// Equal compares types; nullability of elements and field metadata count only if strict.
func (t Type) Equal(o Type) bool { return t.equal(o, false) }

// Same compares types including the nullability of nested members.
func (t Type) Same(o Type) bool { return t.equal(o, true) }

func (t Type) equal(o Type, strict bool) bool {
	if t.Kind != o.Kind || t.Precision != o.Precision || t.Scale != o.Scale || t.Length != o.Length {
		return false
	}
	if strict && t.Nullable != o.Nullable {
		return false
	}
	if (t.Elem == nil) != (o.Elem == nil) || (t.Key == nil) != (o.Key == nil) || len(t.Fields) != len(o.Fields) {
		return false
	}
	if t.Elem != nil && !t.Elem.equal(*o.Elem, strict) || t.Key != nil && !t.Key.equal(*o.Key, strict) {
		return false
	}
	for i := range t.Fields {
		a, b := &t.Fields[i], &o.Fields[i]
		if a.Name != b.Name || strict && a.Nullable != b.Nullable || !a.Type.equal(b.Type, strict) {
			return false
		}
	}
	return true
}

// IsNumeric tells whether arithmetic applies.
func (t Type) IsNumeric() bool { return t.Kind >= KindByte && t.Kind <= KindDecimal }

// IsIntegral tells whether t is one of the four integer types.
func (t Type) IsIntegral() bool { return t.Kind >= KindByte && t.Kind <= KindLong }

// IsFractional tells whether t is float or double.
func (t Type) IsFractional() bool { return t.Kind == KindFloat || t.Kind == KindDouble }

// IsInterval tells whether t is an ANSI interval.
func (t Type) IsInterval() bool {
	return t.Kind == KindYearMonthInterval || t.Kind == KindDayTimeInterval
}

// IsAtomic tells whether t has no members.
func (t Type) IsAtomic() bool { return t.Kind < KindArray }

// IsNested tells whether t is an array, map or struct.
func (t Type) IsNested() bool {
	return t.Kind == KindArray || t.Kind == KindMap || t.Kind == KindStruct
}

// IsOrderable tells whether values of t can be sorted and compared by <.
func (t Type) IsOrderable() bool {
	switch t.Kind {
	case KindMap, KindVariant, KindCalendarInterval:
		return false
	case KindArray, KindUDT:
		return t.Elem.IsOrderable()
	case KindStruct:
		for _, f := range t.Fields {
			if !f.Type.IsOrderable() {
				return false
			}
		}
	default:
	}
	return true
}

var simpleNames = map[Kind]string{
	KindNull: "void", KindBool: "boolean", KindByte: "tinyint", KindShort: "smallint", KindInt: "int", KindLong: "bigint",
	KindFloat: "float", KindDouble: "double", KindBinary: "binary", KindDate: "date", KindTimestamp: "timestamp",
	KindTimestampNTZ: "timestamp_ntz", KindCalendarInterval: "interval", KindVariant: "variant",
}

// String is Spark's simpleString/catalogString: "bigint", "array<int>", "struct<a:int>".
func (t Type) String() string {
	switch t.Kind {
	case KindDecimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case KindString:
		switch {
		case t.Length < 0:
			return fmt.Sprintf("char(%d)", -t.Length)
		case t.Length > 0:
			return fmt.Sprintf("varchar(%d)", t.Length)
		}
		return "string"
	case KindTime:
		return fmt.Sprintf("time(%d)", t.Precision)
	case KindYearMonthInterval:
		return intervalName(t, [...]string{"year", "month"})
	case KindDayTimeInterval:
		return intervalName(t, [...]string{"day", "hour", "minute", "second"})
	case KindArray:
		return "array<" + t.Elem.String() + ">"
	case KindMap:
		return "map<" + t.Key.String() + "," + t.Elem.String() + ">"
	case KindStruct:
		return t.structString()
	case KindUDT:
		return "udt"
	default:
		return simpleNames[t.Kind]
	}
}

func (t Type) structString() string {
	parts := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		parts[i] = f.Name + ":" + f.Type.String()
	}
	return "struct<" + strings.Join(parts, ",") + ">"
}

func intervalName[A interface{ [2]string | [4]string }](t Type, names A) string {
	s, e := int(t.Precision), int(t.Scale)
	var list []string
	switch n := any(names).(type) {
	case [2]string:
		list = n[:]
	case [4]string:
		list = n[:]
	}
	if s == e {
		return "interval " + list[s]
	}
	return "interval " + list[s] + " to " + list[e]
}

// SQL is the type as Spark prints it in error messages and SQL: "BIGINT", "ARRAY<INT>", "STRUCT<a: INT>".
func (t Type) SQL() string {
	switch t.Kind {
	case KindArray:
		return "ARRAY<" + t.Elem.SQL() + ">"
	case KindMap:
		return "MAP<" + t.Key.SQL() + ", " + t.Elem.SQL() + ">"
	case KindStruct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = QuoteIfNeeded(f.Name) + ": " + f.Type.SQL()
			if !f.Nullable {
				parts[i] += " NOT NULL"
			}
		}
		return "STRUCT<" + strings.Join(parts, ", ") + ">"
	default:
		return strings.ToUpper(t.String())
	}
}

// QuoteIfNeeded puts backticks around a name that is not a plain identifier.
func QuoteIfNeeded(name string) string {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return Quote(name)
		}
	}
	if name == "" || name[0] >= '0' && name[0] <= '9' && strings.Trim(name, "0123456789") == "" {
		return Quote(name)
	}
	return name
}

// Quote puts backticks around a name.
func Quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
