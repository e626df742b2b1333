package function

import (
	"math"
	"testing"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func TestMath(t *testing.T) {
	reg := New(realMath(), numberMath())
	nan := math.NaN()
	checkCases(t, reg, utcEnv(), []fnCase{
		{"sqrt", []any{4.0}, 2.0},
		{"sqrt", []any{-1.0}, nan},
		{"ln", []any{0.0}, nil},
		{"ln", []any{math.E}, 1.0},
		{"log", []any{10.0, 100.0}, 2.0},
		{"log", []any{-1.0, 2.0}, nil},
		{"log1p", []any{-1.0}, nil},
		{"power", []any{2.0, 3.0}, 8.0},
		{"power", []any{1.0, nan}, nan},
		{"rint", []any{2.5}, 2.0},
		{"sign", []any{-3.0}, -1.0},
		{"sign", []any{plan.Lit(types.YearMonth, int32(-3))}, -1.0},
		{"degrees", []any{math.Pi}, 180.0},
		{"acosh", []any{1.0}, 0.0},
		{"round", []any{2.5}, 3.0},
		{"round", []any{-2.5}, -3.0},
		{"round", []any{1.005, 2}, 1.01},
		{"bround", []any{2.5}, 2.0},
		{"bround", []any{25, -1}, 20},
		{"round", []any{25, -1}, 30},
		{"round", []any{int64(-155), -1}, int64(-160)},
		{"round", []any{dec(2, 1, 25), 0}, int64(3)},
		{"round", []any{dec(5, 2, 12345), 1}, int64(1235)},
		{"bround", []any{dec(5, 2, 12345), 1}, int64(1234)},
		{"round", []any{dec(5, 2, 12345), -1}, int64(120)},
		{"round", []any{nan}, nan},
		{"round", []any{1e300, 2}, 1e300},
		{"ceil", []any{-0.1}, int64(0)},
		{"floor", []any{-0.1}, int64(-1)},
		{"ceil", []any{dec(1, 1, -1)}, int64(0)},
		{"floor", []any{dec(5, 4, -31411)}, int64(-4)},
		{"ceil", []any{dec(5, 4, 31411), 3}, int64(3142)},
		{"floor", []any{dec(5, 4, 31411), 3}, int64(3141)},
		{"ceil", []any{5}, int64(5)},
		{"factorial", []any{5}, int64(120)},
		{"factorial", []any{21}, nil},
		{"hex", []any{int64(17)}, "11"},
		{"hex", []any{int64(-1)}, "FFFFFFFFFFFFFFFF"},
		{"hex", []any{"Spark SQL"}, "537061726B2053514C"},
		{"bin", []any{int64(13)}, "1101"},
		{"conv", []any{"100", 2, 10}, "4"},
		{"conv", []any{"-10", 16, -10}, "-16"},
		{"conv", []any{"-1", 10, 16}, "FFFFFFFFFFFFFFFF"},
		{"conv", []any{"1z", 10, 10}, "1"},
		{"conv", []any{"9", 1, 10}, nil},
		{"conv", []any{"99999999999999999999", 10, 16}, errClass("ARITHMETIC_OVERFLOW")},
		{"width_bucket", []any{5.3, 0.2, 10.6, int64(5)}, int64(3)},
		{"width_bucket", []any{-0.9, 5.2, 0.5, int64(2)}, int64(3)},
		{"width_bucket", []any{8.1, 0.0, 5.7, int64(4)}, int64(5)},
	})
}

func TestHashesAndURLs(t *testing.T) {
	reg := Standard()
	checkCases(t, reg, utcEnv(), []fnCase{
		{"hash", []any{"Spark", arr(types.Int, 123), 2}, -1321691492},
		{"xxhash64", []any{"Spark", arr(types.Int, 123), 2}, int64(5602566077635097486)},
		{"hash", []any{nil}, 42},
		{"md5", []any{"Spark"}, "8cde774d6f7333752ed72cacddb05126"},
		{"sha1", []any{"Spark"}, "85f5955f4b27a9a4c2aab6ffe5d7189fc298b92c"},
		{"sha2", []any{"Spark", 256}, "529bc3b07127ecb7e53a4dcf1991d9152c24537d919178022b2c42657f79a26b"},
		{"sha2", []any{"Spark", 1}, nil},
		{"crc32", []any{"Spark"}, int64(1557323817)},
		{"typeof", []any{arr(types.Int, 1)}, "array<int>"},
		{"raise_error", []any{"custom"}, errClass("USER_RAISED_EXCEPTION")},
		{"assert_true", []any{false}, errClass("USER_RAISED_EXCEPTION")},
		{"assert_true", []any{true}, nil},
		{"bitmap_bit_position", []any{int64(123)}, int64(122)},
		{"parse_url", []any{"http://spark.apache.org/path?query=1", "HOST"}, "spark.apache.org"},
		{"parse_url", []any{"http://spark.apache.org/path?query=1", "QUERY", "query"}, "1"},
		{"parse_url", []any{"http://u:p@h:80/p?q=1#f", "AUTHORITY"}, "u:p@h:80"},
		{"parse_url", []any{"http://h/p?q=1#f", "FILE"}, "/p?q=1"},
		{"parse_url", []any{"http://h/p", "REF"}, nil},
		{"try_parse_url", []any{"inva lid://spark", "QUERY"}, nil},
		{"parse_url", []any{"inva lid://spark", "QUERY"}, errClass("INVALID_URL")},
		{"url_encode", []any{"a b/~*"}, "a+b%2F%7E*"},
		{"url_decode", []any{"a+b%2F"}, "a b/"},
		{"try_url_decode", []any{"%"}, nil},
	})
	for name, want := range map[string]float64{"rand": 0.7604953758285915, "randn": 1.6034991609278433} {
		checkFirst(t, reg, name, want)
	}
}

// checkFirst compares the first number that a generator gives for seed 0.
func checkFirst(t *testing.T, reg *Registry, name string, want float64) {
	out, _, err := evalCall(reg, utcEnv(), name, []*plan.Literal{litOf(int64(0))}, batch.Const, 2)
	if err != nil {
		t.Fatal(err)
	}
	requireValue(t, want, out.Get(0), name)
}
