package function

import (
	"bytes"
	"unicode/utf8"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

const stringGroup = "string_funcs"

// sameText is the rule of functions of a string or binary that give the same.
func sameText(more ...Want) Rule { return Same(0, append([]Want{WantStrOrBin}, more...)...) }

// textRule is the rule of functions from strings to a string.
func textRule(wants ...Want) Rule { return Fixed(types.String, wants...) }

// bothText is the rule of predicates and searches over two strings or two binaries.
func bothText(result types.Type) Rule {
	return func(env *Env, args []plan.Expr) (Typing, error) {
		if args[0].Type().Kind == types.KindBinary && args[1].Type().Kind == types.KindBinary {
			return MayNull(Fixed(result, WantBinary, WantBinary))(env, args)
		}
		return Fixed(result, WantString)(env, args)
	}
}

// partStrings are the functions that take strings apart.
func partStrings() []*Entry {
	trimDoc := func(what string) doc {
		return doc{"Removes blanks, or the characters given before the text, from " + what + ".", "SELECT trim('    SparkSQL   ')", "SparkSQL"}
	}
	trimRule := textRule(WantString)
	return fnEntries(
		stringGroup,
		fnSpec{"substring", 2, 3, sameText(WantInt), newSubstring, doc{"The part that starts at a position, from the end if negative, with an optional length.", "SELECT substring('Spark SQL', 5, 1)", "k"}, named("substr")},
		fnSpec{"left", 2, 2, sameText(WantInt), partKernel(leftPart), doc{"The first n characters.", "SELECT left('Spark SQL', 3)", "Spa"}, fnMore{}},
		fnSpec{"right", 2, 2, MayNull(textRule(WantString, WantInt)), partKernel(rightPart), doc{"The last n characters.", "SELECT right('Spark SQL', 3)", "SQL"}, fnMore{}},
		fnSpec{"trim", 1, 2, trimRule, charsFirst(trim(trimBoth)), trimDoc("both ends"), fnMore{}},
		fnSpec{"btrim", 1, 2, trimRule, trim(trimBoth), doc{"Removes blanks, or the characters given after the text, from both ends.", "SELECT btrim('    SparkSQL   ')", "SparkSQL"}, fnMore{}},
		fnSpec{"ltrim", 1, 2, trimRule, charsFirst(trim(trimLeft)), doc{trimDoc("the start").usage, "SELECT ltrim('    SparkSQL   ')", "SparkSQL   "}, fnMore{}},
		fnSpec{"rtrim", 1, 2, trimRule, charsFirst(trim(trimRight)), doc{trimDoc("the end").usage, "SELECT rtrim('    SparkSQL   ')", "    SparkSQL"}, fnMore{}},
		fnSpec{"substring_index", 3, 3, textRule(WantString, WantString, WantInt), partKernel(substringIndex), doc{"The part before the n-th delimiter, counted from the end if negative.", "SELECT substring_index('www.apache.org', '.', 2)", "www.apache"}, fnMore{}},
		fnSpec{"split_part", 3, 3, MayNull(textRule(WantString, WantString, WantInt)), newSplitPart, doc{"The n-th part between delimiters, counted from the end if negative.", "SELECT split_part('11.12.13', '.', 3)", "13"}, fnMore{}},
		fnSpec{"split", 2, 3, Fixed(types.Array(types.String, false), WantString, WantString, WantInt), patternLists("split", splitText), doc{"Splits around matches of a regular expression.", "SELECT split('oneAtwoBthreeC', '[ABC]')", "[one,two,three,]"}, fnMore{}},
		fnSpec{"sentences", 1, 3, MayNull(Fixed(types.Array(types.Array(types.String, false), false), WantString)), lists(splitSentences), doc{"Splits text into sentences of words.", "SELECT sentences('Hi there! Good morning.')", "[[Hi,there],[Good,morning]]"}, fnMore{}},
	)
}

// caseStrings are the functions that change characters one by one.
func caseStrings() []*Entry {
	return fnEntries(
		stringGroup,
		fnSpec{"upper", 1, 1, textRule(WantString), newUpper, doc{"All letters in upper case.", "SELECT upper('SparkSql')", "SPARKSQL"}, named("ucase")},
		fnSpec{"lower", 1, 1, textRule(WantString), newLower, doc{"All letters in lower case.", "SELECT lower('SparkSql')", "sparksql"}, named("lcase")},
		fnSpec{"initcap", 1, 1, textRule(WantString), textKernel(initcap), doc{"The first letter of each word in upper case, the rest in lower.", "SELECT initcap('sPark sql')", "Spark Sql"}, fnMore{}},
		fnSpec{"soundex", 1, 1, textRule(WantString), textKernel(soundex), doc{"The Soundex code of a word.", "SELECT soundex('Miller')", "M460"}, fnMore{}},
		fnSpec{"quote", 1, 1, MayNull(textRule(WantString)), textKernel(quoteText), doc{"The string as an SQL literal.", "SELECT quote('Don\\'t')", "'Don\\'t'"}, fnMore{}},
		fnSpec{"mask", 1, 5, MayNull(textRule(WantString)), rows(maskText), doc{"Hides upper case, lower case, digits and others behind given characters; null leaves them.", "SELECT mask('AbCD123-@$#')", "XxXXnnn-@$#"}, withNulls()},
		fnSpec{"luhn_check", 1, 1, MayNull(Fixed(types.Bool, WantString)), rows(func(c *cells) error { c.setBool(luhn(c.str(0))); return nil }), doc{"Whether the digits pass the Luhn check.", "SELECT luhn_check('8112189876')", "true"}, fnMore{}},
		fnSpec{"replace", 2, 3, textRule(WantString), rows(replaceText), doc{"Replaces every occurrence of a string.", "SELECT replace('ABCabc', 'abc', 'DEF')", "ABCDEF"}, fnMore{}},
		fnSpec{"translate", 3, 3, textRule(WantString), rows(translateText), doc{"Replaces characters by those at the same place in another list.", "SELECT translate('AaBbCc', 'abc', '123')", "A1B2C3"}, fnMore{}},
		fnSpec{"overlay", 3, 4, sameText(WantStrOrBin, WantInt, WantInt), rows(overlay), doc{"Replaces the part at a position.", "SELECT overlay('Spark SQL' PLACING '_' FROM 6)", "Spark_SQL"}, fnMore{}},
		fnSpec{"is_valid_utf8", 1, 1, MayNull(Fixed(types.Bool, WantString)), rows(func(c *cells) error { c.setBool(utf8.Valid(c.str(0))); return nil }), doc{"Whether the string is UTF-8.", "SELECT is_valid_utf8('Spark')", "true"}, fnMore{}},
		fnSpec{"make_valid_utf8", 1, 1, MayNull(textRule(WantString)), validUTF8(func(c *cells, s []byte) error { c.setStr(bytes.ToValidUTF8(s, []byte("\uFFFD"))); return nil }), doc{"Replaces what is not UTF-8.", "SELECT make_valid_utf8(x'61C262')", "a\uFFFDb"}, fnMore{}},
		fnSpec{"validate_utf8", 1, 1, MayNull(textRule(WantString)), validUTF8(errInvalidUTF8), doc{"The string, or an error if it is not UTF-8.", "SELECT validate_utf8('Spark')", "Spark"}, fnMore{}},
		fnSpec{"try_validate_utf8", 1, 1, MayNull(textRule(WantString)), validUTF8(func(c *cells, _ []byte) error { c.setNull(); return nil }), doc{"The string, or null if it is not UTF-8.", "SELECT try_validate_utf8(x'61C262')", "NULL"}, fnMore{}},
	)
}

// searchStrings are predicates, positions and lengths.
func searchStrings() []*Entry {
	length := func(f func(s []byte) int) maker {
		return rows(func(c *cells) error { c.setInt(f(c.str(0))); return nil })
	}
	likeRule := func(env *Env, args []plan.Expr) (Typing, error) {
		if len(args) == 3 {
			if e, null, ok := constText(args[2]); !ok || null || utf8.RuneCount(e) != 1 {
				return Typing{}, errs.Cond(errs.Analysis, "INVALID_ESCAPE_CHAR", "42604", "The escape has to be one character.", "sqlExpr", quoted(plan.SQLName(args[2])))
			}
		}
		return Fixed(types.Bool, WantString)(env, args)
	}
	locate := rows(func(c *cells) error {
		start := 1
		if c.has(2) {
			start = c.int(2)
		}
		switch {
		case len(c.args) > 2 && c.null(2):
			c.setInt(0)
		case c.null(0) || c.null(1):
			c.setNull()
		default:
			c.setInt(charPos(c.str(1), c.str(0), start))
		}
		return nil
	})
	return fnEntries(
		stringGroup,
		fnSpec{"like", 2, 3, likeRule, newLike(false), doc{"Whether the string fits a pattern of % and _, with an optional escape character.", "SELECT like('Spark', '_park')", "true"}, fnMore{}},
		fnSpec{"ilike", 2, 3, likeRule, newLike(true), doc{"Like like, without regard to case.", "SELECT ilike('Spark', '_PARK')", "true"}, fnMore{}},
		fnSpec{"rlike", 2, 2, Fixed(types.Bool, WantString), newRegexpLike, doc{"Whether a regular expression matches some part of the string.", "SELECT rlike('Spark SQL', 'S.*L')", "true"}, named("regexp", "regexp_like")},
		fnSpec{"contains", 2, 2, bothText(types.Bool), testKernel(bytes.Contains), doc{"Whether the second string is in the first.", "SELECT contains('Spark SQL', 'Spark')", "true"}, fnMore{}},
		fnSpec{"startswith", 2, 2, bothText(types.Bool), testKernel(bytes.HasPrefix), doc{"Whether the first string begins with the second.", "SELECT startswith('Spark SQL', 'Spark')", "true"}, fnMore{}},
		fnSpec{"endswith", 2, 2, bothText(types.Bool), testKernel(bytes.HasSuffix), doc{"Whether the first string ends with the second.", "SELECT endswith('Spark SQL', 'SQL')", "true"}, fnMore{}},
		fnSpec{"instr", 2, 2, Fixed(types.Int, WantString), rows(func(c *cells) error { c.setInt(charPos(c.str(0), c.str(1), 1)); return nil }), doc{"Position of the second string in the first, 0 if it is not there.", "SELECT instr('SparkSQL', 'SQL')", "6"}, fnMore{}},
		fnSpec{"locate", 2, 3, Fixed(types.Int, WantString, WantString, WantInt), locate, doc{"Position of the first string in the second at or after a start.", "SELECT locate('bar', 'foobarbar', 5)", "7"}, withNulls("position", "charindex")},
		fnSpec{"find_in_set", 2, 2, Fixed(types.Int, WantString), rows(findInSet), doc{"Place of a string in a comma-separated list, else 0.", "SELECT find_in_set('ab', 'abc,b,ab,c,def')", "3"}, fnMore{}},
		fnSpec{"length", 1, 1, Fixed(types.Int, WantStrOrBin), newLength, doc{"Number of characters, or of bytes of a binary.", "SELECT length('Spark SQL ')", "10"}, named("char_length", "character_length", "len")},
		fnSpec{"octet_length", 1, 1, Fixed(types.Int, WantStrOrBin), length(func(s []byte) int { return len(s) }), doc{"Number of bytes.", "SELECT octet_length('Spark SQL')", "9"}, fnMore{}},
		fnSpec{"bit_length", 1, 1, Fixed(types.Int, WantStrOrBin), length(func(s []byte) int { return 8 * len(s) }), doc{"Number of bits.", "SELECT bit_length('Spark SQL')", "72"}, fnMore{}},
		fnSpec{"levenshtein", 2, 3, Fixed(types.Int, WantString, WantString, WantInt), rows(levenshtein), doc{"Edit distance; -1 beyond the threshold of the third argument.", "SELECT levenshtein('kitten', 'sitting')", "3"}, fnMore{}},
		fnSpec{"ascii", 1, 1, Fixed(types.Int, WantString), rows(ascii), doc{"Code of the first character.", "SELECT ascii('222')", "50"}, fnMore{}},
	)
}

// patternStrings are the functions of regular expressions.
func patternStrings() []*Entry {
	return fnEntries(
		stringGroup,
		fnSpec{"regexp_replace", 3, 4, textRule(WantString, WantString, WantString, WantInt), newRegexpReplace, doc{"Replaces every match; $1 stands for a group.", "SELECT regexp_replace('100-200', '(\\\\d+)', 'num')", "num-num"}, fnMore{}},
		fnSpec{"regexp_extract", 2, 3, textRule(WantString, WantString, WantInt), patternRows("regexp_extract", regexpExtract), doc{"A group of the first match, empty if there is none.", "SELECT regexp_extract('100-200', '(\\\\d+)-(\\\\d+)', 1)", "100"}, fnMore{}},
		fnSpec{"regexp_extract_all", 2, 3, Fixed(types.Array(types.String, true), WantString, WantString, WantInt), patternLists("regexp_extract_all", regexpExtractAll), doc{"A group of every match.", "SELECT regexp_extract_all('100-200, 300-400', '(\\\\d+)-(\\\\d+)', 1)", "[100,300]"}, fnMore{}},
		fnSpec{"regexp_count", 2, 2, Fixed(types.Int, WantString), patternRows("regexp_count", regexpCount), doc{"Number of matches.", "SELECT regexp_count('Steven Jones and Stephen Smith are the best players', 'Ste(v|ph)en')", "2"}, fnMore{}},
		fnSpec{"regexp_substr", 2, 2, MayNull(textRule(WantString)), patternRows("regexp_substr", regexpSubstr), doc{"The first match, null if there is none.", "SELECT regexp_substr('Steven Jones and Stephen Smith', 'Ste(v|ph)en')", "Steven"}, fnMore{}},
		fnSpec{"regexp_instr", 2, 3, Fixed(types.Int, WantString, WantString, WantInt), patternRows("regexp_instr", regexpInstr), doc{"Position of the first match, 0 if there is none.", "SELECT regexp_instr('user@spark.apache.org', '@[^.]*')", "5"}, fnMore{}},
		fnSpec{"str_to_map", 1, 3, Fixed(types.Map(types.String, types.String, true), WantString), newStrToMap, doc{"Map of the pairs in a text.", "SELECT str_to_map('a:1,b:2,c:3', ',', ':')", "{a:1,b:2,c:3}"}, fnMore{}},
	)
}

// buildStrings are the functions that put strings together.
func buildStrings() []*Entry {
	padRule := func(env *Env, args []plan.Expr) (Typing, error) {
		if args[0].Type().Kind == types.KindBinary && (len(args) < 3 || args[2].Type().Kind == types.KindBinary) {
			return MayNull(Fixed(types.Binary, WantBinary, WantInt, WantBinary))(env, args)
		}
		return textRule(WantString, WantInt, WantString)(env, args)
	}
	wsRule := func(env *Env, args []plan.Expr) (Typing, error) {
		list := OneOf(WantString, Exactly(types.Array(types.String, true)))
		ts, err := CoerceArgs(env, args, WantString, list)
		if err != nil {
			return Typing{}, err
		}
		return Typing{Args: ts, Result: types.String, Nullable: args[0].Nullable()}, nil
	}
	return append(fnEntries(
		stringGroup,
		fnSpec{"concat_ws", 1, -1, wsRule, rows(concatWS), doc{"Joins strings and arrays of strings by a separator, leaving out nulls.", "SELECT concat_ws(' ', 'Spark', 'SQL')", "Spark SQL"}, withNulls()},
		fnSpec{"lpad", 2, 3, padRule, pad(true), doc{"Fills up on the left to a length, or cuts to it.", "SELECT lpad('hi', 5, '??')", "???hi"}, fnMore{}},
		fnSpec{"rpad", 2, 3, padRule, pad(false), doc{"Fills up on the right to a length, or cuts to it.", "SELECT rpad('hi', 5, '??')", "hi???"}, fnMore{}},
		fnSpec{"repeat", 2, 2, textRule(WantString, WantInt), rows(repeatText), doc{"The string n times.", "SELECT repeat('123', 2)", "123123"}, fnMore{}},
		fnSpec{"space", 1, 1, textRule(WantInt), rows(spaces), doc{"n blanks.", "SELECT concat(space(2), '1')", "  1"}, fnMore{}},
		fnSpec{"elt", 2, -1, MayNull(textRule(WantInt, WantString)), newElt, doc{"The n-th of the further arguments.", "SELECT elt(1, 'scala', 'java')", "scala"}, withNulls()},
		fnSpec{"chr", 1, 1, textRule(WantLong), rows(chr), doc{"The character of a code.", "SELECT chr(65)", "A"}, named("char")},
		fnSpec{"base64", 1, 1, textRule(WantBinary), textKernel(toBase64), doc{"Base 64 of bytes.", "SELECT base64('Spark SQL')", "U3BhcmsgU1FM"}, fnMore{}},
		fnSpec{"unbase64", 1, 1, Fixed(types.Binary, WantString), binaryKernel(fromBase64, "to_binary", "BASE64", false), doc{"Bytes of base 64.", "SELECT unbase64('U3BhcmsgU1FM')", "[53 70 61 72 6B 20 53 51 4C]"}, fnMore{}},
		fnSpec{"unhex", 1, 1, MayNull(Fixed(types.Binary, WantString)), binaryKernel(unhexText, "unhex", "HEX", true), doc{"Bytes of hexadecimal digits, null if there are others.", "SELECT decode(unhex('537061726B2053514C'), 'UTF-8')", "Spark SQL"}, fnMore{}},
		fnSpec{"encode", 2, 2, MayNull(Fixed(types.Binary, WantString)), transcode("encode", true), doc{"Bytes of a string in a charset.", "SELECT encode('abc', 'utf-8')", "[61 62 63]"}, fnMore{}},
		fnSpec{"decode_charset", 2, 2, MayNull(textRule(WantBinary, WantString)), transcode("decode", false), doc{"String of bytes in a charset.", "SELECT decode_charset(encode('abc', 'utf-8'), 'utf-8')", "abc"}, fnMore{}},
		fnSpec{"collation", 1, 1, NeverNull(textRule(WantString)), constKernel(func(*Env) any { return "SYSTEM.BUILTIN.UTF8_BINARY" }), doc{"Name of a string's collation.", "SELECT collation('Spark SQL')", "SYSTEM.BUILTIN.UTF8_BINARY"}, withNulls()},
		fnSpec{"to_binary", 1, 2, toBinaryRule(false), toBinary(false), doc{"Bytes of text in hex, base64 or utf-8.", "SELECT to_binary('abc', 'utf-8')", "[61 62 63]"}, fnMore{}},
		fnSpec{"try_to_binary", 1, 2, toBinaryRule(true), toBinary(true), doc{"Like to_binary, null for what is none.", "SELECT try_to_binary('a!', 'base64')", "NULL"}, fnMore{}},
		fnSpec{"format_number", 2, 2, MayNull(textRule(WantNumeric, OneOf(WantInt, WantString))), rows(formatNumber), doc{"A number with commas and a number of decimal places, or by a pattern.", "SELECT format_number(12332.123456, 4)", "12,332.1235"}, fnMore{}},
		fnSpec{"format_string", 1, -1, formatRule, newFormatString, doc{"Text with arguments in the place of directives.", "SELECT format_string('Hello World %d %s', 100, 'days')", "Hello World 100 days"}, withNulls("printf")},
	), rewriteSpec("predicate_funcs", "likeany", 2, -1, likeSeveral("or"), doc{"expr LIKE ANY (patterns): whether some pattern matches.", "SELECT likeany('abc', 'x%', 'a%')", "true"}),
		rewriteSpec("predicate_funcs", "likeall", 2, -1, likeSeveral("and"), doc{"expr LIKE ALL (patterns): whether all patterns match.", "SELECT likeall('abc', 'a%', '%c')", "true"}))
}

// likeSeveral joins a LIKE for each pattern; balanced, since lists may be long.
func likeSeveral(join string) func(*Env, []plan.Expr) (plan.Expr, error) {
	var joined func(e plan.Expr, patterns []plan.Expr) plan.Expr
	joined = func(e plan.Expr, patterns []plan.Expr) plan.Expr {
		if len(patterns) == 1 {
			return plan.Fn("like", e, patterns[0])
		}
		mid := len(patterns) / 2
		return plan.Fn(join, joined(e, patterns[:mid]), joined(e, patterns[mid:]))
	}
	return func(_ *Env, args []plan.Expr) (plan.Expr, error) { return joined(args[0], args[1:]), nil }
}

// formatRule takes arguments of any type.
func formatRule(env *Env, args []plan.Expr) (Typing, error) {
	t, err := textRule(WantString, WantAny)(env, args)
	t.Nullable = args[0].Nullable()
	return t, err
}

// newLength counts characters, or bytes of a binary.
func newLength(_ *Env, call *plan.Call) (Kernel, error) {
	if call.Args[0].Type().Kind == types.KindBinary {
		return rowKernel(func(c *cells) error { c.setInt(len(c.str(0))); return nil }), nil
	}
	return rowKernel(func(c *cells) error { c.setInt(charLen(c.str(0))); return nil }), nil
}
