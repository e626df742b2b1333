package function

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestStrings(t *testing.T) {
	reg := Standard()
	long := "a string beyond what fits a view"
	checkCases(t, reg, utcEnv(), []fnCase{
		{"substring", []any{"Spark SQL", 5}, "k SQL"},
		{"substring", []any{"Spark SQL", -3}, "SQL"},
		{"substring", []any{"Spark SQL", 5, 1}, "k"},
		{"substring", []any{"Spark", 0, 2}, "Sp"},
		{"substring", []any{"Spark", -10, 7}, "Sp"},
		{"substring", []any{"Spark", -10, 3}, ""},
		{"substring", []any{"Spark", 9}, ""},
		{"substring", []any{"Spark", 2, -1}, ""},
		{"substring", []any{"äöü", 2, 1}, "ö"},
		{"substring", []any{long, 3, 20}, long[2:22]},
		{"substring", []any{nil, 1}, nil},
		{"substring", []any{[]byte("Spark"), 2, 2}, []byte("pa")},
		{"left", []any{"Spark SQL", 3}, "Spa"},
		{"left", []any{"Spark", -1}, ""},
		{"right", []any{"Spark SQL", 3}, "SQL"},
		{"right", []any{"Spark", 0}, ""},
		{"trim", []any{"  SparkSQL "}, "SparkSQL"},
		{"trim", []any{"SL", "SSparkSQLS"}, "parkSQ"},
		{"btrim", []any{"SSparkSQLS", "SL"}, "parkSQ"},
		{"ltrim", []any{"  x "}, "x "},
		{"rtrim", []any{" x  "}, " x"},
		{"trim", []any{"ä", "äxä"}, "x"},
		{"substring_index", []any{"www.apache.org", ".", 2}, "www.apache"},
		{"substring_index", []any{"www.apache.org", ".", -2}, "apache.org"},
		{"substring_index", []any{"a.b", ".", 5}, "a.b"},
		{"split_part", []any{"11.12.13", ".", 3}, "13"},
		{"split_part", []any{"11.12.13", ".", -1}, "13"},
		{"split_part", []any{"11.12.13", ".", 4}, ""},
		{"split_part", []any{"a", ".", 0}, errClass("INVALID_INDEX_OF_ZERO")},
		{"split", []any{"oneAtwoBthreeC", "[ABC]"}, list("one", "two", "three", "")},
		{"split", []any{"a,b,c", ",", 2}, list("a", "b,c")},
		{"split", []any{"abc", ""}, list("a", "b", "c")},
		{"split", []any{"a1b22c", "\\d+"}, list("a", "b", "c")},
		{"split", []any{"", ","}, list("")},
	})
}

func TestCaseOfStrings(t *testing.T) {
	long := "a string beyond what fits a view"
	checkCases(t, Standard(), utcEnv(), []fnCase{
		{"upper", []any{"SparkSql"}, "SPARKSQL"},
		{"upper", []any{"äß" + long}, "ÄSS" + strings.ToUpper(long)},
		{"lower", []any{"SPARK" + long}, "spark" + long},
		{"upper", []any{""}, ""},
		{"initcap", []any{"sPark sql"}, "Spark Sql"},
		{"soundex", []any{"Miller"}, "M460"},
		{"soundex", []any{"Ashcraft"}, "A261"},
		{"soundex", []any{"1a"}, "1a"},
		{"mask", []any{"AbCD123-@$#", "Q", "q", "d", "o"}, "QqQQdddoooo"},
		{"mask", []any{"AbCD123-@$#", nil, nil, "d", "o"}, "AbCDdddoooo"},
		{"mask", []any{nil}, nil},
		{"luhn_check", []any{"8112189876"}, true},
		{"luhn_check", []any{"79927398714"}, false},
		{"luhn_check", []any{""}, false},
		{"replace", []any{"ABCabc", "abc", "DEF"}, "ABCDEF"},
		{"replace", []any{"aaa", "a"}, ""},
		{"replace", []any{"aaa", "", "b"}, "aaa"},
		{"translate", []any{"AaBbCc", "abc", "12"}, "A1B2C"},
		{"overlay", []any{"Spark SQL", "tructured", 2, 4}, "Structured SQL"},
		{"overlay", []any{"Spark SQL", "CORE", 7}, "Spark CORE"},
		{"overlay", []any{"Spark SQL", "_", 6}, "Spark_SQL"},
	})
}

