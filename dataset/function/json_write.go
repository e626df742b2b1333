package function

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

// jsonWriter appends values as JSON.
type jsonWriter struct {
	opts      *textOptions
	text      printer
	keepNulls bool
}

// newToJSON is to_json(value[, options]).
func newToJSON(env *Env, call *plan.Call) (Kernel, error) {
	o, err := readOptions(env, call.Args, 1)
	if err != nil {
		return nil, err
	}
	w := &jsonWriter{opts: o, text: printer{zone: o.zone, plain: true}, keepNulls: !o.flag("ignoreNullFields", true)}
	var b []byte
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		src := asFlat(args[0])
		for i := range n {
			if !out.Valid(i) {
				continue
			}
			at := i
			if args[0].Enc == batch.Const {
				at = 0
			}
			b = w.value(b[:0], src, at)
			out.SetStr(i, b)
		}
		return nil
	}, nil
}

// value appends row i of flat vector v.
func (w *jsonWriter) value(b []byte, v *batch.Vector, i int) []byte {
	if !v.Valid(i) {
		return append(b, "null"...)
	}
	switch t := v.Type; t.Kind {
	case types.KindString:
		return quoteJSON(b, v.Str(i))
	case types.KindBinary:
		b = append(b, '"')
		return append(base64.StdEncoding.AppendEncode(b, v.Str(i)), '"')
	case types.KindFloat, types.KindDouble:
		return w.real(b, v, i)
	case types.KindDate, types.KindTimestamp, types.KindTimestampNTZ:
		b = append(b, '"')
		return append(w.opts.timeText(b, v, i), '"')
	case types.KindArray:
		return w.array(b, v, i)
	case types.KindMap:
		return w.entries(b, v, i)
	case types.KindStruct:
		return w.fields(b, v, i)
	case types.KindYearMonthInterval, types.KindDayTimeInterval, types.KindCalendarInterval, types.KindTime:
		return quoteJSON(b, w.text.value(nil, t, v, i))
	default:
	}
	return w.text.value(b, v.Type, v, i)
}

// real quotes what JSON has no numbers for.
func (w *jsonWriter) real(b []byte, v *batch.Vector, i int) []byte {
	var x float64
	if v.Type.Kind == types.KindFloat {
		x = float64(batch.Values[float32](v)[i])
	} else {
		x = batch.Values[float64](v)[i]
	}
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return quoteJSON(b, w.text.value(nil, v.Type, v, i))
	}
	return w.text.value(b, v.Type, v, i)
}

func (w *jsonWriter) array(b []byte, v *batch.Vector, i int) []byte {
	b = append(b, '[')
	for j := v.Offsets[i]; j < v.Offsets[i+1]; j++ {
		if j > v.Offsets[i] {
			b = append(b, ',')
		}
		b = w.value(b, v.Children[0], int(j))
	}
	return append(b, ']')
}

func (w *jsonWriter) entries(b []byte, v *batch.Vector, i int) []byte {
	b = append(b, '{')
	first := true
	for j := int(v.Offsets[i]); j < int(v.Offsets[i+1]); j++ {
		if !w.keepNulls && !v.Children[1].Valid(j) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = quoteJSON(b, w.text.value(nil, *v.Type.Key, v.Children[0], j))
		b = w.value(append(b, ':'), v.Children[1], j)
	}
	return append(b, '}')
}

func (w *jsonWriter) fields(b []byte, v *batch.Vector, i int) []byte {
	b = append(b, '{')
	first := true
	for k, c := range v.Children {
		if !w.keepNulls && !c.Valid(i) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = quoteJSON(b, []byte(v.Type.Fields[k].Name))
		b = w.value(append(b, ':'), c, i)
	}
	return append(b, '}')
}

// jsons are the functions of JSON.
func jsons() []*Entry {
	text := MayNull(textRule(WantString))
	list := fnEntries(
		"json_funcs",
		fnSpec{"get_json_object", 2, 2, text, newGetJSON, doc{"The value at a path in a JSON text.", "SELECT get_json_object('{\"a\":\"b\"}', '$.a')", "b"}, fnMore{}},
		fnSpec{"from_json", 2, 3, fromTextRule, newFromJSON, doc{"The value of a JSON text, by a schema.", "SELECT from_json('{\"a\":1, \"b\":0.8}', 'a INT, b DOUBLE')", "{1,0.8}"}, withNulls()},
		fnSpec{"to_json", 1, 2, toTextRule, newToJSON, doc{"A struct, array or map as JSON.", "SELECT to_json(named_struct('a', 1, 'b', 2))", `{"a":1,"b":2}`}, fnMore{}},
		fnSpec{"schema_of_json", 1, 2, schemaOfRule("json"), newSchemaOf("schema_of_json"), doc{"The schema of a JSON text.", "SELECT schema_of_json('[{\"col\":0}]')", "ARRAY<STRUCT<col: BIGINT>>"}, fnMore{}},
		fnSpec{"json_array_length", 1, 1, MayNull(Fixed(types.Int, wantText)), rows(jsonLength), doc{"Number of elements of a JSON array, null for anything else.", "SELECT json_array_length('[1,2,3,4]')", "4"}, fnMore{}},
		fnSpec{"json_object_keys", 1, 1, MayNull(Fixed(types.Array(types.String, true), wantText)), lists(jsonKeys), doc{"Names of the members of a JSON object, null for anything else.", "SELECT json_object_keys('{\"key\": \"value\"}')", "[key]"}, fnMore{}},
	)
	return append(list, &Entry{
		Name: "json_tuple", Kind: Generator, Group: "json_funcs", MinArgs: 2, MaxArgs: -1, Usage: "Members of a JSON object as columns.",
		Example: "SELECT json_tuple('{\"a\":1, \"b\":2}', 'a', 'b')", Result: "1, 2", Columns: tupleColumns, Generate: newTuple,
	})
}

