package analyze

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestShowString(t *testing.T) {
	schema := types.NewSchema(types.F("id", types.Long), types.F("name", types.String))
	rows := [][]any{{int64(1), "a"}, {int64(22), nil}, {int64(333), "a rather long text here"}}
	for _, tc := range []struct {
		name   string
		schema types.Schema
		rows   [][]any
		opt    ShowOptions
		want   string
	}{
		{"plain", schema, rows, ShowOptions{Rows: 20, Truncate: 20}, "" +
			"+---+--------------------+\n" +
			"| id|                name|\n" +
			"+---+--------------------+\n" +
			"|  1|                   a|\n" +
			"| 22|                NULL|\n" +
			"|333|a rather long tex...|\n" +
			"+---+--------------------+\n"},
		{"more", schema, rows, ShowOptions{Rows: 1, Truncate: 20}, "" +
			"+---+----+\n| id|name|\n+---+----+\n|  1|   a|\n+---+----+\nonly showing top 1 row"},
		{"not truncated", schema, rows[2:], ShowOptions{Rows: 5}, "" +
			"+---+-----------------------+\n" +
			"|id |name                   |\n" +
			"+---+-----------------------+\n" +
			"|333|a rather long text here|\n" +
			"+---+-----------------------+\n"},
		{"short truncation", schema, rows[2:], ShowOptions{Rows: 5, Truncate: 3}, "" +
			"+---+----+\n| id|name|\n+---+----+\n|333| a r|\n+---+----+\n"},
		{"vertical", schema, rows[:2], ShowOptions{Rows: 1, Truncate: 20, Vertical: true}, "" +
			"-RECORD 0---\n id   | 1   \n name | a   \nonly showing top 1 row"},
		{"vertical, empty", schema, nil, ShowOptions{Rows: 5, Vertical: true}, "(0 rows)\n"},
		{"html", types.NewSchema(types.F("a<b", types.String)), [][]any{{"\"x\" & 'y'"}}, ShowOptions{Rows: 5, Truncate: 20, HTML: true}, "" +
			"<table border='1'>\n<tr><th>a&lt;b</th></tr>\n<tr><td>&quot;x&quot; &amp; 'y'</td></tr>\n</table>\n"},
		{"wide characters", types.NewSchema(types.F("c", types.String)), [][]any{{"日本"}, {"ab"}}, ShowOptions{Rows: 5, Truncate: 20}, "" +
			"+----+\n|   c|\n+----+\n|日本|\n|  ab|\n+----+\n"},
		{"line breaks", types.NewSchema(types.F("c", types.String)), [][]any{{"a\nb\tc"}}, ShowOptions{Rows: 5, Truncate: 20}, "" +
			"+-------+\n|      c|\n+-------+\n|a\\nb\\tc|\n+-------+\n"},
		{"no columns", types.Schema{}, [][]any{{}}, ShowOptions{Rows: 5, Truncate: 20}, "++\n||\n++\n||\n++\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opt.Env = &function.Env{Zone: time.UTC}
			got, err := ShowString(tc.schema, tc.rows, tc.opt)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestCellText(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	for _, tc := range []struct {
		typ   types.Type
		value any
		want  string
	}{
		{types.Int, nil, "NULL"},
		{types.Bool, true, "true"},
		{types.Double, 1.0, "1.0"},
		{types.Double, 1e10, "1.0E10"},
		{types.Decimal(10, 2), int64(-105), "-1.05"},
		{types.Decimal(38, 3), batch.Int128{Lo: 5}, "0.005"},
		{types.Date, int32(18262), "2020-01-01"},
		{types.Timestamp, int64(1577836800000000), "2020-01-01 01:00:00"},
		{types.TimestampNTZ, int64(1577836800123000), "2020-01-01 00:00:00.123"},
		{types.Binary, []byte("1K"), "[31 4B]"},
		{types.Array(types.Int, true), []any{int32(1), nil}, "[1, NULL]"},
		{types.Map(types.String, types.Int, true), batch.MapValue{Keys: []any{"k"}, Values: []any{int32(1)}}, "{k -> 1}"},
		{types.Struct(types.F("a", types.Int), types.F("b", types.String)), []any{int32(1), "x"}, "{1, x}"},
	} {
		require.Equal(t, tc.want, CellText(tc.typ, tc.value, zone), "%s", tc.typ)
	}
}