func TestStringPatterns(t *testing.T) {
	checkCases(t, Standard(), utcEnv(), []fnCase{
		{"like", []any{"Spark", "_park"}, true},
		{"like", []any{"Spark", "%ar%"}, true},
		{"like", []any{"Spark", "S%k"}, true},
		{"like", []any{"Spark", "s%"}, false},
		{"ilike", []any{"Spark", "_PARK"}, true},
		{"like", []any{"a%b", "a\\%b"}, true},
		{"like", []any{"axb", "a\\%b"}, false},
		{"like", []any{"a_b", "a/_b", "/"}, true},
		{"like", []any{"ab", "a\\"}, errClass("INVALID_FORMAT.ESC_AT_THE_END")},
		{"like", []any{"ab", "a\\b"}, errClass("INVALID_FORMAT.ESC_IN_THE_MIDDLE")},
		{"like", []any{"special packages requests", "%special%requests%"}, true},
		{"like", []any{"requests special", "%special%requests%"}, false},
		{"like", []any{"aXbYc", "a%b_c"}, true},
		{"like", []any{"äb", "_b"}, true},
		{"like", []any{"abab", "%ab_b"}, true},
		{"like", []any{"ab", "%ab_b"}, false},
		{"like", []any{"", ""}, true},
		{"like", []any{"", "%"}, true},
		{"like", []any{"x", ""}, false},
		{"rlike", []any{"Spark SQL", "S.*L"}, true},
		{"rlike", []any{"abc", "^b"}, false},
		{"rlike", []any{"abc", "("}, errClass("INVALID_PARAMETER_VALUE.PATTERN")},
		{"contains", []any{"Spark SQL", "k S"}, true},
		{"startswith", []any{"Spark", "Sp"}, true},
		{"endswith", []any{"Spark", "rk"}, true},
		{"contains", []any{"Spark", nil}, nil},
		{"instr", []any{"SparkSQL", "SQL"}, 6},
		{"instr", []any{"äSQL", "SQL"}, 2},
		{"locate", []any{"bar", "foobarbar", 5}, 7},
		{"locate", []any{"bar", "foobarbar"}, 4},
		{"locate", []any{"bar", "foobarbar", 0}, 0},
		{"find_in_set", []any{"ab", "abc,b,ab,c,def"}, 3},
		{"find_in_set", []any{"a,b", "a,b"}, 0},
		{"length", []any{"Späti"}, 5},
		{"length", []any{[]byte("ä")}, 2},
		{"octet_length", []any{"ä"}, 2},
		{"bit_length", []any{"ä"}, 16},
		{"levenshtein", []any{"kitten", "sitting"}, 3},
		{"levenshtein", []any{"kitten", "sitting", 2}, -1},
		{"ascii", []any{"222"}, 50},
		{"ascii", []any{""}, 0},
		{"regexp_replace", []any{"100-200", "(\\d+)", "num"}, "num-num"},
		{"regexp_replace", []any{"ab", "(a)(b)", "$2$1"}, "ba"},
		{"regexp_replace", []any{"baaac", "a*", "x"}, "xbxxcx"},
		{"regexp_replace", []any{"aaa", "a", "b", 2}, "abb"},
		{"regexp_replace", []any{"http://www.ya.ru/x/y", "^https?://(?:www\\.)?([^/]+)/.*$", "$1"}, "ya.ru"},
		{"regexp_extract", []any{"100-200", "(\\d+)-(\\d+)", 2}, "200"},
		{"regexp_extract", []any{"x", "(\\d+)"}, ""},
		{"regexp_extract", []any{"1", "(\\d+)", 3}, errClass("REGEX_GROUP_INDEX")},
		{"regexp_extract_all", []any{"100-200, 300-400", "(\\d+)-(\\d+)", 1}, list("100", "300")},
		{"regexp_count", []any{"Steven Jones and Stephen", "Ste(v|ph)en"}, 2},
		{"regexp_substr", []any{"abc", "z"}, nil},
		{"regexp_instr", []any{"user@spark.apache.org", "@[^.]*"}, 5},
	})
}

