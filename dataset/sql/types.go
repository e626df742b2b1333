package sql

import (
	"errors"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// dataType takes a type. Types from outside nest at most types.MaxTypeDepth deep.
func (p *parser) dataType() types.Type { return p.typeAt(0) }

func (p *parser) typeAt(depth int) types.Type {
	start, t := p.pos, p.tok()
	if depth > types.MaxTypeDepth {
		p.fail(tooDeep(p.originAt(t)))
		return types.Null
	}
	if t.kind != tokWord {
		p.syntax("a data type")
		return types.Null
	}
	name := strings.ToUpper(p.textOf(t))
	p.advance()
	switch name {
	case "ARRAY", "MAP", "STRUCT":
		if k := p.tok().kind; k == tokLess || name == "STRUCT" && k == tokNotEq {
			return p.nestedType(name, depth)
		}
		p.invalid(start, "INCOMPLETE_TYPE_DEFINITION."+name, "42K01",
			"The type "+name+" needs the types of its members, as in ARRAY<INT>, MAP<STRING, INT> or STRUCT<a: INT>.")
		return types.Null
	case "INTERVAL":
		return p.intervalType()
	}
	return p.primitiveType(start, name)
}

// nestedType takes <...> after ARRAY, MAP or STRUCT.
func (p *parser) nestedType(name string, depth int) types.Type {
	if name == "STRUCT" && p.at(tokNotEq) {
		if p.textOf(p.tok()) != "<>" {
			p.syntax("'<'")
		}
		p.advance()
		return types.Struct()
	}
	p.advance()
	var out types.Type
	switch name {
	case "ARRAY":
		out = types.Array(p.typeAt(depth+1), true)
	case "MAP":
		key := p.typeAt(depth + 1)
		p.expect(tokComma, "','")
		out = types.Map(key, p.typeAt(depth+1), true)
	default:
		var fields []types.Field
		for p.err == nil && !p.atTypeEnd() {
			fields = append(fields, p.field1(depth+1))
			if !p.accept(tokComma) {
				break
			}
		}
		out = types.Struct(fields...)
	}
	p.typeEnd()
	return out
}

func (p *parser) atTypeEnd() bool { return p.at(tokGreater) }

func (p *parser) typeEnd() { p.expect(tokGreater, "'>'") }

// field1 takes a struct's member: name [:] type [NOT NULL] [COMMENT text].
func (p *parser) field1(depth int) types.Field {
	f := types.Field{Name: p.plainIdentifier(), Nullable: true}
	p.accept(tokColon)
	f.Type = p.typeAt(depth)
	if p.acceptKws(kwNot, kwNull) {
		f.Nullable = false
	}
	if p.acceptKw(kwComment) {
		f.Metadata = withMetadata(f.Metadata, "comment", p.stringText())
	}
	return f
}

// simpleTypes are the types by name that take no arguments.
var simpleTypes = map[string]types.Type{
	"BOOLEAN": types.Bool, "TINYINT": types.Byte, "BYTE": types.Byte, "SMALLINT": types.Short, "SHORT": types.Short,
	"INT": types.Int, "INTEGER": types.Int, "BIGINT": types.Long, "LONG": types.Long, "FLOAT": types.Float,
	"REAL": types.Float, "DOUBLE": types.Double, "DATE": types.Date, "TIMESTAMP_LTZ": types.Timestamp,
	"TIMESTAMP_NTZ": types.TimestampNTZ, "BINARY": types.Binary, "VOID": types.Null, "NULL": types.Null, "VARIANT": types.Variant,
}

func (p *parser) primitiveType(start int, name string) types.Type {
	if t, ok := simpleTypes[name]; ok {
		if p.at(tokLParen) {
			return p.unknownType(start, name)
		}
		return t
	}
	switch name {
	case "TIMESTAMP":
		switch {
		case p.withoutZone():
			return types.TimestampNTZ
		case p.opt.TimestampNTZ:
			return types.TimestampNTZ
		}
		return types.Timestamp
	case "TIME":
		return p.timeType(start)
	case "STRING":
		if p.acceptKw(kwCollate) {
			p.collation(start)
		}
		return types.String
	case "CHAR", "CHARACTER", "VARCHAR":
		return p.charType(start, name)
	case "DECIMAL", "DEC", "NUMERIC":
		return p.decimalType(start)
	}
	return p.unknownType(start, name)
}

func (p *parser) withoutZone() bool { return p.acceptKws(kwWithout, kwTime, kwZone) }

// collation takes the name of a collation. Only the default one orders as the
// engine does; another would silently give other answers.
func (p *parser) collation(start int) {
	parts := p.multipart()
	name := parts[len(parts)-1]
	if !strings.EqualFold(name, types.DefaultCollation) {
		p.unsupported(start, "collation "+name)
	}
}

func (p *parser) unknownType(start int, name string) types.Type {
	shown := name
	if p.at(tokLParen) {
		args := p.typeArguments()
		shown += "(" + strings.Join(args, ",") + ")"
	}
	p.invalid(start, "UNSUPPORTED_DATATYPE", "0A000", "There is no data type "+shown+".", "typeName", `"`+shown+`"`)
	return types.Null
}

// typeArguments takes (n, m).
func (p *parser) typeArguments() []string {
	p.expect(tokLParen, "'('")
	var args []string
	for p.err == nil {
		args = append(args, p.textOf(p.tok()))
		if !p.accept(tokInteger) {
			p.syntax("an integer")
		}
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	return args
}

func (p *parser) timeType(start int) types.Type {
	t := types.Time
	if p.at(tokLParen) {
		args := p.typeArguments()
		n, err := strconv.Atoi(first(args))
		if err != nil || n < 0 || n > types.DefaultTimeDigits || len(args) != 1 {
			p.invalid(start, "UNSUPPORTED_TIME_PRECISION", "0A001", "TIME keeps 0 to 6 digits of a second.", "precision", first(args))
			return t
		}
		t.Precision = uint8(n)
	}
	p.withoutZone()
	return t
}

// charType takes CHAR(n) and VARCHAR(n).
func (p *parser) charType(start int, name string) types.Type {
	if name == "CHARACTER" {
		name = "CHAR"
	}
	if !p.at(tokLParen) {
		p.invalid(start, "DATATYPE_MISSING_SIZE", "42K01", "The type "+name+" needs a length, as in "+name+"(10).", "type", `"`+name+`"`)
		return types.String
	}
	args := p.typeArguments()
	n, err := strconv.ParseInt(first(args), 10, 32)
	if err != nil || len(args) != 1 {
		return p.unknownTypeArgs(start, name, args)
	}
	if p.acceptKw(kwCollate) {
		p.collation(start)
	}
	if name == "CHAR" {
		return types.Char(int(n))
	}
	return types.Varchar(int(n))
}

// decimalType takes DECIMAL, DECIMAL(p) and DECIMAL(p, s).
func (p *parser) decimalType(start int) types.Type {
	precision, scale := 10, 0
	if p.at(tokLParen) {
		args := p.typeArguments()
		ns := []*int{&precision, &scale}
		if len(args) > len(ns) {
			return p.unknownTypeArgs(start, "DECIMAL", args)
		}
		for i, a := range args {
			v, err := strconv.Atoi(a)
			if err != nil {
				v = types.MaxPrecision + 1
			}
			*ns[i] = v
		}
	}
	switch {
	case precision > types.MaxPrecision:
		p.invalid(start, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "22003",
			"A decimal has at most 38 digits.", "precision", itoa(precision), "maxPrecision", itoa(types.MaxPrecision))
		return types.Decimal(types.MaxPrecision, 0)
	case scale > precision || scale < 0:
		p.invalid(start, "_LEGACY_ERROR_TEMP_1228", "", "The scale of a decimal lies between 0 and its precision.",
			"scale", itoa(scale), "precision", itoa(precision))
		return types.Decimal(types.MaxPrecision, 0)
	}
	return types.Decimal(precision, scale)
}

func (p *parser) unknownTypeArgs(start int, name string, args []string) types.Type {
	shown := name + "(" + strings.Join(args, ",") + ")"
	p.invalid(start, "UNSUPPORTED_DATATYPE", "0A000", "There is no data type "+shown+".", "typeName", `"`+shown+`"`)
	return types.Null
}

// intervalType takes the fields after INTERVAL.
func (p *parser) intervalType() types.Type {
	start := p.pos
	kind, lo, ok := intervalField(p.tok().kw)
	if !ok {
		return types.CalendarInterval
	}
	p.advance()
	hi := lo
	if p.acceptKw(kwTo) {
		k, f, ok := intervalField(p.tok().kw)
		if !ok || k != kind || f == 0 {
			p.syntax("a smaller unit of the interval")
			return types.CalendarInterval
		}
		p.advance()
		if f <= lo {
			from, to := p.textOf(&p.tokens[start]), p.textOf(&p.tokens[p.pos-1])
			p.invalid(start, "INVALID_INTERVAL_FORMAT.UNSUPPORTED_FROM_TO_EXPRESSION", "22006",
				"There is no interval from "+from+" to "+to+".", "input", p.source(start), "from", lower(from), "to", lower(to))
			return types.CalendarInterval
		}
		hi = f
	}
	return intervalOf(kind, lo, hi)
}

func intervalOf(kind types.Kind, lo, hi int) types.Type {
	return types.Type{Kind: kind, Precision: uint8(lo), Scale: int8(hi)}
}

// intervalField is the field that a singular unit names.
func intervalField(k keyword) (kind types.Kind, field int, ok bool) {
	switch k {
	case kwYear:
		return types.KindYearMonthInterval, types.FieldYear, true
	case kwMonth:
		return types.KindYearMonthInterval, types.FieldMonth, true
	case kwDay:
		return types.KindDayTimeInterval, types.FieldDay, true
	case kwHour:
		return types.KindDayTimeInterval, types.FieldHour, true
	case kwMinute:
		return types.KindDayTimeInterval, types.FieldMinute, true
	case kwSecond:
		return types.KindDayTimeInterval, types.FieldSeconds, true
	default:
		return 0, 0, false
	}
}

// ParseType reads a type such as "array<struct<a:int>>".
func ParseType(text string) (types.Type, error) {
	p := newParser(text, Options{})
	t := p.dataType()
	if err := p.finish(); err != nil {
		return types.Null, err
	}
	return t, nil
}

// ParseSchema reads a table schema such as "a INT NOT NULL, b STRING", a
// struct type, another type (as the one column "value"), or Spark's JSON form.
func ParseSchema(text string) (types.Schema, error) {
	if s := strings.TrimSpace(text); strings.HasPrefix(s, "{") || strings.HasPrefix(s, `"`) {
		return ParseSchemaJSON(s)
	}
	if strings.TrimSpace(text) == "" {
		return types.Schema{}, nil
	}
	p := newParser(text, Options{})
	fields := p.schemaFields()
	err := p.finish()
	if err == nil {
		return types.Schema{Fields: fields}, nil
	}
	t, typeErr := ParseType(text)
	switch {
	case typeErr != nil && len(p.tokens) > 2:
		return types.Schema{}, asSyntaxError(err)
	case typeErr != nil:
		return types.Schema{}, typeErr
	case t.Kind == types.KindStruct:
		return types.Schema{Fields: t.Fields}, nil
	}
	return types.NewSchema(types.F("value", t)), nil
}

// asSyntaxError gives an unknown type inside a schema the class that Spark
// gives it: it reads the text as one type first, where the second word is extra.
func asSyntaxError(err error) error {
	c, ok := errors.AsType[*errs.Condition](err)
	if !ok || c.Class != "UNSUPPORTED_DATATYPE" {
		return err
	}
	near := "'" + c.Origin.Snippet() + "'"
	d := errs.Cond(errs.Parse, "PARSE_SYNTAX_ERROR", "42601", c.Message, "error", near, "hint", ": extra input "+near)
	d.Origin = c.Origin
	return d
}

// schemaFields takes name type, ... up to the end of the text.
func (p *parser) schemaFields() []types.Field {
	var fields []types.Field
	for p.err == nil {
		fields = append(fields, p.field1(0))
		if !p.accept(tokComma) {
			break
		}
	}
	return fields
}

// finish demands the end of the text.
func (p *parser) finish() error {
	if p.err == nil && !p.at(tokEOF) {
		p.syntax("the end of the text")
	}
	return p.err
}

// ParseIdentifier reads a name of dotted parts.
func ParseIdentifier(text string) ([]string, error) {
	p := newParser(text, Options{})
	if p.err == nil && p.at(tokEOF) {
		return nil, emptyStatement()
	}
	parts := p.multipart()
	if err := p.finish(); err != nil {
		return nil, err
	}
	return parts, nil
}

func emptyStatement() error {
	return errs.Cond(errs.Parse, "PARSE_EMPTY_STATEMENT", "42617", "There is nothing to run: the text is empty.")
}
