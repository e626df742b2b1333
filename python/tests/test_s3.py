"""An object store, end to end: TPC-H read from it, results written to it, by a real client through
the real binary against a real S3 server; what a failed write leaves; whose keys are used."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet
import pytest
from pyspark.sql import SparkSession

import answers
import compare
import datasets
import oracle
import queries
from conftest import CLUSTER, REMOTE, end_session, new_session
from objectstore import Meter, ObjectStore
from server import Server

pytestmark = pytest.mark.skipif(bool(REMOTE), reason="needs a server that reaches the store of the test")

TPCH = "tpch/sf0.1/duckdb"

#: More than two pages of a listing (1,000 keys each).
MANY = 2_100

#: What all 22 queries may ask the store for: 223 when measured, 263 by three workers that each look at the files.
MOST_REQUESTS = 260 if not CLUSTER else 300


@pytest.fixture(scope="module")
def store():
    with ObjectStore() as store:
        for table, file in datasets.tables(TPCH).items():
            store.put(file, f"tpch/{table}.parquet")
        yield store


@pytest.fixture(scope="module")
def meter(store):
    with Meter(store) as meter:
        yield meter


def connect(url: str, settings: dict[str, str]) -> SparkSession:
    session = new_session(url)
    for key, value in settings.items():
        session.conf.set(key, value)
    return session


@pytest.fixture(scope="module")
def s3(url, store):
    """A session that reaches the store by settings of its own; its views are the eight tables."""
    session = connect(url, {f"spark.hadoop.{k}": v for k, v in store.settings().items()})
    register(session, store)
    yield session
    end_session(session)


def register(session: SparkSession, store: ObjectStore) -> None:
    for table in datasets.tables(TPCH):
        session.read.parquet(f"s3a://{store.bucket}/tpch/{table}.parquet").createOrReplaceTempView(table)


@pytest.fixture
def folder(store, request):
    """A folder of the test's own: its key, and its path."""
    key = "out/" + "".join(c if c.isalnum() else "_" for c in request.node.name)
    return key, f"s3a://{store.bucket}/{key}"


