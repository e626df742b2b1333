package decimal_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spurwheel/spurwheel/internal/decimal"
)

func toBig(x decimal.Int128) *big.Int {
	z := new(big.Int).Lsh(big.NewInt(x.Hi), 64)
	return z.Add(z, new(big.Int).SetUint64(x.Lo))
}

// random values of all sizes below 10^38.
func random(r *rand.Rand) decimal.Int128 {
	x := decimal.Int128{Lo: r.Uint64(), Hi: int64(r.Uint64())}
	_, x = x.QuoRem(decimal.Pow10(1 + r.IntN(38)))
	return x
}

func fitsBig(z *big.Int) bool { return z.BitLen() <= 127 }

func TestArithmeticAgainstBig(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	for range 20000 {
		x, y, w := random(r), random(r), random(r)
		a, b := toBig(x), toBig(y)
		require.Zero(t, new(big.Int).Sub(a, b).Cmp(toBig(x.Sub(y))))
		require.Equal(t, a.Cmp(b), x.Cmp(y))
		p := new(big.Int).Mul(a, b)
		z, ok := x.Mul(y)
		require.Equal(t, fitsBig(p), ok, "%s * %s", a, b)
		if ok {
			require.Zero(t, p.Cmp(toBig(z)))
		}
		if y != (decimal.Int128{}) {
			q, rem := x.QuoRem(y)
			bq, br := new(big.Int).QuoRem(a, b, new(big.Int))
			require.Zero(t, bq.Cmp(toBig(q)), "%s / %s", a, b)
			require.Zero(t, br.Cmp(toBig(rem)), "%s %% %s", a, b)
		}
		if w == (decimal.Int128{}) {
			continue
		}
		want := halfUp(p, toBig(w))
		got, ok := decimal.MulDiv(x, y, w)
		require.Equal(t, fitsBig(want), ok, "%s * %s / %s", a, b, toBig(w))
		if ok {
			require.Zero(t, want.Cmp(toBig(got)), "%s * %s / %s", a, b, toBig(w))
		}
	}
}

func halfUp(num, den *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	if r.Abs(r).Lsh(r, 1).CmpAbs(den) >= 0 {
		q.Add(q, big.NewInt(int64(num.Sign()*den.Sign())))
	}
	return q
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		text  string
		scale int
		want  string // "" = invalid, "!" = too large
	}{
		{"0", 0, "0"},
		{"-0.05", 2, "-0.05"},
		{"1.005", 2, "1.01"},
		{"-1.005", 2, "-1.01"},
		{".5", 1, "0.5"},
		{"5.", 1, "5.0"},
		{"1e3", 0, "1000"},
		{"12E-1", 1, "1.2"},
		{"1e-400", 2, "0.00"},
		{"0e99999999", 2, "0.00"},
		{"1e38", 0, "!"},
		{"99999999999999999999999999999999999999", 0, "99999999999999999999999999999999999999"},
		{"99999999999999999999999999999999999999.5", 0, "!"},
		{"", 0, ""},
		{"-", 0, ""},
		{"1e", 0, ""},
		{"1.2.3", 0, ""},
		{"e5", 0, ""},
		{"1 ", 0, ""},
	} {
		x, valid, fits := decimal.Parse(c.text, c.scale)
		switch c.want {
		case "":
			require.False(t, valid, c.text)
		case "!":
			require.True(t, valid && !fits, c.text)
		default:
			require.True(t, valid && fits, c.text)
			require.Equal(t, c.want, decimal.String(x, c.scale))
		}
	}
	require.Equal(t, "1E-7", string(decimal.AppendJava(nil, decimal.FromInt64(1), 7)))
	require.Equal(t, "-1.23E-8", string(decimal.AppendJava(nil, decimal.FromInt64(-123), 10)))
	require.Equal(t, "0.000001", string(decimal.AppendJava(nil, decimal.FromInt64(1), 6)))
}

func TestRescale(t *testing.T) {
	for range 2 {
		for _, c := range []struct {
			x        int64
			from, to int
			want     int64
		}{{15, 1, 0, 2}, {-15, 1, 0, -2}, {14, 1, 0, 1}, {-14, 1, 0, -1}, {25, 1, 3, 2500}, {5, 19, 0, 0}, {-5, 1, 0, -1}, {0, 0, 18, 0}} {
			got, ok := decimal.RescaleLong(c.x, c.from, c.to)
			require.True(t, ok)
			require.Equal(t, c.want, got, "%v", c)
			wide, ok := decimal.FromInt64(c.x).Rescale(c.from, c.to)
			require.True(t, ok)
			require.Equal(t, decimal.FromInt64(c.want), wide, "%v", c)
		}
	}
	_, ok := decimal.RescaleLong(math.MaxInt64, 0, 1)
	require.False(t, ok)
}

func TestDoubles(t *testing.T) {
	for want, x := range map[string]float64{
		"0.0": 0, "1.0": 1, "0.001": 1e-3, "9.999E-4": 9.999e-4, "1.0E7": 1e7, "9999999.0": 9999999, "123456.789": 123456.789,
		"1.7976931348623157E308": math.MaxFloat64, "NaN": math.NaN(), "-Infinity": math.Inf(-1), "-1.5E-10": -1.5e-10,
	} {
		require.Equal(t, want, string(decimal.AppendDouble(nil, x)))
	}
	require.Equal(t, "-0.0", string(decimal.AppendDouble(nil, math.Copysign(0, -1))))
	require.Equal(t, "3.4028235E38", string(decimal.AppendFloat(nil, math.MaxFloat32)))
	x, ok := decimal.FromDouble(1.005, 2) // its shortest text, not its binary value
	require.True(t, ok)
	require.Equal(t, decimal.FromInt64(101), x)
	r := rand.New(rand.NewPCG(2, 0))
	for range 5000 {
		v, scale := random(r), r.IntN(38)
		want, _ := strconv.ParseFloat(decimal.String(v, scale), 64)
		require.Equal(t, math.Float64bits(want), math.Float64bits(decimal.ToDouble(v, scale)))
	}
}

// FuzzParse: what parses prints to text that parses to the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.5", "-0", "1e10", ".1", "99999999999999999999999999999999999999", "1e-40"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, scale int) {
		scale = min(max(scale, 0), 38)
		x, valid, fits := decimal.Parse(s, scale)
		if !valid || !fits {
			return
		}
		y, valid, fits := decimal.Parse(decimal.String(x, scale), scale)
		if !valid || !fits || x != y {
			t.Fatalf("%q: %v, then %v", s, x, y)
		}
	})
}
