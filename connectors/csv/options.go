package csv

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// mode says what happens to records that do not fit.
type mode uint8

const (
	permissive mode = iota
	dropMalformed
	failFast
)

// options are Spark's, with its defaults.
type options struct {
	sep                        []byte
	quote, escape, comment     byte // 0: none
	header, infer, multiLine   bool
	mode                       mode
	trimLeft, trimRight        bool
	null                       []byte
	empty                      []byte
	nan, posInf, negInf        string
	corrupt                    string
	charset                    string
	lineSep                    []byte
	maxColumns                 int
	sampling                   float64
	preferDate                 bool
	ntz                        bool // timestamps are inferred without zone
	quoteAll, escapeQuotes     bool
	nullOut, emptyOut          string
	trimLeftOut, trimRightOut  bool
	raw                        format.Options
	columnPruning, enforceName bool
}

func parseOptions(opt format.Options) (options, error) {
	p := optionReader{opt: opt}
	o := options{
		sep: []byte(p.text("sep", p.text("delimiter", ","))), quote: p.char("quote", '"'), escape: p.char("escape", '\\'), comment: p.char("comment", 0),
		header: p.flag("header", false), infer: p.flag("inferschema", false), multiLine: p.flag("multiline", false),
		trimLeft: p.flag("ignoreleadingwhitespace", false), trimRight: p.flag("ignoretrailingwhitespace", false),
		trimLeftOut: p.flag("ignoreleadingwhitespace", true), trimRightOut: p.flag("ignoretrailingwhitespace", true),
		null: []byte(p.text("nullvalue", "")), empty: []byte(p.text("emptyvalue", "")),
		nan: p.text("nanvalue", "NaN"), posInf: p.text("positiveinf", "Inf"), negInf: p.text("negativeinf", "-Inf"),
		corrupt: p.text("columnnameofcorruptrecord", "_corrupt_record"), charset: p.text("encoding", p.text("charset", "")),
		lineSep: []byte(p.text("linesep", "")), maxColumns: p.number("maxcolumns", 20480), preferDate: p.flag("preferdate", true),
		ntz: strings.EqualFold(opt["spark.sql.timestamptype"], "TIMESTAMP_NTZ"), quoteAll: p.flag("quoteall", false), escapeQuotes: p.flag("escapequotes", true),
		nullOut: p.text("nullvalue", ""), emptyOut: p.text("emptyvalue", `""`), raw: opt, sampling: 1,
		columnPruning: p.flag("columnpruning", true), enforceName: p.flag("enforceschema", true),
	}
	o.sep = []byte(unescape(string(o.sep)))
	if len(o.lineSep) == 0 {
		o.lineSep = nil
	}
	switch strings.ToUpper(opt["mode"]) {
	case "", "PERMISSIVE":
	case "DROPMALFORMED":
		o.mode = dropMalformed
	case "FAILFAST":
		o.mode = failFast
	} // Spark takes other names for PERMISSIVE and logs that
	if s := opt["samplingratio"]; s != "" {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f <= 0 || f > 1 {
			p.bad("samplingratio", "a number above 0 and at most 1")
		}
		o.sampling = f
	}
	if len(o.sep) == 0 {
		p.bad("sep", "at least one character")
	}
	return o, p.err
}

// unescape turns the two-character forms that users write in options into characters.
func unescape(s string) string {
	switch s {
	case `\t`:
		return "\t"
	case `\\`:
		return `\`
	case `\u0000`:
		return "\x00"
	}
	return s
}

// optionReader remembers the first option that is wrong.
type optionReader struct {
	opt format.Options
	err error
}

func (p *optionReader) bad(key, want string) {
	if p.err == nil {
		p.err = errs.E(errs.Invalid, "csv.Options", errs.Cond(errs.IllegalArg, "INVALID_OPTIONS.OPTION_VALUE", "42K06",
			fmt.Sprintf("The CSV option %s is %q: %s is expected.", key, p.opt[key], want), "option", key, "value", p.opt[key]))
	}
}

func (p *optionReader) text(key, fallback string) string {
	if s, ok := p.opt[key]; ok {
		return s
	}
	return fallback
}

func (p *optionReader) flag(key string, fallback bool) bool {
	s, ok := p.opt[key]
	if !ok {
		return fallback
	}
	switch strings.ToLower(s) {
	case "true":
		return true
	case "false":
		return false
	}
	p.bad(key, "true or false")
	return fallback
}

func (p *optionReader) char(key string, fallback byte) byte {
	s, ok := p.opt[key]
	if !ok {
		return fallback
	}
	s = unescape(s)
	switch len(s) {
	case 0:
		return 0
	case 1:
		return s[0]
	}
	p.bad(key, "one character")
	return fallback
}

func (p *optionReader) number(key string, fallback int) int {
	s, ok := p.opt[key]
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		p.bad(key, "a positive number")
		return fallback
	}
	return n
}
