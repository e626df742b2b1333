package function

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// jsonReader appends JSON values to vectors.
type jsonReader struct {
	opts    *textOptions
	corrupt string // name of the column for malformed records
}

// append reads the value text of a kind into out as its type; what does not
// fit becomes null.
func (r *jsonReader) append(text []byte, kind jsonKind, out *batch.Vector) {
	at := out.Len()
	if kind == jsonNull || kind == jsonBad || !r.put(text, kind, out) {
		if out.Len() == at {
			out.AppendNulls(1)
		} else {
			out.SetNull(at)
		}
	}
}

// put is append without the null: false if the value does not fit.
func (r *jsonReader) put(text []byte, kind jsonKind, out *batch.Vector) bool {
	switch out.Type.Kind {
	case types.KindString:
		if kind == jsonString {
			s, ok := unquoteJSON(nil, text)
			addStr(out, s)
			return ok
		}
		addStr(out, compactJSON(nil, text))
		return true
	case types.KindBool:
		if kind != jsonTrue && kind != jsonFalse {
			return false
		}
		appendSlots(out, []bool{kind == jsonTrue})
		return true
	case types.KindArray:
		return r.putArray(text, kind, out)
	case types.KindMap:
		return r.putMap(text, kind, out)
	case types.KindStruct:
		return kind == jsonObject && r.putStruct(text, out)
	case types.KindBinary:
		s, ok := unquoteJSON(nil, text)
		b, err := base64.StdEncoding.DecodeString(string(s))
		if kind == jsonString && ok && err == nil {
			addStr(out, b)
			return true
		}
		return false
	default:
	}
	return r.putAtom(text, kind, out)
}

// putAtom reads numbers, dates and times.
func (r *jsonReader) putAtom(text []byte, kind jsonKind, out *batch.Vector) bool {
	t := out.Type
	if kind == jsonString {
		s, ok := unquoteJSON(nil, text)
		if !ok || t.IsIntegral() || t.Kind == types.KindDecimal {
			return false
		}
		if t.IsFractional() && !slices.Contains([]string{"NaN", "Infinity", "-Infinity", "+Infinity", "INF", "-INF", "+INF"}, string(s)) {
			return false
		}
		return appendParsed(r.opts, s, out)
	}
	if kind != jsonNumber || isDatetime(t) {
		return kind == jsonNumber && isTimestamp(t) && appendEpoch(text, out)
	}
	if t.IsIntegral() && bytes.ContainsAny(text, ".eE") {
		return false
	}
	return appendParsed(r.opts, text, out)
}

// appendEpoch reads a number of seconds.
func appendEpoch(text []byte, out *batch.Vector) bool {
	x, ok := ParseLong(text, false)
	if ok {
		appendSlots(out, []int64{x * 1_000_000})
	}
	return ok
}

// appendParsed reads a text as out's atomic type.
func appendParsed(o *textOptions, s []byte, out *batch.Vector) bool {
	t := out.Type
	switch {
	case t.IsIntegral():
		x, ok := ParseLong(s, false)
		w := uint(64 - 8*t.Phys().Width())
		if !ok || x<<w>>w != x {
			return false
		}
		at := out.Len()
		out.SetLen(at + 1)
		putInteger(out, at, x)
		return true
	case t.Kind == types.KindDouble:
		x, ok := ParseDouble(s, 64)
		if ok {
			appendSlots(out, []float64{x})
		}
		return ok
	case t.Kind == types.KindFloat:
		x, ok := ParseDouble(s, 32)
		if ok {
			appendSlots(out, []float32{float32(x)})
		}
		return ok
	case t.Kind == types.KindDecimal:
		x, valid, fits := decimal.Parse(string(s), int(t.Scale))
		if !valid || !fits || !x.Fits(int(t.Precision)) {
			return false
		}
		appendDecimal(out, x)
		return true
	case t.Kind == types.KindBool:
		x, ok := ParseBool(s)
		if ok {
			appendSlots(out, []bool{x})
		}
		return ok
	case t.Kind == types.KindDate:
		d, ok := o.day(s)
		if ok {
			appendSlots(out, []int32{d})
		}
		return ok
	case isTimestamp(t):
		x, ok := o.moment(s, t)
		if ok {
			appendSlots(out, []int64{x})
		}
		return ok
	case t.Kind == types.KindString:
		addStr(out, s)
		return true
	}
	return false
}

func (r *jsonReader) putArray(text []byte, kind jsonKind, out *batch.Vector) bool {
	if kind != jsonArray {
		return false
	}
	j := jsonScan{s: text, loose: jsonLoose{singleQuotes: true}}
	child, fits := out.Children[0], true
	j.elements(func() bool {
		text, kind, ok := j.value()
		r.append(text, kind, child)
		fits = fits && (kind == jsonNull || child.Valid(child.Len()-1))
		return ok
	})
	closeList(out)
	return fits
}

func (r *jsonReader) putMap(text []byte, kind jsonKind, out *batch.Vector) bool {
	if kind != jsonObject {
		return false
	}
	j := jsonScan{s: text, loose: jsonLoose{singleQuotes: true}}
	j.members(func(name []byte) bool {
		if out.Type.Key.Kind == types.KindString {
			addStr(out.Children[0], name)
		} else if !appendParsed(r.opts, name, out.Children[0]) {
			out.Children[0].AppendNulls(1)
		}
		text, kind, ok := j.value()
		r.append(text, kind, out.Children[1])
		return ok
	})
	closeList(out)
	return true
}

