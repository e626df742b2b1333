package sql

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// insert takes INSERT INTO or OVERWRITE. A WITH read before it is given; its
// names are for the query.
func (p *parser) insert(with *plan.With) plan.Node {
	start := p.pos
	p.expectKw(kwInsert)
	w := &plan.Write{Insert: true, Mode: plan.SaveAppend}
	switch {
	case p.acceptKw(kwOverwrite):
		w.Mode = plan.SaveOverwrite
	case !p.acceptKw(kwInto):
		p.syntax("INTO or OVERWRITE")
		return w
	}
	local := p.atKw(kwLocal) && p.peekKw(1, kwDirectory)
	if local {
		p.advance()
	}
	if p.atKw(kwDirectory) && (p.isString(p.peek(1)) || p.peekKw(1, kwUsing)) {
		return p.insertDirectory(start, w, with)
	}
	p.acceptKw(kwTable)
	w.Table = p.multipart()
	if p.atKws(kwWith, kwSchema) {
		p.unsupported(start, "INSERT ... WITH SCHEMA EVOLUTION")
	}
	if p.atKw(kwWith) && p.peek(1).kind == tokLParen {
		p.advance()
		w.Options = p.options()
	}
	if p.atAnyKw(kwReplace) && p.peekKw(1, kwWhere) {
		p.unsupported(start, "INSERT INTO ... REPLACE WHERE")
	}
	if p.acceptKw(kwPartition) {
		w.Partition = p.partitionSpec()
	}
	w.IfNotExists = p.ifNotExists()
	switch {
	case p.atKw(kwBy) && strings.EqualFold(p.textOf(p.peek(1)), "NAME"):
		p.pos += 2
		w.ByName = true
	case p.at(tokLParen) && !p.queryAt(p.pos):
		w.Columns = p.identifierList()
	}
	w.Child = p.withQuery(with)
	return w
}

// withQuery takes a query under names that were read before.
func (p *parser) withQuery(with *plan.With) plan.Node {
	n := p.query()
	if with == nil {
		return n
	}
	with.Child = n
	return with
}

// insertDirectory takes DIRECTORY ['path'] USING format [OPTIONS (...)] query.
func (p *parser) insertDirectory(start int, w *plan.Write, with *plan.With) plan.Node {
	p.advance()
	w.Insert = false
	if p.isString(p.tok()) {
		w.Path = p.stringText()
	}
	if !p.acceptKw(kwUsing) {
		p.unsupported(start, "INSERT OVERWRITE DIRECTORY without USING")
		return w
	}
	w.Format = strings.Join(p.multipart(), ".")
	if p.acceptKw(kwOptions) {
		w.Options = p.options()
	}
	if path, ok := w.Options["path"]; ok && w.Path == "" {
		w.Path = path
		delete(w.Options, "path")
	}
	if w.Path == "" {
		p.invalid(start, "_LEGACY_ERROR_TEMP_0049", "", "INSERT OVERWRITE DIRECTORY needs a path.")
	}
	w.Child = p.withQuery(with)
	return w
}

// partitionSpec takes (name = value, name). A name without value is nil: found
// from the rows.
func (p *parser) partitionSpec() map[string]plan.Expr {
	out := map[string]plan.Expr{}
	p.expect(tokLParen, "'('")
	for p.err == nil {
		start := p.pos
		name := p.identifier()
		var value plan.Expr
		if p.accept(tokEq) {
			value = p.value(precBitOr)
		}
		if _, twice := out[name]; twice {
			p.invalid(start, "DUPLICATE_KEY", "23505", "The partition column "+name+" occurs twice.", "keyColumn", "`"+name+"`")
		}
		out[name] = value
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
	return out
}
