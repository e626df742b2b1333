package session

import (
	"context"
	"strings"
	"time"

	"github.com/spurwheel/spurwheel/dataset/analyze"
	"github.com/spurwheel/spurwheel/dataset/catalog"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/types"
)

// Session is one client's state. It is safe for concurrent use.
type Session struct {
	m        *Manager
	id, user string
	serverID string
	started  time.Time
	conf     *Conf
	fs       *sessionFS
	catalog  *catalog.Catalog
	blobs    *Blobs
	storage  *storage
	vars     *variables
	durable  *durable // nil: the session ends with its process
	nextID   func() plan.ID
}

// ServerID is stable for the life of the session.
func (s *Session) ServerID() string { return s.serverID }

// Conf, Blobs and Catalog are the lasting parts of the session.
func (s *Session) Conf() *Conf               { return s.conf }
func (s *Session) Blobs() *Blobs             { return s.blobs }
func (s *Session) Catalog() *catalog.Catalog { return s.catalog }

func (s *Session) close() error {
	s.storage.clear()
	return s.blobs.removeAll()
}

func newCounter() func() plan.ID { return analyze.Counter() }

// query is one statement's view of the session: settings do not change in it.
type query struct {
	s        *Session
	env      *function.Env
	analyzer *analyze.Analyzer
	id       string
	jobs     int // started so far
	observed []Observed

	description string // for people

	// Of sessions that outlive their process.
	source  []byte              // the command as its client sent it
	lookups *lookups            // the temporary views that were found
	vars    map[string]varSaved // the variables that were used
	effect  *effect             // how far the command has come
	again   bool                // it was begun before
}

func (s *Session) newQuery(id string) (*query, error) {
	env, err := s.env(s.m.now())
	if err != nil {
		return nil, err
	}
	q := &query{s: s, env: env, id: id}
	var cat analyze.Catalog = s.catalog
	if s.durable != nil {
		q.lookups = &lookups{Catalog: s.catalog, s: s}
		cat = q.lookups
	}
	q.analyzer = analyze.New(analyze.Config{
		Registry: s.m.cfg.Registry, Catalog: cat, Env: env, NextID: s.nextID, Parser: parser{s.parseOptions()}, Rows: q.rows, Variable: q.variable,
	})
	return q, nil
}

func (s *Session) parseOptions() sql.Options {
	c := s.conf
	ansi := c.flag(keyAnsi, true)
	return sql.Options{
		DoubleQuotedIdentifiers: ansi && c.flag(keyDoubleQuoted, false),
		Ansi:                    ansi,
		ReservedKeywords:        ansi && c.flag(keyReservedWords, false),
		EscapedStrings:          c.flag(keyEscapedStrings, false),
		QuotedRegexColumns:      c.flag(keyRegexColumns, false),
		LegacySetOps:            c.flag(keyLegacySetOps, false),
		InfixBang:               c.flag(keyInfixBang, false),
		TimestampNTZ:            strings.EqualFold(c.text(keyTimestampType, ""), "TIMESTAMP_NTZ"),
		LegacyIntervals:         c.flag(keyLegacyIntervals, false),
	}
}

// ParseOptions is how the session reads SQL text.
func (s *Session) ParseOptions() sql.Options { return s.parseOptions() }

// parser reads text inside plans with the session's rules.
type parser struct{ opt sql.Options }

func (p parser) Expr(text string) (plan.Expr, error)  { return sql.ParseExpr(text, p.opt) }
func (p parser) Query(text string) (plan.Node, error) { return sql.ParseStatement(text, p.opt) }
func (p parser) Schema(text string) (types.Schema, error) {
	if len(text) > 0 && text[0] == '{' {
		return sql.ParseSchemaJSON(text)
	}
	return sql.ParseSchema(text)
}

// Analyze resolves a query without running it.
func (s *Session) Analyze(ctx context.Context, n plan.Node) (plan.Node, error) {
	q, err := s.newQuery("")
	if err != nil {
		return nil, err
	}
	if show, ok := root(n).(*plan.ShowString); ok {
		return showSchema(show), nil
	}
	return q.analyzer.Analyze(ctx, n)
}
