package sparkconnect

import (
	"context"
	"hash/fnv"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
)

var explainModes = map[pb.AnalyzePlanRequest_Explain_ExplainMode]string{
	pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_UNSPECIFIED: "simple",
	pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_SIMPLE:      "simple",
	pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_EXTENDED:    "extended",
	pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_CODEGEN:     "codegen",
	pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_COST:        "cost",
	pb.AnalyzePlanRequest_Explain_EXPLAIN_MODE_FORMATTED:   "formatted",
}

// AnalyzePlan answers questions about a plan without running it.
func (s *Server) AnalyzePlan(ctx context.Context, req *pb.AnalyzePlanRequest) (*pb.AnalyzePlanResponse, error) {
	sess, err := s.sessions.acquire(ctx, req, true)
	if err != nil {
		return nil, err
	}
	a := &analysis{srv: s, sess: sess, out: &pb.AnalyzePlanResponse{SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID()}}
	if err := a.answer(ctx, req); err != nil {
		return nil, s.failed(sess, err)
	}
	return a.out, nil
}

// analysis is one AnalyzePlan call.
type analysis struct {
	srv  *Server
	sess *session
	out  *pb.AnalyzePlanResponse
}

func (a *analysis) answer(ctx context.Context, req *pb.AnalyzePlanRequest) error {
	switch k := req.GetAnalyze().(type) {
	case *pb.AnalyzePlanRequest_Schema_:
		n, err := a.resolved(ctx, k.Schema.GetPlan())
		if err == nil {
			a.out.Result = &pb.AnalyzePlanResponse_Schema_{Schema: &pb.AnalyzePlanResponse_Schema{Schema: schemaTo(plan.SchemaOf(n))}}
		}
		return err
	case *pb.AnalyzePlanRequest_TreeString_:
		n, err := a.resolved(ctx, k.TreeString.GetPlan())
		if err == nil {
			text := plan.SchemaOf(n).Tree(int(k.TreeString.GetLevel()))
			a.out.Result = &pb.AnalyzePlanResponse_TreeString_{TreeString: &pb.AnalyzePlanResponse_TreeString{TreeString: text}}
		}
		return err
	case *pb.AnalyzePlanRequest_Explain_:
		return a.explain(ctx, k.Explain)
	case *pb.AnalyzePlanRequest_SparkVersion_:
		a.out.Result = &pb.AnalyzePlanResponse_SparkVersion_{SparkVersion: &pb.AnalyzePlanResponse_SparkVersion{Version: a.srv.version}}
		return nil
	case *pb.AnalyzePlanRequest_DdlParse:
		schema, err := sql.ParseSchema(k.DdlParse.GetDdlString())
		if err == nil {
			a.out.Result = &pb.AnalyzePlanResponse_DdlParse{DdlParse: &pb.AnalyzePlanResponse_DDLParse{Parsed: schemaTo(schema)}}
		}
		return err
	case *pb.AnalyzePlanRequest_JsonToDdl:
		schema, err := sql.ParseSchemaJSON(k.JsonToDdl.GetJsonString())
		if err == nil {
			a.out.Result = &pb.AnalyzePlanResponse_JsonToDdl{JsonToDdl: &pb.AnalyzePlanResponse_JsonToDDL{DdlString: schema.DDL()}}
		}
		return err
	}
	return a.fact(ctx, req)
}

// fact answers yes-or-no questions and comparisons.
func (a *analysis) fact(ctx context.Context, req *pb.AnalyzePlanRequest) error {
	switch k := req.GetAnalyze().(type) {
	case *pb.AnalyzePlanRequest_IsLocal_:
		n, err := a.resolved(ctx, k.IsLocal.GetPlan())
		if err == nil {
			a.out.Result = &pb.AnalyzePlanResponse_IsLocal_{IsLocal: &pb.AnalyzePlanResponse_IsLocal{IsLocal: isLocal(n)}}
		}
		return err
	case *pb.AnalyzePlanRequest_IsStreaming_:
		_, err := a.resolved(ctx, k.IsStreaming.GetPlan())
		a.out.Result = &pb.AnalyzePlanResponse_IsStreaming_{IsStreaming: &pb.AnalyzePlanResponse_IsStreaming{}}
		return err
	case *pb.AnalyzePlanRequest_InputFiles_:
		n, err := a.unresolved(ctx, k.InputFiles.GetPlan())
		if err != nil {
			return err
		}
		files, err := a.sess.engine.Describe().InputFiles(ctx, n)
		a.out.Result = &pb.AnalyzePlanResponse_InputFiles_{InputFiles: &pb.AnalyzePlanResponse_InputFiles{Files: files}}
		return err
	case *pb.AnalyzePlanRequest_SameSemantics_:
		x, err := a.semantics(ctx, k.SameSemantics.GetTargetPlan())
		if err != nil {
			return err
		}
		y, err := a.semantics(ctx, k.SameSemantics.GetOtherPlan())
		a.out.Result = &pb.AnalyzePlanResponse_SameSemantics_{SameSemantics: &pb.AnalyzePlanResponse_SameSemantics{Result: x == y}}
		return err
	case *pb.AnalyzePlanRequest_SemanticHash_:
		x, err := a.semantics(ctx, k.SemanticHash.GetPlan())
		h := fnv.New32a()
		_, _ = h.Write([]byte(x))
		a.out.Result = &pb.AnalyzePlanResponse_SemanticHash_{SemanticHash: &pb.AnalyzePlanResponse_SemanticHash{Result: int32(h.Sum32())}}
		return err
	}
	return a.storage(ctx, req)
}

