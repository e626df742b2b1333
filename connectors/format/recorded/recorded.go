// Package recorded replays what Spark answered for small text files: tests of
// text formats compare themselves with it. It knows no format.
package recorded

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// Case is a file, how it was read, and Spark's answer: the schema, and each
// value as to_json prints it.
type Case struct {
	Content string            `json:"content"`
	Infer   bool              `json:"infer"`
	Options map[string]string `json:"options"`
	Schema  string            `json:"schema"`
	Rows    [][]string        `json:"rows"`
}

// Run replays the cases of a file in JSON.
func Run(t *testing.T, f format.Format, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var cases []Case
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	fs := local.New(new(mem.Pool))
	for i, c := range cases {
		t.Run(strconv.Itoa(i), func(t *testing.T) { c.run(t, f, fs) })
	}
}

func (c *Case) run(t *testing.T, f format.Format, fs vfs.FS) {
	path := t.TempDir() + "/file"
	require.NoError(t, os.WriteFile(path, []byte(c.Content), 0o600))
	info, err := fs.Stat(t.Context(), path)
	require.NoError(t, err)
	opt := format.Options{}
	for k, v := range c.Options {
		opt[strings.ToLower(k)] = v
	}
	typ, rest := parseType(c.Schema)
	require.Empty(t, rest, "schema %s", c.Schema)
	schema := types.Schema{Fields: typ.Fields}
	if c.Infer {
		schema, err = f.Infer(t.Context(), fs, []vfs.FileRef{info.FileRef}, opt)
		require.NoError(t, err)
		require.Equal(t, c.Schema, schema.Struct().String(), "%q %v", c.Content, c.Options)
	}
	plan, err := f.Plan(t.Context(), fs, info.FileRef, schema, opt)
	require.NoError(t, err)
	rows := [][]string{}
	for _, s := range plan.Splits {
		rows = append(rows, read(t, f, fs, s)...)
	}
	require.Equal(t, c.Rows, rows, "%q %v", c.Content, c.Options)
}

func read(t *testing.T, f format.Format, fs vfs.FS, s format.Split) (rows [][]string) {
	req := format.ReadRequest{ZoneID: "UTC"}
	for i := range s.Schema.Fields {
		req.Columns = append(req.Columns, i)
	}
	r, err := f.Open(context.Background(), fs, s, req)
	require.NoError(t, err)
	defer r.Close()
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return rows
		}
		require.NoError(t, err)
		for i := range b.N {
			row := make([]string, len(b.Cols))
			for k, c := range b.Cols {
				row[k] = `{"v":` + text(t, c, i) + "}"
			}
			rows = append(rows, row)
		}
	}
}

// text is a value as Spark's to_json prints it.
func text(t *testing.T, v *batch.Vector, i int) string {
	if !v.Valid(i) {
		return "null"
	}
	switch v.Type.Kind {
	case types.KindString:
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(v.Get(i)))
		return strings.TrimSuffix(b.String(), "\n")
	case types.KindBinary:
		return `"` + base64.StdEncoding.EncodeToString(v.Str(i)) + `"`
	case types.KindArray:
		return "[" + strings.Join(texts(t, v.Children[0], v.Offsets[i], v.Offsets[i+1]), ",") + "]"
	case types.KindMap:
		keys, values := texts(t, v.Children[0], v.Offsets[i], v.Offsets[i+1]), texts(t, v.Children[1], v.Offsets[i], v.Offsets[i+1])
		for k := range keys {
			keys[k] += ":" + values[k]
		}
		return "{" + strings.Join(keys, ",") + "}"
	case types.KindStruct:
		members := make([]string, len(v.Children))
		for k, c := range v.Children {
			members[k] = strconv.Quote(v.Type.Fields[k].Name) + ":" + text(t, c, i)
		}
		return "{" + strings.Join(members, ",") + "}"
	default:
		times, err := scalar.NewTemporal(nil, "UTC", time.Time{})
		require.NoError(t, err)
		w := scalar.Writer{Times: times}
		s := string(w.Append(nil, v.Flatten(batch.New(v.Type, 0)), i))
		if f, ok := v.Get(i).(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) || v.Type.Kind == types.KindDate || v.Type.Kind == types.KindTimestamp {
			s = `"` + s + `"`
		}
		return s
	}
}

func texts(t *testing.T, v *batch.Vector, lo, hi int32) []string {
	out := []string{}
	for i := lo; i < hi; i++ {
		out = append(out, text(t, v, int(i)))
	}
	return out
}

// parseType reads a type's simple string: "struct<a:int,b:array<string>>".
func parseType(s string) (types.Type, string) {
	name := s[:len(s)-len(strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyz_"))]
	rest := s[len(name):]
	switch name {
	case "array":
		e, rest := parseType(rest[1:])
		return types.Array(e, true), rest[1:]
	case "map":
		k, rest := parseType(rest[1:])
		v, rest := parseType(rest[1:])
		return types.Map(k, v, true), rest[1:]
	case "struct":
		out := types.Struct()
		for rest = rest[1:]; rest[0] != '>'; rest = strings.TrimPrefix(rest, ",") {
			member, after, _ := strings.Cut(rest, ":")
			var m types.Type
			m, rest = parseType(after)
			out.Fields = append(out.Fields, types.F(member, m))
		}
		return out, rest[1:]
	case "decimal":
		digits, after, _ := strings.Cut(rest, ")")
		var p, q int
		if n, err := fmt.Sscanf(digits, "(%d,%d", &p, &q); n != 2 || err != nil {
			return types.Null, rest
		}
		return types.Decimal(p, q), after
	}
	for _, t := range []types.Type{types.Int, types.Long, types.String, types.Double, types.Bool, types.Date, types.Timestamp, types.Binary} {
		if t.String() == name {
			return t, rest
		}
	}
	return types.Null, rest
}
