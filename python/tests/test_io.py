"""Files: every format out and in, partition folders, save modes, options, schemas, globs."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from answers import collect, signature
from cases import render
from cases.tables import moments, nested, numbers, people, sales


def rows(frame):
    return sorted(", ".join(map(render, row)) for row in collect(frame).rows)


def data_files(folder: Path) -> list[Path]:
    """What a reader would read: no markers, no checksums, nothing temporary."""
    return [f for f in sorted(folder.rglob("*")) if f.is_file() and not f.name.startswith(("_", "."))]


@pytest.mark.parametrize("table", [people, nested, numbers, moments, sales])
def test_parquet_round_trip(spark, shared_dir, table):
    frame = table(spark)
    frame.write.parquet(str(shared_dir / "t"))
    back = spark.read.parquet(str(shared_dir / "t"))
    assert signature(back) == signature(frame)
    assert rows(back) == rows(frame)
    assert (shared_dir / "t" / "_SUCCESS").exists()


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd"])
def test_parquet_codecs(spark, shared_dir, codec):
    people(spark).write.option("compression", codec).parquet(str(shared_dir / "t"))
    assert rows(spark.read.parquet(str(shared_dir / "t"))) == rows(people(spark))
    found = pq.ParquetFile(data_files(shared_dir / "t")[0]).metadata.row_group(0).column(0).compression
    assert found == {"none": "UNCOMPRESSED"}.get(codec, codec.upper())


def test_parquet_is_readable_by_others(spark, shared_dir):
    nested(spark).write.parquet(str(shared_dir / "t"))
    table = pq.read_table([str(f) for f in data_files(shared_dir / "t")])
    assert table.sort_by("id").column("nums").to_pylist() == [[1, 2, None], [], None]
    assert table.schema.field("id").type == pa.int32()


def test_parquet_of_others(spark, shared_dir):
    table = pa.table(
        {
            "u8": pa.array([1, 255, None], pa.uint8()),
            "i64": pa.array([1, -(2**63), None], pa.int64()),
            "f": pa.array([1.5, float("nan"), None], pa.float32()),
            "s": pa.array(["a", "é", None]).dictionary_encode(),
            "d": pa.array([0, 19000, None], pa.date32()),
            "m": pa.array([0, 1_700_000_000_123, None], pa.timestamp("ms", "UTC")),
            "n": pa.array([0, 1_700_000_000_123_456, None], pa.timestamp("us")),
            "dec": pa.array([None, Decimal("1"), Decimal("2")], pa.decimal128(12, 2)),
            "b": pa.array([b"\0\1", b"", None], pa.binary()),
            "fix": pa.array([b"ab", b"cd", None], pa.binary(2)),
            "l": pa.array([[{"x": 1}], [], None], pa.list_(pa.struct([("x", pa.int16())]))),
            "bool": pa.array([True, False, None]),
        }
    )
    pq.write_table(table, shared_dir / "t.parquet", data_page_version="2.0", compression="zstd")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    frame = spark.read.parquet(str(shared_dir / "t.parquet"))
    assert signature(frame) == [
        "u8: smallint", "i64: bigint", "f: float", "s: string", "d: date", "m: timestamp", "n: timestamp_ntz",
        "dec: decimal(12,2)", "b: binary", "fix: binary", "l: array<struct<x:smallint>>", "bool: boolean",
    ]  # fmt: skip
    got = collect(frame.select("u8", "i64", "s", "d", "dec", "b", "fix", "l", "bool", F.col("m").cast("string"))).rows
    assert [render(v) for v in got[1]][:3] == ["255", str(-(2**63)), "'é'"]
    assert got[1][3].isoformat() == "2022-01-08"
    assert str(got[1][4]) == "1.00" and bytes(got[1][5]) == b"" and bytes(got[1][6]) == b"cd"
    assert got[0][7] == [(1,)] and got[1][8] is False and got[1][9] == "2023-11-14 22:13:20.123"
    assert all(v is None for v in got[2][:4])


def test_partition_by(spark, shared_dir):
    target = shared_dir / "t"
    sales(spark).write.partitionBy("year", "quarter").parquet(str(target))
    assert {f.parent.relative_to(target).as_posix() for f in data_files(target)} == {
        "year=2023/quarter=Q1", "year=2023/quarter=Q2", "year=2024/quarter=Q1", "year=2024/quarter=Q2",
    }  # fmt: skip
    back = spark.read.parquet(str(target))
    assert back.columns == ["region", "amount", "year", "quarter"]
    assert dict(back.dtypes)["year"] == "int"
    assert rows(back.select(sales(spark).columns)) == rows(sales(spark))
    assert back.where("year = 2024 AND quarter = 'Q2'").count() == 2


def test_partition_values_that_need_escaping(spark, shared_dir):
    frame = spark.createDataFrame([("a/b", 1), ("x=y", 2), (None, 3), ("", 4), ("sp ace", 5)], "k string, v int")
    frame.write.partitionBy("k").parquet(str(shared_dir / "t"))
    names = {p.name for p in (shared_dir / "t").iterdir() if p.is_dir()}
    assert {"k=a%2Fb", "k=x%3Dy", "k=__HIVE_DEFAULT_PARTITION__", "k=sp ace"} == names
    back = spark.read.parquet(str(shared_dir / "t"))
    assert sorted(collect(back.select("v", "k")).rows) == [(1, "a/b"), (2, "x=y"), (3, None), (4, None), (5, "sp ace")]


def test_partition_types_are_inferred(spark, shared_dir):
    for folder in ("n=1/d=2024-01-01", "n=20/d=2024-01-02"):
        spark.range(1).write.parquet(str(shared_dir / "t" / folder))
    assert dict(spark.read.parquet(str(shared_dir / "t")).dtypes) == {"id": "bigint", "n": "int", "d": "date"}


def test_save_modes(spark, shared_dir):
    target = str(shared_dir / "t")
    spark.range(3).write.parquet(target)
    spark.range(2).write.mode("append").parquet(target)
    assert spark.read.parquet(target).count() == 5
    spark.range(7).write.mode("ignore").parquet(target)
    assert spark.read.parquet(target).count() == 5
    spark.range(1).write.mode("overwrite").parquet(target)
    assert spark.read.parquet(target).count() == 1


def test_overwrite_of_what_is_read_elsewhere(spark, shared_dir):
    first, second = str(shared_dir / "a"), str(shared_dir / "b")
    spark.range(10).write.parquet(first)
    spark.read.parquet(first).where("id > 5").write.mode("overwrite").parquet(second)
    assert spark.read.parquet(second).count() == 4


def test_empty_frame_keeps_its_schema(spark, shared_dir):
    people(spark).where("false").write.parquet(str(shared_dir / "t"))
    back = spark.read.parquet(str(shared_dir / "t"))
    assert (signature(back), back.count()) == (signature(people(spark)), 0)


def test_read_several_paths_and_globs(spark, shared_dir):
    for name, size in (("a1", 1), ("a2", 2), ("b1", 4)):
        spark.range(size).write.parquet(str(shared_dir / name))
    assert spark.read.parquet(str(shared_dir / "a1"), str(shared_dir / "b1")).count() == 5
    assert spark.read.parquet(str(shared_dir / "a*")).count() == 3
    assert spark.read.parquet(str(shared_dir / "{a1,b1}")).count() == 5


def test_column_order_of_a_given_schema(spark, shared_dir):
    people(spark).write.parquet(str(shared_dir / "t"))
    back = spark.read.schema("name string, extra int, id int").parquet(str(shared_dir / "t"))
    assert back.columns == ["name", "extra", "id"]
    assert collect(back.where("id = 1")).rows == [("Ann", None, 1)]


def test_merge_schema(spark, shared_dir):
    spark.range(1).write.parquet(str(shared_dir / "t/p=1"))
    spark.range(1).selectExpr("id", "'x' AS more").write.parquet(str(shared_dir / "t/p=2"))
    merged = spark.read.option("mergeSchema", "true").parquet(str(shared_dir / "t"))
    assert sorted(collect(merged.select("p", "more")).rows) == [(1, None), (2, "x")]


def test_parquet_filters_on_every_kind(spark, shared_dir):
    spark.range(10_000).selectExpr("id", "id % 7 AS k", "concat('v', id) AS s", "date_add(DATE '2020-01-01', CAST(id AS INT)) AS d").write.parquet(
        str(shared_dir / "t")
    )
    frame = spark.read.parquet(str(shared_dir / "t"))
    assert frame.where("id BETWEEN 100 AND 199").count() == 100
    assert frame.where("s = 'v4242'").count() == 1
    assert frame.where("d < DATE '2020-01-11' AND k IN (1, 2)").count() == 4
    assert frame.where("k IS NULL").count() == 0
    assert frame.where("id = 5 OR s LIKE 'v99%'").count() == 112


def test_input_file_name(spark, shared_dir):
    spark.range(1).coalesce(1).write.parquet(str(shared_dir / "t"))
    name = spark.read.parquet(str(shared_dir / "t")).select(F.input_file_name()).first()[0]
    assert name.startswith("file:///") and name.endswith(data_files(shared_dir / "t")[0].name)


def test_sql_reads_paths(spark, shared_dir):
    people(spark).write.parquet(str(shared_dir / "t"))
    assert spark.sql(f"SELECT count(*) FROM parquet.`{shared_dir}/t`").first()[0] == 7


def test_temp_view_over_path(spark, shared_dir):
    people(spark).write.parquet(str(shared_dir / "t"))
    spark.sql(f"CREATE TEMPORARY VIEW v USING parquet OPTIONS (path '{shared_dir}/t')")
    assert spark.table("v").count() == 7


def test_insert_overwrite_directory(spark, shared_dir):
    spark.sql(f"INSERT OVERWRITE DIRECTORY '{shared_dir}/t' USING parquet SELECT id FROM range(4)")
    assert spark.read.parquet(str(shared_dir / "t")).count() == 4


CSV = 'id,name,pay,day,ok\n1,Ann,1.5,2024-01-02,true\n2,"B, b",,2024-02-03,false\n3,é,-2,,\n'


def test_csv_inference(spark, shared_dir):
    (shared_dir / "in.csv").write_text(CSV)
    frame = spark.read.csv(str(shared_dir / "in.csv"), header=True, inferSchema=True)
    assert signature(frame) == ["id: int", "name: string", "pay: double", "day: date", "ok: boolean"]
    assert rows(frame)[1] == "2, 'B, b', None, datetime.date(2024, 2, 3), False"


def test_csv_escaping_by_quotes(spark, shared_dir):
    (shared_dir / "in.csv").write_text('id,name\n1,"B, ""b"""\n2,"""q"\n')
    frame = spark.read.csv(str(shared_dir / "in.csv"), header=True, escape='"')
    assert [row[1] for row in collect(frame.orderBy("id")).rows] == ['B, "b"', '"q']


def test_csv_without_header(spark, shared_dir):
    (shared_dir / "in.csv").write_text("1,a\n2,b\n")
    frame = spark.read.csv(str(shared_dir / "in.csv"))
    assert signature(frame) == ["_c0: string", "_c1: string"]
    assert frame.count() == 2


def test_csv_given_schema_and_separators(spark, shared_dir):
    (shared_dir / "in.csv").write_text("1|x|#\n2|NA|y\n")
    frame = spark.read.csv(str(shared_dir / "in.csv"), schema="a int, b string, c string", sep="|", nullValue="NA", comment="#")
    assert rows(frame) == ["1, 'x', '#'", "2, None, 'y'"]


def test_csv_permissive_keeps_the_corrupt_record(spark, shared_dir):
    (shared_dir / "in.csv").write_text("1,a\nx,b\n3\n4,d,e\n")
    schema = "n int, s string, _corrupt_record string"
    frame = spark.read.schema(schema).csv(str(shared_dir / "in.csv"))
    assert rows(frame) == ["1, 'a', None", "3, None, '3'", "4, 'd', '4,d,e'", "None, 'b', 'x,b'"]


def test_csv_drop_malformed(spark, shared_dir):
    (shared_dir / "in.csv").write_text("1,a\nx,b\n3\n")
    frame = spark.read.schema("n int, s string").option("mode", "DROPMALFORMED").csv(str(shared_dir / "in.csv"))
    assert rows(frame) == ["1, 'a'"]


def test_csv_multi_line(spark, shared_dir):
    (shared_dir / "in.csv").write_text('a,b\n1,"two\nlines"\n')
    frame = spark.read.csv(str(shared_dir / "in.csv"), header=True, multiLine=True)
    assert rows(frame) == ["'1', 'two\\nlines'"]


def test_csv_round_trip(spark, shared_dir):
    people(spark).write.csv(str(shared_dir / "t"), header=True)
    back = spark.read.csv(str(shared_dir / "t"), header=True, schema=people(spark).schema)
    assert rows(back) == rows(people(spark))


def test_csv_text_that_is_written(spark, shared_dir):
    frame = spark.sql("SELECT 1 AS a, 'x,y' AS b, CAST(NULL AS INT) AS c, '' AS d, 'q\"q' AS e, DATE '2024-01-02' AS f, 1.50 AS g, true AS h")
    frame.coalesce(1).write.csv(str(shared_dir / "t"), header=True)
    assert data_files(shared_dir / "t")[0].read_text() == 'a,b,c,d,e,f,g,h\n1,"x,y",,"","q\\"q",2024-01-02,1.50,true\n'


def test_json_inference(spark, shared_dir):
    (shared_dir / "in.json").write_text('{"b": 1, "a": "x"}\n{"a": null, "c": [1.5, 2], "d": {"e": true}}\n')
    frame = spark.read.json(str(shared_dir / "in.json"))
    assert signature(frame) == ["a: string", "b: bigint", "c: array<double>", "d: struct<e:boolean>"]
    assert rows(frame) == ["'x', 1, None, None", "None, None, [1.5f, 2f], [True]"]


def test_json_corrupt_record(spark, shared_dir):
    (shared_dir / "in.json").write_text('{"a": 1}\nnot json\n')
    frame = spark.read.schema("a int, _corrupt_record string").json(str(shared_dir / "in.json"))
    assert rows(frame) == ["1, None", "None, 'not json'"]


def test_json_fail_fast(spark, shared_dir):
    (shared_dir / "in.json").write_text('{"a": 1}\n{"a":\n')
    frame = spark.read.schema("a int").option("mode", "FAILFAST").json(str(shared_dir / "in.json"))
    with pytest.raises(Exception, match="(?i)malformed"):
        frame.collect()


def test_json_multi_line_array(spark, shared_dir):
    (shared_dir / "in.json").write_text('[\n {"a": 1},\n {"a": 2}\n]')
    assert rows(spark.read.json(str(shared_dir / "in.json"), multiLine=True)) == ["1", "2"]


def test_json_round_trip(spark, shared_dir):
    frame = nested(spark)
    frame.write.json(str(shared_dir / "t"))
    assert rows(spark.read.schema(frame.schema).json(str(shared_dir / "t"))) == rows(frame)


def test_json_text_that_is_written(spark, shared_dir):
    frame = spark.sql("SELECT 1 AS a, NULL AS b, array(1.5, NULL) AS c, struct('q\"' AS x) AS d, DATE '2024-01-02' AS e, map('k', 1) AS f")
    frame.coalesce(1).write.json(str(shared_dir / "t"))
    written = data_files(shared_dir / "t")[0].read_text()
    assert json.loads(written) == {"a": 1, "c": [1.5, None], "d": {"x": 'q"'}, "e": "2024-01-02", "f": {"k": 1}}
    assert '"b"' not in written and written.endswith("}\n")


def test_text_round_trip(spark, shared_dir):
    lines = spark.createDataFrame([("a",), ("",), ("ü b",)], "value string")
    lines.coalesce(1).write.text(str(shared_dir / "t"))
    back = spark.read.text(str(shared_dir / "t"))
    assert signature(back) == ["value: string"]
    assert rows(back) == rows(lines)


def test_text_line_ends_and_whole_files(spark, shared_dir):
    (shared_dir / "in.txt").write_bytes(b"one\r\ntwo\n\nfour")
    assert [r[0] for r in spark.read.text(str(shared_dir / "in.txt")).collect()] == ["one", "two", "", "four"]
    assert spark.read.text(str(shared_dir / "in.txt"), wholetext=True).first()[0] == "one\r\ntwo\n\nfour"


def test_text_recursive_lookup_and_name_filter(spark, shared_dir):
    for name in ("a.go", "sub/b.go", "sub/c.txt", "_hidden.go", ".dot.go"):
        (shared_dir / name).parent.mkdir(exist_ok=True)
        (shared_dir / name).write_text(name + "\n")
    frame = spark.read.option("recursiveFileLookup", "true").option("pathGlobFilter", "*.go").text(str(shared_dir))
    assert rows(frame) == ["'a.go'", "'sub/b.go'"]


@pytest.mark.parametrize("codec, suffix", [("gzip", ".gz"), ("none", "")])
def test_compressed_text(spark, shared_dir, codec, suffix):
    spark.range(100).selectExpr("string(id) AS value").coalesce(1).write.option("compression", codec).text(str(shared_dir / "t"))
    assert data_files(shared_dir / "t")[0].name.endswith(".txt" + suffix)
    assert spark.read.text(str(shared_dir / "t")).count() == 100


def test_binary_files(spark, shared_dir):
    (shared_dir / "x.bin").write_bytes(b"\0\1\2")
    frame = spark.read.format("binaryFile").load(str(shared_dir / "x.bin"))
    assert signature(frame) == ["path: string", "modificationTime: timestamp", "length: bigint", "content: binary"]
    row = frame.select("length", "content").first()
    assert (row[0], bytes(row[1])) == (3, b"\0\1\2")


def test_format_save_load(spark, shared_dir):
    people(spark).write.format("json").save(str(shared_dir / "t"))
    assert spark.read.format("json").load(str(shared_dir / "t")).count() == 7


def test_failed_write_leaves_nothing_to_read(spark, shared_dir):
    target = shared_dir / "t"
    frame = spark.range(0, 1000, 1, 4).selectExpr("id", "1 / (id - 999) AS x")
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        frame.write.parquet(str(target))
    assert not (target / "_SUCCESS").exists()
    assert data_files(target) == [] if target.exists() else True


def test_failed_overwrite_of_one_run_does_not_stop_the_next(spark, shared_dir):
    target = str(shared_dir / "t")
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        spark.range(10).selectExpr("1 / (id - 5) AS x").write.parquet(target)
    spark.range(3).write.mode("overwrite").parquet(target)
    assert spark.read.parquet(target).count() == 3