def eventually(condition, seconds: float = 20) -> bool:
    """Asks until condition holds: the servers do not say when."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        if time.monotonic() > end:
            return False
        pause.wait(0.02)
    return True


def rows(session: SparkSession, format: str, path: str) -> list[tuple]:
    return sorted(tuple(r) for r in session.read.format(format).load(path).collect())


@pytest.mark.parametrize("number", range(1, 23))
def test_tpch(s3, number):
    query = queries.suite("tpch")[number]
    expected = oracle.answer(TPCH, query)
    assert compare.difference(answers.collect(s3.sql(query.spark)), expected, query.order, query.limit) is None


def test_requests_of_tpch_are_few(url, store, meter, record_property):
    session = connect(url, store.settings(**{"fs.s3a.endpoint": meter.endpoint}))
    register(session, store)
    meter.take()
    per_query = {}
    for number in range(1, 23):
        session.sql(queries.suite("tpch")[number].spark).collect()
        per_query[number] = dict(meter.take())
    end_session(session)
    total = sum(sum(c.values()) for c in per_query.values())
    record_property("requests", total)
    print(f"\nrequests of 22 queries: {total}: {per_query}")
    assert total <= MOST_REQUESTS


@pytest.mark.parametrize("format", ["parquet", "csv", "json"])
def test_results_written_and_read_back(s3, store, folder, format):
    key, path = folder
    result = s3.sql(queries.suite("tpch")[5].spark)
    expected = sorted(tuple(r) for r in result.collect())
    result.write.format(format).save(path)
    assert "_SUCCESS" in store.keys(key)
    back = s3.read.schema(result.schema).format(format).load(path)
    assert sorted(tuple(r) for r in back.collect()) == expected


def test_a_table_larger_than_a_part(s3, store, folder):
    """Lineitem as CSV is 70 MB: uploads of several parts, and reads of several ranges."""
    key, path = folder
    s3.table("lineitem").write.csv(path)
    sums = "count(*), sum(l_extendedprice), max(l_comment)"
    schema = s3.table("lineitem").schema
    assert s3.read.schema(schema).csv(path).selectExpr("*").agg({"*": "count"}).first()[0] == s3.table("lineitem").count()
    s3.read.schema(schema).csv(path).createOrReplaceTempView("back")
    assert s3.sql(f"select {sums} from back").first() == s3.sql(f"select {sums} from lineitem").first()
    assert not store.uploads()


def test_modes(s3, store, folder):
    key, path = folder
    one, two = s3.range(3), s3.range(10, 12)
    one.write.mode("error").parquet(path)
    with pytest.raises(Exception, match="PATH_ALREADY_EXISTS"):
        two.write.mode("error").parquet(path)
    two.write.mode("ignore").parquet(path)
    assert rows(s3, "parquet", path) == [(0,), (1,), (2,)]
    two.write.mode("append").parquet(path)
    assert rows(s3, "parquet", path) == [(0,), (1,), (2,), (10,), (11,)]
    two.write.mode("overwrite").parquet(path + "/")
    assert rows(s3, "parquet", path) == [(10,), (11,)]
    assert all("//" not in k and not k.startswith("/") for k in store.keys(key))


def test_partitions_and_globs(s3, store, folder):
    key, path = folder
    s3.range(100).selectExpr("id", "id % 4 as k", "concat('v ', id % 2) as v").write.partitionBy("k", "v").parquet(path)
    assert {k.rsplit("/", 1)[0] for k in store.keys(key) if k != "_SUCCESS"} == {f"k={k}/v=v {k % 2}" for k in range(4)}
    back = s3.read.parquet(path)
    assert back.where("k = 2").count() == 25
    assert dict(back.dtypes) == {"id": "bigint", "k": "int", "v": "string"}
    assert len(back.where("k = 2").inputFiles()) == len(back.inputFiles())  # pruning is the plan's, not the frame's
    assert s3.read.parquet(f"{path}/k=[01]").count() == 50
    assert s3.read.parquet(f"{path}/k={{1,3}}/*").count() == 50
    assert s3.read.option("basePath", path).parquet(f"{path}/k=3").select("k").distinct().collect() == [(3,)]


def test_sql_writes(s3, store, folder):
    key, path = folder
    s3.sql(f"create table parquet.`{path}/ctas` as select id, id % 2 as k from range(6)")
    s3.sql(f"insert into parquet.`{path}/ctas` select 100, 1")
    assert rows(s3, "parquet", f"{path}/ctas")[-2:] == [(5, 1), (100, 1)]
    s3.sql(f"insert into parquet.`{path}/new` select id from range(3)")
    s3.sql(f"insert overwrite parquet.`{path}/new` select id + 10 from range(2)")
    assert rows(s3, "parquet", f"{path}/new") == [(10,), (11,)]
    s3.sql(f"insert overwrite parquet.`{path}/newer` select 7 as id")
    assert rows(s3, "parquet", f"{path}/newer") == [(7,)]
    s3.sql(f"insert overwrite directory '{path}/dir' using json select 1 as a")
    assert rows(s3, "json", f"{path}/dir") == [(1,)]
    s3.sql("drop table if exists s3_located")
    s3.sql(f"create table s3_located using csv location '{path}/located' as select 1 as a, 'x' as b")
    s3.sql("insert into s3_located values (2, 'y')")
    assert sorted(tuple(r) for r in s3.table("s3_located").collect()) == [(1, "x"), (2, "y")]
    s3.sql("drop table s3_located")
    assert store.keys(f"{key}/located"), "an external table's files stay"


def test_many_small_files(s3, store):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: store.write(f"many/k={i % 3}/{i:05}.json", b'{"i":%d}' % i), range(MANY)))
    frame = s3.read.schema("i long, k int").json(f"s3a://{store.bucket}/many")
    assert len(frame.inputFiles()) == MANY
    assert tuple(frame.selectExpr("count(*)", "sum(i)", "count(distinct k)").first()) == (MANY, MANY * (MANY - 1) // 2, 3)
    assert s3.read.schema("i long").json(f"s3a://{store.bucket}/many/*/*7.json").count() == MANY // 10


def test_a_failed_job_leaves_nothing(s3, store, folder):
    key, path = folder
    with pytest.raises(Exception, match="the last row"):
        s3.range(200_000).selectExpr("id", "if(id = 199999, raise_error('the last row'), id) as x").write.csv(path)
    assert store.keys(key) == []
    assert eventually(lambda: not store.uploads())


def test_nothing_shows_before_the_end_nor_after_cancel(url, store, folder):
    key, path = folder
    session = connect(url, store.settings())
    outcome: list[BaseException] = []

    def write():
        try:
            session.range(10**12).selectExpr("id", "sha2(cast(id as string), 256) as s").write.csv(path)
        except BaseException as e:  # noqa: BLE001  handed to the test
            outcome.append(e)

    writer = threading.Thread(target=write)
    writer.start()
    assert eventually(store.uploads, 60)
    assert store.keys(key) == []
    session.interruptAll()
    writer.join(60)
    assert outcome and "OPERATION_CANCELED" in str(outcome[0])
    assert eventually(lambda: not store.uploads())
    assert store.keys(key) == []
    end_session(session)


@pytest.mark.parametrize("mode", ["error", "overwrite"])
def test_every_failing_request(url, store, meter, folder, mode):
    """Lets the first, second, ... request of a write be refused: the whole output is there, or none of it."""
    key, _ = folder
    session = connect(url, store.settings(**{"fs.s3a.endpoint": meter.endpoint}))
    old, new = [(-1, 0)], [(i, i % 3) for i in range(30)]
    frame = session.range(30).selectExpr("id", "id % 3 as p")
    failures = 0
    for n in range(200):
        path = f"s3a://{store.bucket}/{key}/{n}"
        if mode == "overwrite":
            session.sql("select -1L as id, 0L as p").write.partitionBy("p").parquet(path)
        meter.fail(n)
        error = None
        try:
            frame.write.mode(mode).partitionBy("p").parquet(path)
        except Exception as e:  # noqa: BLE001  judged below
            error = e
        refused = meter.failed
        meter.fail(None)
        assert eventually(lambda: not store.uploads()), f"request {n}: an upload stays"
        there = visible(store, f"{key}/{n}")
        if error is None:
            assert there == new, f"request {n}, {refused}: success without all rows"
        else:
            failures += 1
            before = old if mode == "overwrite" else []
            assert "fs.s3a" in str(error) and there in (before, new), f"request {n}, {refused}: {error}"
        if not refused:
            break
    else:
        pytest.fail("the write never gets through")
    assert failures >= 8, "each file is begun, uploaded and completed"
    end_session(session)


def visible(store: ObjectStore, key: str) -> list[tuple]:
    """A table's rows as another reader sees them."""
    out = []
    for k in store.keys(key):
        if k.endswith(".parquet"):
            table = pyarrow.parquet.read_table(f"{store.bucket}/{key}/{k}", filesystem=store.fs, partitioning=None)
            out += [(i, int(k.split("/")[0].removeprefix("p="))) for i in table["id"].to_pylist()]
    return sorted(out)


