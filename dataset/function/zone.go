package function

import (
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// LoadZone finds a time zone as Spark names them: a region ("Europe/Paris"),
// "Z", "UTC", "GMT", or an offset "+H[H][:MM[:SS]]", also behind UTC, GMT or UT.
func LoadZone(id string) (*time.Location, error) {
	s := strings.TrimSpace(id)
	switch s {
	case "Z", "UTC", "GMT", "UT", "Etc/UTC":
		return time.UTC, nil
	}
	for _, prefix := range []string{"UTC", "GMT", "UT", ""} {
		if off, ok := strings.CutPrefix(s, prefix); ok && off != "" && (off[0] == '+' || off[0] == '-') {
			secs, ok := parseOffset(off)
			if !ok {
				return nil, badZone(id)
			}
			return time.FixedZone(s, secs), nil
		}
	}
	if s == "" || s == "Local" || strings.Contains(s, "..") {
		return nil, badZone(id)
	}
	loc, err := time.LoadLocation(s)
	if err != nil {
		return nil, badZone(id)
	}
	return loc, nil
}

// maxOffset is Java's limit of zone offsets.
const maxOffset = 18 * 3600

// parseOffset reads ±H, ±HH, ±HHMM, ±H:MM, ±HH:MM or ±HH:MM:SS.
func parseOffset(s string) (int, bool) {
	sign := 1
	if s[0] == '-' {
		sign = -1
	}
	parts := strings.Split(s[1:], ":")
	if len(parts) == 1 && len(parts[0]) == 4 {
		parts = []string{parts[0][:2], parts[0][2:]}
	}
	if len(parts) > 3 {
		return 0, false
	}
	total := 0
	for i, p := range parts {
		if p == "" || len(p) > 2 || i > 0 && len(p) != 2 {
			return 0, false
		}
		n := 0
		for _, c := range p {
			if c < '0' || c > '9' {
				return 0, false
			}
			n = n*10 + int(c-'0')
		}
		if i > 0 && n > 59 {
			return 0, false
		}
		total += n * [...]int{3600, 60, 1}[i]
	}
	return sign * total, total <= maxOffset
}

func badZone(id string) error {
	return errs.Cond(errs.DateTime, "INVALID_TIMEZONE", "22009",
		"The time zone '"+id+"' is not known: use a region such as Europe/Paris or an offset such as +02:00.", "timeZone", id)
}
