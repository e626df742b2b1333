package scalar_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/connectors/format/scalar"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestInt(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "-1": -1, "+7": 7, "127": 127, "-128": -128} {
		x, ok := scalar.Int([]byte(in), 8)
		require.True(t, ok, in)
		require.Equal(t, want, x)
	}
	for _, in := range []string{"", "-", "+", "128", "-129", "1.0", " 1", "1e2", "99999999999999999999"} {
		_, ok := scalar.Int([]byte(in), 8)
		require.False(t, ok, in)
	}
	x, ok := scalar.Int([]byte("-9223372036854775808"), 64)
	require.True(t, ok)
	require.Equal(t, int64(math.MinInt64), x)
	_, ok = scalar.Int([]byte("9223372036854775808"), 64)
	require.False(t, ok)
}

func TestDouble(t *testing.T) {
	for in, want := range map[string]float64{"1": 1, " -1.5e3 ": -1500, ".5": 0.5, "1d": 1, "1e999": math.Inf(1)} {
		x, ok := scalar.Double([]byte(in))
		require.True(t, ok, in)
		require.True(t, want == x, in) //nolint:testifylint // exactly, infinity too
	}
	for _, in := range []string{"", "nan", "inf", "0x1p3", "1_0", "abc", "d"} {
		_, ok := scalar.Double([]byte(in))
		require.False(t, ok, in)
	}
}

func TestPatterns(t *testing.T) {
	for _, tc := range []struct{ pattern, text, want string }{
		{"yyyy-MM-dd", "2024-02-29", "2024-02-29T00:00:00"},
		{"yyyyMMdd", "20240102", "2024-01-02T00:00:00"},
		{"yyyyMMddHHmmss", "20240102030405", "2024-01-02T03:04:05"},
		{"d/M/yy", "7/11/24", "2024-11-07T00:00:00"},
		{"dd MMM yyyy hh:mm a", "01 Feb 2024 12:30 AM", "2024-02-01T00:30:00"},
		{"EEEE, MMMM d, y", "Thursday, February 1, 2024", "2024-02-01T00:00:00"},
		{"yyyy-MM-dd'T'HH:mm[:ss][.SSS]", "2024-01-02T03:04", "2024-01-02T03:04:00"},
		{"yyyy-MM-dd HH:mm:ss.SSSSSS", "2024-01-02 03:04:05.678", "2024-01-02T03:04:05.678"},
		{"yyyy D", "2024 60", "2024-02-29T00:00:00"},
		{"'at' H 'o''clock'", "at 3 o'clock", "1970-01-01T03:00:00"},
	} {
		p, err := scalar.NewPattern(tc.pattern)
		require.NoError(t, err, tc.pattern)
		local, _, _, ok := p.Local([]byte(tc.text))
		require.True(t, ok, "%s: %s", tc.pattern, tc.text)
		require.Equal(t, tc.want, time.UnixMicro(local).UTC().Format("2006-01-02T15:04:05.999999"), tc.pattern)
	}
	for _, bad := range [][2]string{{"yyyy-MM-dd", "2024-2-29"}, {"yyyy-MM-dd", "2023-02-29"}, {"yyyy-MM-dd", "2024-01-01x"}, {"HH", "24"}} {
		p, err := scalar.NewPattern(bad[0])
		require.NoError(t, err)
		_, _, _, ok := p.Local([]byte(bad[1]))
		require.False(t, ok, bad)
	}
	for _, bad := range []string{"[yyyy", "yyyy]", "'x", "b", "j"} {
		_, err := scalar.NewPattern(bad)
		require.ErrorContains(t, err, "INVALID_DATETIME_PATTERN", bad)
	}
}

func TestTemporal(t *testing.T) {
	w, err := scalar.NewTemporal(nil, "Europe/Berlin", time.Time{})
	require.NoError(t, err)
	x, ok := w.Timestamp([]byte("2024-07-01 12:00:00.5"))
	require.True(t, ok)
	require.Equal(t, "2024-07-01T12:00:00.500+02:00", string(w.AppendTimestamp(nil, x)))
	require.Equal(t, "2024-07-01T10:00:00.500", string(w.AppendNTZ(nil, x)))
	_, ok = w.NTZ([]byte("2024-07-01T12:00:00Z"))
	require.False(t, ok)
	require.Equal(t, "1969-12-31", string(w.AppendDate(nil, -1)))

	w, err = scalar.NewTemporal(map[string]string{"timestampformat": "yyyy/MM/dd HH:mm XXX", "timezone": "UTC"}, "Asia/Tokyo", time.Time{})
	require.NoError(t, err)
	x, ok = w.Timestamp([]byte("2024/01/02 03:04 +01:00"))
	require.True(t, ok)
	require.Equal(t, "2024/01/02 02:04 Z", string(w.AppendTimestamp(nil, x)))
	_, err = scalar.NewTemporal(nil, "Nowhere/City", time.Time{})
	require.ErrorContains(t, err, "INVALID_TIMEZONE")
}

func TestDecimal(t *testing.T) {
	typ := types.Decimal(5, 2)
	for in, want := range map[string]int64{"1": 100, "-1.5": -150, "+.25": 25, "1.": 100, "999.99": 99999, "1e2": 10000, "1.005": 101, "000000000000000000001.2": 120} {
		x, ok := scalar.Decimal([]byte(in), typ)
		require.True(t, ok, in)
		require.Equal(t, want, x.Int64(), in)
	}
	for _, in := range []string{"", ".", "-", "1000", "-1000.00", "1.2.3", "x", "1 "} {
		_, ok := scalar.Decimal([]byte(in), typ)
		require.False(t, ok, in)
	}
	x, ok := scalar.Decimal([]byte("-123456789012345678901234567890.12345678"), types.Decimal(38, 8))
	require.True(t, ok)
	require.False(t, x.IsInt64())
}

func TestDate(t *testing.T) {
	w, err := scalar.NewTemporal(nil, "UTC", time.Time{})
	require.NoError(t, err)
	for in, want := range map[string]string{"2024-02-29": "2024-02-29", "1970-1-2": "1970-01-02", "2024": "2024-01-01", " 1969-12-31 ": "1969-12-31", "0001-01-01": "0001-01-01"} {
		d, ok := w.Date([]byte(in))
		require.True(t, ok, in)
		require.Equal(t, want, string(w.AppendDate(nil, d)))
	}
	for _, in := range []string{"2023-02-29", "2024-13-01", "2024-00-01", "2024-01-32", "2024-01-00", "24/01/01", ""} {
		_, ok := w.Date([]byte(in))
		require.False(t, ok, in)
	}
}