@pytest.mark.parametrize(
    "change, path, names",
    [
        ({"fs.s3a.secret.key": "wrong"}, "tpch/nation.parquet", "fs.s3a.secret.key"),
        ({"fs.s3a.access.key": "wrong"}, "tpch/nation.parquet", "fs.s3a.access.key"),
        ({"fs.s3a.endpoint": "http://127.0.0.1:1"}, "tpch/nation.parquet", "fs.s3a.endpoint"),
        ({"fs.s3a.endpoint": "ftp://127.0.0.1:1"}, "tpch/nation.parquet", "fs.s3a.endpoint"),
    ],
)
def test_refusals_name_the_setting(url, store, folder, change, path, names):
    session = connect(url, store.settings(**change))
    for act in (
        lambda: session.read.parquet(f"s3a://{store.bucket}/{path}").count(),
        lambda: session.range(1).write.parquet(folder[1]),
    ):
        with pytest.raises(Exception, match=names.replace(".", r"\.")) as raised:
            act()
        assert store.secret not in str(raised.value)
        assert raised.value.getCondition() is not None
    end_session(session)


def test_missing_bucket_and_object(s3, store):
    with pytest.raises(Exception, match="no bucket named nobucket"):
        s3.read.parquet("s3a://nobucket/x").count()
    with pytest.raises(Exception, match="no bucket named nobucket"):
        s3.range(1).write.parquet("s3a://nobucket/x")
    with pytest.raises(Exception, match="PATH_NOT_FOUND"):
        s3.read.parquet(f"s3a://{store.bucket}/not/there").count()


