package analyze

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf16"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/internal/types"
)

// ShowOptions say how df.show prints.
type ShowOptions struct {
	Rows, Truncate int
	Vertical, HTML bool
	Env            *function.Env
}

// minShownWidth is the least width of a column.
const minShownWidth = 3

// ShowString formats rows as df.show does. rows may hold one row more than n
// asks for, which says that there are more.
func ShowString(schema types.Schema, rows [][]any, n ShowOptions) (string, error) {
	limit := max(n.Rows, 0)
	more := len(rows) > limit
	t := &shown{truncate: n.Truncate}
	for _, f := range schema.Fields {
		t.header = append(t.header, escapeMeta(f.Name))
	}
	for _, row := range rows[:min(len(rows), limit)] {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = truncated(escapeMeta(CellText(schema.Fields[i].Type, v, n.Env.Zone)), n.Truncate)
		}
		t.rows = append(t.rows, cells)
	}
	switch {
	case n.HTML:
		t.html()
	case n.Vertical:
		t.vertical()
	default:
		t.table()
	}
	switch {
	case n.Vertical && !n.HTML && len(t.rows) == 0:
		t.b.WriteString("(0 rows)\n")
	case more && limit == 1:
		t.b.WriteString("only showing top 1 row")
	case more:
		fmt.Fprintf(&t.b, "only showing top %d rows", limit)
	}
	return t.b.String(), nil
}

type shown struct {
	b        strings.Builder
	header   []string
	rows     [][]string
	truncate int
}

func (t *shown) table() {
	widths := make([]int, len(t.header))
	for i, h := range t.header {
		widths[i] = max(minShownWidth, displayWidth(h))
		for _, row := range t.rows {
			widths[i] = max(widths[i], displayWidth(row[i]))
		}
	}
	var sep strings.Builder
	sep.WriteString("+")
	for _, w := range widths {
		sep.WriteString(strings.Repeat("-", w) + "+")
	}
	if len(widths) == 0 {
		sep.WriteString("+")
	}
	sep.WriteString("\n")
	t.b.WriteString(sep.String())
	t.line(t.header, widths)
	t.b.WriteString(sep.String())
	for _, row := range t.rows {
		t.line(row, widths)
	}
	t.b.WriteString(sep.String())
}

// line writes cells, to the right where they are truncated, else to the left.
func (t *shown) line(cells []string, widths []int) {
	t.b.WriteString("|")
	for i, c := range cells {
		pad := strings.Repeat(" ", widths[i]-displayWidth(c))
		if t.truncate > 0 {
			t.b.WriteString(pad + c + "|")
		} else {
			t.b.WriteString(c + pad + "|")
		}
	}
	if len(cells) == 0 {
		t.b.WriteString("|")
	}
	t.b.WriteString("\n")
}

func (t *shown) vertical() {
	names, data := minShownWidth, minShownWidth
	for _, h := range t.header {
		names = max(names, displayWidth(h))
	}
	for _, row := range t.rows {
		for _, c := range row {
			data = max(data, displayWidth(c))
		}
	}
	for i, row := range t.rows {
		head := fmt.Sprintf("-RECORD %d", i)
		t.b.WriteString(head + strings.Repeat("-", max(0, names+data+5-len(head))) + "\n")
		for j, c := range row {
			t.b.WriteString(" " + t.header[j] + strings.Repeat(" ", names-displayWidth(t.header[j])) + " | ")
			t.b.WriteString(c + strings.Repeat(" ", data-displayWidth(c)) + " \n")
		}
	}
}

func (t *shown) html() {
	t.b.WriteString("<table border='1'>\n")
	t.htmlRow(t.header, "th")
	for _, row := range t.rows {
		t.htmlRow(row, "td")
	}
	t.b.WriteString("</table>\n")
}

func (t *shown) htmlRow(cells []string, tag string) {
	t.b.WriteString("<tr>")
	for _, c := range cells {
		t.b.WriteString("<" + tag + ">" + escapeHTML(c) + "</" + tag + ">")
	}
	t.b.WriteString("</tr>\n")
}

// escapeHTML writes what HTML 4 has a name for as that; apostrophes stay.
func escapeHTML(s string) string {
	s = html.EscapeString(s)
	return strings.NewReplacer("&#34;", "&quot;", "&#39;", "'").Replace(s)
}

var metaEscapes = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`, "\f", `\f`, "\b", `\b`, "\v", `\v`, "\a", `\a`)

func escapeMeta(s string) string {
	if !strings.ContainsAny(s, "\n\r\t\f\b\v\a") {
		return s
	}
	return metaEscapes.Replace(s)
}

// truncated cuts a cell to n UTF-16 units, with dots if there is room for them.
func truncated(s string, n int) string {
	if n <= 0 || len(s) <= n {
		return s
	}
	u := utf16.Encode([]rune(s))
	switch {
	case len(u) <= n:
		return s
	case n < 4:
		return string(utf16.Decode(u[:n]))
	}
	return string(utf16.Decode(u[:n-3])) + "..."
}

// displayWidth counts UTF-16 units, the wide ones of East Asian scripts twice.
func displayWidth(s string) int {
	w := 0
	for _, c := range s {
		switch {
		case c > 0xFFFF:
			w += 2
		case isWide(c):
			w += 2
		default:
			w++
		}
	}
	return w
}

func isWide(c rune) bool {
	switch {
	case c < 0x1100:
		return false
	case c <= 0x115F, c >= 0x2E80 && c <= 0xA4CF, c >= 0xAC00 && c <= 0xD7A3, c >= 0xF900 && c <= 0xFAFF,
		c >= 0xFE10 && c <= 0xFE19, c >= 0xFE30 && c <= 0xFE6F, c >= 0xFF00 && c <= 0xFF60, c >= 0xFFE0 && c <= 0xFFE6:
		return true
	}
	return false
}
