package json

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
	mode                                                           mode
	multiLine, primitivesAsString, prefersDecimal, dropAllNull     bool
	comments, unquotedNames, singleQuotes, leadingZeros, anyEscape bool
	controlChars, nonNumeric, inferTimestamp, ntz, ignoreNulls     bool
	corrupt, charset                                               string
	lineSep                                                        []byte
	sampling                                                       float64
}

func parseOptions(opt format.Options) (options, error) {
	var err error
	bad := func(key, want string) {
		if err == nil {
			err = errs.E(errs.Invalid, "json.Options", errs.Cond(errs.IllegalArg, "INVALID_OPTIONS.OPTION_VALUE", "42K06",
				fmt.Sprintf("The JSON option %s is %q: %s is expected.", key, opt[key], want), "option", key, "value", opt[key]))
		}
	}
	flag := func(key string, fallback bool) bool {
		switch strings.ToLower(opt[key]) {
		case "":
			return fallback
		case "true":
			return true
		case "false":
			return false
		}
		bad(key, "true or false")
		return fallback
	}
	o := options{
		multiLine: flag("multiline", false), primitivesAsString: flag("primitivesasstring", false), prefersDecimal: flag("prefersdecimal", false),
		dropAllNull: flag("dropfieldifallnull", false), comments: flag("allowcomments", false), unquotedNames: flag("allowunquotedfieldnames", false),
		singleQuotes: flag("allowsinglequotes", true), leadingZeros: flag("allownumericleadingzeros", false),
		anyEscape: flag("allowbackslashescapinganycharacter", false), controlChars: flag("allowunquotedcontrolchars", false),
		nonNumeric: flag("allownonnumericnumbers", true), inferTimestamp: flag("infertimestamp", false), ignoreNulls: flag("ignorenullfields", true),
		ntz:     strings.EqualFold(opt["spark.sql.timestamptype"], "TIMESTAMP_NTZ"),
		corrupt: "_corrupt_record", charset: opt["encoding"], sampling: 1,
	}
	if o.charset == "" {
		o.charset = opt["charset"]
	}
	if s := opt["columnnameofcorruptrecord"]; s != "" {
		o.corrupt = s
	}
	if s := opt["linesep"]; s != "" {
		o.lineSep = []byte(s)
	}
	if s := opt["samplingratio"]; s != "" {
		if o.sampling, _ = strconv.ParseFloat(s, 64); o.sampling <= 0 || o.sampling > 1 {
			bad("samplingratio", "a number above 0 and at most 1")
		}
	}
	switch strings.ToUpper(opt["mode"]) {
	case "DROPMALFORMED":
		o.mode = dropMalformed
	case "FAILFAST":
		o.mode = failFast
	}
	return o, err
}
