package function

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// textOptions are the options of from_json, to_json, from_csv and to_csv.
type textOptions struct {
	set       map[string]string // by name in lower case
	zone      *calendar.Zone
	env       *Env
	timestamp *timePattern // nil: the default
	ntz       *timePattern
	date      *timePattern
	failFast  bool
}

func (o *textOptions) get(name, def string) string {
	if v, ok := o.set[strings.ToLower(name)]; ok {
		return v
	}
	return def
}

func (o *textOptions) flag(name string, def bool) bool {
	v, ok := o.set[strings.ToLower(name)]
	if !ok {
		return def
	}
	return strings.EqualFold(v, "true")
}

// readOptions reads the constant map in args[i], if there is one.
func readOptions(env *Env, args []plan.Expr, i int) (*textOptions, error) {
	o := &textOptions{set: map[string]string{}, env: env}
	if i < len(args) {
		set, ok := constMap(args[i])
		if t := args[i].Type(); t.Kind == types.KindMap && (t.Key.Kind != types.KindString || t.Elem.Kind != types.KindString) && t.Elem.Kind != types.KindNull {
			return nil, errs.Cond(errs.Analysis, "INVALID_OPTIONS.NON_STRING_TYPE", "42K06", "The keys and values of options have to be strings.", "mapType", quoted(t.SQL()))
		}
		if !ok {
			return nil, errs.Cond(errs.Analysis, "INVALID_OPTIONS.NON_MAP_FUNCTION", "42K06", "Options have to be a constant map.")
		}
		o.set = set
	}
	loc := env.Zone
	if id := o.get("timeZone", ""); id != "" {
		var err error
		if loc, err = LoadZone(id); err != nil {
			return nil, err
		}
	}
	o.zone = calendar.NewZone(loc)
	o.failFast = strings.EqualFold(o.get("mode", ""), "FAILFAST")
	for name, to := range map[string]**timePattern{"timestampFormat": &o.timestamp, "timestampNTZFormat": &o.ntz, "dateFormat": &o.date} {
		if p := o.get(name, ""); p != "" {
			var err error
			if *to, err = compilePattern(p); err != nil {
				return nil, err
			}
		}
	}
	return o, nil
}

// constMap is the value of a constant map of strings.
func constMap(e plan.Expr) (map[string]string, bool) {
	out := map[string]string{}
	switch x := e.(type) {
	case *plan.Cast:
		return constMap(x.Child)
	case *plan.Literal:
		m, ok := x.Value.(batch.MapValue)
		for i := range m.Keys {
			k, ok1 := m.Keys[i].(string)
			v, ok2 := m.Values[i].(string)
			ok = ok && ok1 && ok2
			out[strings.ToLower(k)] = v
		}
		return out, ok || x.Value == nil
	case *plan.Call:
		if x.Name != "map" {
			return nil, false
		}
		for i := 0; i+1 < len(x.Args); i += 2 {
			k, _, ok1 := constText(x.Args[i])
			v, _, ok2 := constText(x.Args[i+1])
			if !ok1 || !ok2 {
				return nil, false
			}
			out[strings.ToLower(string(k))] = string(v)
		}
		return out, true
	}
	return nil, false
}

// schemaArg reads the schema in args[i]; wrapped tells that it is a type that
// is no struct.
func schemaArg(env *Env, args []plan.Expr, i int) (types.Type, error) {
	text, null, ok := constText(args[i])
	if c, isCall := args[i].(*plan.Call); isCall && strings.HasPrefix(c.Name, "schema_of_") {
		if text, null, ok = constText(c.Args[0]); ok && !null {
			s := schemaOf(c.Name, text, &textOptions{})
			text = []byte(s.SQL())
		}
	}
	if !ok || null {
		return types.Null, errs.Cond(errs.Analysis, "INVALID_SCHEMA.NON_STRING_LITERAL", "42K07", "The schema has to be a constant string.", "inputSchema", quoted(plan.SQLName(args[i])))
	}
	if env.ParseSchema == nil {
		return types.Null, errs.Unsupported("schemas in text")
	}
	s, err := env.ParseSchema(string(text))
	if err != nil {
		return types.Null, err
	}
	trimmed := strings.ToLower(strings.TrimSpace(string(text)))
	if len(s.Fields) == 1 && s.Fields[0].Name == "value" && !strings.HasPrefix(trimmed, "value") && !strings.Contains(trimmed, `"value"`) {
		return nullableType(s.Fields[0].Type), nil
	}
	return nullableType(s.Struct()), nil
}

