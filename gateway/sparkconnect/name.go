package sparkconnect

import (
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// splitName cuts a column's name at dots. Parts may be in backticks, doubled
// inside; unlike in SQL any other characters may stand bare.
func splitName(name string) ([]string, error) {
	var parts []string
	var cur strings.Builder
	for i := 0; i < len(name); {
		switch c := name[i]; c {
		case '`':
			if cur.Len() > 0 {
				return nil, badName(name)
			}
			end, ok := quoted(name, i+1, &cur)
			if !ok || end < len(name) && name[end] != '.' {
				return nil, badName(name)
			}
			i = end
			if i == len(name) {
				return append(parts, cur.String()), nil
			}
		case '.':
			if i == 0 || name[i-1] == '.' || i == len(name)-1 {
				return nil, badName(name)
			}
			parts = append(parts, cur.String())
			cur.Reset()
			i++
		default:
			cur.WriteByte(c)
			i++
		}
	}
	return append(parts, cur.String()), nil
}

// quoted reads up to the closing backtick and returns the position after it.
func quoted(name string, i int, out *strings.Builder) (int, bool) {
	for ; i < len(name); i++ {
		if name[i] != '`' {
			out.WriteByte(name[i])
			continue
		}
		if i+1 < len(name) && name[i+1] == '`' {
			out.WriteByte('`')
			i++
			continue
		}
		return i + 1, true
	}
	return 0, false
}

func badName(name string) error {
	return errs.Cond(errs.Analysis, "INVALID_ATTRIBUTE_NAME_SYNTAX", "42601",
		"The column name "+name+" is not well formed: look at its backticks and dots.", "name", name)
}
