package catalog

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Partition columns are read from folder names: year=2020/month=1. Their types
// are inferred from all values, as Spark does.

const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// partitions are a table's partition columns and each folder's raw values.
type partitions struct {
	fields []types.Field
	zone   *time.Location
}

func pathMatch(pattern, name string) (bool, error) { return path.Match(pattern, name) }

// partitionsOf reads the columns' names and, if infer, types of the files' folders.
func partitionsOf(files []*dataFile, env *function.Env, infer bool) (partitions, error) {
	p := partitions{zone: env.Zone}
	var names []string
	kinds := []types.Type{}
	seen := map[string]bool{}
	for i, f := range files {
		dir := strings.Join(f.folder, "/")
		if seen[dir] {
			continue
		}
		seen[dir] = true
		keys, values := splitFolders(f.folder)
		if i == 0 {
			names = keys
			kinds = make([]types.Type, len(keys))
		}
		if !slices.EqualFunc(names, keys, strings.EqualFold) {
			return p, conflictingPartitions(names, keys)
		}
		for k, v := range values {
			kinds[k] = widerPartition(kinds[k], valueType(v, infer))
		}
	}
	for k, n := range names {
		t := kinds[k]
		if t.Kind == types.KindNull {
			t = types.String
		}
		p.fields = append(p.fields, types.F(n, t))
	}
	return p, nil
}

func conflictingPartitions(a, b []string) error {
	list := strings.Join(a, ", ") + " and " + strings.Join(b, ", ")
	return errs.Cond(errs.Spark, "CONFLICTING_PARTITION_COLUMN_NAMES", "KD009",
		"The folders have different partition columns: "+list+".", "distinctPartColLists", list, "suspiciousPaths", "")
}

// splitFolders reads names and values; a value is nil for the null partition.
func splitFolders(folders []string) (keys []string, values []*string) {
	for _, f := range folders {
		k, v, _ := strings.Cut(f, "=")
		key, kerr := url.PathUnescape(k)
		value, verr := url.PathUnescape(v)
		if kerr != nil {
			key = k
		}
		if verr != nil {
			value = v
		}
		keys = append(keys, key)
		if value == nullPartition {
			values = append(values, nil)
		} else {
			values = append(values, &value)
		}
	}
	return keys, values
}

// valueType is the narrowest type of one value.
func valueType(v *string, infer bool) types.Type {
	if v == nil {
		return types.Null
	}
	if !infer {
		return types.String
	}
	s := *v
	if _, err := strconv.ParseInt(s, 10, 32); err == nil {
		return types.Int
	}
	if _, err := strconv.ParseInt(s, 10, 64); err == nil {
		return types.Long
	}
	if digits := strings.TrimLeft(strings.TrimPrefix(s, "-"), "0"); isDigits(digits) && len(digits) <= types.MaxPrecision {
		return types.Decimal(types.MaxPrecision, 0)
	}
	if isDouble(s) {
		return types.Double
	}
	if _, err := time.Parse(time.DateOnly, s); err == nil {
		return types.Date
	}
	if _, ok := parseTimestamp(s, time.UTC); ok {
		return types.Timestamp
	}
	return types.String
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isDouble refuses what Go alone takes for a number, and Java's suffixes.
func isDouble(s string) bool {
	if s == "" || strings.ContainsAny(s, "_xXpPdDfF") || strings.HasPrefix(strings.ToLower(strings.TrimLeft(s, "+-")), "inf") || strings.EqualFold(s, "nan") {
		return s == "NaN" || s == "Infinity" || s == "-Infinity"
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

var timestampLayouts = []string{"2006-01-02 15:04:05.999999", "2006-01-02 15:04:05", "2006-01-02T15:04:05.999999", "2006-01-02 15:04"}

func parseTimestamp(s string, zone *time.Location) (int64, bool) {
	if zone == nil {
		zone = time.UTC
	}
	for _, l := range timestampLayouts {
		if t, err := time.ParseInLocation(l, s, zone); err == nil {
			return t.UnixMicro(), true
		}
	}
	return 0, false
}

// widerPartition is the type that holds values of both; what does not go
// together exactly becomes a string.
func widerPartition(a, b types.Type) types.Type {
	switch {
	case a.Kind == types.KindNull:
		return b
	case b.Kind == types.KindNull || a.Equal(b):
		return a
	case a.IsIntegral() && b.IsIntegral():
		return types.Long
	case a.Kind == types.KindInt && b.Kind == types.KindDouble, a.Kind == types.KindDouble && b.Kind == types.KindInt:
		return types.Double
	case a.Kind == types.KindDecimal && b.IsIntegral():
		return a
	case b.Kind == types.KindDecimal && a.IsIntegral():
		return b
	case isTime(a) && isTime(b):
		return types.Timestamp
	}
	return types.String
}

func isTime(t types.Type) bool { return t.Kind == types.KindDate || t.Kind == types.KindTimestamp }

func (p *partitions) index(name string) int {
	for i, f := range p.fields {
		if strings.EqualFold(f.Name, name) {
			return i
		}
	}
	return -1
}

// follow gives partition columns the types of a schema that names them. A
// warehouse table without files has the columns all the same.
func (p *partitions) follow(s types.Schema, by []string, env *function.Env) error {
	if len(p.fields) == 0 {
		for _, name := range by {
			i := s.Index(name)
			if i < 0 {
				return errs.Errorf(errs.Corrupt, "catalog.follow", "the partition column %s is not in the schema", name)
			}
			p.fields = append(p.fields, s.Fields[i])
		}
		return nil
	}
	for i, f := range p.fields {
		if k := s.Index(f.Name); k >= 0 {
			p.fields[i] = types.Field{Name: s.Fields[k].Name, Type: s.Fields[k].Type, Nullable: true, Metadata: s.Fields[k].Metadata}
		}
	}
	p.zone = env.Zone
	return nil
}

// assign converts each file's folder values to the columns' types.
func (p *partitions) assign(files []*dataFile) error {
	for _, f := range files {
		if len(f.folder) != len(p.fields) {
			continue
		}
		_, values := splitFolders(f.folder)
		f.values = make([]any, len(values))
		for i, v := range values {
			if v == nil {
				continue
			}
			x, ok := boxed(*v, p.fields[i].Type, p.zone)
			if !ok {
				return errs.Cond(errs.Runtime, "INVALID_PARTITION_VALUE", "42846",
					"The partition value '"+*v+"' of "+types.Quote(p.fields[i].Name)+" is no "+p.fields[i].Type.SQL()+".",
					"value", "'"+*v+"'", "columnName", types.Quote(p.fields[i].Name), "dataType", p.fields[i].Type.SQL())
			}
			f.values[i] = x
		}
	}
	return nil
}