// nullableType lets every member of t be null.
func nullableType(t types.Type) types.Type {
	switch t.Kind {
	case types.KindArray:
		return types.Array(nullableType(*t.Elem), true)
	case types.KindMap:
		return types.Map(*t.Key, nullableType(*t.Elem), true)
	case types.KindStruct:
		fields := make([]types.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = types.Field{Name: f.Name, Type: nullableType(f.Type), Nullable: true, Metadata: f.Metadata}
		}
		return types.Struct(fields...)
	default:
	}
	return t
}

// schemaOf infers the type of a text for schema_of_json and schema_of_csv.
func schemaOf(name string, text []byte, o *textOptions) types.Type {
	if name == "schema_of_csv" {
		return csvSchema(text, o.separator())
	}
	j := jsonScan{s: text, loose: o.looseness()}
	t, _ := inferJSON(&j)
	return named0(t, o)
}

// looseness is what a JSON parser tolerates under the options.
func (o *textOptions) looseness() jsonLoose {
	return jsonLoose{
		singleQuotes: o.flag("allowSingleQuotes", true), unquotedNames: o.flag("allowUnquotedFieldNames", false),
		nonNumbers: o.flag("allowNonNumericNumbers", true), leadingZeros: o.flag("allowNumericLeadingZeros", false),
		decimals: o.flag("prefersDecimal", false),
	}
}

// named0 gives values without a type STRING, and all atoms if the options say so.
func named0(t types.Type, o *textOptions) types.Type {
	switch t.Kind {
	case types.KindNull:
		return types.String
	case types.KindArray:
		return types.Array(named0(*t.Elem, o), true)
	case types.KindStruct:
		for i := range t.Fields {
			t.Fields[i].Type = named0(t.Fields[i].Type, o)
		}
		return t
	default:
	}
	if o.flag("primitivesAsString", false) {
		return types.String
	}
	return t
}

func errMalformed(text, mode string) error {
	return errs.Cond(errs.Spark, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023", "The record '"+text+"' is malformed.", "badRecord", text, "failFastMode", mode)
}

// moment reads a timestamp of text under the options.
func (o *textOptions) moment(s []byte, t types.Type) (int64, bool) {
	pattern := o.timestamp
	if t.Kind == types.KindTimestampNTZ {
		if pattern = o.ntz; pattern == nil {
			return calendar.ParseTimestampNTZ(s, false)
		}
	}
	if pattern == nil {
		return calendar.ParseTimestamp(s, o.zone, o.env.Now)
	}
	p, ok := pattern.parse(string(s))
	if !ok {
		return 0, false
	}
	if t.Kind == types.KindTimestampNTZ {
		return p.local()
	}
	return p.instant(o.zone)
}

// day reads a date of text under the options.
func (o *textOptions) day(s []byte) (int32, bool) {
	if o.date == nil {
		d, ok := calendar.ParseDate(s)
		return int32(d), ok
	}
	p, ok := o.date.parse(string(s))
	if !ok {
		return 0, false
	}
	d, ok := p.date()
	return int32(d), ok
}

// Default patterns of writing, as Spark's.
var (
	stampOut = mustPattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
	ntzOut   = mustPattern("yyyy-MM-dd'T'HH:mm:ss.SSS")
	dateOut  = mustPattern("yyyy-MM-dd")
)

func mustPattern(s string) *timePattern {
	p, err := compilePattern(s)
	if err != nil {
		panic(err)
	}
	return p
}

// timeText appends a date or timestamp under the options.
func (o *textOptions) timeText(b []byte, v *batch.Vector, i int) []byte {
	pick := func(p, def *timePattern) *timePattern {
		if p != nil {
			return p
		}
		return def
	}
	switch v.Type.Kind {
	case types.KindDate:
		c := clock{days: int(batch.Values[int32](v)[i])}
		return pick(o.date, dateOut).append(b, &c)
	case types.KindTimestampNTZ:
		c := clockAt(batch.Values[int64](v)[i], calendar.NewZone(nil), nil)
		return pick(o.ntz, ntzOut).append(b, &c)
	default:
	}
	c := clockAt(batch.Values[int64](v)[i], o.zone, o.env.Zone)
	return pick(o.timestamp, stampOut).append(b, &c)
}