// wantText takes strings and converts nothing else.
var wantText = Family("STRING", types.Null, func(t types.Type) bool { return t.Kind == types.KindString || t.Kind == types.KindNull })

// fromTextRule types from_json and from_csv by their schema.
func fromTextRule(env *Env, args []plan.Expr) (Typing, error) {
	if k := args[0].Type().Kind; k != types.KindString && k != types.KindNull {
		return Typing{}, UnexpectedType(args, 0, "STRING")
	}
	t, err := schemaArg(env, args, 1)
	if err != nil {
		return Typing{}, err
	}
	if _, err := readOptions(env, args, 2); err != nil {
		return Typing{}, err
	}
	ts := TypesOf(args)
	ts[0] = types.String
	return Typing{Args: ts, Result: t, Nullable: true}, nil
}

// toTextRule types to_json.
func toTextRule(env *Env, args []plan.Expr) (Typing, error) {
	switch args[0].Type().Kind {
	case types.KindStruct, types.KindArray, types.KindMap, types.KindVariant:
	default:
		return Typing{}, mismatch("INVALID_JSON_SCHEMA", "only structs, arrays and maps become JSON.", "schema", quoted(args[0].Type().SQL()))
	}
	_, err := readOptions(env, args, 1)
	return Typing{Args: TypesOf(args), Result: types.String, Nullable: true}, err
}

// schemaOfRule types schema_of_json and schema_of_csv, whose text is constant.
func schemaOfRule(name string) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		t, err := NeverNull(textRule(WantString, WantAny))(env, args)
		if err != nil {
			return t, err
		}
		switch _, null, ok := constText(args[0]); {
		case !IsFoldable(args[0]):
			return t, NonFoldable(args, 0, name, "STRING")
		case ok && null:
			return t, UnexpectedNull(name)
		}
		_, err = readOptions(env, args, 1)
		return t, err
	}
}

// newSchemaOf makes schema_of_json and schema_of_csv.
func newSchemaOf(name string) maker {
	return func(env *Env, call *plan.Call) (Kernel, error) {
		o, err := readOptions(env, call.Args, 1)
		return rowKernel(func(c *cells) error {
			c.setText(schemaOf(name, c.str(0), o).SQL())
			return nil
		}), err
	}
}

func jsonLength(c *cells) error {
	j := jsonScan{s: c.str(0)}
	n := 0
	if j.peek() != jsonArray || !j.elements(func() bool { n++; _, _, ok := j.value(); return ok }) {
		c.setNull()
		return nil
	}
	c.setInt(n)
	return nil
}

func jsonKeys(c *cells) error {
	j := jsonScan{s: c.str(0)}
	child := c.out.vec.Children[0]
	at := child.Len()
	if j.peek() == jsonObject && j.members(func(name []byte) bool { addStr(child, name); _, _, ok := j.value(); return ok }) {
		return nil
	}
	child.SetLen(at)
	c.setNull()
	return nil
}

func tupleColumns(args []plan.Expr) ([]types.Field, error) {
	out := make([]types.Field, len(args)-1)
	for i, a := range args {
		if k := a.Type().Kind; k != types.KindString && k != types.KindNull {
			return nil, mismatch("NON_STRING_TYPE", "all arguments have to be strings.", "funcName", "`json_tuple`")
		}
		if i > 0 {
			out[i-1] = types.F("c"+strconv.Itoa(i-1), types.String)
		}
	}
	return out, nil
}

// newTuple is json_tuple(text, names...).
func newTuple(_ *Env, call *plan.Call) (RowMaker, error) {
	cols := make([]*batch.Vector, len(call.Args)-1)
	for k := range cols {
		cols[k] = batch.New(types.String, 0)
	}
	var from []int32
	c := &cells{}
	return func(args []*batch.Vector, n int) ([]*batch.Vector, []int32, error) {
		c.args = grown(c.args[:0], len(args))
		for k, a := range args {
			c.args[k].load(a)
		}
		from = from[:0]
		for _, v := range cols {
			v.Reset(0)
		}
		for i := range n {
			c.i = i
			from = append(from, int32(i))
			tupleRow(c, cols)
		}
		return cols, from, nil
	}, nil
}

func tupleRow(c *cells, cols []*batch.Vector) {
	found := make([][]byte, len(cols))
	if !c.null(0) {
		j := jsonScan{s: c.str(0), loose: jsonLoose{singleQuotes: true}}
		ok := j.peek() == jsonObject && j.members(func(name []byte) bool {
			text, kind, ok := j.value()
			for k := range cols {
				if !c.null(k+1) && kind != jsonNull && string(c.str(k+1)) == string(name) {
					found[k] = text
				}
			}
			return ok
		})
		if !ok {
			clear(found)
		}
	}
	for k, f := range found {
		switch {
		case f == nil:
			cols[k].AppendNulls(1)
		case f[0] == '"':
			s, _ := unquoteJSON(nil, f)
			addStr(cols[k], s)
		default:
			addStr(cols[k], compactJSON(nil, f))
		}
	}
}
