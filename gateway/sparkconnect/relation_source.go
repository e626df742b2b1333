package sparkconnect

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/connectors/arrowipc"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/types"
)

// cachePrefix is how clients name blobs of local relations.
const cachePrefix = "cache/"

// typeName is a generated message's name without its package, for errors.
func typeName(v any) string {
	s := fmt.Sprintf("%T", v)
	return s[strings.LastIndexByte(s, '.')+1:]
}

func readRelation(r *pb.Read) (plan.Node, error) {
	if r.GetIsStreaming() {
		return nil, errs.Unsupported("streaming reads")
	}
	switch k := r.GetReadType().(type) {
	case *pb.Read_NamedTable_:
		parts, err := sql.ParseIdentifier(k.NamedTable.GetUnparsedIdentifier())
		return &plan.Table{Parts: parts, Options: k.NamedTable.GetOptions()}, err
	case *pb.Read_DataSource_:
		d := k.DataSource
		return &plan.DataSource{
			Format: d.GetFormat(), SchemaText: d.GetSchema(), Options: d.GetOptions(), Paths: d.GetPaths(), Predicates: d.GetPredicates(),
		}, nil
	}
	return nil, invalidPlan("a read without a table or source")
}

func rangeRelation(r *pb.Range) plan.Node {
	return &plan.Range{
		Start: r.GetStart(), End: r.GetEnd(), Step: r.GetStep(), Parts: int(r.GetNumPartitions()),
		Column: &plan.Column{Name: "id", Typ: types.Long},
	}
}

// sqlRelation parses a query; its arguments become constants of the tree.
func (t *translator) sqlRelation(s *pb.SQL) (plan.Node, error) {
	opt := t.sql
	var err error
	if opt.Named, err = t.namedArgs(s.GetNamedArguments(), s.GetArgs()); err != nil {
		return nil, err
	}
	if opt.Positional, err = t.posArgs(s.GetPosArguments(), s.GetPosArgs()); err != nil {
		return nil, err
	}
	return sql.ParseStatement(s.GetQuery(), opt)
}

