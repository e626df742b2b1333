package arrowipc

import (
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/internal/types"
)

// field is a column of a foreign schema: its Arrow type and what it becomes here.
type field struct {
	name     string
	nullable bool
	tag      typeTag
	bits     int // integers, floats, decimals, times, offsets
	unit     int
	signed   bool
	width    int // of fixed-size binaries and lists
	children []*field
	dict     *int64 // id of the dictionary, with index in indexBits and indexSigned
	idxBits  int
	idxSign  bool
	meta     map[string]string
	typ      types.Type
}

// Limits of schemas from outside.
const (
	maxFields = 1 << 16
	maxDepth  = types.MaxTypeDepth
)

// schemaReader turns a Schema table into fields.
type schemaReader struct{ fields int }

func (r *schemaReader) read(t table) ([]*field, error) {
	if t.unit(0) != 0 {
		return nil, unsupported("big-endian numbers")
	}
	return r.list(t.tables(slotSchemaFields), 0)
}

func (r *schemaReader) list(ts []table, depth int) ([]*field, error) {
	if depth > maxDepth {
		return nil, corrupt("types nested deeper than %d", maxDepth)
	}
	out := make([]*field, 0, len(ts))
	for _, t := range ts {
		f, err := r.field(t, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (r *schemaReader) field(t table, depth int) (*field, error) {
	if r.fields++; r.fields > maxFields {
		return nil, corrupt("more than %d fields", maxFields)
	}
	f := &field{name: t.string(slotFieldName), nullable: t.bool(slotFieldNullable), tag: typeTag(t.byte(slotFieldTypeType))}
	if !utf8.ValidString(f.name) {
		return nil, corrupt("a field name is not UTF-8")
	}
	typ, _ := t.table(slotFieldType)
	if enc, ok := t.table(slotFieldDictionary); ok {
		id := enc.long(slotEncodingID)
		f.dict, f.idxBits, f.idxSign = &id, 32, true
		if idx, ok := enc.table(slotEncodingIndex); ok {
			f.idxBits, f.idxSign = idx.int(0, 0), idx.bool(1)
		}
		if !intBits(f.idxBits) {
			return nil, corrupt("dictionary indices of %d bits", f.idxBits)
		}
	}
	for _, kv := range t.tables(slotFieldMetadata) {
		if f.meta == nil {
			f.meta = map[string]string{}
		}
		f.meta[kv.string(slotKey)] = kv.string(slotValue)
	}
	var err error
	if f.children, err = r.list(t.tables(slotFieldChildren), depth+1); err != nil {
		return nil, err
	}
	if err := t.buf.err(); err != nil {
		return nil, err
	}
	return f, f.resolve(typ)
}

func intBits(n int) bool { return n == 8 || n == 16 || n == 32 || n == 64 }

// resolve reads the parameters of the type and finds ours.
func (f *field) resolve(t table) error {
	switch f.tag {
	case tagNull:
		f.typ = types.Null
	case tagBool:
		f.typ = types.Bool
	case tagInt:
		f.bits, f.signed = t.int(0, 0), t.bool(1)
		return f.resolveInt()
	case tagFloat:
		f.bits = [...]int{16, 32, 64, 0}[t.unit(0)&3]
		f.typ = types.Float
		if f.bits == 64 {
			f.typ = types.Double
		}
		if f.bits == 0 {
			return corrupt("a floating point precision that does not exist")
		}
	case tagDecimal:
		return f.resolveDecimal(t.int(0, 0), t.int(1, 0), t.int(2, defaultDecimalBits))
	case tagUtf8, tagLargeUtf8, tagUtf8View:
		f.typ = types.String
	case tagBinary, tagLargeBinary, tagBinaryView:
		f.typ = types.Binary
	case tagFixedSizeBinary:
		f.typ, f.width = types.Binary, t.int(0, 0)
		if f.width < 0 {
			return corrupt("a negative width")
		}
	case tagDate, tagTime, tagTimestamp, tagDuration, tagInterval:
		return f.resolveTemporal(t)
	default:
		return f.resolveNested(t)
	}
	return nil
}

func (f *field) resolveInt() error {
	switch {
	case !intBits(f.bits):
		return corrupt("integers of %d bits", f.bits)
	case f.signed:
		f.typ = map[int]types.Type{8: types.Byte, 16: types.Short, 32: types.Int, 64: types.Long}[f.bits]
	default: // the next wider type holds all values
		f.typ = map[int]types.Type{8: types.Short, 16: types.Int, 32: types.Long, 64: types.Decimal(20, 0)}[f.bits]
	}
	return nil
}

func (f *field) resolveDecimal(precision, scale, bits int) error {
	if bits != 32 && bits != 64 && bits != 128 && bits != 256 {
		return corrupt("decimals of %d bits", bits)
	}
	if precision < 1 || scale < 0 || scale > precision {
		return corrupt("the type decimal(%d,%d)", precision, scale)
	}
	if precision > types.MaxPrecision {
		return unsupported("decimal with more than 38 digits")
	}
	f.bits, f.typ = bits, types.Decimal(precision, scale)
	return nil
}

func (f *field) resolveTemporal(t table) error {
	switch f.tag {
	case tagDate:
		f.unit, f.typ, f.bits = t.unit(defaultDateUnit), types.Date, 32
		if f.unit == unitDateMilli {
			f.bits = 64
		}
	case tagTime:
		f.unit, f.bits, f.typ = t.unit(defaultTimeUnit), t.int(1, defaultTimeBits), types.Time
		if f.bits != 32 && f.bits != 64 {
			return corrupt("times of %d bits", f.bits)
		}
	case tagTimestamp:
		f.unit, f.bits, f.typ = t.unit(unitSecond), 64, types.TimestampNTZ
		if t.string(1) != "" {
			f.typ = types.Timestamp
		}
	case tagDuration:
		f.unit, f.bits, f.typ = t.unit(defaultDurationUnit), 64, types.DayTime
	default:
		f.unit = t.unit(intervalYearMonth)
		f.bits, f.typ = 32, types.YearMonth
		if f.unit != intervalYearMonth {
			f.typ = types.CalendarInterval
			f.bits = map[int]int{intervalDayTime: 64, intervalMonthDayNano: 128}[f.unit]
		}
		if f.bits == 0 {
			return corrupt("an interval unit that does not exist")
		}
		return nil
	}
	if f.unit < 0 || f.unit > unitNano || f.tag == tagDate && f.unit > unitDateMilli {
		return corrupt("a time unit that does not exist")
	}
	return nil
}

func (f *field) resolveNested(t table) error {
	switch f.tag {
	case tagStruct:
		f.typ = types.Struct(fieldsOf(f.children)...)
		if len(f.children) == 2 && f.children[1].meta[metadataVariant] == "true" {
			f.typ = types.Variant
		}
		return nil
	case tagList, tagLargeList, tagFixedSizeList:
		if len(f.children) != 1 {
			return corrupt("a list with %d children", len(f.children))
		}
		if f.width = t.int(0, 0); f.tag == tagFixedSizeList && f.width < 0 {
			return corrupt("a negative list size")
		}
		f.typ = types.Array(f.children[0].typ, f.children[0].nullable)
		return nil
	case tagMap:
		if len(f.children) != 1 || f.children[0].tag != tagStruct || len(f.children[0].children) != 2 || f.children[0].dict != nil {
			return corrupt("a map whose entries are not pairs")
		}
		kv := f.children[0].children
		f.typ = types.Map(kv[0].typ, kv[1].typ, kv[1].nullable)
		return nil
	case tagUnion:
		return unsupported("union")
	case tagRunEndEncoded:
		return unsupported("run-end encoded")
	case tagListView, tagLargeListView:
		return unsupported("list view")
	default:
		return corrupt("the type number %d", f.tag)
	}
}

func fieldsOf(fs []*field) []types.Field {
	out := make([]types.Field, len(fs))
	for i, f := range fs {
		out[i] = types.Field{Name: f.name, Type: f.typ, Nullable: f.nullable, Metadata: f.meta[metadataSpark]}
	}
	return out
}
