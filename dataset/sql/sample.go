package sql

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// sample takes TABLESAMPLE (...) [REPEATABLE (seed)].
func (p *parser) sample(n plan.Node) plan.Node {
	start := p.pos
	p.advance()
	s := &plan.Sample{Child: n, Seed: rand.Int64N(1000)}
	p.expect(tokLParen, "'('")
	p.sampleSize(start, s)
	p.expect(tokRParen, "')'")
	if p.acceptKw(kwRepeatable) {
		p.expect(tokLParen, "'('")
		seed, err := strconv.ParseInt(p.textOf(p.tok()), 10, 64)
		if err != nil {
			p.syntax("an integer")
		}
		s.Seed = seed
		p.expect(tokInteger, "an integer")
		p.expect(tokRParen, "')'")
	}
	return s
}

// sampleSize takes n PERCENT, n ROWS, or BUCKET x OUT OF y.
func (p *parser) sampleSize(start int, s *plan.Sample) {
	switch {
	case p.at(tokRParen):
		p.invalid(start, "_LEGACY_ERROR_TEMP_0014", "", "TABLESAMPLE needs a size.")
		return
	case p.atKw(kwBucket) && p.peek(1).kind == tokInteger:
		p.bucketSample(start, s)
		return
	}
	at := p.pos
	negative := p.at(tokMinus)
	e := p.expr()
	switch {
	case p.acceptKw(kwPercent):
		v, err := strconv.ParseFloat(strings.TrimLeft(p.textOf(&p.tokens[p.pos-2]), "'\""), 64)
		if err != nil {
			p.syntaxAt(&p.tokens[at], "a number")
		}
		if negative {
			v = -v
		}
		p.fraction(start, s, v/100)
	case p.acceptKw(kwRows):
		s.Rows, s.Upper = e, 1
	default:
		text := p.source(at)
		if strings.TrimRight(strings.ToUpper(text), "BKMG") == strings.TrimRight(text, "0123456789") || !isDigit(text[0]) || isDigit(text[len(text)-1]) {
			p.invalid(start, "_LEGACY_ERROR_TEMP_0016", "", text+" is no size in bytes.", "bytesStr", text)
			return
		}
		p.invalid(start, "_LEGACY_ERROR_TEMP_0015", "", "TABLESAMPLE by a size in bytes is not supported.", "msg", "byteLengthLiteral")
	}
}

func (p *parser) bucketSample(start int, s *plan.Sample) {
	p.advance()
	num := p.textOf(p.tok())
	p.expect(tokInteger, "an integer")
	p.expectKw(kwOut, kwOf)
	den := p.textOf(p.tok())
	p.expect(tokInteger, "an integer")
	if p.acceptKw(kwOn) {
		p.unsupported(start, "TABLESAMPLE (BUCKET ... ON column)")
	}
	x, _ := strconv.ParseFloat(num, 64)
	y, err := strconv.ParseFloat(den, 64)
	if err != nil || y == 0 {
		p.syntax("a number of buckets")
		return
	}
	p.fraction(start, s, x/y)
}

func (p *parser) fraction(start int, s *plan.Sample, f float64) {
	const slack = 1e-6 // Spark's tolerance for computed fractions
	if f < -slack || f > 1+slack {
		p.invalid(start, "_LEGACY_ERROR_TEMP_0064", "", "The fraction of a sample lies between 0 and 1.",
			"msg", "Sampling fraction ("+strconv.FormatFloat(f, 'g', -1, 64)+") must be on interval [0, 1].")
		return
	}
	s.Upper = f
}
