package sql

import "math"

// tokenKind is the lexical class of a token.
type tokenKind uint8

const (
	tokEOF        tokenKind = iota
	tokWord                 // identifier or keyword
	tokBacktick             // `name`
	tokString               // '...'
	tokQuoted               // "...": a string, or an identifier if the options say so
	tokRawString            // r'...' or r"..."
	tokDollar               // $tag$...$tag$
	tokInteger              // digits
	tokDecimal              // digits with a point
	tokExponent             // number with an exponent
	tokLong                 // 1L
	tokShort                // 1S
	tokByte                 // 1Y
	tokFloat                // 1F
	tokDouble               // 1D
	tokBigDecimal           // 1BD
	tokHint                 // /*+ after SELECT
	tokHintEnd              // its */
	tokLParen
	tokRParen
	tokLBracket
	tokRBracket
	tokComma
	tokDot
	tokSemicolon
	tokColon
	tokDoubleColon
	tokEq
	tokNullSafeEq
	tokNotEq
	tokLess
	tokLessEq
	tokGreater
	tokGreaterEq
	tokShiftLeft
	tokPlus
	tokMinus
	tokStar
	tokSlash
	tokPercent
	tokTilde
	tokAmp
	tokPipe
	tokConcat
	tokCaret
	tokArrow
	tokFatArrow
	tokQuestion
	tokBang
	tokPipeTo  // |>
	tokIllegal // a character, or an unclosed quote, that starts no token
)

// token is a lexeme by place; its text is cut out of the statement on demand.
type token struct {
	kind  tokenKind
	kw    keyword
	start int32
	end   int32
	line  int32 // from 1
	col   int32 // from 0, in code points
	match int32 // of an opening parenthesis: the index of its closing one, or of the end
}

// Limits of a text. Texts come from outside; a token and the tree that it
// becomes take some 200 bytes, so that these bound memory, too.
const (
	MaxText   = 16 << 20
	MaxTokens = 2 << 20
)

// The int32 offsets of tokens hold every accepted text.
const _ = uint(math.MaxInt32 - MaxText)
