package analyze

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// parityLine is a line of a recorded script: its head or a statement.
type parityLine struct {
	Script   string            `json:"script"`
	Conf     map[string]string `json:"conf"`
	SQL      string            `json:"sql"`
	Schema   *string           `json:"schema"`
	Nullable string            `json:"nullable"`
	Skip     string            `json:"skip"`
	Error    *struct {
		Class string `json:"class"`
	} `json:"error"`
}

// parityFloor is the share of statements whose schema or error class must
// come out of analysis alone as Spark has it.
const parityFloor = 0.60

// TestParity compares schemas and error classes with recorded answers. It
// runs where SPURWHEEL_PARITY names their folder.
func TestParity(t *testing.T) {
	dir := os.Getenv("SPURWHEEL_PARITY")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("SPURWHEEL_PARITY names no folder of recorded answers: ", err)
	}
	var files []string
	require.NoError(t, filepath.WalkDir(filepath.Join(dir, "sql"), func(p string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(p, ".jsonl") {
			files = append(files, p)
		}
		return err
	}))
	p := &parity{t: t, reasons: map[string][]string{}, dir: dir, only: os.Getenv("ONLY")}
	for _, f := range files {
		p.script(f)
	}
	p.report()
	require.Greater(t, float64(p.good), parityFloor*float64(p.total))
}

type parity struct {
	t           *testing.T
	dir, only   string
	good, total int
	reasons     map[string][]string
}

func (p *parity) script(path string) {
	w := newWorld()
	f, err := os.Open(path)
	require.NoError(p.t, err)
	defer f.Close()
	p.fixtures(w)
	in := bufio.NewScanner(f)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var l parityLine
		require.NoError(p.t, json.Unmarshal(in.Bytes(), &l))
		if l.Script != "" {
			w.env.Ansi = l.Conf["spark.sql.ansi.enabled"] != "false"
			zone, err := time.LoadLocation(l.Conf["spark.sql.session.timeZone"])
			require.NoError(p.t, err)
			w.env.Zone, w.env.ZoneID = zone, zone.String()
			continue
		}
		n, err := w.run(l.SQL)
		if l.Skip != "" {
			continue
		}
		if verdict, detail := judge(l, n, err); verdict != "" {
			p.total++
			if verdict == "good" {
				p.good++
				continue
			}
			p.reasons[verdict] = append(p.reasons[verdict], filepath.Base(path)+": "+l.SQL+detail)
		}
	}
}

func (p *parity) fixtures(w *world) {
	b, err := os.ReadFile(filepath.Join(p.dir, "fixtures.jsonl"))
	require.NoError(p.t, err)
	for line := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
		var f struct {
			SQL []string `json:"sql"`
		}
		require.NoError(p.t, json.Unmarshal([]byte(line), &f))
		_, err := w.run(f.SQL[0])
		require.NoError(p.t, err)
	}
}

// judge is "good", what is wrong, or "" for what analysis cannot tell: errors
// while a query runs.
func judge(l parityLine, n plan.Node, err error) (verdict, detail string) {
	c, isCond := errors.AsType[*errs.Condition](err)
	switch {
	case isCond && (c.Class == "UNRESOLVED_ROUTINE" && (l.Error == nil || l.Error.Class != c.Class)):
		return "missing function " + c.Params["routineName"], ""
	case err == nil && l.Error != nil:
		if strings.HasPrefix(l.Error.Class, "DATATYPE_MISMATCH") || strings.HasPrefix(l.Error.Class, "UN") || strings.HasPrefix(l.Error.Class, "AMBIG") || strings.Contains(l.Error.Class, "GROUP") {
			return "no error " + l.Error.Class, ""
		}
		return "", ""
	case err != nil && l.Error != nil:
		if !isCond {
			return "untyped error " + err.Error(), ""
		}
		if c.Class == l.Error.Class {
			return "good", ""
		}
		return "error " + c.Class + " instead of " + l.Error.Class, ""
	case err != nil && isCond:
		return "error " + c.Class + ": " + c.Message, ""
	case err != nil:
		return "untyped error " + err.Error(), ""
	case l.Schema == nil:
		return "", ""
	}
	if _, command := n.(plan.Command); command {
		return "", ""
	}
	got := plan.SchemaOf(n)
	if s := got.Struct().String(); s != *l.Schema {
		return "schema", "\n            got  " + got.Struct().String() + "\n            want " + *l.Schema
	}
	if nullBits(got.Struct()) != l.Nullable {
		return "nullability", "\n            got  " + nullBits(got.Struct()) + "\n            want " + l.Nullable
	}
	return "good", ""
}

// nullBits is a 1 or 0 for each field, element and map value, depth first.
func nullBits(t types.Type) string {
	bit := func(b bool) string { return map[bool]string{true: "1", false: "0"}[b] }
	switch t.Kind {
	case types.KindArray:
		return bit(t.Nullable) + nullBits(*t.Elem)
	case types.KindMap:
		return nullBits(*t.Key) + bit(t.Nullable) + nullBits(*t.Elem)
	case types.KindStruct:
		s := ""
		for _, f := range t.Fields {
			s += bit(f.Nullable) + nullBits(f.Type)
		}
		return s
	default:
	}
	return ""
}

func (p *parity) report() {
	var keys []string
	for k := range p.reasons {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return len(p.reasons[keys[i]]) > len(p.reasons[keys[j]]) })
	var b strings.Builder
	for _, k := range keys[:min(len(keys), 400)] {
		fmt.Fprintf(&b, "%5d  %.200s\n", len(p.reasons[k]), k)
		if p.only != "" && strings.Contains(k, p.only) {
			for _, s := range p.reasons[k] {
				fmt.Fprintf(&b, "         %.600s\n", s)
			}
		}
	}
	p.t.Logf("%d of %d\n%s", p.good, p.total, b.String())
}
