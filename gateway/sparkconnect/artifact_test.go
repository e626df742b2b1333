package sparkconnect

import (
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/connectors/arrowipc"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/types"
)

func chunkOf(data []byte) *pb.AddArtifactsRequest_ArtifactChunk {
	return &pb.AddArtifactsRequest_ArtifactChunk{Data: data, Crc: int64(crc32.ChecksumIEEE(data))}
}

// upload sends requests and returns the summaries.
func (w *world) upload(reqs ...*pb.AddArtifactsRequest) ([]*pb.AddArtifactsResponse_ArtifactSummary, error) {
	s, err := w.client.AddArtifacts(w.t.Context())
	require.NoError(w.t, err)
	for _, r := range reqs {
		r.SessionId, r.UserContext = w.id, user()
		if err := s.Send(r); err != nil {
			break
		}
	}
	resp, err := s.CloseAndRecv()
	return resp.GetArtifacts(), err
}

func one(name string, c *pb.AddArtifactsRequest_ArtifactChunk) *pb.AddArtifactsRequest {
	return &pb.AddArtifactsRequest{Payload: &pb.AddArtifactsRequest_Batch_{Batch: &pb.AddArtifactsRequest_Batch{
		Artifacts: []*pb.AddArtifactsRequest_SingleChunkArtifact{{Name: name, Data: c}},
	}}}
}

func begin(name string, total, n int64, c *pb.AddArtifactsRequest_ArtifactChunk) *pb.AddArtifactsRequest {
	return &pb.AddArtifactsRequest{Payload: &pb.AddArtifactsRequest_BeginChunk{BeginChunk: &pb.AddArtifactsRequest_BeginChunkedArtifact{
		Name: name, TotalBytes: total, NumChunks: n, InitialChunk: c,
	}}}
}

func more(c *pb.AddArtifactsRequest_ArtifactChunk) *pb.AddArtifactsRequest {
	return &pb.AddArtifactsRequest{Payload: &pb.AddArtifactsRequest_Chunk{Chunk: c}}
}

func TestArtifacts(t *testing.T) {
	w := newWorld(t, Options{})
	bad := chunkOf([]byte("xyz"))
	bad.Crc++
	sums, err := w.upload(
		one("files/a", chunkOf([]byte("hello"))),
		begin("pyfiles/b.py", 6, 3, chunkOf([]byte("ab"))), more(chunkOf([]byte("cd"))), more(chunkOf([]byte("ef"))),
		begin("files/broken", 6, 2, bad), more(chunkOf([]byte("cd"))),
		one("files/c", chunkOf(nil)),
	)
	require.NoError(t, err)
	got := map[string]bool{}
	for _, s := range sums {
		got[s.Name] = s.IsCrcSuccessful
	}
	require.Equal(t, map[string]bool{"files/a": true, "pyfiles/b.py": true, "files/broken": false, "files/c": true}, got)
	blobs := w.engine.live[SessionKey{"ada", w.id}].blobs
	require.Equal(t, "hello", string(blobs["files/a"]))
	require.Equal(t, "abcdef", string(blobs["pyfiles/b.py"]))
	require.NotContains(t, blobs, "files/broken")
	st, err := w.client.ArtifactStatus(t.Context(), &pb.ArtifactStatusesRequest{SessionId: w.id, UserContext: user(), Names: []string{"files/a", "files/z"}})
	require.NoError(t, err)
	require.True(t, st.Statuses["files/a"].Exists)
	require.False(t, st.Statuses["files/z"].Exists)
}

func TestArtifactErrors(t *testing.T) {
	w := newWorld(t, Options{})
	for name, reqs := range map[string][]*pb.AddArtifactsRequest{
		"path":        {one("../etc/passwd", chunkOf(nil))},
		"absolute":    {one("/etc/passwd", chunkOf(nil))},
		"short":       {begin("files/a", 6, 3, chunkOf([]byte("ab")))},
		"long":        {begin("files/a", 3, 2, chunkOf([]byte("ab"))), more(chunkOf([]byte("cd")))},
		"interrupted": {begin("files/a", 6, 3, chunkOf([]byte("ab"))), one("files/b", chunkOf(nil))},
		"no artifact": {more(chunkOf([]byte("ab")))},
		"huge":        {begin("files/a", 1<<40, 3, chunkOf([]byte("ab")))},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.upload(reqs...)
			require.NotEmpty(t, infoOf(t, err).Reason)
		})
	}
}

func arrowOf(t *testing.T, vs ...any) []byte {
	t.Helper()
	s := types.NewSchema(types.F("x", types.Long))
	data, err := arrowipc.EncodeStream(s, &batch.Batch{N: len(vs), Cols: []*batch.Vector{batch.Of(types.Long, vs...)}}, arrowipc.Options{})
	require.NoError(t, err)
	return data
}

func TestLocalRelations(t *testing.T) {
	w := newWorld(t, Options{})
	rows := arrowOf(t, int64(0), int64(1))
	schema := "id BIGINT"
	inline := &pb.LocalRelation{Data: rows, Schema: &schema}
	cached, err := proto.Marshal(inline)
	require.NoError(t, err)
	_, err = w.upload(one("cache/m", chunkOf(cached)), one("cache/d1", chunkOf(rows)), one("cache/d2", chunkOf(arrowOf(t, int64(2)))), one("cache/s", chunkOf([]byte(schema))))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		r *pb.Relation
		n int
	}{
		"inline": {&pb.Relation{RelType: &pb.Relation_LocalRelation{LocalRelation: inline}}, 2},
		"cached": {&pb.Relation{RelType: &pb.Relation_CachedLocalRelation{CachedLocalRelation: &pb.CachedLocalRelation{Hash: "m"}}}, 2},
		"chunks": {&pb.Relation{RelType: &pb.Relation_ChunkedCachedLocalRelation{ChunkedCachedLocalRelation: &pb.ChunkedCachedLocalRelation{
			DataHashes: []string{"d1", "d2"}, SchemaHash: new("s"),
		}}}, 3},
		"empty": {&pb.Relation{RelType: &pb.Relation_LocalRelation{LocalRelation: &pb.LocalRelation{Schema: &schema}}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rs, err := w.run(rootPlan(c.r))
			require.NoError(t, err)
			require.Equal(t, "id", rs[0].Schema.GetStruct().Fields[0].Name)
			require.Len(t, longs(t, rs), c.n)
		})
	}
	w.configure(t, set1(keyLocalLimit, "100"))
	_, err = w.run(rootPlan(&pb.Relation{RelType: &pb.Relation_ChunkedCachedLocalRelation{ChunkedCachedLocalRelation: &pb.ChunkedCachedLocalRelation{
		DataHashes: []string{"d1", "d2"}, SchemaHash: new("s"),
	}}}))
	require.Equal(t, "LOCAL_RELATION_SIZE_LIMIT_EXCEEDED", conditionOf(t, err))
	broken := &pb.Relation{RelType: &pb.Relation_LocalRelation{LocalRelation: &pb.LocalRelation{Data: rows[:len(rows)/2]}}}
	_, err = w.run(rootPlan(broken))
	require.Equal(t, "CONNECT_INVALID_PLAN.INVALID_LOCAL_RELATION", conditionOf(t, err))
}
