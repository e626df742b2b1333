package sparkconnect

import (
	"context"
	"strconv"
	"strings"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/calendar"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// Config reads and changes a session's settings. Clients call it before and
// after nearly everything, so it is a look-up in maps and nothing else.
func (s *Server) Config(ctx context.Context, req *pb.ConfigRequest) (*pb.ConfigResponse, error) {
	sess, err := s.sessions.acquire(ctx, req, true)
	if err != nil {
		return nil, err
	}
	c := s.conf(sess)
	out := &pb.ConfigResponse{SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID()}
	if err := c.serve(req.GetOperation(), out); err != nil {
		return nil, s.failed(sess, err)
	}
	return out, nil
}

// conf is a session's settings over the defaults of its client's version.
type conf struct {
	own      Conf
	defaults map[string]setting // of all sessions, not changed
	version  clientVersion
}

func (s *Server) conf(sess *session) conf {
	sess.mu.Lock()
	defer sess.mu.Unlock()
	return conf{own: sess.engine.State().Conf(), defaults: s.defaults, version: sess.mu.version}
}

// get is a setting's value, false if it has none.
func (c conf) get(key string) (string, bool) {
	if v, ok := c.own.Get(key); ok {
		return v, true
	}
	if v, ok := versionDefault(key, c.version); ok {
		return v, true
	}
	d, ok := c.defaults[key]
	return d.value, ok && !d.none
}

// value is a setting's value or "".
func (c conf) value(key string) string {
	v, _ := c.get(key)
	return v
}

func (c conf) flag(key string) bool {
	b, err := strconv.ParseBool(strings.ToLower(c.value(key)))
	return err == nil && b
}

func (c conf) serve(op *pb.ConfigRequest_Operation, out *pb.ConfigResponse) error {
	switch k := op.GetOpType().(type) {
	case *pb.ConfigRequest_Operation_Set:
		return c.set(k.Set, out)
	case *pb.ConfigRequest_Operation_Get:
		for _, key := range k.Get.GetKeys() {
			v, ok := c.get(key)
			if !ok {
				return confMissing(key)
			}
			out.Pairs = append(out.Pairs, &pb.KeyValue{Key: key, Value: &v})
		}
	case *pb.ConfigRequest_Operation_GetWithDefault:
		for _, p := range k.GetWithDefault.GetPairs() {
			v := p.Value
			if own, ok := c.own.Get(p.GetKey()); ok {
				v = &own
			}
			out.Pairs = append(out.Pairs, &pb.KeyValue{Key: p.GetKey(), Value: v})
		}
	case *pb.ConfigRequest_Operation_GetOption:
		for _, key := range k.GetOption.GetKeys() {
			pair := &pb.KeyValue{Key: key}
			if v, ok := c.get(key); ok {
				pair.Value = &v
			}
			out.Pairs = append(out.Pairs, pair)
		}
	case *pb.ConfigRequest_Operation_GetAll:
		c.all(k.GetAll.GetPrefix(), out)
	case *pb.ConfigRequest_Operation_Unset:
		for _, key := range k.Unset.GetKeys() {
			if err := c.modifiable(key); err != nil {
				return err
			}
			if err := c.own.Unset(key); err != nil {
				return err
			}
			out.Pairs = append(out.Pairs, &pb.KeyValue{Key: key})
		}
	case *pb.ConfigRequest_Operation_IsModifiable:
		for _, key := range k.IsModifiable.GetKeys() {
			d, known := c.defaults[key]
			v := strconv.FormatBool(known && !d.static)
			out.Pairs = append(out.Pairs, &pb.KeyValue{Key: key, Value: &v})
		}
	default:
		return invalidPlan("a config operation of unknown kind")
	}
	return nil
}

// all lists what is set, keys without the prefix that was asked for.
func (c conf) all(prefix string, out *pb.ConfigResponse) {
	set := c.own.All()
	for _, key := range sortedKeys(set) {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			v := set[key]
			out.Pairs = append(out.Pairs, &pb.KeyValue{Key: rest, Value: &v})
		}
	}
}

// set changes settings. Silent ones come from session builders: what cannot be
// changed is passed over with a warning.
func (c conf) set(s *pb.ConfigRequest_Set, out *pb.ConfigResponse) error {
	for _, p := range s.GetPairs() {
		err := c.modifiable(p.GetKey())
		if err == nil {
			err = c.check(p.GetKey(), p.GetValue())
		}
		if err == nil {
			err = c.own.Set(p.GetKey(), p.GetValue())
		}
		if err != nil && !s.GetSilent() {
			return err
		}
		if err != nil {
			out.Warnings = append(out.Warnings, messageOf(err))
		}
		v := p.GetValue()
		out.Pairs = append(out.Pairs, &pb.KeyValue{Key: p.GetKey(), Value: &v})
	}
	return nil
}

