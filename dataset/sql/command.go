package sql

import (
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/types"
)

// command takes a statement that is no query.
func (p *parser) command() plan.Node {
	start, t := p.pos, p.tok()
	switch t.kw {
	case kwCreate:
		return p.create()
	case kwReplace:
		if p.peekKw(1, kwTable) {
			p.pos += 2
			return p.createTable(start, true)
		}
	case kwDrop:
		return p.drop()
	case kwInsert:
		return p.insert(nil)
	case kwSet:
		return p.set()
	case kwReset:
		return p.reset()
	case kwShow:
		return p.show()
	case kwDesc, kwDescribe:
		return p.describe()
	case kwExplain:
		return p.explain()
	case kwDeclare:
		return p.declare()
	case kwUse:
		return p.use()
	case kwCache:
		return p.cacheTable()
	case kwUncache:
		p.advance()
		p.expectKw(kwTable)
		exists := p.acceptKws(kwIf, kwExists)
		return &plan.UncacheTable{IfExists: exists, Name: p.multipart()}
	case kwClear:
		p.advance()
		p.expectKw(kwCache)
		return &plan.ClearCache{}
	case kwRefresh:
		return p.refresh()
	case kwTruncate:
		if p.peekKw(1, kwTable) {
			return p.truncate(start)
		}
	default:
	}
	p.otherStatement(start)
	return &plan.OneRow{}
}

// truncate takes TRUNCATE TABLE name, which overwrites the table by none of its rows.
func (p *parser) truncate(start int) plan.Node {
	p.pos += 2
	name := p.multipart()
	if p.atKw(kwPartition) {
		p.unsupported(start, "TRUNCATE TABLE of a partition")
	}
	none := &plan.Limit{N: plan.LitInt(0), Child: &plan.Table{Parts: name}}
	return &plan.Write{Insert: true, Mode: plan.SaveOverwrite, Table: name, Child: none}
}

// otherStatement names the statements that are there in Spark but not here.
func (p *parser) otherStatement(start int) {
	t := p.tok()
	switch t.kw {
	case kwAlter, kwTruncate, kwMsck, kwLoad, kwComment, kwGrant, kwRevoke, kwExport, kwImport, kwLock, kwUnlock, kwExecute, kwRepair:
		p.statementGap(start, 2)
	case kwAnalyze, kwMerge, kwUpdate, kwDelete, kwCall, kwBegin, kwAdd, kwList, kwDfs, kwReplace, kwCommit, kwRollback, kwStart:
		p.statementGap(start, 1)
	default:
		p.syntax("a statement such as SELECT, WITH, CREATE, INSERT, SHOW or SET")
	}
}

// statementGap reports a statement, named by its first words, that is not supported.
func (p *parser) statementGap(start, words int) {
	parts := make([]string, 0, words)
	for i := range words {
		if t := p.tokens[min(start+i, p.end)]; t.kind == tokWord {
			parts = append(parts, strings.ToUpper(p.textOf(&t)))
		}
	}
	p.pos = min(start+words, p.end)
	p.unsupported(start, "SQL statement "+strings.Join(parts, " "))
}

// skipStatement moves to the end of this statement and gives its raw text from
// the current token on.
func (p *parser) skipStatement() string {
	start := p.pos
	for !p.at(tokEOF) && !p.at(tokSemicolon) {
		p.advance()
	}
	return p.source(start)
}

// set takes SET, SET key, SET key = value, SET TIME ZONE and SET CATALOG. Keys
// and values are raw text.
func (p *parser) set() plan.Node {
	start := p.pos
	p.advance()
	switch {
	case p.atKws(kwTime, kwZone):
		p.pos += 2
		return p.setTimeZone(start)
	case p.atKw(kwCatalog) && (p.isIdentifier(p.peek(1)) || p.isString(p.peek(1))):
		p.advance()
		if p.isString(p.tok()) {
			return &plan.Use{Catalog: true, Name: []string{p.stringText()}}
		}
		return &plan.Use{Catalog: true, Name: []string{p.identifier()}}
	case p.atAnyKw(kwVariable, kwVar) && p.peek(1).kind != tokDot && p.peek(1).kind != tokEq:
		p.advance()
		return p.setVariable()
	case p.atKw(kwRole):
		p.statementGap(start, 2)
		return &plan.OneRow{}
	}
	raw := p.skipStatement()
	if raw == "" || raw == "-v" {
		return &plan.SetConf{}
	}
	key, value, hasValue := strings.Cut(raw, "=")
	key = strings.TrimSpace(key)
	if quoted := len(key) > 2 && key[0] == '`' && key[len(key)-1] == '`'; quoted {
		key = strings.ReplaceAll(key[1:len(key)-1], "``", "`")
	} else if !confKey(key) {
		p.invalid(start, "INVALID_SET_SYNTAX", "42000", "SET takes a key, or a key and a value: SET key = value; put backticks around a key with other characters.")
		return &plan.OneRow{}
	}
	c := &plan.SetConf{Key: key}
	if hasValue {
		value = strings.TrimSpace(value)
		if len(value) > 1 && value[0] == '`' && value[len(value)-1] == '`' {
			value = strings.ReplaceAll(value[1:len(value)-1], "``", "`")
		}
		c.Value = &value
	}
	return c
}