func TestBuiltStrings(t *testing.T) {
	checkCases(t, Standard(), utcEnv(), []fnCase{
		{"concat_ws", []any{" ", "Spark", nil, "SQL"}, "Spark SQL"},
		{"concat_ws", []any{"s"}, ""},
		{"concat_ws", []any{",", "a", arr(types.String, "b", nil, "c")}, "a,b,c"},
		{"concat_ws", []any{nil, "a"}, nil},
		{"lpad", []any{"hi", 5, "??"}, "???hi"},
		{"lpad", []any{"hi", 1}, "h"},
		{"rpad", []any{"hi", 5, "ab"}, "hiaba"},
		{"rpad", []any{"hi", 5, ""}, "hi"},
		{"repeat", []any{"123", 2}, "123123"},
		{"repeat", []any{"1", -1}, ""},
		{"elt", []any{1, "scala", "java"}, "scala"},
		{"elt", []any{3, "scala", "java"}, errClass("INVALID_ARRAY_INDEX")},
		{"chr", []any{65}, "A"},
		{"chr", []any{321}, "A"},
		{"chr", []any{-1}, ""},
		{"base64", []any{"Spark SQL"}, "U3BhcmsgU1FM"},
		{"unbase64", []any{"U3BhcmsgU1FM"}, []byte("Spark SQL")},
		{"unhex", []any{"537"}, []byte{5, 0x37}},
		{"unhex", []any{"xy"}, nil},
		{"encode", []any{"ä", "iso-8859-1"}, []byte{0xe4}},
		{"encode", []any{"a", "utf-16"}, []byte{0xfe, 0xff, 0, 'a'}},
		{"try_to_binary", []any{"a!", "base64"}, nil},
		{"format_number", []any{12332.123456, 4}, "12,332.1235"},
		{"format_number", []any{12332.123456, "##################.###"}, "12332.123"},
		{"format_number", []any{-1234, 1}, "-1,234.0"},
		{"format_number", []any{dec(10, 2, 1234550), 1}, "12,345.5"},
		{"format_number", []any{1.5, -1}, nil},
		{"format_string", []any{"Hello World %d %s", 100, "days"}, "Hello World 100 days"},
		{"format_string", []any{"%05d|%-4s|%.2f|%,d|%x", 42, "a", 3.14159, 1234567, 255}, "00042|a   |3.14|1,234,567|ff"},
		{"format_string", []any{"%2$s %1$s", "a", "b"}, "b a"},
		{"quote", []any{"Don't"}, "'Don\\'t'"},
		{"make_valid_utf8", []any{[]byte("a\xC2b")}, "a\uFFFDb"},
		{"try_validate_utf8", []any{[]byte("a\xC2b")}, nil},
		{"sentences", []any{"Hi there! Good morning."}, list(list("Hi", "there"), list("Good", "morning"))},
	})
}

