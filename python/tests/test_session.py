"""What belongs to a session: views, catalog, configuration, cache."""

from __future__ import annotations

import pytest
from pyspark import StorageLevel
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F

from cases.tables import people
from conftest import end_session, new_session


def test_version(spark):
    assert spark.version.split(".")[:2] == ["4", "1"]


def test_temp_views_are_of_the_session(spark, url):
    people(spark).createOrReplaceTempView("mine")
    other = new_session(url)
    try:
        assert spark.catalog.tableExists("mine") and not other.catalog.tableExists("mine")
    finally:
        end_session(other)


def test_temp_view_is_a_query_not_a_copy_of_rows(spark):
    spark.range(3).createOrReplaceTempView("v")
    doubled = spark.sql("SELECT id * 2 AS d FROM v")
    spark.range(5).createOrReplaceTempView("v")
    assert spark.table("v").count() == 5
    assert doubled.count() in (3, 5)


def test_create_temp_view_twice(spark):
    spark.range(1).createTempView("once")
    with pytest.raises(AnalysisException) as caught:
        spark.range(1).createTempView("once")
    assert caught.value.getCondition() == "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"


def test_global_temp_view(spark, url):
    spark.range(2).createOrReplaceGlobalTempView("everywhere")
    other = new_session(url)
    try:
        assert other.table("global_temp.everywhere").count() == 2
    finally:
        assert spark.catalog.dropGlobalTempView("everywhere")
        end_session(other)


def test_catalog_of_views(spark):
    people(spark).createOrReplaceTempView("p")
    table = next(t for t in spark.catalog.listTables() if t.name == "p")
    assert (table.isTemporary, table.tableType) == (True, "TEMPORARY")
    assert spark.catalog.getTable("p").name == "p"
    assert [(c.name, c.dataType, c.nullable) for c in spark.catalog.listColumns("p")][:2] == [("id", "int", True), ("name", "string", True)]
    assert spark.catalog.dropTempView("p") is True
    assert spark.catalog.dropTempView("p") is False
    assert spark.catalog.tableExists("p") is False


def test_catalog_of_databases(spark):
    assert spark.catalog.currentDatabase() == "default"
    assert spark.catalog.currentCatalog() == "spark_catalog"
    assert "default" in [d.name for d in spark.catalog.listDatabases()]
    assert spark.catalog.databaseExists("default") and not spark.catalog.databaseExists("nowhere")
    assert spark.catalog.getDatabase("default").name == "default"
    spark.catalog.setCurrentDatabase("default")


def test_catalog_of_functions(spark):
    assert spark.catalog.functionExists("count") and not spark.catalog.functionExists("frobnicate")
    assert "upper" in [f.name for f in spark.catalog.listFunctions()]
    assert spark.catalog.getFunction("upper").name == "upper"


def test_list_tables_by_pattern(spark):
    for name in ("alpha", "alps", "beta"):
        spark.range(1).createOrReplaceTempView(name)
    assert sorted(t.name for t in spark.catalog.listTables(pattern="al*")) == ["alpha", "alps"]


def test_conf(spark):
    key = "spark.sql.shuffle.partitions"
    spark.conf.set(key, 13)
    assert spark.conf.get(key) == "13"
    assert spark.conf.getAll[key] == "13"
    spark.conf.unset(key)
    assert spark.conf.get(key).isdigit() and spark.conf.get(key) != "13"
    assert spark.conf.get("spark.my.own", "fallback") == "fallback"
    spark.conf.set("spark.my.own", "x")
    assert spark.conf.get("spark.my.own") == "x"


def test_conf_is_of_the_session(spark, url):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    other = new_session(url)
    try:
        assert other.conf.get("spark.sql.session.timeZone") != "Asia/Tokyo"
    finally:
        end_session(other)


def test_conf_given_to_the_builder(url):
    from pyspark.sql import SparkSession

    session = SparkSession.builder.remote(url).config("spark.sql.ansi.enabled", "false").create()
    try:
        assert session.sql("SELECT 1 / 0").first()[0] is None
    finally:
        end_session(session)


