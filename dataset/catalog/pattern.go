package catalog

import "strings"

// Matches tells whether a name fits a pattern of SHOW: * stands for any
// characters, | separates alternatives, case does not count. An empty pattern
// fits all.
func Matches(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	for p := range strings.SplitSeq(pattern, "|") {
		if wild(lower(strings.TrimSpace(p)), lower(name)) {
			return true
		}
	}
	return false
}

func wild(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, p := range parts[1:last] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[last])
}
