package types

import "strings"

// NewSchema makes a schema of fields.
func NewSchema(fields ...Field) Schema { return Schema{Fields: fields} }

// Len is the number of columns.
func (s Schema) Len() int { return len(s.Fields) }

// Names lists the column names in order.
func (s Schema) Names() []string {
	out := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		out[i] = f.Name
	}
	return out
}

// Types lists the column types in order.
func (s Schema) Types() []Type {
	out := make([]Type, len(s.Fields))
	for i, f := range s.Fields {
		out[i] = f.Type
	}
	return out
}

// Struct is the schema as a struct type.
func (s Schema) Struct() Type { return Struct(s.Fields...) }

// Index finds a column by name without regard to case, -1 if absent.
func (s Schema) Index(name string) int {
	for i, f := range s.Fields {
		if strings.EqualFold(f.Name, name) {
			return i
		}
	}
	return -1
}

// Equal compares names and types.
func (s Schema) Equal(o Schema) bool { return s.Struct().Equal(o.Struct()) }

// DDL is the schema as Spark's toDDL prints it: "a BIGINT NOT NULL,b STRING".
func (s Schema) DDL() string {
	parts := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		parts[i] = QuoteIfNeeded(f.Name) + " " + f.Type.SQL()
		if !f.Nullable {
			parts[i] += " NOT NULL"
		}
	}
	return strings.Join(parts, ",")
}

// Tree is the text of df.printSchema(), level 0 for all levels.
func (s Schema) Tree(level int) string {
	var b strings.Builder
	b.WriteString("root\n")
	writeFields(&b, s.Fields, " |", 1, level)
	return b.String()
}

func writeFields(b *strings.Builder, fields []Field, prefix string, depth, level int) {
	if level > 0 && depth > level {
		return
	}
	for _, f := range fields {
		writeMember(b, f.Name, f.Type, "nullable", f.Nullable, prefix, depth, level)
	}
}

func writeMember(b *strings.Builder, name string, t Type, attr string, null bool, prefix string, depth, level int) {
	b.WriteString(prefix + "-- " + name + ": " + treeName(t))
	if attr != "" {
		b.WriteString(" (" + attr + " = " + boolText(null) + ")")
	}
	b.WriteString("\n")
	if level > 0 && depth >= level {
		return
	}
	sub := prefix + "    |"
	switch t.Kind {
	case KindArray:
		writeMember(b, "element", *t.Elem, "containsNull", t.Nullable, sub, depth+1, level)
	case KindMap:
		writeMember(b, "key", *t.Key, "", false, sub, depth+1, level)
		writeMember(b, "value", *t.Elem, "valueContainsNull", t.Nullable, sub, depth+1, level)
	case KindStruct:
		writeFields(b, t.Fields, sub, depth+1, level)
	default:
	}
}

func treeName(t Type) string {
	switch t.Kind {
	case KindByte:
		return "byte"
	case KindShort:
		return "short"
	case KindInt:
		return "integer"
	case KindLong:
		return "long"
	case KindArray:
		return "array"
	case KindMap:
		return "map"
	case KindStruct:
		return "struct"
	default:
		return t.String()
	}
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
