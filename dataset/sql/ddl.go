package sql

import (
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// create takes CREATE of a view, table or namespace.
func (p *parser) create() plan.Node {
	start := p.pos
	p.advance()
	replace := p.acceptKws(kwOr, kwReplace)
	global := p.acceptKw(kwGlobal)
	temp := p.acceptKw(kwTemporary) || p.acceptKw(kwTemp)
	switch {
	case p.acceptKw(kwView):
		return p.createView(&plan.CreateView{Replace: replace, Global: global, Temp: temp || global})
	case p.atKw(kwTable) && temp:
		p.invalid(start, "_LEGACY_ERROR_TEMP_0046", "", "There are no temporary tables; use CREATE TEMPORARY VIEW.")
		return &plan.OneRow{}
	case p.acceptKw(kwTable):
		return p.createTable(start, replace)
	case p.atKws(kwExternal, kwTable):
		p.pos += 2
		return p.createTable(start, replace)
	case p.atAnyKw(kwDatabase, kwSchema, kwNamespace) && !replace:
		p.advance()
		return p.createNamespace()
	case p.atAnyKw(kwFunction, kwMaterialized, kwIndex, kwRole, kwMacro, kwStreaming, kwFlow, kwExternal):
		p.unsupported(start, "SQL statement CREATE "+keywordNames[p.tok().kw])
		return &plan.OneRow{}
	}
	p.syntax("VIEW, TABLE, DATABASE or SCHEMA")
	return &plan.OneRow{}
}

func (p *parser) ifNotExists() bool { return p.acceptKws(kwIf, kwNot, kwExists) }

// createView takes what follows CREATE ... VIEW.
func (p *parser) createView(v *plan.CreateView) plan.Node {
	start := p.pos
	v.IfNotExists = p.ifNotExists()
	v.Name = p.multipart()
	if v.Temp && p.viewWithSource() {
		return p.sourceView(v)
	}
	if p.at(tokLParen) {
		p.viewColumnList(v)
	}
	for p.err == nil && !p.atKw(kwAs) {
		switch {
		case p.acceptKw(kwComment):
			v.Comment = p.stringText()
		case p.acceptKw(kwTblproperties):
			v.Properties = p.options()
		case p.acceptKws(kwWith, kwSchema):
			v.SchemaMode = p.schemaMode()
		case p.acceptKws(kwDefault, kwCollation):
			p.collation(start)
		case p.acceptKws(kwPartitioned, kwOn):
			p.identifierList()
		default:
			p.syntax("AS")
		}
	}
	p.checkView(start, v)
	p.expectKw(kwAs)
	body := p.pos
	v.Child = p.query()
	v.Text = p.source(body)
	return v
}

// schemaMode takes BINDING, COMPENSATION, EVOLUTION or TYPE EVOLUTION.
func (p *parser) schemaMode() string {
	switch {
	case p.acceptKw(kwBinding):
		return "BINDING"
	case p.acceptKw(kwCompensation):
		return "COMPENSATION"
	case p.acceptKw(kwEvolution):
		return "EVOLUTION"
	case p.acceptKws(kwType, kwEvolution):
		return "TYPE EVOLUTION"
	}
	p.syntax("BINDING, COMPENSATION, EVOLUTION or TYPE EVOLUTION")
	return ""
}

func (p *parser) checkView(start int, v *plan.CreateView) {
	switch {
	case v.Temp && v.IfNotExists:
		p.invalid(start, "_LEGACY_ERROR_TEMP_0053", "",
			"A temporary view takes CREATE OR REPLACE, not IF NOT EXISTS.")
	case v.Replace && v.IfNotExists:
		p.invalid(start, "_LEGACY_ERROR_TEMP_0052", "",
			"CREATE VIEW takes OR REPLACE or IF NOT EXISTS, not both.")
	case v.Temp && len(v.Properties) > 0:
		p.notAllowed(start, "TBLPROPERTIES can't coexist with CREATE TEMPORARY VIEW")
	case v.Temp && v.SchemaMode != "":
		p.invalid(start, "UNSUPPORTED_FEATURE.TEMPORARY_VIEW_WITH_SCHEMA_BINDING_MODE", "0A000",
			"A temporary view takes no WITH SCHEMA.")
	}
}

// viewColumnList takes (name [COMMENT text], ...).
func (p *parser) viewColumnList(v *plan.CreateView) {
	p.advance()
	for p.err == nil {
		v.Columns = append(v.Columns, p.plainIdentifier())
		comment := ""
		if p.acceptKw(kwComment) {
			comment = p.stringText()
		}
		v.ColumnComments = append(v.ColumnComments, comment)
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
}

// viewWithSource tells whether USING follows the name and its columns.
func (p *parser) viewWithSource() bool {
	if p.at(tokLParen) {
		after := int(p.tok().match) + 1
		return after < p.end && p.tokens[after].kw == kwUsing
	}
	return p.atKw(kwUsing)
}

// sourceView takes [(columns)] USING format [OPTIONS (...)].
func (p *parser) sourceView(v *plan.CreateView) plan.Node {
	d := &plan.DataSource{}
	if p.accept(tokLParen) {
		d.SchemaText = SchemaJSON(types.Schema{Fields: p.columnDefs(nil)})
		p.expect(tokRParen, "')'")
	}
	p.expectKw(kwUsing)
	d.Format = strings.Join(p.multipart(), ".")
	if p.acceptKw(kwOptions) {
		d.Options = p.options()
	}
	v.Child = d
	return v
}

// tableParts is what CREATE TABLE collects before it is known whether a query follows.
type tableParts struct {
	write   plan.Write
	columns []types.Field
	seen    map[string]bool
}

// createTable takes what follows CREATE TABLE.
func (p *parser) createTable(start int, replace bool) plan.Node {
	t := &tableParts{seen: map[string]bool{}}
	w := &t.write
	w.IfNotExists = p.ifNotExists()
	w.Table = p.multipart()
	if p.atKw(kwLike) {
		p.unsupported(start, "SQL statement CREATE TABLE LIKE")
	}
	if p.at(tokLParen) && !p.queryAt(p.pos) {
		p.advance()
		t.columns = p.columnDefs(t)
		p.expect(tokRParen, "')' or ','")
	}
	if p.acceptKw(kwUsing) {
		w.Format = strings.Join(p.multipart(), ".")
	}
	for p.err == nil && p.tableClause(t) {
		continue
	}
	if p.acceptKw(kwAs) || p.at(tokLParen) || p.atAnyKw(kwSelect, kwWith, kwValues, kwFrom, kwTable) {
		if len(t.columns) > 0 {
			p.notAllowed(start, "Schema may not be specified in a Create Table As Select (CTAS) statement")
		}
		w.Child = p.query()
		switch {
		case replace:
			w.Mode = plan.SaveOverwrite
		case w.IfNotExists:
			w.Mode = plan.SaveIgnore
		}
		return w
	}
	c := &plan.CreateTable{
		Name: w.Table, Format: w.Format, Path: w.Path, PartitionBy: w.PartitionBy, Options: w.Options,
		Properties: w.Properties, Comment: w.Comment, IfNotExists: w.IfNotExists, Replace: replace,
	}
	if len(t.columns) > 0 {
		c.SchemaText = SchemaJSON(types.Schema{Fields: t.columns})
	}
	return c
}

// tableClause takes one clause of CREATE TABLE; false if none is next.
func (p *parser) tableClause(t *tableParts) bool {
	start, w := p.pos, &t.write
	name := ""
	switch {
	case p.acceptKw(kwOptions):
		name, w.Options = "OPTIONS", p.options()
	case p.acceptKws(kwPartitioned, kwBy):
		name = "PARTITIONED BY"
		p.partitionedBy(t)
	case p.acceptKw(kwLocation):
		name, w.Path = "LOCATION", p.stringText()
	case p.acceptKw(kwComment):
		name, w.Comment = "COMMENT", p.stringText()
	case p.acceptKw(kwTblproperties):
		name, w.Properties = "TBLPROPERTIES", p.options()
	case p.acceptKws(kwClustered, kwBy):
		name = "CLUSTERED BY"
		p.bucketing(w)
	case p.acceptKws(kwDefault, kwCollation):
		name = "DEFAULT COLLATION"
		p.collation(start)
	case p.acceptKws(kwStored, kwAs):
		name = "STORED AS"
		if p.atKw(kwInputformat) {
			p.unsupported(start, "STORED AS INPUTFORMAT")
		}
		w.Format = p.identifier()
	case p.atKws(kwRow, kwFormat), p.atKws(kwStored, kwBy), p.atKws(kwCluster, kwBy), p.atKws(kwSkewed, kwBy):
		p.unsupported(start, "CREATE TABLE ... "+strings.ToUpper(p.textOf(p.tok())+" "+p.textOf(p.peek(1))))
	default:
		return false
	}
	if t.seen[name] {
		p.duplicateClause(start, name)
	}
	t.seen[name] = true
	return true
}

// partitionedBy takes (a, b), or (a INT, b DATE), which adds the columns.
func (p *parser) partitionedBy(t *tableParts) {
	p.expect(tokLParen, "'('")
	for p.err == nil {
		start := p.pos
		switch p.peek(1).kind {
		case tokLParen:
			p.unsupported(start, "PARTITIONED BY a transform")
		case tokWord:
			f := p.columnDef(t)
			t.columns = append(t.columns, f)
			t.write.PartitionBy = append(t.write.PartitionBy, f.Name)
		default:
			t.write.PartitionBy = append(t.write.PartitionBy, strings.Join(p.multipart(), "."))
		}
		if !p.accept(tokComma) {
			break
		}
	}
	p.expect(tokRParen, "')'")
}

// bucketing takes (a) [SORTED BY (b [ASC])] INTO n BUCKETS.
func (p *parser) bucketing(w *plan.Write) {
	start := p.pos
	w.BucketBy = p.identifierList()
	if p.acceptKws(kwSorted, kwBy) {
		p.expect(tokLParen, "'('")
		for p.err == nil {
			w.SortBy = append(w.SortBy, p.plainIdentifier())
			if p.atKw(kwDesc) {
				p.unsupported(start, "CLUSTERED BY ... SORTED BY ... DESC")
			}
			p.acceptKw(kwAsc)
			if !p.accept(tokComma) {
				break
			}
		}
		p.expect(tokRParen, "')'")
	}
	p.expectKw(kwInto)
	w.Buckets = p.smallInt()
	p.expectKw(kwBuckets)
}

// smallInt takes an integer that counts something.
func (p *parser) smallInt() int {
	const most = 1_000_000
	n := 0
	for _, c := range []byte(p.textOf(p.tok())) {
		if n = n*10 + int(c-'0'); n > most {
			p.syntax("a smaller integer")
			return 0
		}
	}
	p.expect(tokInteger, "an integer")
	return n
}

// createNamespace takes what follows CREATE DATABASE.
func (p *parser) createNamespace() plan.Node {
	n := &plan.Namespace{IfExists: p.ifNotExists()}
	n.Name = p.multipart()
	for p.err == nil {
		start := p.pos
		switch {
		case p.acceptKw(kwComment):
			n.Comment = p.stringText()
		case p.acceptKw(kwLocation):
			n.Location = p.stringText()
		case p.atKw(kwWith) && (p.peekKw(1, kwDbproperties) || p.peekKw(1, kwProperties)):
			p.pos += 2
			if n.Properties != nil {
				p.duplicateClause(start, "WITH PROPERTIES")
			}
			n.Properties = p.options()
		case p.acceptKws(kwDefault, kwCollation):
			p.collation(start)
		default:
			return n
		}
	}
	return n
}

// drop takes DROP of a table, view or namespace.
func (p *parser) drop() plan.Node {
	start := p.pos
	p.advance()
	switch {
	case p.atAnyKw(kwTable, kwView):
		d := &plan.DropRelation{View: p.atKw(kwView)}
		p.advance()
		d.IfExists = p.acceptKws(kwIf, kwExists)
		d.Name = p.multipart()
		if !d.View {
			d.Purge = p.acceptKw(kwPurge)
		}
		return d
	case p.atAnyKw(kwDatabase, kwSchema, kwNamespace):
		p.advance()
		n := &plan.Namespace{Drop: true, IfExists: p.acceptKws(kwIf, kwExists)}
		n.Name = p.multipart()
		if p.acceptKw(kwCascade) {
			n.Cascade = true
		} else {
			p.acceptKw(kwRestrict)
		}
		return n
	case p.atAnyKw(kwFunction, kwIndex, kwRole, kwMacro):
		p.statementGap(start, 2)
	case p.atAnyKw(kwTemporary, kwTemp) && (p.peekKw(1, kwVariable) || p.peekKw(1, kwVar)):
		return p.dropVariable()
	case p.atAnyKw(kwTemporary, kwTemp) && (p.peekKw(1, kwFunction) || p.peekKw(1, kwMacro)):
		p.statementGap(start, 3)
	default:
		p.syntax("TABLE, VIEW, DATABASE or SCHEMA")
	}
	return &plan.OneRow{}
}
