package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. As text it is a number and a unit: 256MiB, 1.5g, 4096.
type Size int64

// units, largest first for String. A bare letter is the power of 1024 that Spark and the JVM mean by it; kB, MB and GB are
// powers of 1000, as on a disk's label.
var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"KB", 1e3},
	{"T", 1 << 40},
	{"G", 1 << 30},
	{"M", 1 << 20},
	{"K", 1 << 10},
	{"B", 1},
	{"", 1},
}

const exactUnits = 4 // the first of units, which String uses

// ParseSize reads a size; letters may be of either case, and a space may stand before the unit.
func ParseSize(text string) (Size, error) {
	trimmed := strings.TrimSpace(text)
	split := strings.IndexFunc(trimmed, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if split < 0 {
		split = len(trimmed)
	}
	number, unit := trimmed[:split], strings.TrimSpace(trimmed[split:])
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("size %q: want a number and a unit, like 256MiB", text)
	}
	for _, u := range units {
		if strings.EqualFold(u.name, unit) {
			bytes := value * float64(u.bytes)
			if bytes >= math.MaxInt64 {
				return 0, fmt.Errorf("size %q is too large", text)
			}
			return Size(bytes), nil
		}
	}
	return 0, fmt.Errorf("size %q: unknown unit %q, want KiB, MiB, GiB or TiB", text, unit)
}

// String is the size in the largest unit that says it exactly; ParseSize reads it back.
func (s Size) String() string {
	for _, u := range units[:exactUnits] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// UnmarshalText is ParseSize, for files, the environment and flags.
func (s *Size) UnmarshalText(text []byte) error {
	parsed, err := ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
