package parquet

import (
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// mergeSchemas is the union of two files' columns by name.
func mergeSchemas(a, b types.Schema, path string) (types.Schema, error) {
	t, err := mergeTypes(a.Struct(), b.Struct(), path, "")
	return types.Schema{Fields: t.Fields}, err
}

func mergeTypes(a, b types.Type, path, column string) (types.Type, error) {
	switch {
	case a.Same(b):
		return a, nil
	case a.Kind == types.KindStruct && b.Kind == types.KindStruct:
		return mergeStructs(a, b, path, column)
	case a.Kind == types.KindArray && b.Kind == types.KindArray:
		e, err := mergeTypes(*a.Elem, *b.Elem, path, column)
		return types.Array(e, true), err
	case a.Kind == types.KindMap && b.Kind == types.KindMap:
		k, err := mergeTypes(*a.Key, *b.Key, path, column)
		if err != nil {
			return a, err
		}
		v, err := mergeTypes(*a.Elem, *b.Elem, path, column)
		return types.Map(k, v, true), err
	case a.IsIntegral() && b.IsIntegral():
		if b.Kind > a.Kind {
			return b, nil
		}
		return a, nil
	case a.IsFractional() && b.IsFractional():
		return types.Double, nil
	case a.Kind == types.KindDecimal && b.Kind == types.KindDecimal && a.Scale == b.Scale:
		return types.Decimal(int(max(a.Precision, b.Precision)), int(a.Scale)), nil
	}
	return a, errs.E(errs.Invalid, "parquet.Infer", errs.Cond(errs.Spark, "CANNOT_MERGE_SCHEMAS", "42KD9",
		"The schemas of the files do not go together: column "+types.QuoteIfNeeded(column)+" is "+a.SQL()+" before and "+b.SQL()+" in "+path+".",
		"left", a.SQL(), "right", b.SQL()))
}

func mergeStructs(a, b types.Type, path, column string) (types.Type, error) {
	fields := append([]types.Field(nil), a.Fields...)
	for _, f := range b.Fields {
		i := types.Schema{Fields: fields}.Index(f.Name)
		if i < 0 {
			fields = append(fields, f)
			continue
		}
		name := f.Name
		if column != "" {
			name = column + "." + name
		}
		t, err := mergeTypes(fields[i].Type, f.Type, path, name)
		if err != nil {
			return a, err
		}
		fields[i].Type = t
	}
	return types.Struct(fields...), nil
}
