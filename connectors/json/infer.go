package json

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/lines"
	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Infer merges the types of all records.
func (f Format) Infer(ctx context.Context, fs vfs.FS, files []vfs.FileRef, opt format.Options) (types.Schema, error) {
	o, err := parseOptions(opt)
	if err != nil {
		return types.Schema{}, err
	}
	in := &inference{opt: o, root: types.Struct()}
	in.tape.opt = &in.opt
	if in.times, err = scalar.NewTemporal(opt, "UTC", f.now()); err != nil {
		return types.Schema{}, err
	}
	for _, ref := range files {
		if err := in.file(ctx, fs, ref); err != nil {
			return types.Schema{}, err
		}
	}
	if in.bad && o.mode == permissive {
		in.root = mergeTypes(in.root, types.Struct(types.F(o.corrupt, types.String)))
	}
	t, _ := in.canonical(in.root)
	return types.Schema{Fields: t.Fields}, nil
}

type inference struct {
	opt   options
	times *scalar.Temporal
	tape  tape
	root  types.Type
	bad   bool
	rows  int
}

func (in *inference) file(ctx context.Context, fs vfs.FS, ref vfs.FileRef) error {
	src, err := lines.Open(ctx, fs, format.Split{File: ref}, lines.Options{Sep: in.opt.lineSep, Charset: in.opt.charset})
	if err != nil {
		return err
	}
	defer src.Close()
	if in.opt.multiLine {
		all, err := src.All(ctx)
		if err != nil {
			return err
		}
		return in.record(bytes.TrimPrefix(all, []byte(mark)), ref.Path)
	}
	for {
		block, at, err := src.Block(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if at == 0 {
			block = bytes.TrimPrefix(block, []byte(mark))
		}
		for len(block) > 0 {
			var line []byte
			line, block = lines.Next(block, in.opt.lineSep)
			if err := in.record(line, ref.Path); err != nil {
				return err
			}
		}
	}
}

func (in *inference) record(b []byte, path string) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	in.rows++
	if in.opt.sampling < 1 && float64(in.rows%1000) >= in.opt.sampling*1000 {
		return nil
	}
	in.tape.b, in.tape.i, in.tape.toks = b, 0, in.tape.toks[:0]
	if !in.tape.value(0) {
		return in.malformed(b, path)
	}
	t := in.typeOf(0)
	if t.Kind == types.KindArray {
		t = *t.Elem
	}
	if t.Kind != types.KindStruct {
		return in.malformed(b, path)
	}
	in.root = mergeTypes(in.root, t)
	return nil
}

func (in *inference) malformed(b []byte, path string) error {
	in.bad = true
	if in.opt.mode != failFast {
		return nil
	}
	return errs.E(errs.Invalid, "json.Infer", errs.Cond(errs.Spark, "MALFORMED_RECORD_DETECTED_IN_SCHEMA_INFERENCE", "22000",
		"A record of "+path+" is no JSON object: "+string(b[:min(len(b), shownRecord)])+". The mode is FAILFAST.", "failFastMode", "FAILFAST", "path", path))
}

func (in *inference) typeOf(i int32) types.Type {
	t := &in.tape.toks[i]
	raw := in.tape.b[t.off:t.end]
	switch t.kind {
	case nullToken:
		return types.Null
	case stringToken:
		return in.stringType(raw)
	case arrayToken:
		e := types.Null
		for k := i + 1; k < t.next; k = in.tape.toks[k].next {
			e = mergeTypes(e, in.typeOf(k))
		}
		return types.Array(e, true)
	case objectToken:
		return in.objectType(i)
	default:
	}
	if in.opt.primitivesAsString {
		return types.String
	}
	switch t.kind {
	case trueToken, falseToken:
		return types.Bool
	case intToken:
		return in.intType(raw)
	case floatToken:
		return in.floatType(raw)
	default:
	}
	return types.Double
}

// stringType counts an empty string as null: some writers know no difference.
func (in *inference) stringType(raw []byte) types.Type {
	if len(raw) == 0 {
		return types.Null
	}
	if in.opt.inferTimestamp && scalar.Looks(raw) {
		if _, ok := in.times.NTZ(raw); ok && in.opt.ntz {
			return types.TimestampNTZ
		}
		if _, ok := in.times.Timestamp(raw); ok {
			return types.Timestamp
		}
	}
	return types.String
}

func (in *inference) intType(raw []byte) types.Type {
	if _, ok := scalar.Int(raw, 64); ok {
		return types.Long
	}
	if n := len(bytes.TrimLeft(raw, "-")); n <= types.MaxPrecision {
		return types.Decimal(n, 0)
	}
	return types.Double
}

