package sparkconnect

// Keys whose values change what the gateway does.
const (
	keyTimeZone       = "spark.sql.session.timeZone"
	keyLargeVarTypes  = "spark.sql.execution.arrow.useLargeVarTypes"
	keyAnsi           = "spark.sql.ansi.enabled"
	keyDoubleQuoted   = "spark.sql.ansi.doubleQuotedIdentifiers"
	keyReserved       = "spark.sql.ansi.enforceReservedKeywords"
	keyEscapedStrings = "spark.sql.parser.escapedStringLiterals"
	keyRegexColumns   = "spark.sql.parser.quotedRegexColumnNames"
	keyLegacySetOps   = "spark.sql.legacy.setopsPrecedence.enabled"
	keyTimestampType  = "spark.sql.timestampType"
	keyInfixBang      = "spark.sql.legacy.bangEqualsNot"
	keyOldIntervals   = "spark.sql.legacy.interval.enabled"
	keyLocalLimit     = "spark.sql.session.localRelationSizeLimit"
)

// setting is what is known of a key of Spark's.
type setting struct {
	value  string
	none   bool // no default: reading it when unset is an error
	static bool // cannot be changed in a session
}

// confDefaults are Spark's settings that clients and programs read, with the
// defaults of the newest client. localRelationSizeLimit is plain digits because
// clients from 4.2 make an int of it.
func confDefaults() map[string]setting {
	out := map[string]setting{}
	for _, table := range []map[string]string{clientDefaults, sqlDefaults, arrowDefaults} {
		for k, v := range table {
			out[k] = setting{value: v, none: v == ""}
		}
	}
	for k, v := range staticDefaults {
		out[k] = setting{value: v, static: true, none: v == ""}
	}
	for _, k := range coreKeys {
		out[k] = setting{static: true, none: true}
	}
	return out
}

// clientDefaults are what clients themselves ask for.
var clientDefaults = map[string]string{
	"spark.connect.session.planCompression.threshold":        "10485760",
	"spark.connect.session.planCompression.defaultAlgorithm": "ZSTD",
	"spark.python.sql.dataFrameDebugging.enabled":            "true",
	"spark.sql.session.localRelationCacheThreshold":          "1048576",
	keyLocalLimit: "3221225472",
	"spark.sql.session.localRelationChunkSizeRows":                     "10000",
	"spark.sql.session.localRelationChunkSizeBytes":                    "16777216",
	"spark.sql.session.localRelationBatchOfChunksSizeBytes":            "1073741824",
	"spark.sql.connect.serverStacktrace.enabled":                       "false",
	"spark.sql.pyspark.jvmStacktrace.enabled":                          "false",
	"spark.sql.pyspark.inferNestedDictAsStruct.enabled":                "false",
	"spark.sql.pyspark.legacy.inferArrayTypeFromFirstElement.enabled":  "false",
	"spark.sql.pyspark.legacy.inferMapTypeFromFirstPair.enabled":       "false",
	"spark.sql.pyspark.plotting.max_rows":                              "1000",
	"spark.sql.pyspark.plotting.sample_ratio":                          "0.1",
	"spark.sql.pyspark.worker.logging.enabled":                         "false",
	"spark.sql.repl.eagerEval.enabled":                                 "false",
	"spark.sql.repl.eagerEval.maxNumRows":                              "20",
	"spark.sql.repl.eagerEval.truncate":                                "20",
	"spark.sql.execution.pyspark.binaryAsBytes":                        "true",
	"spark.sql.execution.pandas.convertToArrowArraySafely":             "true",
	"spark.sql.execution.pandas.inferPandasDictAsMap":                  "false",
	"spark.sql.execution.pandas.structHandlingMode":                    "legacy",
	"spark.sql.execution.pythonUDF.arrow.enabled":                      "false",
	"spark.sql.execution.pythonUDTF.arrow.enabled":                     "false",
	"spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled": "false",
	"spark.sql.python.filterPushdown.enabled":                          "false",
	"spark.sql.artifact.copyFromLocalToFs.allowDestLocal":              "false",
	"spark.sql.scripting.enabled":                                      "false",
	"spark.sql.stableDerivedColumnAlias.enabled":                       "false",
	"spark.sql.dataFrameQueryContext.enabled":                          "true",
	"spark.sql.streaming.metricsEnabled":                               "false",
	"spark.sql.streaming.checkpointLocation":                           "",
	"spark.sql.streaming.stateStore.providerClass":                     "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider",
	"spark.sql.streaming.forceDeleteTempCheckpointLocation":            "false",
	"spark.sql.streaming.noDataMicroBatches.enabled":                   "true",
	"spark.sql.streaming.numRecentProgressUpdates":                     "100",
	"spark.sql.streaming.multipleWatermarkPolicy":                      "min",
	"spark.sql.mapKeyDedupPolicy":                                      "EXCEPTION",
	"spark.sql.execution.arrow.pyspark.selfDestruct.enabled":           "false",
	"spark.sql.execution.arrow.pyspark.validateSchema.enabled":         "true",
	"spark.sql.execution.arrow.maxRecordsPerOutputBatch":               "-1",
	"spark.sql.execution.arrow.maxBytesPerOutputBatch":                 "-1",
	"spark.sql.execution.arrow.compression.codec":                      "none",
	"spark.sql.execution.python.udf.maxRecordsPerBatch":                "100",
	"spark.sql.execution.pandas.udf.buffer.size":                       "65536",
	"spark.sql.execution.pythonUDF.arrow.concurrency.level":            "",
	"spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": "true",
	"spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled":   "false",
	"spark.sql.legacy.execution.pythonUDTF.pandas.conversion.enabled":  "false",
	"spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled":      "true",
	"spark.sql.execution.pyspark.udf.faulthandler.enabled":             "false",
	"spark.sql.execution.pyspark.udf.idleTimeoutSeconds":               "0",
	"spark.sql.pyspark.udf.profiler":                                   "",
	"spark.sql.legacy.createHiveTableByDefault":                        "false",
	"spark.sql.optimizer.excludedRules":                                "",
	"spark.sql.redaction.string.regex":                                 "",
	"spark.sql.debug.maxToStringFields":                                "25",
	"spark.sql.maxPlanStringLength":                                    "2147483632",
	"spark.sql.legacy.respectNullabilityInTextDatasetConversion":       "false",
	"spark.sql.tvf.allowMultipleTableArguments.enabled":                "false",
	"spark.sql.operatorPipeSyntaxEnabled":                              "true",
}