@pytest.mark.parametrize("key, value", [("spark.sql.ansi.enabled", "true"), ("spark.sql.caseSensitive", "false"), ("spark.sql.shuffle.partitions", None)])
def test_defaults_that_programs_read(spark, key, value):
    found = spark.conf.get(key)
    assert found == value if value else found.isdigit()


def test_case_sensitivity(spark):
    frame = spark.createDataFrame([(1, 2)], "a int, A int")
    spark.conf.set("spark.sql.caseSensitive", "true")
    assert frame.select("A").first()[0] == 2


def test_ansi_can_be_switched(spark):
    frame = spark.sql("SELECT 1 AS one")
    spark.conf.set("spark.sql.ansi.enabled", "false")
    assert frame.selectExpr("CAST('x' AS INT)").first()[0] is None
    spark.conf.set("spark.sql.ansi.enabled", "true")
    with pytest.raises(PySparkException, match="CAST_INVALID_INPUT"):
        frame.selectExpr("CAST('x' AS INT)").first()


def test_cache_and_persist(spark):
    frame = spark.range(1000).withColumn("k", F.col("id") % 10)
    assert frame.storageLevel == StorageLevel.NONE and not frame.is_cached
    assert frame.cache() is frame and frame.is_cached
    assert frame.storageLevel.useMemory
    assert [frame.groupBy("k").count().count(), frame.count(), frame.count()] == [10, 1000, 1000]
    frame.unpersist()
    assert not frame.is_cached and frame.storageLevel == StorageLevel.NONE
    frame.persist(StorageLevel.DISK_ONLY)
    assert frame.storageLevel.useDisk and not frame.storageLevel.useMemory
    assert frame.count() == 1000
    frame.unpersist(blocking=True)


def test_cached_rows_do_not_change_with_the_file(spark, shared_dir):
    path = str(shared_dir / "t")
    spark.range(5).write.parquet(path)
    frame = spark.read.parquet(path).cache()
    assert frame.count() == 5
    spark.range(100, 107).write.mode("append").parquet(str(shared_dir / "other"))
    assert frame.agg(F.max("id")).first()[0] == 4
    frame.unpersist()


def test_cache_serves_derived_frames(spark):
    base = spark.range(10).selectExpr("id", "id * 2 AS u").cache()
    assert sorted(r.u for r in base.collect()) == list(range(0, 20, 2))
    assert base.where("id < 3").agg(F.sum("u")).first()[0] == 6
    base.unpersist()


def test_cached_tables(spark):
    spark.range(3).createOrReplaceTempView("t")
    assert spark.catalog.isCached("t") is False
    spark.catalog.cacheTable("t")
    assert spark.catalog.isCached("t") is True and spark.table("t").count() == 3
    spark.catalog.uncacheTable("t")
    assert spark.catalog.isCached("t") is False
    spark.sql("CACHE TABLE t")
    assert spark.catalog.isCached("t") is True
    spark.sql("UNCACHE TABLE t")
    spark.catalog.clearCache()


def test_same_semantics(spark):
    frame = spark.range(10).where("id > 1")
    assert frame.sameSemantics(spark.range(10).where("id > 1"))
    assert not frame.sameSemantics(spark.range(10).where("id > 2"))
    assert frame.semanticHash() == spark.range(10).where("id > 1").semanticHash()


def test_input_files_is_local_is_streaming(spark, shared_dir):
    spark.range(1).coalesce(1).write.parquet(str(shared_dir / "t"))
    files = spark.read.parquet(str(shared_dir / "t")).inputFiles()
    assert len(files) == 1 and files[0].startswith("file:///") and files[0].endswith(".parquet")
    assert people(spark).isStreaming is False
    assert spark.sql("SHOW TABLES").isLocal() is True


def test_checkpoint_like_reuse(spark):
    base = spark.range(100).withColumn("x", F.col("id") * 2)
    total = base.agg(F.sum("x")).first()[0]
    assert base.join(base.select("id"), "id").agg(F.sum("x")).first()[0] == total
