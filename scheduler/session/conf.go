package session

import (
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Keys of Spark's settings that change what this server computes.
const (
	keyAnsi          = "spark.sql.ansi.enabled"
	keyZone          = "spark.sql.session.timeZone"
	keyCaseSensitive = "spark.sql.caseSensitive"
	keyTimeParser    = "spark.sql.legacy.timeParserPolicy"
	keyDoubleQuoted  = "spark.sql.ansi.doubleQuotedIdentifiers"
	keyDefaultFormat = "spark.sql.sources.default"

	// Of the parser.
	keyReservedWords   = "spark.sql.ansi.enforceReservedKeywords"
	keyEscapedStrings  = "spark.sql.parser.escapedStringLiterals"
	keyRegexColumns    = "spark.sql.parser.quotedRegexColumnNames"
	keyLegacySetOps    = "spark.sql.legacy.setopsPrecedence.enabled"
	keyInfixBang       = "spark.sql.legacy.bangEqualsNot"
	keyTimestampType   = "spark.sql.timestampType"
	keyLegacyIntervals = "spark.sql.legacy.interval.enabled"
)

// Conf is a session's settings. It is safe for concurrent use.
type Conf struct {
	mu struct {
		sync.RWMutex
		values map[string]string
	}
	base    map[string]string // of the server, below the session's own; not changed
	durable *durable          // nil keeps nothing
}

func newConf(base map[string]string) *Conf {
	c := &Conf{base: base}
	c.mu.values = map[string]string{}
	return c
}

// Get finds a setting of the session or the server.
func (c *Conf) Get(key string) (string, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if v, ok := c.mu.values[key]; ok {
		return v, true
	}
	v, ok := c.base[key]
	return v, ok
}

// Set changes a setting of the session.
func (c *Conf) Set(key, value string) error {
	if err := checkConf(key, value); err != nil {
		return err
	}
	return c.store(key, &value)
}

// Unset goes back to the server's value.
func (c *Conf) Unset(key string) error { return c.store(key, nil) }

// All lists what is set.
func (c *Conf) All() map[string]string {
	out := maps.Clone(c.base)
	if out == nil {
		out = map[string]string{}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	maps.Copy(out, c.mu.values)
	return out
}

func (c *Conf) clone() *Conf {
	d := newConf(c.base)
	c.mu.RLock()
	defer c.mu.RUnlock()
	maps.Copy(d.mu.values, c.mu.values)
	return d
}

func (c *Conf) flag(key string, def bool) bool {
	v, ok := c.Get(key)
	if !ok {
		return def
	}
	b, err := strconv.ParseBool(strings.TrimSpace(v))
	return err == nil && b
}

func (c *Conf) text(key, def string) string {
	if v, ok := c.Get(key); ok {
		return v
	}
	return def
}

// checkConf refuses values that queries would stumble over later.
func checkConf(key, value string) error {
	switch key {
	case keyZone:
		if _, err := function.LoadZone(value); err != nil {
			return errs.Cond(errs.IllegalArg, "INVALID_CONF_VALUE.TIME_ZONE", "22022",
				"The value '"+value+"' of the setting \""+key+"\" is no time zone: use a name such as Europe/Paris or an offset such as +02:00.",
				"confName", key, "confValue", value)
		}
	case keyAnsi, keyCaseSensitive, keyDoubleQuoted:
		if _, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(value))); err != nil {
			return errs.Cond(errs.IllegalArg, "INVALID_CONF_VALUE.TYPE_MISMATCH", "22022",
				"The value '"+value+"' of the setting \""+key+"\" must be true or false.", "confName", key, "confValue", value, "confType", "boolean")
		}
	}
	return nil
}

// secretWords are what Spark's spark.redaction.regex looks for in keys.
var secretWords = [...]string{"secret", "password", "token", "access.key", "accesskey"}

// redacted is a setting's value as it may be shown.
func redacted(key, value string) string {
	k := strings.ToLower(key)
	for _, w := range secretWords {
		if strings.Contains(k, w) {
			return "*********(redacted)"
		}
	}
	return value
}

// env is what functions may know, as of now.
func (s *Session) env(now time.Time) (*function.Env, error) {
	zone := s.conf.text(keyZone, s.m.cfg.ZoneID)
	loc, err := function.LoadZone(zone)
	if err != nil {
		return nil, errs.E(errs.Invalid, "session.env", err)
	}
	set := map[string]string{}
	for _, key := range function.ConfKeys {
		if v := s.conf.text(key, ""); v != "" {
			set[key] = v
		}
	}
	return &function.Env{
		Conf: set, Ansi: s.conf.flag(keyAnsi, true), ZoneID: zone, Zone: loc, Now: now,
		CaseSensitive: s.conf.flag(keyCaseSensitive, false),
		LegacyTime:    strings.EqualFold(s.conf.text(keyTimeParser, ""), "LEGACY"),
		User:          s.user, Catalog: "spark_catalog", Database: s.catalog.CurrentDatabase(), Version: s.m.cfg.Version,
	}, nil
}

// wireEnv is env as it travels.
func wireEnv(e *function.Env) physical.Env {
	return physical.Env{
		Ansi: e.Ansi, ZoneID: e.ZoneID, NowMicros: e.Now.UnixMicro(), CaseSensitive: e.CaseSensitive, LegacyTime: e.LegacyTime,
		User: e.User, Catalog: e.Catalog, Database: e.Database, Version: e.Version, Conf: e.Conf,
	}
}
