package function

import (
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// csvs are the functions of CSV.
func csvs() []*Entry {
	return fnEntries(
		"csv_funcs",
		fnSpec{"from_csv", 2, 3, fromCSVRule, newFromCSV, doc{"The struct of a CSV record, by a schema.", "SELECT from_csv('1, 0.8', 'a INT, b DOUBLE')", "{1,0.8}"}, withNulls()},
		fnSpec{"to_csv", 1, 2, toCSVRule, newToCSV, doc{"A struct as a CSV record.", "SELECT to_csv(named_struct('a', 1, 'b', 2))", "1,2"}, fnMore{}},
		fnSpec{"schema_of_csv", 1, 2, schemaOfRule("csv"), newSchemaOf("schema_of_csv"), doc{"The schema of a CSV record.", "SELECT schema_of_csv('1,abc')", "STRUCT<_c0: INT, _c1: STRING>"}, fnMore{}},
	)
}

// fromCSVRule is fromTextRule for structs only.
func fromCSVRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := fromTextRule(env, args)
	if err == nil && t.Result.Kind != types.KindStruct {
		err = errs.Cond(errs.Analysis, "INVALID_SCHEMA.NON_STRUCT_TYPE", "42K07", "The schema has to be a struct.", "inputSchema", quoted(plan.SQLName(args[1])), "dataType", quoted(t.Result.SQL()))
	}
	t.Nullable = args[0].Nullable()
	return t, err
}

// splitCSV cuts a record; quoted parts may hold the separator and doubled or escaped quotes.
func splitCSV(s string, sep byte) []csvField {
	var out []csvField
	for {
		f, rest, more := nextCSV(s, sep)
		out = append(out, f)
		if !more {
			return out
		}
		s = rest
	}
}

type csvField struct {
	text   string
	quoted bool
}

func nextCSV(s string, sep byte) (f csvField, rest string, more bool) {
	if !strings.HasPrefix(s, `"`) {
		k := strings.IndexByte(s, sep)
		if k < 0 {
			return csvField{text: s}, "", false
		}
		return csvField{text: s[:k]}, s[k+1:], true
	}
	var b strings.Builder
	i := 1
	for i < len(s) {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] != '"':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '"':
			i++
			b.WriteByte('"')
		default:
			k := strings.IndexByte(s[i:], sep)
			if k < 0 {
				return csvField{b.String(), true}, "", false
			}
			return csvField{b.String(), true}, s[i+k+1:], true
		}
		i++
	}
	return csvField{b.String(), true}, "", false
}

// separator is the option of that name, a comma by default.
func (o *textOptions) separator() byte {
	return (o.get("sep", o.get("delimiter", ",")) + ",")[0]
}

// newFromCSV is from_csv(text, schema[, options]).
func newFromCSV(env *Env, call *plan.Call) (Kernel, error) {
	o, err := readOptions(env, call.Args, 2)
	if err != nil {
		return nil, err
	}
	null := o.get("nullValue", "")
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		in := StrsOf(args[0])
		out.Reset(0)
		for i := range n {
			if !args[0].Valid(i) {
				out.AppendNulls(1)
				continue
			}
			s := string(in.At(i))
			if err := csvRecord(o, s, null, out); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func csvRecord(o *textOptions, s, null string, out *batch.Vector) error {
	fields := splitCSV(s, o.separator())
	at := out.Len()
	for k, c := range out.Children {
		ok := false
		if k < len(fields) {
			text := fields[k].text
			if c.Type.Kind != types.KindString {
				text = strings.TrimSpace(text)
			}
			if text == null && !fields[k].quoted {
				c.AppendNulls(1)
				continue
			}
			ok = appendParsed(o, []byte(text), c)
		}
		if !ok {
			if o.failFast {
				return errMalformed(s, "FAILFAST")
			}
			c.AppendNulls(1)
		}
	}
	out.SetLen(at + 1)
	return nil
}

func toCSVRule(env *Env, args []plan.Expr) (Typing, error) {
	t := args[0].Type()
	if t.Kind != types.KindStruct {
		return Typing{}, UnexpectedType(args, 0, "STRUCT")
	}
	_, err := readOptions(env, args, 1)
	return Typing{Args: TypesOf(args), Result: types.String, Nullable: true}, err
}

// newToCSV is to_csv(struct[, options]).
func newToCSV(env *Env, call *plan.Call) (Kernel, error) {
	o, err := readOptions(env, call.Args, 1)
	if err != nil {
		return nil, err
	}
	p, sep, null := printer{zone: o.zone, plain: true}, o.separator(), o.get("nullValue", "")
	var b []byte
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := asFlat(args[0])
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			at := i & rowMask(args[0])
			b = b[:0]
			for k, c := range src.Children {
				if k > 0 {
					b = append(b, sep)
				}
				switch {
				case !c.Valid(at):
					b = append(b, null...)
				case isDatetime(c.Type):
					b = o.timeText(b, c, at)
				default:
					b = appendCSV(b, string(p.value(nil, c.Type, c, at)), sep)
				}
			}
			out.SetStr(i, b)
		}
		return nil
	}, nil
}

// appendCSV quotes what needs it.
func appendCSV(b []byte, s string, sep byte) []byte {
	if s != "" && !strings.ContainsAny(s, "\"\r\n"+string(sep)) {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)...)
	return append(b, '"')
}

// csvSchema infers the columns _c0, _c1, ... of a record.
func csvSchema(text []byte, sep byte) types.Type {
	var out []types.Field
	for k, f := range splitCSV(string(text), sep) {
		out = append(out, types.F("_c"+strconv.Itoa(k), csvType(strings.TrimSpace(f.text))))
	}
	return types.Struct(out...)
}

func csvType(s string) types.Type {
	if x, ok := ParseLong([]byte(s), false); ok && s != "" {
		if x == int64(int32(x)) {
			return types.Int
		}
		return types.Long
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return types.Double
	}
	if strings.EqualFold(s, "true") || strings.EqualFold(s, "false") {
		return types.Bool
	}
	return types.String
}
