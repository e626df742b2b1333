package sparkconnect

import (
	"testing"

	"github.com/stretchr/testify/require"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
)

func (w *world) tryConfig(op *pb.ConfigRequest_Operation, client string) (*pb.ConfigResponse, error) {
	return w.client.Config(w.t.Context(), &pb.ConfigRequest{SessionId: w.id, UserContext: user(), Operation: op, ClientType: &client})
}

func (w *world) configure(t *testing.T, op *pb.ConfigRequest_Operation) *pb.ConfigResponse {
	t.Helper()
	r, err := w.tryConfig(op, "_SPARK_CONNECT_PYTHON spark/4.1.4 os/linux python/3.11")
	require.NoError(t, err)
	return r
}

func get1(key string) *pb.ConfigRequest_Operation {
	return &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_Get{Get: &pb.ConfigRequest_Get{Keys: []string{key}}}}
}

func set1(key, value string) *pb.ConfigRequest_Operation {
	return &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_Set{Set: &pb.ConfigRequest_Set{Pairs: []*pb.KeyValue{{Key: key, Value: &value}}}}}
}

func TestConfig(t *testing.T) {
	w := newWorld(t, Options{ZoneID: "Europe/Berlin"})
	require.Equal(t, "Europe/Berlin", w.configure(t, get1(keyTimeZone)).Pairs[0].GetValue())
	w.configure(t, set1(keyTimeZone, "+02:00"))
	require.Equal(t, "+02:00", w.configure(t, get1(keyTimeZone)).Pairs[0].GetValue())
	all := w.configure(t, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_GetAll{GetAll: &pb.ConfigRequest_GetAll{Prefix: new("spark.sql.")}}})
	require.Equal(t, "session.timeZone", all.Pairs[0].Key)
	w.configure(t, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_Unset{Unset: &pb.ConfigRequest_Unset{Keys: []string{keyTimeZone}}}})
	require.Equal(t, "Europe/Berlin", w.configure(t, get1(keyTimeZone)).Pairs[0].GetValue())
	w.configure(t, set1("my.own.key", "1"))
	require.Equal(t, "1", w.configure(t, get1("my.own.key")).Pairs[0].GetValue())

	d := w.configure(t, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_GetWithDefault{
		GetWithDefault: &pb.ConfigRequest_GetWithDefault{Pairs: []*pb.KeyValue{{Key: "nope"}, {Key: "nope2", Value: new("v")}}},
	}})
	require.Nil(t, d.Pairs[0].Value)
	require.Equal(t, "v", d.Pairs[1].GetValue())
	o := w.configure(t, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_GetOption{GetOption: &pb.ConfigRequest_GetOption{Keys: []string{"nope", keyAnsi}}}})
	require.Len(t, o.Pairs, 2) // exactly one a key, or clients fail
	require.Nil(t, o.Pairs[0].Value)
	m := w.configure(t, &pb.ConfigRequest_Operation{OpType: &pb.ConfigRequest_Operation_IsModifiable{
		IsModifiable: &pb.ConfigRequest_IsModifiable{Keys: []string{keyAnsi, "spark.sql.warehouse.dir", "nope"}},
	}})
	require.Equal(t, []string{"true", "false", "false"}, []string{m.Pairs[0].GetValue(), m.Pairs[1].GetValue(), m.Pairs[2].GetValue()})
}

func TestConfigErrors(t *testing.T) {
	w := newWorld(t, Options{})
	for class, op := range map[string]*pb.ConfigRequest_Operation{
		"SQL_CONF_NOT_FOUND":               get1("nope"),
		"CANNOT_MODIFY_STATIC_CONFIG":      set1("spark.sql.warehouse.dir", "/x"),
		"INVALID_CONF_VALUE.TIME_ZONE":     set1(keyTimeZone, "Mars/Olympus"),
		"INVALID_CONF_VALUE.TYPE_MISMATCH": set1(keyAnsi, "maybe"),
	} {
		_, err := w.tryConfig(op, "")
		require.Equal(t, class, conditionOf(t, err))
	}
	_, err := w.tryConfig(get1("nope"), "")
	require.Equal(t, "org.apache.spark.SparkNoSuchElementException", infoOf(t, err).Reason)
	silent := set1("spark.sql.warehouse.dir", "/x")
	silent.GetSet().Silent = new(true)
	require.Len(t, w.configure(t, silent).Warnings, 1)
}

// TestKeysThatClientsNeed: reading one of these must not fail, or a client cannot work.
func TestKeysThatClientsNeed(t *testing.T) {
	w := newWorld(t, Options{})
	for _, key := range []string{
		"spark.sql.session.timeZone", "spark.sql.execution.pandas.structHandlingMode", "spark.sql.execution.arrow.pyspark.selfDestruct.enabled",
		"spark.sql.timestampType", "spark.sql.session.localRelationCacheThreshold", "spark.sql.session.localRelationSizeLimit",
		"spark.sql.session.localRelationChunkSizeRows", "spark.sql.session.localRelationChunkSizeBytes",
		"spark.sql.session.localRelationBatchOfChunksSizeBytes", "spark.sql.execution.pandas.convertToArrowArraySafely",
		"spark.sql.execution.pandas.inferPandasDictAsMap", "spark.sql.pyspark.inferNestedDictAsStruct.enabled",
		"spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled", "spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled",
		"spark.sql.execution.arrow.useLargeVarTypes", "spark.sql.repl.eagerEval.enabled", "spark.sql.repl.eagerEval.maxNumRows",
		"spark.sql.repl.eagerEval.truncate", "spark.sql.execution.pyspark.binaryAsBytes", "spark.connect.session.planCompression.threshold",
		"spark.connect.session.planCompression.defaultAlgorithm", "spark.sql.connect.serverStacktrace.enabled",
		"spark.sql.pyspark.jvmStacktrace.enabled", "spark.python.sql.dataFrameDebugging.enabled",
	} {
		require.NotEmpty(t, w.configure(t, get1(key)).Pairs[0].GetValue(), key)
	}
	require.Regexp(t, `^\d+$`, w.configure(t, get1("spark.sql.session.localRelationSizeLimit")).Pairs[0].GetValue())
}

func TestDefaultsFollowTheClient(t *testing.T) {
	for client, want := range map[string]string{"x spark/3.5.1 y": "false", "x spark/4.0.0": "true", "": "true"} {
		w := newWorld(t, Options{})
		r, err := w.tryConfig(get1(keyAnsi), client)
		require.NoError(t, err)
		require.Equal(t, want, r.Pairs[0].GetValue(), client)
	}
}