// confKey tells whether key needs no backticks.
func confKey(key string) bool {
	for i := 0; i < len(key); i++ {
		if c := key[i]; !isASCIIWord(c) && c != '.' && c != ':' && c != '-' && c != '$' {
			return false
		}
	}
	return key != ""
}

const confTimeZone = "spark.sql.session.timeZone"

// setTimeZone takes LOCAL, a zone's name or an interval.
func (p *parser) setTimeZone(start int) plan.Node {
	zone := ""
	switch {
	case p.at(tokWord) && strings.EqualFold(p.textOf(p.tok()), "LOCAL"):
		p.advance()
		zone = time.Local.String()
		if zone == "Local" { // the system did not tell its name
			zone = "UTC"
		}
	case p.isString(p.tok()):
		zone = p.stringText()
	case p.atKw(kwInterval) && p.intervalAt():
		zone = p.zoneOfInterval(start)
	default:
		p.badZone(start)
	}
	if !p.at(tokEOF) && !p.at(tokSemicolon) {
		p.badZone(start)
	}
	return &plan.SetConf{Key: confTimeZone, Value: &zone}
}

func (p *parser) badZone(start int) {
	p.invalid(start, "_LEGACY_ERROR_TEMP_0045", "", "SET TIME ZONE takes LOCAL, the name of a zone, or an interval of hours and minutes.")
}

// zoneOfInterval is an offset such as +02:00.
func (p *parser) zoneOfInterval(start int) string {
	l, ok := p.interval().(*plan.Literal)
	if p.err != nil {
		return ""
	}
	micros, isTime := l.Value.(int64)
	const limit = 18 * microsPerHour
	if !ok || l.Typ.Kind != types.KindDayTimeInterval || !isTime || micros > limit || micros < -limit || micros%microsPerSecond != 0 {
		p.invalid(start, "INVALID_INTERVAL_FORMAT.TIMEZONE_INTERVAL_OUT_OF_RANGE", "22006",
			"The interval of SET TIME ZONE lies between -18 and +18 hours, to the second.", "input", p.source(start))
		return ""
	}
	sign := "+"
	if micros < 0 {
		sign, micros = "-", -micros
	}
	two := func(n int64) string {
		if n < 10 {
			return "0" + itoa(int(n))
		}
		return itoa(int(n))
	}
	zone := sign + two(micros/microsPerHour) + ":" + two(micros%microsPerHour/microsPerMinute)
	if s := micros % microsPerMinute / microsPerSecond; s != 0 {
		zone += ":" + two(s)
	}
	return zone
}

func (p *parser) reset() plan.Node {
	p.advance()
	raw := p.skipStatement()
	if len(raw) > 2 && raw[0] == '`' && raw[len(raw)-1] == '`' {
		raw = strings.ReplaceAll(raw[1:len(raw)-1], "``", "`")
	}
	return &plan.ResetConf{Key: raw}
}

// explain takes EXPLAIN [mode] statement.
func (p *parser) explain() plan.Node {
	start := p.pos
	p.advance()
	e := &plan.Explain{Mode: "simple"}
	switch {
	case p.acceptKw(kwExtended):
		e.Mode = "extended"
	case p.acceptKw(kwCodegen):
		e.Mode = "codegen"
	case p.acceptKw(kwCost):
		e.Mode = "cost"
	case p.acceptKw(kwFormatted):
		e.Mode = "formatted"
	case p.atKw(kwLogical):
		p.unsupported(start, "SQL statement EXPLAIN LOGICAL")
	}
	e.Child = p.statement()
	return e
}

// use takes USE [NAMESPACE] name.
func (p *parser) use() plan.Node {
	p.advance()
	if p.atAnyKw(kwNamespace, kwDatabase, kwSchema) && (p.isIdentifier(p.peek(1)) || p.peek(1).kind == tokQuoted) {
		p.advance()
	}
	return &plan.Use{Name: p.multipart()}
}

// cacheTable takes CACHE [LAZY] TABLE name [OPTIONS (...)] [[AS] query].
func (p *parser) cacheTable() plan.Node {
	p.advance()
	c := &plan.CacheTable{Lazy: p.acceptKw(kwLazy)}
	p.expectKw(kwTable)
	c.Name = p.multipart()
	if p.acceptKw(kwOptions) {
		c.Options = p.options()
	}
	if p.acceptKw(kwAs) || !p.at(tokEOF) && !p.at(tokSemicolon) {
		c.Child = p.query()
	}
	return c
}

// refresh takes REFRESH TABLE name and REFRESH path.
func (p *parser) refresh() plan.Node {
	start := p.pos
	p.advance()
	switch {
	case p.atKw(kwFunction):
		p.statementGap(start, 2)
		return &plan.OneRow{}
	case p.acceptKw(kwTable):
		return &plan.Refresh{Table: p.multipart()}
	case p.isString(p.tok()):
		return &plan.Refresh{Path: p.stringText()}
	}
	path := p.skipStatement()
	if path == "" || strings.ContainsAny(path, " \t\n") {
		p.invalid(start, "_LEGACY_ERROR_TEMP_0064", "", "REFRESH takes a path; put quotes around one with white space.")
	}
	return &plan.Refresh{Path: path}
}
