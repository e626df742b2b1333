package sql

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// parityVariable names the folder with what Spark answered to its own SQL
// tests, which is no part of the repository: see `make parity`.
const parityVariable = "SPURWHEEL_PARITY"

// recorded is a line of a recording: a script's head or a statement.
type recorded struct {
	Script string            `json:"script"`
	Conf   map[string]string `json:"conf"`
	SQL    string            `json:"sql"`
	Skip   any               `json:"skip"`
	Error  *struct {
		Class   *string `json:"class"`
		Message string  `json:"message"`
	} `json:"error"`
}

// parserClasses are error classes that only a parser gives.
func parserClass(class string) bool {
	switch class {
	case "UNCLOSED_BRACKETED_COMMENT", "INVALID_TYPED_LITERAL", "INVALID_IDENTIFIER", "UNSUPPORTED_TYPED_LITERAL", "DUPLICATED_CTE_NAMES":
		return true
	}
	return strings.HasPrefix(class, "PARSE_") || strings.HasPrefix(class, "_LEGACY_ERROR_TEMP_00") || strings.HasPrefix(class, "NOT_ALLOWED_IN")
}

// parityCount sums verdicts over a recording.
type parityCount struct {
	parsed, unsupported, failed    int // Spark parsed it
	refused, sameClass, notRefused int // Spark's parser refused it
	failures, missed, gaps         []string
}

func (c *parityCount) judge(r recorded, opt Options) {
	_, err := ParseStatement(r.SQL, opt)
	if r.Error != nil && r.Error.Class != nil && parserClass(*r.Error.Class) {
		switch {
		case err == nil:
			c.notRefused++
			c.missed = append(c.missed, *r.Error.Class+": "+r.SQL)
		case strings.Contains(err.Error(), "["+*r.Error.Class+"]"):
			c.refused++
			c.sameClass++
		default:
			c.refused++
			c.missed = append(c.missed, "class "+*r.Error.Class+": "+r.SQL+"\n   "+err.Error())
		}
		return
	}
	switch {
	case err == nil:
		c.parsed++
	case errs.KindOf(err) == errs.NotSupported:
		c.unsupported++
		c.gaps = append(c.gaps, err.Error())
	case r.Error != nil && r.Error.Class != nil && strings.Contains(err.Error(), "["+*r.Error.Class+"]"):
		c.parsed++ // the same condition, found earlier
	default:
		c.failed++
		want := "an answer"
		if r.Error != nil {
			want = r.Error.Message
		}
		c.failures = append(c.failures, r.SQL+"\n   "+err.Error()+"\n   WANT "+want)
	}
}

// sessionOptions follows SET statements and the script's settings.
func sessionOptions(conf map[string]string) Options {
	on := func(key string) bool { return strings.EqualFold(conf[key], "true") }
	return Options{
		Ansi:                    on("spark.sql.ansi.enabled"),
		DoubleQuotedIdentifiers: on("spark.sql.ansi.doubleQuotedIdentifiers"),
		ReservedKeywords:        on("spark.sql.ansi.enforceReservedKeywords"),
		EscapedStrings:          on("spark.sql.parser.escapedStringLiterals"),
		QuotedRegexColumns:      on("spark.sql.parser.quotedRegexColumnNames"),
		InfixBang:               on("spark.sql.legacy.bangEqualsNot"),
		LegacyIntervals:         on("spark.sql.legacy.interval.enabled"),
		LegacySetOps:            on("spark.sql.legacy.setopsPrecedence.enabled"),
	}
}

func (c *parityCount) file(t *testing.T, path string) {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 64<<20)
	conf := map[string]string{}
	for scan.Scan() {
		var r recorded
		require.NoError(t, json.Unmarshal(scan.Bytes(), &r))
		switch {
		case r.Script != "":
			conf = r.Conf
		case r.SQL == "" || r.Skip != nil:
		default:
			c.judge(r, sessionOptions(conf))
			if rest, ok := strings.CutPrefix(strings.ToLower(r.SQL), "set "); ok {
				if k, v, ok := strings.Cut(rest, "="); ok {
					for key := range map[string]bool{"spark.sql.parser.quotedRegexColumnNames": true, "spark.sql.parser.escapedStringLiterals": true, "spark.sql.legacy.bangEqualsNot": true} {
						if strings.EqualFold(key, strings.TrimSpace(k)) {
							conf[key] = strings.TrimSpace(v)
						}
					}
				}
			}
		}
	}
	require.NoError(t, scan.Err())
}

// TestParity parses what Spark was given and compares whether it parses.
func TestParity(t *testing.T) {
	folder := os.Getenv(parityVariable)
	if _, err := os.Stat(folder); err != nil {
		t.Skip(parityVariable, " names no folder of recorded answers: ", err)
	}
	c := &parityCount{}
	for _, sub := range []string{"sql", "functions"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(folder, sub), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".jsonl") {
				c.file(t, path)
			}
			return err
		}))
	}
	all := c.parsed + c.unsupported + c.failed
	share := func(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }
	t.Logf("Spark parsed %d: parsed %d (%.2f%%), typed unsupported %d, failed %d (%.2f%%)",
		all, c.parsed, share(c.parsed, all), c.unsupported, c.failed, share(c.failed, all))
	refusals := c.refused + c.notRefused
	t.Logf("Spark's parser refused %d: refused %d (%.1f%%), with the same class %d", refusals, c.refused, share(c.refused, refusals), c.sameClass)
	if testing.Verbose() {
		for _, s := range c.failures {
			t.Log("FAILED ", s)
		}
		for _, s := range c.missed {
			t.Log("MISSED ", s)
		}
		for _, s := range c.gaps {
			t.Log("GAP ", s)
		}
	}
	require.Greater(t, share(c.parsed, all), 97.0)
	require.Less(t, share(c.failed, all), 0.2)
	require.Greater(t, share(c.refused, refusals), 97.0)
}
