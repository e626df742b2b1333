package sparkconnect

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

// FuzzPlan decodes and translates whatever comes: an error or a node, no crash.
func FuzzPlan(f *testing.F) {
	for _, r := range []*pb.Relation{
		rangeOf(3), table("a.b"), deep(3), sqlOf("select 1"),
		{RelType: &pb.Relation_Project{Project: &pb.Project{Input: table("t"), Expressions: []*pb.Expression{col("a"), {ExprType: &pb.Expression_Literal_{Literal: lit(1)}}}}}},
		{RelType: &pb.Relation_LocalRelation{LocalRelation: &pb.LocalRelation{Data: []byte{1, 2}, Schema: new("a int")}}},
	} {
		data, err := proto.Marshal(r)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &pb.Relation{}
		if proto.Unmarshal(data, r) != nil {
			return
		}
		n, err := translate(r)
		if err == nil {
			require.NotNil(t, n)
		}
	})
}