func (c conf) modifiable(key string) error {
	if d, ok := c.defaults[key]; ok && d.static {
		class := "CANNOT_MODIFY_CONFIG" // of the process, not of SQL
		if strings.HasPrefix(key, "spark.sql.") {
			class = "CANNOT_MODIFY_STATIC_CONFIG"
		}
		return errs.Cond(errs.Analysis, class, "46110",
			"The setting "+quoteConf(key)+" cannot be changed in a session; it is fixed when the server starts.", "key", quoteConf(key), "docroot", docRoot)
	}
	return nil
}

// docRoot is a parameter of Spark's that names its documentation.
const docRoot = "https://spark.apache.org/docs/latest"

// check refuses values that do not look like the key's default.
func (c conf) check(key, value string) error {
	d, known := c.defaults[key]
	if !known || d.none {
		return nil
	}
	if key == keyTimeZone {
		if _, err := calendar.ParseZone(value); err != nil {
			return errs.Cond(errs.IllegalArg, "INVALID_CONF_VALUE.TIME_ZONE", "22022",
				"The value '"+value+"' of the setting "+quoteConf(key)+" is no time zone: use a name such as Europe/Paris or an offset such as +02:00.",
				"confName", key, "confValue", value)
		}
		return nil
	}
	typ, ok := "", true
	switch d.value {
	case "true", "false":
		_, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(value)))
		typ, ok = "boolean", err == nil
	case "200": // shuffle partitions, the one integer that programs set from text
		_, err := strconv.ParseInt(strings.TrimSpace(value), 10, 32)
		typ, ok = "int", err == nil
	}
	if ok {
		return nil
	}
	return errs.Cond(errs.IllegalArg, "INVALID_CONF_VALUE.TYPE_MISMATCH", "22022",
		"The value '"+value+"' of the setting "+quoteConf(key)+" must be of type "+typ+".", "confName", key, "confValue", value, "confType", typ)
}

func confMissing(key string) error {
	c := errs.Cond(errs.NoElement, "SQL_CONF_NOT_FOUND", "42K0I", "The setting "+quoteConf(key)+" does not exist or has no value; check its name.", "sqlConf", quoteConf(key))
	c.Kind = errs.NotFound
	return c
}

func quoteConf(key string) string { return `"` + key + `"` }

// sqlOptions are the settings that change how SQL text reads.
func (c conf) sqlOptions() sql.Options {
	opt := sql.Options{
		Ansi: c.flag(keyAnsi), DoubleQuotedIdentifiers: c.flag(keyDoubleQuoted), ReservedKeywords: c.flag(keyReserved),
		EscapedStrings: c.flag(keyEscapedStrings), QuotedRegexColumns: c.flag(keyRegexColumns), LegacySetOps: c.flag(keyLegacySetOps),
		TimestampNTZ: strings.EqualFold(c.value(keyTimestampType), "TIMESTAMP_NTZ"), InfixBang: c.flag(keyInfixBang), LegacyIntervals: c.flag(keyOldIntervals),
	}
	if loc, err := calendar.ParseZone(c.value(keyTimeZone)); err == nil {
		opt.Zone = loc
	}
	return opt
}

// translator makes one for a request in a session.
func (s *Server) translator(ctx context.Context, sess *session) *translator {
	sess.mu.Lock()
	version := sess.mu.version
	sess.mu.Unlock()
	return s.translatorOf(ctx, sess.engine, version, sess.remote)
}

// translatorOf makes one for a session as a client of a version sees it.
func (s *Server) translatorOf(ctx context.Context, sess Session, version clientVersion, remote func(string) (plan.Node, error)) *translator {
	c := conf{own: sess.State().Conf(), defaults: s.defaults, version: version}
	if remote == nil {
		remote = func(id string) (plan.Node, error) { return nil, remoteMissing(id) }
	}
	limit, _ := strconv.ParseInt(c.value(keyLocalLimit), 10, 64)
	return &translator{
		sql:        c.sqlOptions(),
		blob:       func(name string) ([]byte, error) { return sess.State().Blobs().Get(ctx, name) },
		remote:     remote,
		localLimit: limit,
	}
}
