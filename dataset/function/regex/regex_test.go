package regex

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func find(t *testing.T, pattern, text string) []string {
	re, err := Compile(pattern)
	require.NoError(t, err, pattern)
	loc, err := re.NewMatcher().Find([]byte(text), 0)
	require.NoError(t, err)
	if loc == nil {
		return nil
	}
	var out []string
	for k := 0; k < len(loc); k += 2 {
		if loc[k] < 0 {
			out = append(out, "-")
			continue
		}
		out = append(out, text[loc[k]:loc[k+1]])
	}
	return out
}

func TestFind(t *testing.T) {
	cases := []struct {
		pattern, text string
		want          []string
	}{
		{"abc", "xxabcxx", []string{"abc"}},
		{"a|ab", "ab", []string{"a"}},
		{"(a|ab)(c|bcd)(d*)", "abcd", []string{"abcd", "a", "bcd", ""}},
		{`(\d+)-(\d+)`, "x 100-200", []string{"100-200", "100", "200"}},
		{"^https?://(?:www\\.)?([^/]+)/.*$", "http://www.yandex.ru/a/b", []string{"http://www.yandex.ru/a/b", "yandex.ru"}},
		{"a.c", "a\nc", nil},
		{"(?s)a.c", "a\nc", []string{"a\nc"}},
		{"^b$", "a\nb\nc", nil},
		{"(?m)^b$", "a\nb\nc", []string{"b"}},
		{"b$", "ab\n", []string{"b"}},
		{`b\z`, "ab\n", nil},
		{"(?i)straße", "STRAßE", []string{"STRAßE"}},
		{`(a+)+$`, "aaaa", []string{"aaaa", "aaaa"}},
		{`(a*)*`, "b", []string{"", ""}},
		{`(?:a*)*b`, "aab", []string{"aab"}},
		{`a++a`, "aaa", nil},
		{`(?>a+)b`, "aab", []string{"aab"}},
		{`a{2,3}`, "aaaa", []string{"aaa"}},
		{`a{2,3}?`, "aaaa", []string{"aa"}},
		{`(ab){2}`, "ababab", []string{"abab", "ab"}},
		{`<.+?>`, "<a><b>", []string{"<a>"}},
		{`(\w)\1`, "hello", []string{"ll", "l"}},
		{`(?<year>\d{4})-\k<year>`, "2020-2020", []string{"2020-2020", "2020"}},
		{`foo(?=bar)`, "foobaz foobar", []string{"foo"}},
		{`foo(?!bar)`, "foobar foobaz", []string{"foo"}},
		{`(?<=\$)\d+`, "a1 $23", []string{"23"}},
		{`(?<!\$)\b\d+`, "$23 45", []string{"45"}},
		{`[a-z&&[^b]]+`, "bbacd", []string{"acd"}},
		{`[^a-c]+`, "abcdef", []string{"def"}},
		{`[\]\-x]+`, "a]-x", []string{"]-x"}},
		{`\p{Lu}\p{L}*`, "xÉtat", []string{"État"}},
		{`\Q.*\E`, "a.*b", []string{".*"}},
		{`é+`, "aéé", []string{"éé"}},
		{`x*`, "aaa", []string{""}},
		{`(a)|(b)`, "b", []string{"b", "-", "b"}},
		{`\x41\u0042`, "AB", []string{"AB"}},
		{`a\Rb`, "a\r\nb", []string{"a\r\nb"}},
	}
	for _, c := range cases {
		require.Equal(t, c.want, find(t, c.pattern, c.text), "%q on %q", c.pattern, c.text)
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, p := range []string{"(", ")", "[", "a**b(", "*a", `\`, "a{2,1}", `\p{Nope}`, "(?<n", `\y`, `(?z)`, `a{99999999}{9999}`, strings.Repeat("(", 500)} {
		_, err := Compile(p)
		require.Error(t, err, p)
	}
}

func TestStepsAreBounded(t *testing.T) {
	re, err := Compile(`^(a|a|aa)+$`)
	require.NoError(t, err)
	_, err = re.NewMatcher().Find([]byte(strings.Repeat("a", 60)+"b"), 0)
	require.ErrorIs(t, err, ErrSteps)
}

// FuzzAgainstRE2 compares with the standard library on patterns both know.
func FuzzAgainstRE2(f *testing.F) {
	for _, s := range [][2]string{{"a+b", "caab"}, {"(a|b)*c", "ababc"}, {"[a-c]x?", "bx"}, {"a{1,2}b", "aab"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if strings.ContainsAny(pattern, `\$^?.[&{*`) || len(pattern) > 20 || len(text) > 30 {
			return
		}
		std, err := regexp.Compile(pattern)
		re, err2 := Compile(pattern)
		if err != nil || err2 != nil {
			return
		}
		loc, err := re.NewMatcher().Find([]byte(text), 0)
		if err != nil {
			return
		}
		want := std.FindStringIndex(text)
		if want == nil {
			require.Nil(t, loc)
			return
		}
		require.Equal(t, want, loc[:2])
	})
}
