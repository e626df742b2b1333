package sparkconnect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

func TestSecretsAreNotDescribed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"select token from t where k = 1", "select token from t where k = 1"},
		{"select max(token), 'x' from t", "select max(token), 'x' from t"},
		{"SET fs.s3a.secret.key=CANARY", "SET fs.s3a.secret.key=*********(redacted)"},
		{"create table t using csv options ('fs.s3a.access.key' 'CANARY', a 'b')", "create table t using csv options ('fs.s3a.access.key' *********(redacted), a 'b')"},
		{`select f("password" , "CAN\"ARY"), 2`, `select f("password" , *********(redacted)), 2`},
		{"select map('token', 'CANARY", "select map('token', *********(redacted)"},
		{"select * from parquet.`s3a://CANARY:CANARY@bucket/x`", "select * from parquet.`s3a://*********(redacted)@bucket/x`"},
	} {
		require.Equal(t, c.want, withoutSecrets(c.text))
	}
}

func sqlRelation(text string) *pb.Relation {
	return &pb.Relation{RelType: &pb.Relation_Sql{Sql: &pb.SQL{Query: text}}}
}

func filterOf(in *pb.Relation) *pb.Relation {
	return &pb.Relation{RelType: &pb.Relation_Filter{Filter: &pb.Filter{Input: in}}}
}

func rootOf(r *pb.Relation) *pb.ExecutePlanRequest {
	return &pb.ExecutePlanRequest{Plan: &pb.Plan{OpType: &pb.Plan_Root{Root: r}}}
}

func TestDescribe(t *testing.T) {
	require.Equal(t, "select 1", describe(rootOf(sqlRelation("select 1"))))
	joined := &pb.Relation{RelType: &pb.Relation_Join{Join: &pb.Join{Left: filterOf(sqlRelation("table t")), Right: sqlRelation("no")}}}
	require.Equal(t, "join, filter, table t", describe(rootOf(joined)))
	deep := sqlRelation("far below")
	for range 50 {
		deep = filterOf(deep)
	}
	require.Equal(t, strings.Repeat("filter, ", maxDescribed)+"...", describe(rootOf(deep)))
	require.Empty(t, describe(&pb.ExecutePlanRequest{}))
	write := &pb.Command{CommandType: &pb.Command_WriteOperation{WriteOperation: &pb.WriteOperation{Input: sqlRelation("table t")}}}
	require.Equal(t, "write table t", describe(&pb.ExecutePlanRequest{Plan: &pb.Plan{OpType: &pb.Plan_Command{Command: write}}}))
	view := &pb.Command{CommandType: &pb.Command_CreateDataframeView{CreateDataframeView: &pb.CreateDataFrameViewCommand{}}}
	require.Equal(t, "create dataframe view", describe(&pb.ExecutePlanRequest{Plan: &pb.Plan{OpType: &pb.Plan_Command{Command: view}}}))
}
