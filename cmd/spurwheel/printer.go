package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/analyze"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

// printer writes results for people (table) or programs (csv, json: a JSON
// object in each line).
type printer struct {
	w      io.Writer
	format string
	zone   *time.Location
}

// maxTableRows is how many rows a table shows: its columns' widths need them all.
const maxTableRows = 1000

func newPrinter(w io.Writer, format string, zone *time.Location) (printer, error) {
	switch format {
	case "table", "csv", "json":
		return printer{w: w, format: format, zone: zone}, nil
	}
	return printer{}, errs.Errorf(errs.Invalid, "", "--format %s: want table, csv or json", format)
}

// print reads a result to its end.
func (p printer) print(ctx context.Context, r *session.Result) error {
	if len(r.Schema().Fields) == 0 {
		return nil
	}
	out := bufio.NewWriter(p.w)
	var err error
	switch p.format {
	case "csv":
		err = p.csv(ctx, r, out)
	case "json":
		err = p.json(ctx, r, out)
	default:
		err = p.table(ctx, r, out)
	}
	if ferr := out.Flush(); err == nil {
		err = ferr
	}
	return err
}

// each calls f with the texts of every row; null cells are reported by nulls.
func (p printer) each(ctx context.Context, r *session.Result, f func(cells []string, nulls []bool) error) error {
	fields := r.Schema().Fields
	cells, nulls := make([]string, len(fields)), make([]bool, len(fields))
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b.N {
			p.cells(b, i, fields, cells, nulls)
			if err := f(cells, nulls); err != nil {
				return err
			}
		}
	}
}

func (p printer) cells(b *batch.Batch, row int, fields []types.Field, cells []string, nulls []bool) {
	for k, c := range b.Cols {
		v := c.Get(row)
		nulls[k] = v == nil
		cells[k] = analyze.CellText(fields[k].Type, v, p.zone)
	}
}

func (p printer) csv(ctx context.Context, r *session.Result, out io.Writer) error {
	w := csv.NewWriter(out)
	if err := w.Write(r.Schema().Names()); err != nil {
		return err
	}
	err := p.each(ctx, r, func(cells []string, nulls []bool) error {
		line := make([]string, len(cells))
		for i, c := range cells {
			if !nulls[i] {
				line[i] = c
			}
		}
		return w.Write(line)
	})
	w.Flush()
	if err != nil {
		return err
	}
	return w.Error()
}

func (p printer) json(ctx context.Context, r *session.Result, out io.Writer) error {
	fields := r.Schema().Fields
	names := make([]string, len(fields))
	for i, f := range fields {
		quoted, err := json.Marshal(f.Name)
		if err != nil {
			return err
		}
		names[i] = string(quoted)
	}
	return p.each(ctx, r, func(cells []string, nulls []bool) error {
		parts := make([]string, len(cells))
		for i, c := range cells {
			parts[i] = names[i] + ":" + jsonCell(fields[i].Type, c, nulls[i])
		}
		_, err := fmt.Fprintf(out, "{%s}\n", strings.Join(parts, ","))
		return err
	})
}

// jsonCell keeps numbers and booleans as such; everything else is text.
func jsonCell(t types.Type, text string, null bool) string {
	switch {
	case null:
		return "null"
	case t.Kind == types.KindBool, t.IsIntegral(), t.Kind == types.KindDecimal:
		return text
	}
	quoted, err := json.Marshal(text)
	if err != nil { // strings always can
		return "null"
	}
	return string(quoted)
}

func (p printer) table(ctx context.Context, r *session.Result, out io.Writer) error {
	names := r.Schema().Names()
	width := make([]int, len(names))
	grow := func(cells []string) {
		for i, c := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	grow(names)
	var rows [][]string
	total := 0
	err := p.each(ctx, r, func(cells []string, _ []bool) error {
		if total++; total <= maxTableRows {
			rows = append(rows, append([]string{}, cells...))
			grow(cells)
		}
		return nil
	})
	if err != nil {
		return err
	}
	rule := make([]string, len(width))
	for i, w := range width {
		rule[i] = strings.Repeat("-", w)
	}
	for _, line := range append([][]string{names, rule}, rows...) {
		for i, c := range line {
			line[i] = c + strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
		}
		fmt.Fprintln(out, strings.TrimRight(strings.Join(line, "  "), " "))
	}
	if total > maxTableRows {
		fmt.Fprintf(out, "(the first %d of ", maxTableRows)
		_, err = fmt.Fprintf(out, "%d rows; use --format csv for all)\n", total)
		return err
	}
	_, err = fmt.Fprintf(out, "(%d %s)\n", total, plural(total, "row"))
	return err
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