func (in *inference) floatType(raw []byte) types.Type {
	if !in.opt.prefersDecimal || bytes.ContainsAny(raw, "eE") {
		return types.Double
	}
	whole, frac, _ := strings.Cut(strings.TrimPrefix(string(raw), "-"), ".")
	p := len(strings.TrimLeft(whole, "0")) + len(frac)
	if p > types.MaxPrecision {
		return types.Double
	}
	return types.Decimal(max(p, 1), len(frac))
}

// objectType has its fields in order of names, as Spark infers them.
func (in *inference) objectType(i int32) types.Type {
	t := &in.tape.toks[i]
	var fields []types.Field
	for k := i + 1; k < t.next; {
		key := &in.tape.toks[k]
		name := in.tape.b[key.off:key.end]
		if key.esc {
			name = unescape(nil, name)
		}
		value := key.next
		fields = append(fields, types.F(string(name), in.typeOf(value)))
		k = in.tape.toks[value].next
	}
	slices.SortStableFunc(fields, func(a, b types.Field) int { return strings.Compare(a.Name, b.Name) })
	out := fields[:0]
	for _, f := range fields {
		if n := len(out); n > 0 && out[n-1].Name == f.Name {
			out[n-1].Type = mergeTypes(out[n-1].Type, f.Type)
			continue
		}
		out = append(out, f)
	}
	return types.Struct(out...)
}

// canonical turns what stayed unknown into strings and drops structs without
// members; ok tells whether anything is left.
func (in *inference) canonical(t types.Type) (types.Type, bool) {
	switch t.Kind {
	case types.KindNull:
		return types.String, !in.opt.dropAllNull
	case types.KindArray:
		e, ok := in.canonical(*t.Elem)
		return types.Array(e, true), ok
	case types.KindStruct:
		var fields []types.Field
		for _, f := range t.Fields {
			if m, ok := in.canonical(f.Type); ok && f.Name != "" {
				fields = append(fields, types.F(f.Name, m))
			}
		}
		return types.Struct(fields...), len(fields) > 0
	default:
	}
	return t, true
}

// mergeTypes is the type that holds values of both.
func mergeTypes(a, b types.Type) types.Type {
	switch {
	case a.Kind == types.KindNull:
		return b
	case b.Kind == types.KindNull, a.Equal(b):
		return a
	case a.Kind == types.KindStruct && b.Kind == types.KindStruct:
		return mergeStructs(a, b)
	case a.Kind == types.KindArray && b.Kind == types.KindArray:
		return types.Array(mergeTypes(*a.Elem, *b.Elem), true)
	case a.IsNumeric() && b.IsNumeric():
		return mergeNumbers(a, b)
	case isStamp(a) && isStamp(b):
		return types.Timestamp
	}
	return types.String
}

func isStamp(t types.Type) bool {
	return t.Kind == types.KindTimestamp || t.Kind == types.KindTimestampNTZ
}

// mergeNumbers knows longs, decimals and doubles.
func mergeNumbers(a, b types.Type) types.Type {
	if a.Kind == types.KindDouble || b.Kind == types.KindDouble {
		return types.Double
	}
	const longDigits = 20
	p1, s1, p2, s2 := longDigits, 0, longDigits, 0
	if a.Kind == types.KindDecimal {
		p1, s1 = int(a.Precision), int(a.Scale)
	}
	if b.Kind == types.KindDecimal {
		p2, s2 = int(b.Precision), int(b.Scale)
	}
	scale := max(s1, s2)
	if p := max(p1-s1, p2-s2) + scale; p <= types.MaxPrecision {
		return types.Decimal(p, scale)
	}
	return types.Double
}

// mergeStructs merges two lists of fields that are sorted by name.
func mergeStructs(a, b types.Type) types.Type {
	out := make([]types.Field, 0, max(len(a.Fields), len(b.Fields)))
	i, k := 0, 0
	for i < len(a.Fields) && k < len(b.Fields) {
		switch c := strings.Compare(a.Fields[i].Name, b.Fields[k].Name); {
		case c < 0:
			out = append(out, a.Fields[i])
			i++
		case c > 0:
			out = append(out, b.Fields[k])
			k++
		default:
			out = append(out, types.F(a.Fields[i].Name, mergeTypes(a.Fields[i].Type, b.Fields[k].Type)))
			i++
			k++
		}
	}
	out = append(append(out, a.Fields[i:]...), b.Fields[k:]...)
	return types.Struct(out...)
}
