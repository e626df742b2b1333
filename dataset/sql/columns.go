package sql

import (
	"strings"

	"github.com/spurwheel/spurwheel/internal/types"
)

// columnDefs takes the columns of a table between commas.
func (p *parser) columnDefs(t *tableParts) []types.Field {
	var out []types.Field
	for p.err == nil {
		if p.atAnyKw(kwConstraint, kwPrimary, kwForeign, kwUnique, kwCheck) && p.tableConstraintAt() {
			p.unsupported(p.pos, "table constraints")
			break
		}
		out = append(out, p.columnDef(t))
		if !p.accept(tokComma) {
			break
		}
	}
	return out
}

// tableConstraintAt tells a constraint from a column that has such a name.
func (p *parser) tableConstraintAt() bool {
	switch next := p.peek(1); p.tok().kw {
	case kwConstraint:
		return p.peek(2).kind == tokWord && (p.peekKw(2, kwPrimary) || p.peekKw(2, kwForeign) || p.peekKw(2, kwUnique) || p.peekKw(2, kwCheck))
	case kwPrimary, kwForeign:
		return next.kw == kwKey
	default:
		return next.kind == tokLParen
	}
}

// Keys of a column's metadata, as Spark's catalogs name them.
const (
	metadataComment       = "comment"
	metadataDefault       = "CURRENT_DEFAULT"
	metadataDefaultExists = "EXISTS_DEFAULT"
)

// columnDef takes name type with NOT NULL, COMMENT and DEFAULT in any order.
func (p *parser) columnDef(*tableParts) types.Field {
	f := types.Field{Name: p.plainIdentifier(), Nullable: true}
	p.accept(tokColon)
	f.Type = p.typeAt(0)
	seen := map[keyword]bool{}
	for p.err == nil {
		start, k := p.pos, p.tok().kw
		switch {
		case p.acceptKws(kwNot, kwNull):
			f.Nullable = false
		case p.acceptKw(kwComment):
			f.Metadata = withMetadata(f.Metadata, metadataComment, p.stringText())
		case p.acceptKw(kwDefault):
			at := p.pos
			p.expr()
			text := p.source(at)
			f.Metadata = withMetadata(withMetadata(f.Metadata, metadataDefault, text), metadataDefaultExists, text)
		case p.acceptKw(kwCollate):
			p.collation(start)
		case p.atKws(kwGenerated, kwAlways), p.atKw(kwGenerated):
			p.unsupported(start, "generated columns")
		case p.atKw(kwPrimary), p.atKw(kwUnique), p.atKw(kwReferences), p.atKw(kwCheck), p.atKw(kwConstraint):
			p.unsupported(start, "column constraints")
		default:
			return f
		}
		if seen[k] {
			p.invalid(start, "CREATE_TABLE_COLUMN_DESCRIPTOR_DUPLICATE", "42710",
				"The column "+f.Name+" has "+keywordNames[k]+" twice.", "columnName", f.Name, "optionName", keywordNames[k])
		}
		seen[k] = true
	}
	return f
}

// options takes (key = value, key value, ...).
func (p *parser) options() map[string]string {
	out := map[string]string{}
	p.expect(tokLParen, "'('")
	for p.err == nil && !p.at(tokRParen) {
		start := p.pos
		key := p.optionKey()
		p.accept(tokEq)
		value, ok := p.optionValue()
		if !ok {
			p.notAllowed(start, "Values must be specified for key(s): ["+key+"]")
		}
		if _, twice := out[key]; twice {
			p.invalid(start, "DUPLICATE_KEY", "23505", "The key "+key+" occurs twice.", "keyColumn", "`"+key+"`")
		}
		out[key] = value
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	return out
}

// optionKey takes a string or dotted words.
func (p *parser) optionKey() string {
	if p.isString(p.tok()) {
		s := p.stringValue(p.tok())
		p.advance()
		return s
	}
	parts := []string{p.identifier()}
	for p.accept(tokDot) {
		parts = append(parts, p.identifier())
	}
	return strings.Join(parts, ".")
}

// optionValue takes a string, a number, a boolean or a constant expression, as text.
func (p *parser) optionValue() (string, bool) {
	start, t := p.pos, p.tok()
	switch {
	case t.kind == tokRParen || t.kind == tokComma || t.kind == tokEOF:
		return "", false
	case p.isString(t) && p.peek(1).kind != tokConcat:
		return p.stringText(), true
	case t.kw == kwTrue || t.kw == kwFalse:
		p.advance()
		return lower(p.textOf(t)), true
	}
	e := p.expr()
	if s, ok := constantText(e); ok {
		return s, true
	}
	return p.source(start), true
}
