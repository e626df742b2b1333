package analyze

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/decimal"
	"github.com/spurwheel/spurwheel/internal/types"
)

// CellText is a boxed value as df.show prints it: NULL, [1, 2], {a, b}, {k -> v}.
func CellText(t types.Type, v any, zone *time.Location) string {
	if v == nil {
		return "NULL"
	}
	switch t.Kind {
	case types.KindString:
		return v.(string)
	case types.KindBool:
		if v.(bool) {
			return "true"
		}
		return "false"
	case types.KindBinary:
		return binaryText(v.([]byte))
	case types.KindDecimal:
		x, ok := v.(batch.Int128)
		if !ok {
			x = decimal.FromInt64(v.(int64))
		}
		return string(decimal.AppendPlain(nil, x, int(t.Scale)))
	case types.KindUDT:
		return CellText(*t.Elem, v, zone)
	case types.KindArray, types.KindMap, types.KindStruct:
		return nestedText(t, v, zone)
	default:
	}
	return plan.ValueText(t, v, zone)
}

// binaryText is bytes as [31 32].
func binaryText(b []byte) string {
	parts := make([]string, len(b))
	for i := range b {
		parts[i] = strings.ToUpper(hex.EncodeToString(b[i : i+1]))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func nestedText(t types.Type, v any, zone *time.Location) string {
	var parts []string
	switch t.Kind {
	case types.KindArray:
		for _, e := range v.([]any) {
			parts = append(parts, CellText(*t.Elem, e, zone))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case types.KindMap:
		m := v.(batch.MapValue)
		for i, k := range m.Keys {
			parts = append(parts, CellText(*t.Key, k, zone)+" -> "+CellText(*t.Elem, m.Values[i], zone))
		}
	default:
		for i, f := range v.([]any) {
			parts = append(parts, CellText(t.Fields[i].Type, f, zone))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