// arrowDefaults are about Arrow.
var arrowDefaults = map[string]string{
	"spark.sql.execution.arrow.enabled":                  "false",
	"spark.sql.execution.arrow.pyspark.enabled":          "true",
	"spark.sql.execution.arrow.pyspark.fallback.enabled": "true",
	"spark.sql.execution.arrow.fallback.enabled":         "true",
	"spark.sql.execution.arrow.sparkr.enabled":           "false",
	"spark.sql.execution.arrow.maxRecordsPerBatch":       "10000",
	"spark.sql.execution.arrow.maxBytesPerBatch":         "268435456",
	"spark.sql.execution.arrow.localRelationThreshold":   "50331648",
	keyLargeVarTypes: "false",
}

// sqlDefaults are settings of queries.
var sqlDefaults = map[string]string{
	keyTimeZone: "UTC", keyAnsi: "true", keyDoubleQuoted: "false", keyReserved: "false", keyEscapedStrings: "false",
	keyRegexColumns: "false", keyLegacySetOps: "false", keyTimestampType: "TIMESTAMP_LTZ",
	"spark.sql.caseSensitive":                                   "false",
	"spark.sql.shuffle.partitions":                              "200",
	"spark.sql.sources.default":                                 "parquet",
	"spark.sql.sources.partitionOverwriteMode":                  "STATIC",
	"spark.sql.sources.partitionColumnTypeInference.enabled":    "true",
	"spark.sql.sources.parallelPartitionDiscovery.threshold":    "32",
	"spark.sql.sources.bucketing.enabled":                       "true",
	"spark.sql.sources.commitProtocolClass":                     "org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol",
	"spark.sql.adaptive.enabled":                                "true",
	"spark.sql.adaptive.coalescePartitions.enabled":             "true",
	"spark.sql.adaptive.skewJoin.enabled":                       "true",
	"spark.sql.adaptive.localShuffleReader.enabled":             "true",
	"spark.sql.adaptive.advisoryPartitionSizeInBytes":           "67108864b",
	"spark.sql.autoBroadcastJoinThreshold":                      "10485760b",
	"spark.sql.broadcastTimeout":                                "300",
	"spark.sql.join.preferSortMergeJoin":                        "true",
	"spark.sql.crossJoin.enabled":                               "true",
	"spark.sql.cbo.enabled":                                     "false",
	"spark.sql.cbo.joinReorder.enabled":                         "false",
	"spark.sql.codegen.wholeStage":                              "true",
	"spark.sql.files.maxPartitionBytes":                         "134217728b",
	"spark.sql.files.openCostInBytes":                           "4194304",
	"spark.sql.files.maxRecordsPerFile":                         "0",
	"spark.sql.files.ignoreCorruptFiles":                        "false",
	"spark.sql.files.ignoreMissingFiles":                        "false",
	"spark.sql.parquet.compression.codec":                       "snappy",
	"spark.sql.parquet.mergeSchema":                             "false",
	"spark.sql.parquet.filterPushdown":                          "true",
	"spark.sql.parquet.binaryAsString":                          "false",
	"spark.sql.parquet.int96AsTimestamp":                        "true",
	"spark.sql.parquet.outputTimestampType":                     "INT96",
	"spark.sql.parquet.enableVectorizedReader":                  "true",
	"spark.sql.parquet.datetimeRebaseModeInRead":                "CORRECTED",
	"spark.sql.parquet.datetimeRebaseModeInWrite":               "CORRECTED",
	"spark.sql.orc.compression.codec":                           "zstd",
	"spark.sql.csv.filterPushdown.enabled":                      "true",
	"spark.sql.json.filterPushdown.enabled":                     "true",
	"spark.sql.jsonGenerator.ignoreNullFields":                  "true",
	"spark.sql.columnNameOfCorruptRecord":                       "_corrupt_record",
	"spark.sql.legacy.timeParserPolicy":                         "CORRECTED",
	"spark.sql.legacy.charVarcharAsString":                      "false",
	"spark.sql.legacy.interval.enabled":                         "false",
	"spark.sql.legacy.allowHashOnMapType":                       "false",
	"spark.sql.legacy.sizeOfNull":                               "true",
	"spark.sql.legacy.viewSchemaCompensation":                   "true",
	"spark.sql.datetime.java8API.enabled":                       "false",
	"spark.sql.decimalOperations.allowPrecisionLoss":            "true",
	"spark.sql.storeAssignmentPolicy":                           "ANSI",
	"spark.sql.groupByOrdinal":                                  "true",
	"spark.sql.groupByAliases":                                  "true",
	"spark.sql.orderByOrdinal":                                  "true",
	"spark.sql.pivotMaxValues":                                  "10000",
	"spark.sql.transposeMaxValues":                              "500",
	"spark.sql.inMemoryColumnarStorage.compressed":              "true",
	"spark.sql.inMemoryColumnarStorage.batchSize":               "10000",
	"spark.sql.defaultColumn.enabled":                           "true",
	"spark.sql.optimizer.maxIterations":                         "100",
	"spark.sql.optimizer.dynamicPartitionPruning.enabled":       "true",
	"spark.sql.optimizer.runtime.bloomFilter.enabled":           "true",
	"spark.sql.statistics.fallBackToHdfs":                       "false",
	"spark.sql.statistics.histogram.enabled":                    "false",
	"spark.sql.analyzer.maxIterations":                          "100",
	"spark.sql.analyzer.failAmbiguousSelfJoin":                  "true",
	"spark.sql.variable.substitute":                             "true",
	"spark.sql.view.maxNestedViewDepth":                         "100",
	"spark.sql.thriftServer.incrementalCollect":                 "false",
	"spark.sql.ui.explainMode":                                  "formatted",
	"spark.sql.defaultCatalog":                                  "spark_catalog",
	"spark.sql.metadataCacheTTLSeconds":                         "-1000ms",
	"spark.sql.readSideCharPadding":                             "true",
	"spark.sql.hive.convertMetastoreParquet":                    "true",
	"spark.sql.execution.sortBeforeRepartition":                 "true",
	"spark.sql.execution.topKSortFallbackThreshold":             "2147483632",
	"spark.sql.execution.useObjectHashAggregateExec":            "true",
	"spark.sql.execution.replaceHashWithSortAgg":                "false",
	"spark.sql.session.collation.default":                       "UTF8_BINARY",
	"spark.sql.retainGroupColumns":                              "true",
	"spark.sql.selfJoinAutoResolveAmbiguity":                    "true",
	"spark.sql.addPartitionInBatch.size":                        "100",
	"spark.sql.maxSinglePartitionBytes":                         "134217728b",
	"spark.sql.leafNodeDefaultParallelism":                      "",
	"spark.sql.cli.print.header":                                "false",
	"spark.sql.avro.compression.codec":                          "snappy",
	"spark.sql.legacy.setCommandRejectsSparkCoreConfs":          "true",
	"spark.sql.legacy.parser.havingWithoutGroupByAsWhere":       "false",
	"spark.sql.legacy.followThreeValuedLogicInArrayExists":      "true",
	"spark.sql.legacy.allowNegativeScaleOfDecimal":              "false",
	"spark.sql.legacy.nullInEmptyListBehavior":                  "",
	"spark.sql.legacy.castComplexTypesToString.enabled":         "false",
	"spark.sql.legacy.statisticalAggregate":                     "false",
	"spark.sql.legacy.integerGroupingId":                        "false",
	"spark.sql.legacy.raiseErrorWithoutErrorClass":              "false",
	"spark.sql.legacy.keepCommandOutputSchema":                  "false",
	"spark.sql.legacy.dataset.nameNonStructGroupingKeyAsValue":  "false",
	"spark.sql.legacy.json.allowEmptyString.enabled":            "false",
	"spark.sql.legacy.replaceDatabricksSparkAvro.enabled":       "true",
	"spark.sql.legacy.disableMapKeyNormalization":               "false",
	"spark.sql.legacy.negativeIndexInArrayInsert":               "false",
	"spark.sql.legacy.parseQueryWithoutEof":                     "false",
	"spark.sql.legacy.duplicateBetweenInput":                    "false",
	"spark.sql.legacy.doLooseUpcast":                            "false",
	"spark.sql.legacy.ctePrecedencePolicy":                      "CORRECTED",
	"spark.sql.legacy.createEmptyCollectionUsingStringType":     "false",
	"spark.sql.legacy.allowUntypedScalaUDF":                     "false",
	"spark.sql.legacy.allowCastNumericToTimestamp":              "true",
	"spark.sql.legacy.allowAutoGeneratedAliasForView":           "false",
	"spark.sql.legacy.allowParameterlessCount":                  "false",
	"spark.sql.legacy.allowZeroIndexInFormatString":             "false",
	"spark.sql.legacy.addSingleFileInAddFile":                   "false",
	"spark.sql.legacy.bucketedTableScan.outputOrdering":         "false",
	"spark.sql.legacy.consecutiveStringLiterals.enabled":        "false",
	"spark.sql.legacy.percentileDiscCalculation":                "false",
	"spark.sql.legacy.storeAnalyzedPlanForView":                 "false",
	"spark.sql.legacy.useV1Command":                             "false",
	"spark.sql.legacy.useCurrentConfigsForView":                 "false",
	"spark.sql.legacy.skipTypeValidationOnAlterPartition":       "false",
	"spark.sql.legacy.codingErrorAction":                        "false",
	"spark.sql.legacy.javaCharsets":                             "false",
	"spark.sql.legacy.parser.allowTypeNameAsIdentifier.enabled": "true",
}

