package sparkconnect

import (
	"regexp"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

const (
	// maxDescription is what is kept of a query's text for people.
	maxDescription = 2000
	// maxDescribed is how many of a plan's operations are named.
	maxDescribed = 8
)

// describe is a short text of what the client runs, without secrets: its SQL,
// or the names of its operations, the last one first.
func describe(r *pb.ExecutePlanRequest) string {
	p := r.GetPlan()
	c := p.GetCommand()
	var text string
	switch {
	case p.GetRoot() != nil:
		text = operations(p.GetRoot())
	case c.GetSqlCommand().GetSql() != "":
		text = c.GetSqlCommand().GetSql()
	case c.GetSqlCommand() != nil:
		text = operations(c.GetSqlCommand().GetInput())
	case c.GetWriteOperation() != nil:
		text = "write " + operations(c.GetWriteOperation().GetInput())
	case c.GetWriteOperationV2() != nil:
		text = "write " + operations(c.GetWriteOperationV2().GetInput())
	case c != nil:
		text = oneofName(c, "command_type")
	}
	return cutText(withoutSecrets(text), maxDescription)
}

// operations names a relation and what feeds it first, down to SQL or a source.
func operations(r *pb.Relation) string {
	var names []string
	for r != nil && len(names) < maxDescribed {
		switch {
		case r.GetWithRelations() != nil:
			r = r.GetWithRelations().GetRoot()
			continue
		case r.GetSql() != nil:
			names = append(names, r.GetSql().GetQuery())
			return strings.Join(names, ", ")
		case r.GetRead().GetNamedTable() != nil:
			names = append(names, "read "+r.GetRead().GetNamedTable().GetUnparsedIdentifier())
			return strings.Join(names, ", ")
		case r.GetRead().GetDataSource() != nil:
			d := r.GetRead().GetDataSource()
			names = append(names, strings.TrimSpace("read "+d.GetFormat()+" "+strings.Join(d.GetPaths(), " ")))
			return strings.Join(names, ", ")
		}
		names = append(names, oneofName(r, "rel_type"))
		r = firstInput(r)
	}
	if r != nil {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// oneofName is which one of a choice is set, in words.
func oneofName(m proto.Message, choice protoreflect.Name) string {
	msg := m.ProtoReflect()
	if f := msg.WhichOneof(msg.Descriptor().Oneofs().ByName(choice)); f != nil {
		return strings.ReplaceAll(string(f.Name()), "_", " ")
	}
	return ""
}

// firstInput is the relation that feeds one: its only input or its left one.
func firstInput(r *pb.Relation) *pb.Relation {
	msg := r.ProtoReflect()
	f := msg.WhichOneof(msg.Descriptor().Oneofs().ByName("rel_type"))
	if f == nil || f.Message() == nil {
		return nil
	}
	inner := msg.Get(f).Message()
	for _, name := range []protoreflect.Name{"input", "left", "left_input"} {
		in := inner.Descriptor().Fields().ByName(name)
		if in == nil || in.IsList() || in.Message() == nil || !inner.Has(in) {
			continue
		}
		if next, ok := inner.Get(in).Message().Interface().(*pb.Relation); ok {
			return next
		}
	}
	return nil
}

// A name that tells of a secret (as in session's redaction of settings) with the value that follows, and the user and
// password of an address.
var (
	secretValue = regexp.MustCompile(`(?i)([\w.-]*(?:secret|password|token|access[._]?key)[\w.-]*['"` + "`" + `]?)` +
		`(\s*[=:]\s*|\s*,\s*|\s+)('(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[^\s,;)'"]+)`)
	addressUser = regexp.MustCompile(`(://)[^/\s@'"]+@`)
)

const hidden = "*********(redacted)"

// withoutSecrets hides values whose names say that nobody may see them.
func withoutSecrets(text string) string {
	text = addressUser.ReplaceAllString(text, "${1}"+hidden+"@")
	return secretValue.ReplaceAllStringFunc(text, func(found string) string {
		m := secretValue.FindStringSubmatch(found)
		bare := m[3][0] != '\'' && m[3][0] != '"'
		if bare && !strings.ContainsAny(m[2], "=:") { // a column of that name
			return found
		}
		return m[1] + m[2] + hidden
	})
}