func TestNumberFormats(t *testing.T) {
	checkCases(t, Standard(), utcEnv(), []fnCase{
		{"to_number", []any{"12,454", "99,999"}, int64(12454)},
		{"to_number", []any{"454", "999"}, int64(454)},
		{"to_number", []any{"$78.12", "$99.99"}, int64(7812)},
		{"to_number", []any{"-12,454.8", "S99G999D9"}, int64(-124548)},
		{"to_number", []any{"12,454.8-", "99,999.9S"}, int64(-124548)},
		{"to_number", []any{"<5>", "9PR"}, int64(-5)},
		{"to_number", []any{"x", "999"}, errClass("INVALID_FORMAT.MISMATCH_INPUT")},
		{"try_to_number", []any{"1,2", "999"}, nil},
		{"to_number", []any{"1", "9x"}, errClass("INVALID_FORMAT")},
		{"to_char", []any{dec(3, 0, 454), "999"}, "454"},
		{"to_char", []any{dec(3, 0, 454), "000D00"}, "454.00"},
		{"to_char", []any{dec(5, 0, 12454), "99G999"}, "12,454"},
		{"to_char", []any{dec(4, 2, 7812), "$99.99"}, "$78.12"},
		{"to_char", []any{dec(6, 1, -124548), "99G999D9S"}, "12,454.8-"},
		{"to_char", []any{dec(3, 0, 4), "999"}, "  4"},
		{"to_char", []any{dec(3, 0, 4), "009"}, "004"},
		{"to_char", []any{dec(5, 0, 12345), "999"}, "###"},
		{"to_char", []any{dec(3, 0, -454), "999"}, "454"},
		{"to_varchar", []any{[]byte("abc"), "hex"}, "616263"},
		{"decode", []any{[]byte("abc"), "utf-8"}, "abc"},
		{"collation", []any{"x"}, "SYSTEM.BUILTIN.UTF8_BINARY"},
		{"reverse", []any{"\xca\xfe"}, "\xca\xfe"},
		{"aes_decrypt", []any{[]byte("\xd8\xd6\x26\x0c\x28\xe0\x5d\x36\xdb\xc4\x60\x37\xfd\x29\xc9\x11\xf1\x42\xfc\x94\x3b\xa2\x59\x36\x55\x05\x91\x78\x80\x00\x14\xaa"), "1234567890abcdef", "CBC"}, []byte("Apache Spark")},
		{"try_aes_decrypt", []any{[]byte("x"), "0000111122223333"}, nil},
		{"aes_encrypt", []any{"x", "short"}, errClass("AES_KEY_LENGTH")},
		{"aes_encrypt", []any{"x", "1234567890abcdef", "CBC", "NONE"}, errClass("UNSUPPORTED_FEATURE.AES_MODE")},
	})
}

func TestStrToMap(t *testing.T) {
	reg := New(patternStrings())
	out, _, err := evalCall(reg, utcEnv(), "str_to_map", []*plan.Literal{litOf("a:1,b:2,c")}, 0, 1)
	require.NoError(t, err)
	require.Equal(t, "{[a b c] [1 2 <nil>]}", fmt.Sprint(out.Get(0)))
}

// TestLikeRuns compares the search over runs of values with a search per value.
func TestLikeRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	in := batch.New(types.String, 0)
	for range 2000 {
		if r.IntN(10) == 0 {
			in.AppendNulls(1)
			continue
		}
		s := ""
		for range r.IntN(12) {
			s += []string{"ab", "abc", "c", "xyz", " "}[r.IntN(5)]
		}
		in.Append(s)
	}
	for _, pattern := range []string{"%abc%", "%cab%ab%", "%b%", "% xyzab%", "%%", "%abcabcabcabc%"} {
		p, err := compileLike([]byte(pattern), '\\')
		require.NoError(t, err)
		out := batch.New(types.Bool, 0)
		out.Reset(in.Len())
		out.SetValidity(in.Validity())
		strs := StrsOf(in)
		p.all(&strs, batch.Values[bool](out), in.Len(), out)
		for i := range in.Len() {
			if in.Valid(i) {
				require.Equal(t, p.match(in.Str(i)), out.Get(i), "%q like %s", in.Str(i), pattern)
			}
		}
	}
}

func TestCaseOfWords(t *testing.T) {
	all := make([]byte, 0, 128*3)
	for range 3 {
		for c := range 128 {
			all = append(all, byte(c))
		}
	}
	for from := range 10 {
		up, down := bytes.Clone(all[from:]), bytes.Clone(all[from:])
		flipCase(up, 'a', 'z')
		flipCase(down, 'A', 'Z')
		require.Equal(t, bytes.ToUpper(all[from:]), up)
		require.Equal(t, bytes.ToLower(all[from:]), down)
		require.Equal(t, len(all)-from, charLen(all[from:]))
	}
	require.Equal(t, 12, charLen([]byte("äöüßéèêàâîôû")))
}