// staticDefaults are fixed when a server starts.
var staticDefaults = map[string]string{
	"spark.sql.warehouse.dir":                                    "spark-warehouse",
	"spark.sql.catalogImplementation":                            "in-memory",
	"spark.sql.globalTempDatabase":                               "global_temp",
	"spark.sql.extensions":                                       "",
	"spark.sql.queryExecutionListeners":                          "",
	"spark.sql.artifact.isolation.enabled":                       "true",
	"spark.sql.artifact.isolation.alwaysApplyClassloader":        "false",
	"spark.sql.cache.serializer":                                 "org.apache.spark.sql.execution.columnar.DefaultCachedBatchSerializer",
	"spark.sql.ui.retainedExecutions":                            "1000",
	"spark.sql.codegen.cache.maxEntries":                         "100",
	"spark.sql.broadcastExchange.maxThreadThreshold":             "128",
	"spark.sql.subquery.maxThreadThreshold":                      "16",
	"spark.sql.event.truncate.length":                            "2147483647",
	"spark.sql.sources.schemaStringLengthThreshold":              "4000",
	"spark.sql.filesourceTableRelationCacheSize":                 "1000",
	"spark.sql.streaming.ui.enabled":                             "true",
	"spark.sql.streaming.streamingQueryListeners":                "",
	"spark.sql.debug":                                            "false",
	"spark.sql.hive.thriftServer.singleSession":                  "false",
	"spark.sql.streaming.ui.retainedProgressUpdates":             "100",
	"spark.sql.catalog.spark_catalog.defaultDatabase":            "default",
	"spark.connect.session.manager.defaultSessionTimeout":        "60m",
	"spark.connect.execute.reattachable.enabled":                 "true",
	"spark.connect.execute.manager.detachedTimeout":              "5m",
	"spark.connect.execute.reattachable.senderMaxStreamSize":     "1g",
	"spark.connect.execute.reattachable.senderMaxStreamDuration": "2m",
	"spark.connect.execute.reattachable.observerRetryBufferSize": "10m",
	"spark.connect.grpc.arrow.maxBatchSize":                      "4m",
	"spark.connect.grpc.maxInboundMessageSize":                   "134217728",
	"spark.connect.grpc.marshallerRecursionLimit":                "1024",
	"spark.connect.progress.reportInterval":                      "2s",
}

