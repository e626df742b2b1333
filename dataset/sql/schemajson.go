package sql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// jsonType is a type in Spark's JSON form, where it is no plain name.
type jsonType struct {
	Type              json.RawMessage `json:"type"`
	ElementType       json.RawMessage `json:"elementType"`
	ContainsNull      bool            `json:"containsNull"`
	KeyType           json.RawMessage `json:"keyType"`
	ValueType         json.RawMessage `json:"valueType"`
	ValueContainsNull bool            `json:"valueContainsNull"`
	Fields            []jsonField     `json:"fields"`
	Class             string          `json:"class"`
	PyClass           string          `json:"pyClass"`
	Serialized        string          `json:"serializedClass"`
	SQLType           json.RawMessage `json:"sqlType"`
}

type jsonField struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"`
	Nullable *bool           `json:"nullable"`
	Metadata json.RawMessage `json:"metadata"`
}

// ParseSchemaJSON reads the text of Spark's schema.json(). A type other than a
// struct is the one column "value".
func ParseSchemaJSON(text string) (types.Schema, error) {
	t, err := ParseTypeJSON(text)
	switch {
	case err != nil:
		return types.Schema{}, err
	case t.Kind == types.KindStruct:
		return types.Schema{Fields: t.Fields}, nil
	}
	return types.NewSchema(types.F("value", t)), nil
}

// ParseTypeJSON reads the text of Spark's dataType.json().
func ParseTypeJSON(text string) (types.Type, error) {
	if len(text) > MaxText {
		return types.Null, tooLarge(fmt.Sprintf("the schema has %d bytes, the limit is %d", len(text), MaxText))
	}
	t, err := decodeType(json.RawMessage(text), 0)
	if err != nil {
		return types.Null, errs.E(errs.Invalid, "sql.ParseTypeJSON", err)
	}
	return t, nil
}

func invalidJSON(raw []byte) error {
	if len(raw) > longestNear {
		raw = raw[:longestNear]
	}
	c := errs.Cond(errs.Analysis, "INVALID_JSON_DATA_TYPE", "2203G", "The text is no data type in JSON: "+string(raw)+".",
		"invalidType", string(raw))
	return c
}

func decodeType(raw json.RawMessage, depth int) (types.Type, error) {
	if depth > types.MaxTypeDepth {
		return types.Null, tooDeep(errs.Origin{})
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		return decodeNamed(raw)
	}
	var j jsonType
	if err := json.Unmarshal(raw, &j); err != nil {
		return types.Null, invalidJSON(raw)
	}
	var kind string
	if err := json.Unmarshal(j.Type, &kind); err != nil {
		return types.Null, invalidJSON(raw)
	}
	switch kind {
	case "struct":
		fields, err := decodeFields(j.Fields, depth)
		return types.Struct(fields...), err
	case "array":
		elem, err := decodeType(j.ElementType, depth+1)
		return types.Array(elem, j.ContainsNull), err
	case "map":
		key, err := decodeType(j.KeyType, depth+1)
		if err != nil {
			return types.Null, err
		}
		value, err := decodeType(j.ValueType, depth+1)
		return types.Map(key, value, j.ValueContainsNull), err
	case "udt":
		storage, err := decodeType(j.SQLType, depth+1)
		return types.Type{Kind: types.KindUDT, Elem: &storage, UDT: &types.UDT{
			JVMClass: j.Class, PythonClass: j.PyClass, Serialized: j.Serialized,
		}}, err
	}
	return types.Null, invalidJSON(raw)
}

func decodeFields(in []jsonField, depth int) ([]types.Field, error) {
	out := make([]types.Field, len(in))
	for i, f := range in {
		t, err := decodeType(f.Type, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = types.Field{Name: f.Name, Type: t, Nullable: f.Nullable == nil || *f.Nullable, Metadata: compactMetadata(f.Metadata)}
	}
	return out, nil
}

// compactMetadata is the JSON object, empty where it says nothing.
func compactMetadata(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil || b.String() == "{}" || b.String() == "null" {
		return ""
	}
	return b.String()
}

// jsonNames are the types whose name in JSON is not their name in SQL.
var jsonNames = map[string]types.Type{
	"byte": types.Byte, "short": types.Short, "integer": types.Int, "long": types.Long, "null": types.Null,
	"interval": types.CalendarInterval, "timestamp": types.Timestamp,
}

func decodeNamed(raw []byte) (types.Type, error) {
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return types.Null, invalidJSON(raw)
	}
	if t, ok := jsonNames[name]; ok {
		return t, nil
	}
	t, err := ParseType(name)
	if err != nil || t.IsNested() {
		return types.Null, invalidJSON(raw)
	}
	return t, nil
}

// SchemaJSON is the schema as Spark's schema.json() prints it.
func SchemaJSON(s types.Schema) string { return TypeJSON(s.Struct()) }

// TypeJSON is the type as Spark's dataType.json() prints it.
func TypeJSON(t types.Type) string {
	var b strings.Builder
	writeType(&b, t)
	return b.String()
}

func writeType(b *strings.Builder, t types.Type) {
	switch t.Kind {
	case types.KindArray:
		b.WriteString(`{"type":"array","elementType":`)
		writeType(b, *t.Elem)
		fmt.Fprintf(b, `,"containsNull":%t}`, t.Nullable)
	case types.KindMap:
		b.WriteString(`{"type":"map","keyType":`)
		writeType(b, *t.Key)
		b.WriteString(`,"valueType":`)
		writeType(b, *t.Elem)
		fmt.Fprintf(b, `,"valueContainsNull":%t}`, t.Nullable)
	case types.KindStruct:
		b.WriteString(`{"type":"struct","fields":[`)
		for i, f := range t.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			writeField(b, f)
		}
		b.WriteString(`]}`)
	case types.KindUDT:
		writeUDT(b, t)
	default:
		b.WriteString(quoteJSON(jsonName(t)))
	}
}

func jsonName(t types.Type) string {
	switch t.Kind {
	case types.KindByte:
		return "byte"
	case types.KindShort:
		return "short"
	case types.KindInt:
		return "integer"
	case types.KindLong:
		return "long"
	default:
		return t.String()
	}
}

func writeField(b *strings.Builder, f types.Field) {
	b.WriteString(`{"name":` + quoteJSON(f.Name) + `,"type":`)
	writeType(b, f.Type)
	metadata := f.Metadata
	if metadata == "" {
		metadata = "{}"
	}
	fmt.Fprintf(b, `,"nullable":%t,"metadata":%s}`, f.Nullable, metadata)
}

func writeUDT(b *strings.Builder, t types.Type) {
	b.WriteString(`{"type":"udt"`)
	if u := t.UDT; u != nil {
		for _, kv := range [][2]string{{"class", u.JVMClass}, {"pyClass", u.PythonClass}, {"serializedClass", u.Serialized}} {
			if kv[1] != "" {
				b.WriteString(`,` + quoteJSON(kv[0]) + `:` + quoteJSON(kv[1]))
			}
		}
	}
	b.WriteString(`,"sqlType":`)
	writeType(b, *t.Elem)
	b.WriteString(`}`)
}

// quoteJSON quotes s without escaping what only HTML minds.
func quoteJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// withMetadata adds a string to a JSON object, which may be empty.
func withMetadata(object, key, value string) string {
	member := quoteJSON(key) + ":" + quoteJSON(value)
	if object == "" {
		return "{" + member + "}"
	}
	return strings.TrimSuffix(object, "}") + "," + member + "}"
}