// putStruct reads the members that the type has; the last of a name counts.
func (r *jsonReader) putStruct(text []byte, out *batch.Vector) bool {
	type member struct {
		text []byte
		kind jsonKind
	}
	found := make([]member, len(out.Children))
	j := jsonScan{s: text, loose: jsonLoose{singleQuotes: true}}
	ok := j.members(func(name []byte) bool {
		text, kind, ok := j.value()
		for k, f := range out.Type.Fields {
			if f.Name == string(name) {
				found[k] = member{text, kind}
			}
		}
		return ok
	})
	at := out.Len()
	for k, m := range found {
		r.append(m.text, m.kind, out.Children[k])
	}
	out.SetLen(at + 1)
	return ok
}

// record reads a whole text; malformed ones give nulls, and themselves in the
// column for corrupt records.
func (r *jsonReader) record(s []byte, out *batch.Vector) error {
	j := jsonScan{s: s, loose: r.opts.looseness()}
	if j.peek() == jsonBad && len(bytes.TrimSpace(s)) == 0 {
		out.AppendNulls(1)
		return nil
	}
	text, kind, ok := j.value()
	if ok && kind == jsonArray && out.Type.Kind == types.KindStruct {
		first := jsonScan{s: text, at: 1, loose: j.loose}
		text, kind, ok = first.value()
	}
	want := map[types.Kind]jsonKind{types.KindStruct: jsonObject, types.KindMap: jsonObject, types.KindArray: jsonArray}[out.Type.Kind]
	if ok && want == jsonArray && kind == jsonObject {
		text, kind = append(append([]byte("["), text...), ']'), jsonArray
	}
	if ok && (kind == want || want == jsonBad) {
		r.append(text, kind, out)
		return nil
	}
	if r.opts.failFast {
		return errMalformed(string(s), "FAILFAST")
	}
	r.corruptRecord(s, out)
	return nil
}

func (r *jsonReader) corruptRecord(s []byte, out *batch.Vector) {
	if out.Type.Kind != types.KindStruct {
		out.AppendNulls(1)
		return
	}
	at := out.Len()
	for k, f := range out.Type.Fields {
		if f.Name == r.corrupt && f.Type.Kind == types.KindString {
			addStr(out.Children[k], s)
		} else {
			out.Children[k].AppendNulls(1)
		}
	}
	out.SetLen(at + 1)
}

// newFromJSON is from_json(text, schema[, options]).
func newFromJSON(env *Env, call *plan.Call) (Kernel, error) {
	o, err := readOptions(env, call.Args, 2)
	if err != nil {
		return nil, err
	}
	r := &jsonReader{opts: o, corrupt: o.get("columnNameOfCorruptRecord", "_corrupt_record")}
	return func(args []*batch.Vector, n int, out *batch.Vector) error {
		in := StrsOf(args[0])
		out.Reset(0)
		for i := range n {
			if !args[0].Valid(i) {
				out.AppendNulls(1)
				continue
			}
			if err := r.record(in.At(i), out); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// inferJSON is the type of the next value.
func inferJSON(j *jsonScan) (types.Type, bool) {
	switch j.peek() {
	case jsonObject:
		fields := map[string]types.Type{}
		ok := j.members(func(name []byte) bool {
			t, ok := inferJSON(j)
			fields[string(name)] = t
			return ok
		})
		names := make([]string, 0, len(fields))
		for n := range fields {
			names = append(names, n)
		}
		slices.Sort(names)
		var out []types.Field
		for _, n := range names {
			out = append(out, types.F(n, fields[n]))
		}
		return types.Struct(out...), ok
	case jsonArray:
		elem := types.Null
		ok := j.elements(func() bool {
			t, ok := inferJSON(j)
			elem = mergeJSON(elem, t)
			return ok
		})
		return types.Array(elem, true), ok
	default:
	}
	text, kind, ok := j.value()
	switch kind {
	case jsonTrue, jsonFalse:
		return types.Bool, ok
	case jsonString:
		return types.String, ok
	case jsonNumber:
		if bytes.ContainsAny(text, ".eEnN") {
			if p, s, isNum := decimal.Measure(string(text)); j.loose.decimals && isNum && p <= types.MaxPrecision {
				return types.Decimal(max(p, s), s), ok
			}
			return types.Double, ok
		}
		if _, fits := ParseLong(text, false); !fits {
			return types.Decimal(min(len(bytes.TrimPrefix(text, []byte("-"))), types.MaxPrecision), 0), ok
		}
		return types.Long, ok
	default:
	}
	return types.Null, ok
}

// mergeJSON is the type that holds values of both.
func mergeJSON(a, b types.Type) types.Type {
	switch {
	case a.Kind == types.KindNull || a.Equal(b):
		return b
	case b.Kind == types.KindNull:
		return a
	case a.IsNumeric() && b.IsNumeric():
		if t, ok := CommonNoString(false, a, b); ok {
			return t
		}
	case a.Kind == types.KindArray && b.Kind == types.KindArray:
		return types.Array(mergeJSON(*a.Elem, *b.Elem), true)
	case a.Kind == types.KindStruct && b.Kind == types.KindStruct:
		return mergeStructs(a, b)
	}
	return types.String
}

func mergeStructs(a, b types.Type) types.Type {
	out := slices.Clone(a.Fields)
	for _, f := range b.Fields {
		k := slices.IndexFunc(out, func(x types.Field) bool { return x.Name == f.Name })
		if k < 0 {
			out = append(out, f)
		} else {
			out[k].Type = mergeJSON(out[k].Type, f.Type)
		}
	}
	slices.SortFunc(out, func(x, y types.Field) int { return strings.Compare(x.Name, y.Name) })
	return types.Struct(out...)
}