// coreKeys belong to Spark's core: they are known, have no value here, and
// cannot be set in a session.
var coreKeys = []string{
	"spark.master", "spark.submit.deployMode", "spark.driver.memory", "spark.driver.cores", "spark.driver.host", "spark.driver.port",
	"spark.executor.memory", "spark.executor.cores", "spark.executor.instances", "spark.executor.memoryOverhead", "spark.executor.id",
	"spark.dynamicAllocation.enabled", "spark.dynamicAllocation.minExecutors", "spark.dynamicAllocation.maxExecutors",
	"spark.default.parallelism", "spark.task.cpus", "spark.task.maxFailures", "spark.speculation", "spark.serializer",
	"spark.kryoserializer.buffer.max", "spark.memory.fraction", "spark.memory.storageFraction", "spark.memory.offHeap.enabled",
	"spark.memory.offHeap.size", "spark.local.dir", "spark.jars", "spark.jars.packages", "spark.files", "spark.archives", "spark.submit.pyFiles",
	"spark.ui.enabled", "spark.ui.port", "spark.eventLog.enabled", "spark.eventLog.dir", "spark.network.timeout", "spark.rpc.message.maxSize",
	"spark.shuffle.compress", "spark.shuffle.service.enabled", "spark.io.compression.codec", "spark.broadcast.blockSize", "spark.locality.wait",
	"spark.driver.maxResultSize", "spark.python.worker.memory", "spark.pyspark.python", "spark.pyspark.driver.python", "spark.plugins",
	"spark.cleaner.periodicGC.interval", "spark.scheduler.mode", "spark.rdd.compress", "spark.reducer.maxSizeInFlight", "spark.stage.maxConsecutiveAttempts",
}

// DefaultConf is Spark's defaults as a client of the newest version sees them,
// for engines that answer SET and RESET.
func DefaultConf() map[string]string {
	out := map[string]string{}
	for k, s := range confDefaults() {
		if !s.none {
			out[k] = s.value
		}
	}
	return out
}

// versionDefault is a default that differs for older clients.
func versionDefault(key string, v clientVersion) (string, bool) {
	before := func(minor int) bool { return v.major < 4 || v.major == 4 && v.minor < minor }
	switch {
	case key == keyAnsi && before(0):
		return "false", true
	case key == "spark.sql.session.localRelationCacheThreshold" && before(1):
		return "67108864", true
	case key == "spark.sql.execution.pandas.convertToArrowArraySafely" && before(1):
		return "false", true
	case key == "spark.sql.execution.pythonUDF.arrow.enabled" && !before(2):
		return "true", true
	}
	return "", false
}
