package parquet

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/types"
)

// Spark keeps a file's schema as JSON beside Parquet's own: the only place
// that tells intervals from integers and holds columns' metadata.

// sparkJSON is the schema in Spark's words.
func sparkJSON(s types.Schema) string {
	b := strings.Builder{}
	writeStruct(&b, s.Fields)
	return b.String()
}

func writeStruct(b *strings.Builder, fields []types.Field) {
	b.WriteString(`{"type":"struct","fields":[`)
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.Name)
		if err != nil { // strings always have a JSON form
			name = []byte(`""`)
		}
		b.WriteString(`{"name":` + string(name) + `,"type":`)
		writeType(b, f.Type)
		b.WriteString(`,"nullable":` + strconv.FormatBool(f.Nullable) + `,"metadata":`)
		if f.Metadata != "" && json.Valid([]byte(f.Metadata)) {
			b.WriteString(f.Metadata + "}")
		} else {
			b.WriteString("{}}")
		}
	}
	b.WriteString("]}")
}

func writeType(b *strings.Builder, t types.Type) {
	switch t.Kind {
	case types.KindStruct:
		writeStruct(b, t.Fields)
	case types.KindArray:
		b.WriteString(`{"type":"array","elementType":`)
		writeType(b, *t.Elem)
		b.WriteString(`,"containsNull":` + strconv.FormatBool(t.Nullable) + "}")
	case types.KindMap:
		b.WriteString(`{"type":"map","keyType":`)
		writeType(b, *t.Key)
		b.WriteString(`,"valueType":`)
		writeType(b, *t.Elem)
		b.WriteString(`,"valueContainsNull":` + strconv.FormatBool(t.Nullable) + "}")
	case types.KindUDT:
		writeType(b, *t.Elem)
	default:
		b.WriteString(`"` + sparkName(t) + `"`)
	}
}

func sparkName(t types.Type) string {
	switch t.Kind {
	case types.KindByte:
		return "byte"
	case types.KindShort:
		return "short"
	case types.KindInt:
		return "integer"
	case types.KindLong:
		return "long"
	case types.KindString:
		return "string"
	default:
		return t.String()
	}
}

// sparkType is a type in Spark's JSON: a name, or an object.
type sparkType struct {
	name   string
	object struct {
		Type        string       `json:"type"`
		Fields      []sparkField `json:"fields"`
		ElementType *sparkType   `json:"elementType"`
		KeyType     *sparkType   `json:"keyType"`
		ValueType   *sparkType   `json:"valueType"`
	}
}

type sparkField struct {
	Name     string          `json:"name"`
	Type     sparkType       `json:"type"`
	Metadata json.RawMessage `json:"metadata"`
}

func (t *sparkType) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &t.name)
	}
	return json.Unmarshal(b, &t.object)
}

// withSpark adds to a file's own schema what only Spark's tells. A text that
// is not understood tells nothing: the file's own schema is what counts.
func withSpark(s types.Schema, text string) types.Schema {
	var root sparkType
	if text == "" || tooDeep(text) || json.Unmarshal([]byte(text), &root) != nil {
		return s
	}
	return types.Schema{Fields: refineFields(s.Fields, root.object.Fields)}
}

// tooDeep guards the decoder, which reads nested types once per level.
func tooDeep(text string) bool {
	const most = 4 * types.MaxTypeDepth // a level of type is up to four of JSON
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth > most {
			return true
		}
	}
	return false
}

func refineFields(fields []types.Field, by []sparkField) []types.Field {
	named := make(map[string]*sparkField, len(by))
	for i := range by {
		named[by[i].Name] = &by[i]
	}
	out := append([]types.Field(nil), fields...)
	for i := range out {
		f := named[out[i].Name]
		if f == nil {
			continue
		}
		out[i].Type = refine(out[i].Type, &f.Type)
		if m := string(f.Metadata); m != "{}" && m != "null" {
			out[i].Metadata = m
		}
	}
	return out
}

func refine(t types.Type, by *sparkType) types.Type {
	switch {
	case t.Kind == types.KindStruct:
		return types.Struct(refineFields(t.Fields, by.object.Fields)...)
	case t.Kind == types.KindArray && by.object.ElementType != nil:
		return types.Array(refine(*t.Elem, by.object.ElementType), t.Nullable)
	case t.Kind == types.KindMap && by.object.KeyType != nil && by.object.ValueType != nil:
		return types.Map(refine(*t.Key, by.object.KeyType), refine(*t.Elem, by.object.ValueType), t.Nullable)
	case t.Kind == types.KindInt || t.Kind == types.KindLong:
		if iv, ok := interval(by.name); ok && (iv.Kind == types.KindYearMonthInterval) == (t.Kind == types.KindInt) {
			return iv
		}
	}
	return t
}

// interval reads "interval day to second", "interval year" and the like.
func interval(name string) (types.Type, bool) {
	fields, ok := strings.CutPrefix(name, "interval ")
	if !ok {
		return types.Type{}, false
	}
	from, to, both := strings.Cut(fields, " to ")
	if !both {
		to = from
	}
	for kind, names := range map[types.Kind][]string{
		types.KindYearMonthInterval: {"year", "month"},
		types.KindDayTimeInterval:   {"day", "hour", "minute", "second"},
	} {
		a, b := -1, -1
		for i, n := range names {
			if n == from {
				a = i
			}
			if n == to {
				b = i
			}
		}
		if a >= 0 && b >= a {
			return types.Type{Kind: kind, Precision: uint8(a), Scale: int8(b)}, true
		}
	}
	return types.Type{}, false
}
