package sql

import (
	"slices"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
)

// show takes the SHOW statements.
func (p *parser) show() plan.Node {
	start := p.pos
	p.advance()
	switch {
	case p.atAnyKw(kwDatabases, kwSchemas, kwNamespaces):
		p.advance()
		return p.showIn("databases")
	case p.acceptKw(kwTables):
		return p.showIn("tables")
	case p.acceptKw(kwViews):
		return p.showIn("views")
	case p.acceptKw(kwCatalogs):
		return p.showIn("catalogs")
	case p.acceptKws(kwTable, kwExtended):
		s := p.showIn("table extended")
		switch {
		case s.Pattern == "":
			p.syntax("LIKE")
		case p.atKw(kwPartition):
			p.unsupported(start, "SHOW TABLE EXTENDED ... PARTITION")
		}
		return s
	case p.acceptKw(kwTblproperties):
		s := &plan.Show{What: "tblproperties", From: p.multipart()}
		if p.accept(tokLParen) {
			s.Pattern = p.optionKey()
			p.expect(tokRParen, "')'")
		}
		return s
	case p.acceptKw(kwColumns):
		return p.showColumns(start)
	case p.acceptKw(kwPartitions):
		s := &plan.Show{What: "partitions", From: p.multipart()}
		if p.atKw(kwPartition) {
			p.unsupported(start, "SHOW PARTITIONS ... PARTITION")
		}
		return s
	case p.acceptKws(kwCreate, kwTable):
		s := &plan.Show{What: "create table", From: p.multipart()}
		if p.acceptKws(kwAs, kwSerde) {
			p.unsupported(start, "SHOW CREATE TABLE ... AS SERDE")
		}
		return s
	case p.functionsAt():
		return p.showFunctions()
	}
	p.otherShow(start)
	return &plan.OneRow{}
}

// otherShow reports the rest of the SHOW statements.
func (p *parser) otherShow(start int) {
	switch p.tok().kw {
	case kwCurrent, kwProcedures, kwRole, kwRoles, kwIndex, kwIndexes, kwLocks, kwTransactions, kwCompactions, kwPrincipals, kwGrant:
		p.statementGap(start, 2)
	default:
		p.syntax("TABLES, DATABASES, VIEWS, COLUMNS, FUNCTIONS, PARTITIONS, TBLPROPERTIES, CATALOGS or CREATE TABLE")
	}
}

// showIn takes [(FROM|IN) namespace] [[LIKE] pattern].
func (p *parser) showIn(what string) *plan.Show {
	s := &plan.Show{What: what}
	if p.acceptKw(kwFrom) || p.acceptKw(kwIn) {
		s.From = p.multipart()
	}
	s.Pattern = p.likePattern()
	return s
}

// likePattern takes [LIKE] 'pattern'.
func (p *parser) likePattern() string {
	if p.acceptKw(kwLike) || p.isString(p.tok()) {
		return p.stringText()
	}
	return ""
}

// showColumns takes (FROM|IN) table [(FROM|IN) namespace].
func (p *parser) showColumns(start int) plan.Node {
	if !p.acceptKw(kwFrom) && !p.acceptKw(kwIn) {
		p.syntax("FROM or IN")
	}
	s := &plan.Show{What: "columns", From: p.multipart()}
	if !p.acceptKw(kwFrom) && !p.acceptKw(kwIn) {
		return s
	}
	namespace := p.multipart()
	qualifier := s.From[:len(s.From)-1]
	if len(qualifier) > 0 && !slices.EqualFunc(qualifier, namespace, strings.EqualFold) {
		p.invalid(start, "SHOW_COLUMNS_WITH_CONFLICT_NAMESPACE", "42K05", "SHOW COLUMNS names two namespaces.",
			"namespaceA", strings.Join(namespace, "."), "namespaceB", strings.Join(qualifier, "."))
	}
	s.From = append(slices.Clip(namespace), s.From[len(s.From)-1])
	return s
}

// functionsAt tells whether FUNCTIONS follows, maybe after one word that says which.
func (p *parser) functionsAt() bool {
	return p.atKw(kwFunctions) || p.isIdentifier(p.tok()) && p.peekKw(1, kwFunctions)
}

// showFunctions takes [USER|SYSTEM|ALL] FUNCTIONS [(FROM|IN) namespace] [[LIKE] name|pattern].
func (p *parser) showFunctions() plan.Node {
	start := p.pos
	s := &plan.Show{What: "functions"}
	if !p.atKw(kwFunctions) {
		s.System = lower(p.identifier())
		if s.System != "user" && s.System != "system" && s.System != "all" {
			p.invalid(start, "INVALID_SQL_SYNTAX.SHOW_FUNCTIONS_INVALID_SCOPE", "42000",
				"SHOW takes USER, SYSTEM or ALL FUNCTIONS.", "scope", "`"+s.System+"`")
		}
	}
	p.advance()
	if p.acceptKw(kwFrom) || p.acceptKw(kwIn) {
		s.From = p.multipart()
	}
	like := p.acceptKw(kwLike)
	switch {
	case p.isString(p.tok()):
		s.Pattern = p.stringText()
	case p.isIdentifier(p.tok()) || like:
		s.Pattern = strings.Join(p.multipart(), ".")
	}
	return s
}

// describe takes DESCRIBE of a table, query, function or database.
func (p *parser) describe() plan.Node {
	start := p.pos
	p.advance()
	d := &plan.DescribeRelation{What: "table"}
	switch {
	case p.atKw(kwFunction) && p.peek(1).kind != tokEOF:
		p.advance()
		d.What, d.Extended = "function", p.acceptKw(kwExtended)
		d.Name = p.functionName()
		return d
	case p.atAnyKw(kwDatabase, kwSchema, kwNamespace) && p.peek(1).kind != tokEOF:
		p.advance()
		d.What, d.Extended = "database", p.acceptKw(kwExtended)
		d.Name = p.multipart()
		return d
	case p.atKw(kwProcedure) && p.peek(1).kind != tokEOF:
		p.statementGap(start, 2)
		return d
	case p.describesQuery():
		p.acceptKw(kwQuery)
		d.What, d.Child = "query", p.query()
		return d
	}
	if p.atKw(kwTable) && p.peek(1).kind != tokEOF {
		p.advance()
	}
	if p.atAnyKw(kwExtended, kwFormatted) && p.isIdentifier(p.peek(1)) {
		p.advance()
		d.Extended = true
	}
	d.Name = p.multipart()
	if p.atKw(kwPartition) {
		p.unsupported(start, "DESCRIBE TABLE ... PARTITION")
	}
	if p.acceptKws(kwAs, kwJson) {
		p.unsupported(start, "DESCRIBE TABLE ... AS JSON")
	}
	if p.isIdentifier(p.tok()) {
		d.Column = p.multipart()
	}
	return d
}

// describesQuery tells whether a query follows DESCRIBE.
func (p *parser) describesQuery() bool {
	switch p.tok().kw {
	case kwQuery:
		return p.peek(1).kind == tokWord || p.peek(1).kind == tokLParen
	case kwSelect, kwWith, kwFrom, kwMap, kwReduce, kwValues:
		return p.queryStart(p.pos)
	default:
		return p.at(tokLParen)
	}
}

// functionName takes a function's name, an operator or a quoted name.
func (p *parser) functionName() []string {
	if p.isString(p.tok()) {
		return []string{p.stringText()}
	}
	if p.isIdentifier(p.tok()) {
		return p.multipart()
	}
	if p.at(tokEOF) || p.at(tokSemicolon) {
		p.syntax("a function's name")
		return nil
	}
	return []string{p.skipStatement()}
}