// storage answers df.persist, unpersist and storageLevel.
func (a *analysis) storage(ctx context.Context, req *pb.AnalyzePlanRequest) error {
	t, store := a.srv.translator(ctx, a.sess), a.sess.engine.State().Storage()
	switch k := req.GetAnalyze().(type) {
	case *pb.AnalyzePlanRequest_Persist_:
		n, err := t.relation(k.Persist.GetRelation())
		if err != nil {
			return err
		}
		level := StorageLevel{Disk: true, Memory: true, Deserialized: true, Replication: 1}
		if l := k.Persist.GetStorageLevel(); l != nil {
			level = levelFrom(l)
		}
		a.out.Result = &pb.AnalyzePlanResponse_Persist_{Persist: &pb.AnalyzePlanResponse_Persist{}}
		return store.Persist(ctx, n, level)
	case *pb.AnalyzePlanRequest_Unpersist_:
		n, err := t.relation(k.Unpersist.GetRelation())
		if err != nil {
			return err
		}
		a.out.Result = &pb.AnalyzePlanResponse_Unpersist_{Unpersist: &pb.AnalyzePlanResponse_Unpersist{}}
		return store.Unpersist(ctx, n, k.Unpersist.GetBlocking())
	case *pb.AnalyzePlanRequest_GetStorageLevel_:
		n, err := t.relation(k.GetStorageLevel.GetRelation())
		if err != nil {
			return err
		}
		level, err := store.Level(ctx, n)
		level.Replication = max(level.Replication, 1) // as Spark's NONE
		a.out.Result = &pb.AnalyzePlanResponse_GetStorageLevel_{GetStorageLevel: &pb.AnalyzePlanResponse_GetStorageLevel{StorageLevel: levelTo(level)}}
		return err
	}
	return invalidPlan("an analysis of unknown kind")
}

// unresolved translates the plan of a question.
func (a *analysis) unresolved(ctx context.Context, p *pb.Plan) (plan.Node, error) {
	p, err := inflate(p)
	if err != nil {
		return nil, err
	}
	if p.GetRoot() == nil {
		return nil, invalidPlan("only relations can be analysed")
	}
	return a.srv.translator(ctx, a.sess).relation(p.GetRoot())
}

func (a *analysis) resolved(ctx context.Context, p *pb.Plan) (plan.Node, error) {
	n, err := a.unresolved(ctx, p)
	if err != nil {
		return nil, err
	}
	return a.sess.engine.Analyze(ctx, n)
}

func (a *analysis) explain(ctx context.Context, e *pb.AnalyzePlanRequest_Explain) error {
	mode, ok := explainModes[e.GetExplainMode()]
	if !ok {
		return invalidPlan("an explain mode that does not exist")
	}
	n, err := a.unresolved(ctx, e.GetPlan())
	if err != nil {
		return err
	}
	text, err := a.sess.engine.Describe().Explain(ctx, n, mode)
	a.out.Result = &pb.AnalyzePlanResponse_Explain_{Explain: &pb.AnalyzePlanResponse_Explain{ExplainString: validText(text)}}
	return err
}

func (a *analysis) semantics(ctx context.Context, p *pb.Plan) (string, error) {
	n, err := a.unresolved(ctx, p)
	if err != nil {
		return "", err
	}
	return a.sess.engine.Describe().SemanticKey(ctx, n)
}

// isLocal tells whether a plan's rows are at hand without running it.
func isLocal(n plan.Node) bool {
	switch n := n.(type) {
	case *plan.Tagged:
		return isLocal(n.Child)
	case *plan.Local, plan.Command:
		return true
	}
	return false
}