def test_settings_are_the_sessions_own(url, own_server, store, s3):
    path = f"s3a://{store.bucket}/tpch/nation.parquet"
    bare = new_session(url)
    with pytest.raises(Exception):
        bare.read.parquet(path).count()
    for key, value in store.settings().items():  # per bucket, over wrong ones for all
        bare.conf.set(key, "wrong")
        bare.conf.set(key.replace("fs.s3a.", f"fs.s3a.bucket.{store.bucket}."), value)
    assert bare.read.parquet(path).count() == 25
    end_session(bare)

    built = SparkSession.builder.remote(url)
    for key, value in store.settings().items():
        built = built.config(f"spark.hadoop.{key}", value)
    session = built.create()
    frame = session.read.parquet(path)
    assert frame.count() == 25
    shown = [str(tuple(r)) for r in session.sql("SET").collect()]
    shown += [str(session.sql(f"SET spark.hadoop.fs.s3a.{k}.key").collect()) for k in ("secret", "access")]
    shown.append(session.sql("EXPLAIN EXTENDED SELECT * FROM parquet.`" + path + "`").first()[0])
    assert "fs.s3a.secret.key" in "".join(shown)
    for text in [*shown, *own_server.log]:
        assert store.secret not in text and store.access not in text
    end_session(session)


def test_worker_processes(store, folder, tmp_path):
    """Tasks in another process open files under the session's settings, and under the server's."""
    key, path = folder
    file = tmp_path / "spurwheel.yaml"
    file.write_text(f"s3: {{endpoint: '{store.endpoint}', access-key: '{store.access}', secret-key: '{store.secret}'}}")
    # What a task without its settings would use: refused at once, not tried again elsewhere.
    wrong = {"AWS_ENDPOINT_URL": store.endpoint, "AWS_ACCESS_KEY_ID": "wrong", "AWS_SECRET_ACCESS_KEY": "wrong"}
    for config in ((), ("--config", str(file))):
        with Server(threads=1, extra=("--workers", "2", *config), env=wrong) as server:
            session = connect(server.url, {} if config else store.settings())
            register(session, store)
            query = queries.suite("tpch")[3]
            expected = oracle.answer(TPCH, query)
            assert compare.difference(answers.collect(session.sql(query.spark)), expected, query.order, query.limit) is None
            session.table("orders").write.mode("overwrite").partitionBy("o_orderstatus").parquet(path)
            assert session.read.parquet(path).count() == session.table("orders").count()
            with pytest.raises(Exception, match="the last row"):
                failing = "if(o_orderkey % 100000 = 0, raise_error('the last row'), 1) as x"
                session.table("orders").selectExpr("o_comment", failing).write.csv(path + "/failed")
            end_session(session)
            assert eventually(lambda: not store.uploads())
            assert store.keys(key + "/failed") == []
            assert not [line for line in server.log if store.secret in line]