func (t *translator) namedArgs(es map[string]*pb.Expression, ls map[string]*pb.Expression_Literal) (map[string]plan.Expr, error) {
	if len(es)+len(ls) == 0 {
		return nil, nil
	}
	out := make(map[string]plan.Expr, len(es)+len(ls))
	for name, l := range ls {
		v, err := literalFrom(l)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	for name, e := range es {
		v, err := t.expr(e)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

func (t *translator) posArgs(es []*pb.Expression, ls []*pb.Expression_Literal) ([]plan.Expr, error) {
	if len(es) > 0 {
		return t.exprs(es)
	}
	var out []plan.Expr
	for _, l := range ls {
		v, err := literalFrom(l)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// withRelations brings the referenced plans into scope of the root. If that is
// an SQL command, they are in scope of its queries.
func (t *translator) withRelations(w *pb.WithRelations) (plan.Node, error) {
	var refs []plan.Node
	for _, r := range w.GetReferences() {
		n, err := t.relation(r)
		if err != nil {
			return nil, err
		}
		refs = append(refs, n)
	}
	root, err := t.relation(w.GetRoot())
	if err != nil {
		return nil, err
	}
	c, ok := root.(plan.Command)
	if !ok {
		return &plan.WithRelations{Refs: refs, Child: root}, nil
	}
	var children []plan.Node
	for _, n := range c.Children() {
		children = append(children, &plan.WithRelations{Refs: refs, Child: n})
	}
	return c.WithChildren(children), nil
}

// local makes rows of a createDataFrame. chunks are Arrow streams of one schema.
func local(chunks [][]byte, schemaText string) (plan.Node, error) {
	var declared *types.Schema
	if schemaText != "" {
		s, err := sql.ParseSchema(schemaText)
		if err != nil {
			return nil, err
		}
		declared = &s
	}
	var got types.Schema
	var data []*batch.Batch
	for i, c := range chunks {
		s, bs, err := arrowipc.Decode(c, arrowipc.Limits{})
		if err != nil {
			return nil, badLocal(err)
		}
		if i > 0 && !s.Equal(got) {
			return nil, invalidPlan("the chunks of a local relation have different schemas")
		}
		got, data = s, append(data, bs...)
	}
	switch {
	case len(chunks) == 0 && declared == nil:
		return nil, invalidPlan("a local relation without data and schema")
	case len(chunks) == 0:
		return localNode(*declared, nil), nil
	case declared == nil:
		return localNode(got, data), nil
	}
	return relabel(got, *declared, data)
}

func badLocal(err error) error {
	if c, ok := errors.AsType[*errs.Condition](err); ok {
		return c
	}
	e := errs.Cond(errs.Spark, "CONNECT_INVALID_PLAN.INVALID_LOCAL_RELATION", "56K00",
		"The rows of a local relation cannot be read: "+err.Error()+".", "reason", err.Error())
	e.Kind, e.Cause, e.JVMClass = errs.KindOf(err), err, classInvalidPlan
	return e
}

// localNode's columns get their identity from the analyser.
func localNode(s types.Schema, data []*batch.Batch) plan.Node {
	out := &plan.Local{Data: data, Columns: []*plan.Column{}}
	for _, f := range s.Fields {
		out.Columns = append(out.Columns, &plan.Column{Name: f.Name, Typ: f.Type, Null: f.Nullable, Metadata: f.Metadata})
	}
	return out
}

// relabel gives rows the schema that the client declared: by position, with
// casts where Arrow's types differ from the declared ones.
func relabel(got, declared types.Schema, data []*batch.Batch) (plan.Node, error) {
	if got.Len() != declared.Len() {
		return nil, invalidPlan(fmt.Sprintf("a local relation has %d columns, its schema %d", got.Len(), declared.Len()))
	}
	same := true
	for i, f := range declared.Fields {
		same = same && stored(f.Type).Equal(stored(got.Fields[i].Type))
	}
	if !same {
		plain := types.Schema{}
		for _, f := range declared.Fields {
			plain.Fields = append(plain.Fields, types.Field{Name: f.Name, Type: stored(f.Type), Nullable: f.Nullable, Metadata: f.Metadata})
		}
		return &plan.ToSchema{Schema: plain, Child: &plan.RenameAll{Names: declared.Names(), Child: localNode(got, data)}}, nil
	}
	for _, b := range data {
		for i, c := range b.Cols {
			f := declared.Fields[i]
			if !f.Nullable && c.NullCount() > 0 {
				return nil, errs.Cond(errs.Runtime, "NOT_NULL_ASSERT_VIOLATION", "42000",
					"The column "+types.Quote(f.Name)+" is declared NOT NULL but a row has none.", "walkedTypePath", f.Name)
			}
			c.Type = f.Type
		}
	}
	return localNode(declared, data), nil
}

// stored is a type with user types replaced by what stores them.
func stored(t types.Type) types.Type {
	switch t.Kind {
	case types.KindUDT:
		return stored(*t.Elem)
	case types.KindArray:
		return types.Array(stored(*t.Elem), t.Nullable)
	case types.KindMap:
		return types.Map(stored(*t.Key), stored(*t.Elem), t.Nullable)
	case types.KindStruct:
		fs := make([]types.Field, len(t.Fields))
		for i, f := range t.Fields {
			f.Type = stored(f.Type)
			fs[i] = f
		}
		return types.Struct(fs...)
	default:
		return t
	}
}

func localTooLarge(size, limit int64) error {
	c := errs.Cond(errs.Spark, "LOCAL_RELATION_SIZE_LIMIT_EXCEEDED", "54000",
		fmt.Sprintf("The rows of a local relation take %d bytes or more; the limit is %d.", size, limit),
		"actualSize", strconv.FormatInt(size, 10), "sizeLimit", strconv.FormatInt(limit, 10))
	c.Kind = errs.Exhausted
	return c
}

func (t *translator) localRelation(l *pb.LocalRelation) (plan.Node, error) {
	if l.Data == nil {
		return local(nil, l.GetSchema())
	}
	return local([][]byte{l.GetData()}, l.GetSchema())
}

// cachedLocal reads a relation that was sent as a blob: the message itself (4.0).
func (t *translator) cachedLocal(c *pb.CachedLocalRelation) (plan.Node, error) {
	data, err := t.blob(cachePrefix + c.GetHash())
	if err != nil {
		return nil, err
	}
	l := &pb.LocalRelation{}
	if err := proto.Unmarshal(data, l); err != nil {
		return nil, invalidPlan("a cached local relation cannot be decoded")
	}
	return t.localRelation(l)
}

// chunkedLocal reads a relation sent as blobs of Arrow and one of the schema (from 4.1).
func (t *translator) chunkedLocal(c *pb.ChunkedCachedLocalRelation) (plan.Node, error) {
	var chunks [][]byte
	size := int64(0)
	for _, h := range c.GetDataHashes() {
		data, err := t.blob(cachePrefix + h)
		if err != nil {
			return nil, err
		}
		if size += int64(len(data)); t.localLimit > 0 && size > t.localLimit {
			return nil, localTooLarge(size, t.localLimit)
		}
		chunks = append(chunks, data)
	}
	schema := ""
	if c.SchemaHash != nil {
		data, err := t.blob(cachePrefix + c.GetSchemaHash())
		if err != nil {
			return nil, err
		}
		schema = string(bytes.Clone(data))
	}
	return local(chunks, schema)
}
