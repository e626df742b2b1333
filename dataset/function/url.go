package function

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// urls are the functions of URLs.
func urls() []*Entry {
	rule := MayNull(textRule(WantString))
	return fnEntries(
		"url_funcs",
		fnSpec{"parse_url", 2, 3, rule, parseURL(false), doc{"A part of a URL: HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO; a third argument picks a key of the query.", "SELECT parse_url('http://spark.apache.org/path?query=1', 'HOST')", "spark.apache.org"}, fnMore{}},
		fnSpec{"try_parse_url", 2, 3, rule, parseURL(true), doc{"Like parse_url, null for what is no URL.", "SELECT try_parse_url('inva lid://spark.apache.org/path?query=1', 'HOST')", "NULL"}, fnMore{}},
		fnSpec{"url_encode", 1, 1, rule, textKernel(urlEncode), doc{"Text in form encoding.", "SELECT url_encode('https://spark.apache.org')", "https%3A%2F%2Fspark.apache.org"}, fnMore{}},
		fnSpec{"url_decode", 1, 1, rule, urlDecode(false), doc{"Text of form encoding.", "SELECT url_decode('https%3A%2F%2Fspark.apache.org')", "https://spark.apache.org"}, fnMore{}},
		fnSpec{"try_url_decode", 1, 1, rule, urlDecode(true), doc{"Like url_decode, null for what is malformed.", "SELECT try_url_decode('%')", "NULL"}, fnMore{}},
	)
}

// urlEncode leaves letters, digits and .-*_ alone and makes blanks plus signs.
func urlEncode(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range s {
		switch {
		case isLetter(c) && c < 0x80, c >= '0' && c <= '9', strings.IndexByte(".-*_", c) >= 0:
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

func urlDecode(try bool) maker {
	return rows(func(c *cells) error {
		s, err := url.QueryUnescape(string(c.str(0)))
		switch {
		case err == nil:
			c.setText(s)
		case try:
			c.setNull()
		default:
			return errs.Cond(errs.IllegalArg, "CANNOT_DECODE_URL", "22546", "The text '"+string(c.str(0))+"' is no form encoding.", "url", string(c.str(0)))
		}
		return nil
	})
}

// parseURL makes parse_url(url, part[, key]).
func parseURL(try bool) maker {
	return func(_ *Env, call *plan.Call) (Kernel, error) {
		fail := call.Ansi && !try
		return rowKernel(func(c *cells) error {
			text := string(c.str(0))
			u, err := url.Parse(text)
			if err != nil || strings.ContainsAny(text, " <>\"{}|\\^`") {
				if fail {
					return errs.Cond(errs.IllegalArg, "INVALID_URL", "22P02", "'"+text+"' is no URL; use try_parse_url to get null instead.", "url", text)
				}
				c.setNull()
				return nil
			}
			part, ok := urlPart(u, string(c.str(1)))
			if ok && len(c.args) > 2 {
				part, ok = "", false
				if string(c.str(1)) == "QUERY" {
					part, ok = queryValue(u.RawQuery, c.str(2))
				}
			}
			if !ok {
				c.setNull()
				return nil
			}
			c.setText(part)
			return nil
		}), nil
	}
}

func urlPart(u *url.URL, part string) (string, bool) {
	path := u.EscapedPath()
	switch part {
	case "HOST":
		return u.Hostname(), u.Hostname() != ""
	case "PATH":
		return path, true
	case "QUERY":
		return u.RawQuery, u.RawQuery != "" || u.ForceQuery
	case "REF":
		return u.EscapedFragment(), u.Fragment != ""
	case "PROTOCOL":
		return u.Scheme, u.Scheme != ""
	case "FILE":
		if u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
		return path, true
	case "AUTHORITY":
		auth := u.Host
		if u.User != nil {
			auth = u.User.String() + "@" + auth
		}
		return auth, auth != ""
	case "USERINFO":
		return u.User.String(), u.User != nil
	}
	return "", false
}

// queryValue is the raw value of a key.
func queryValue(query string, key []byte) (string, bool) {
	for pair := range bytes.SplitSeq([]byte(query), []byte("&")) {
		if k, v, ok := bytes.Cut(pair, []byte("=")); ok && bytes.Equal(k, key) {
			return string(v), true
		}
	}
	return "", false
}
