package sql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// TestStories reads texts and compares what they become. Arguments of a
// command are options of the session.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(_ *testing.T, d *datadriven.TestData) string {
			out, err := story(d)
			if err != nil {
				return describeError(err)
			}
			return out
		})
	})
}

func storyOptions(d *datadriven.TestData) Options {
	opt := Options{
		DoubleQuotedIdentifiers: d.HasArg("double-quoted"), ReservedKeywords: d.HasArg("reserved"),
		EscapedStrings: d.HasArg("escaped"), LegacySetOps: d.HasArg("legacy-setops"), TimestampNTZ: d.HasArg("ntz"),
		QuotedRegexColumns: d.HasArg("regex"), LegacyIntervals: d.HasArg("legacy-intervals"),
	}
	if d.HasArg("berlin") {
		opt.Zone, _ = time.LoadLocation("Europe/Berlin")
	}
	if d.HasArg("params") {
		opt.Named = map[string]plan.Expr{"a": plan.LitInt(7), "t": plan.LitString("db.tab")}
		opt.Positional = []plan.Expr{plan.LitString("first")}
	}
	return opt
}

func story(d *datadriven.TestData) (string, error) {
	opt := storyOptions(d)
	switch d.Cmd {
	case "parse":
		n, err := ParseStatement(d.Input, opt)
		if err != nil {
			return "", err
		}
		return printNode(n), nil
	case "expr":
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			e, err := ParseExpr(line, opt)
			if err != nil {
				out.WriteString(describeError(err))
				continue
			}
			out.WriteString(printExpr(e))
		}
		return out.String(), nil
	case "type":
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			typ, err := ParseType(line)
			if err != nil {
				out.WriteString(describeError(err))
				continue
			}
			fmt.Fprintln(&out, typ.SQL(), TypeJSON(typ))
		}
		return out.String(), nil
	case "schema":
		s, err := ParseSchema(d.Input)
		if err != nil {
			return "", err
		}
		return s.DDL() + "\n" + SchemaJSON(s) + "\n", nil
	case "identifier":
		parts, err := ParseIdentifier(d.Input)
		return fmt.Sprintf("%q\n", parts), err
	case "script":
		list, err := ParseStatements(d.Input, opt)
		var out strings.Builder
		for _, s := range list {
			fmt.Fprintf(&out, "-- line %d pos %d: %q\n%s", s.Origin.Line, s.Origin.Pos, s.Text, printNode(s.Node))
		}
		return out.String(), err
	}
	return "", fmt.Errorf("no such command: %s", d.Cmd)
}

// describeError prints what users see of an error, and its parameters.
func describeError(err error) string {
	c, ok := errors.AsType[*errs.Condition](err)
	if !ok {
		return "error: " + err.Error() + "\n"
	}
	var params []string
	for k, v := range c.Params {
		params = append(params, k+"="+v)
	}
	slices.Sort(params)
	return fmt.Sprintf("%s %s line %d pos %d [%s]\n  %s\n  %s\n", c.Class, c.State, c.Origin.Line, c.Origin.Pos,
		c.Origin.Snippet(), c.Message, strings.Join(params, ", "))
}
