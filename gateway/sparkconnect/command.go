package sparkconnect

import (
	"context"
	"errors"
	"io"
	"strings"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// command runs what has effects, and answers what it has to say.
func (x *execution) command(ctx context.Context, c *pb.Command) error {
	switch k := c.GetCommandType().(type) {
	case *pb.Command_SqlCommand:
		return x.sqlCommand(ctx, k.SqlCommand)
	case *pb.Command_WriteOperation:
		n, err := x.srv.translator(ctx, x.op.session).write(k.WriteOperation)
		return x.effect(ctx, n, err)
	case *pb.Command_WriteOperationV2:
		n, err := x.srv.translator(ctx, x.op.session).writeV2(k.WriteOperationV2)
		return x.effect(ctx, n, err)
	case *pb.Command_CreateDataframeView:
		n, err := x.srv.translator(ctx, x.op.session).createView(k.CreateDataframeView)
		return x.effect(ctx, n, err)
	case *pb.Command_CheckpointCommand:
		return x.checkpoint(ctx, k.CheckpointCommand)
	case *pb.Command_RemoveCachedRemoteRelationCommand:
		return x.removeRemote(ctx, k.RemoveCachedRemoteRelationCommand.GetRelation().GetRelationId())
	case *pb.Command_GetResourcesCommand:
		r := &pb.GetResourcesCommandResult{Resources: map[string]*pb.ResourceInformation{}}
		return x.push(ctx, &pb.ExecutePlanResponse{ResponseType: &pb.ExecutePlanResponse_GetResourcesCommandResult{GetResourcesCommandResult: r}})
	}
	return unsupportedCommand(c)
}

func unsupportedCommand(c *pb.Command) error {
	switch k := c.GetCommandType().(type) {
	case nil:
		return invalidPlan("a command is missing")
	case *pb.Command_RegisterFunction:
		return unsupportedUDF(k.RegisterFunction)
	case *pb.Command_RegisterTableFunction:
		return errs.Unsupported("Python user-defined table functions (" + k.RegisterTableFunction.GetFunctionName() + ")")
	case *pb.Command_RegisterDataSource:
		return errs.Unsupported("Python data sources (" + k.RegisterDataSource.GetName() + ")")
	case *pb.Command_MlCommand:
		return errs.Unsupported("machine learning over Spark Connect")
	case *pb.Command_MergeIntoTableCommand:
		return errs.Unsupported("MERGE INTO")
	case *pb.Command_WriteStreamOperationStart, *pb.Command_StreamingQueryCommand, *pb.Command_StreamingQueryManagerCommand,
		*pb.Command_StreamingQueryListenerBusCommand:
		return errs.Unsupported("structured streaming")
	case *pb.Command_CreateResourceProfileCommand:
		return errs.Unsupported("resource profiles")
	case *pb.Command_PipelineCommand:
		return errs.Unsupported("declarative pipelines")
	case *pb.Command_ExecuteExternalCommand:
		return errs.Unsupported("external commands (" + k.ExecuteExternalCommand.GetRunner() + ")")
	case *pb.Command_Extension:
		return errs.Unsupported("command extension " + k.Extension.GetTypeUrl())
	}
	return errs.Unsupported("command " + strings.TrimPrefix(typeName(c.GetCommandType()), "Command_"))
}

// effect runs a command that has nothing to say.
func (x *execution) effect(ctx context.Context, n plan.Node, err error) error {
	if err != nil {
		return err
	}
	return x.drain(ctx, n)
}

// drain runs a plan to its end and drops its rows.
func (x *execution) drain(ctx context.Context, n plan.Node) error {
	res, err := x.execute(ctx, n)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = res.Next(ctx)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return x.closed(res, err)
}

// sqlCommand answers spark.sql(): a query comes back as it is, analysed so that
// its errors show here; a command is run now and its rows come back as data.
func (x *execution) sqlCommand(ctx context.Context, c *pb.SqlCommand) error {
	in := sqlInput(c)
	n, err := x.srv.translator(ctx, x.op.session).relation(in)
	if err != nil {
		return err
	}
	out := in
	if _, ok := n.(plan.Command); ok {
		out, err = x.runCommand(ctx, n)
	} else {
		_, err = x.op.session.engine.Analyze(ctx, n)
	}
	if err != nil {
		return err
	}
	return x.push(ctx, &pb.ExecutePlanResponse{ResponseType: &pb.ExecutePlanResponse_SqlCommandResult_{
		SqlCommandResult: &pb.ExecutePlanResponse_SqlCommandResult{Relation: out},
	}})
}

// sqlInput is the relation of spark.sql().
func sqlInput(c *pb.SqlCommand) *pb.Relation {
	if c.GetInput() != nil {
		return c.GetInput()
	}
	return &pb.Relation{RelType: &pb.Relation_Sql{Sql: &pb.SQL{ // clients before 4.0
		Query: c.GetSql(), Args: c.GetArgs(), PosArgs: c.GetPosArgs(), NamedArguments: c.GetNamedArguments(), PosArguments: c.GetPosArguments(),
	}}}
}

// runCommand runs an SQL command and makes a relation of its rows.
func (x *execution) runCommand(ctx context.Context, n plan.Node) (*pb.Relation, error) {
	res, err := x.execute(ctx, n)
	if err != nil {
		return nil, err
	}
	data, s, err := x.collect(ctx, res)
	if err := x.closed(res, err); err != nil {
		return nil, err
	}
	text := sql.SchemaJSON(s)
	return &pb.Relation{RelType: &pb.Relation_LocalRelation{LocalRelation: &pb.LocalRelation{Data: data, Schema: &text}}}, nil
}

// checkpoint keeps a plan under an id. Its rows are cached in the session; an
// eager one is run now.
func (x *execution) checkpoint(ctx context.Context, c *pb.CheckpointCommand) error {
	sess := x.op.session
	n, err := x.srv.translator(ctx, sess).relation(c.GetRelation())
	if err != nil {
		return err
	}
	if err := sess.engine.State().Storage().Persist(ctx, n, checkpointLevel(c)); err != nil {
		return err
	}
	if c.GetEager() {
		if err := x.drain(ctx, n); err != nil {
			return err
		}
	}
	id := x.op.remoteID()
	if err := x.op.keepRemote(ctx, id); err != nil {
		return err
	}
	if err := sess.addRemote(id, n, c.GetRelation()); err != nil {
		return err
	}
	r := &pb.CheckpointCommandResult{Relation: &pb.CachedRemoteRelation{RelationId: id}}
	return x.push(ctx, &pb.ExecutePlanResponse{ResponseType: &pb.ExecutePlanResponse_CheckpointCommandResult{CheckpointCommandResult: r}})
}

func checkpointLevel(c *pb.CheckpointCommand) StorageLevel {
	if c.GetStorageLevel() != nil {
		return levelFrom(c.GetStorageLevel())
	}
	return StorageLevel{Disk: true, Memory: true, Deserialized: true, Replication: 1}
}

// removeRemote forgets a checkpoint; unknown ids are harmless, as clients send
// the command from finalizers.
func (x *execution) removeRemote(ctx context.Context, id string) error {
	n := x.op.session.takeRemote(id)
	if n == nil {
		return nil
	}
	if err := x.op.session.dropRemote(ctx, id); err != nil {
		return err
	}
	return x.op.session.engine.State().Storage().Unpersist(ctx, n, false)
}

func (s *session) addRemote(id string, n plan.Node, r *pb.Relation) error {
	if s.lasting != nil {
		r = s.inlined(r).(*pb.Relation)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.remotes) >= maxRemotes {
		return tooMany("checkpointed data frames in the session")
	}
	s.mu.remotes[id] = n
	if s.lasting != nil {
		s.mu.relations[id] = r
	}
	return nil
}

// takeRemote removes and returns a checkpointed plan, nil if there is none.
func (s *session) takeRemote(id string) plan.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.mu.remotes[id]
	delete(s.mu.remotes, id)
	delete(s.mu.relations, id)
	return n
}
