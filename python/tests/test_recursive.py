"""WITH RECURSIVE: what Spark 4.1 answers to queries of ours, recorded once."""

from __future__ import annotations

import pytest
from pyspark.errors import PySparkException

#: Query, rows in any order.
ROWS = [
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r", [(1,), (2,), (3,), (4,), (5,)]),
    ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r", [(1,), (2,), (3,), (4,), (5,)]),
    ("WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r", [(1,), (2,), (3,), (4,), (5,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r LIMIT 5", [(1,), (2,), (3,), (4,), (5,)]),
    ("WITH RECURSIVE r(n) MAX RECURSION LEVEL 10 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT count(*) FROM r", [(10,)]),
    ("WITH RECURSIVE r(n) MAX RECURSION LEVEL 200 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 150) SELECT count(*) FROM r", [(150,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1) SELECT * FROM r", [(1,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT a.n + 1 FROM r a, r b WHERE a.n < 5) SELECT * FROM r", [(1,), (2,), (3,), (4,), (5,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT x.n + 1 FROM r x LEFT JOIN (VALUES (1)) y(m) ON x.n = y.m WHERE x.n < 3) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM (VALUES (1)) y(n) WHERE n IN (SELECT n FROM r)) SELECT * FROM r", [(1,), (2,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT 10 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", [(1,), (10,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (SELECT n + 1 FROM r WHERE n < 3 UNION ALL SELECT n + 10 FROM r WHERE n < 3)) SELECT * FROM r", [(1,), (2,), (11,), (3,), (12,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 'a' UNION ALL SELECT n || 'b' FROM r WHERE length(n) < 4) SELECT * FROM r", [('a',), ('ab',), ('abb',), ('abbb',)]),
    ("WITH RECURSIVE r(n) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT 2 FROM r WHERE n < 2) SELECT * FROM r", [(1,), (2,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT NULL FROM r WHERE n < 4) SELECT * FROM r", [(1,), (None,)]),
    ("WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3), b(m) AS (SELECT n FROM a UNION ALL SELECT m + 10 FROM b WHERE m < 20) SELECT * FROM b", [(1,), (2,), (3,), (11,), (12,), (13,), (21,), (22,), (23,)]),
    ("WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3) SELECT * FROM a x, a y", [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT DISTINCT n + 1 FROM r WHERE n < 3) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (WITH x AS (SELECT 1 AS k) SELECT k FROM x UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (WITH x AS (SELECT n + 1 AS k FROM r WHERE n < 3) SELECT k FROM x)) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT explode(array(n + 1, n + 2)) FROM r WHERE n < 3) SELECT * FROM r", [(1,), (2,), (3,), (3,), (4,)]),
    ("SELECT (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT sum(n) FROM r)", [(6,)]),
    ("SELECT * FROM VALUES (3), (4) t(x) WHERE x IN (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r)", [(3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n NOT IN (SELECT n + 3 FROM r) AND n < 10) SELECT * FROM r", [(1,), (2,), (3,), (4,), (5,), (6,), (7,), (8,), (9,), (10,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r x WHERE EXISTS (SELECT n FROM r y WHERE x.n = y.n) AND n < 4) SELECT * FROM r", [(1,), (2,), (3,), (4,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r x WHERE NOT EXISTS (SELECT n FROM r y WHERE x.n = y.n + 1) AND n < 4) SELECT * FROM r", [(1,), (2,), (3,), (4,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + (SELECT n FROM r) FROM r WHERE n < 10) SELECT * FROM r", [(1,), (2,), (4,), (8,), (16,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT 2 FROM VALUES (1) t(k) WHERE 1 = (SELECT n FROM r)) SELECT * FROM r", [(1,), (2,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (SELECT n + 1 FROM r WHERE n < 5 EXCEPT SELECT 3)) SELECT * FROM r", [(1,), (2,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (SELECT n + 1 FROM r WHERE n < 5 INTERSECT SELECT 2)) SELECT * FROM r", [(1,), (2,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LEFT SEMI JOIN (VALUES (1), (2)) y(m) ON r.n = y.m) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM (VALUES (1), (2)) y(m) RIGHT JOIN r ON r.n = y.m WHERE n < 3) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT `1` + 1 FROM r WHERE `1` < 3) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r AS (SELECT 1 AS a, 2 AS b UNION ALL SELECT a + 1 AS b, b AS a FROM r WHERE a < 3) SELECT * FROM r", [(1, 2), (2, 2), (3, 2)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r, LATERAL (SELECT 1) WHERE n < 3) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT k FROM (VALUES (1)) t(z), LATERAL (SELECT n + z AS k FROM r WHERE n < 3)) SELECT * FROM r", [(1,), (2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (WITH RECURSIVE s(k) AS (SELECT n FROM r WHERE n < 3 UNION ALL SELECT k + 1 FROM s WHERE k < 2) SELECT k + 1 FROM s)) SELECT * FROM r", [(1,), (2,), (3,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (WITH RECURSIVE s(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM s WHERE k < 2) SELECT n + k FROM s, r WHERE n < 4)) SELECT * FROM r", [(1,), (2,), (3,), (3,), (4,), (4,), (5,), (4,), (5,)]),
    ("WITH RECURSIVE r(n, s) AS (SELECT 1, array(1) UNION ALL SELECT n + 1, concat(s, array(n + 1)) FROM r WHERE n < 3) SELECT * FROM r", [(1, [1]), (2, [1, 2]), (3, [1, 2, 3])]),
    ("WITH RECURSIVE r(n, s) AS (SELECT 1, CAST('a' AS VARCHAR(5)) UNION ALL SELECT n + 1, s || 'b' FROM r WHERE n < 3) SELECT * FROM r", [(1, 'a'), (2, 'ab'), (3, 'abb')]),
    ("WITH RECURSIVE r(n) AS (SELECT 1.5D UNION ALL SELECT 3 FROM r WHERE n < 3) SELECT * FROM r", [(1.5,), (3.0,)]),
    ("WITH RECURSIVE r(n) MAX RECURSION LEVEL 1 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1) SELECT * FROM r", [(1,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 WHERE false UNION ALL SELECT n + 1 FROM r WHERE n < 1) SELECT * FROM r", []),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r WHERE n > 1", [(2,), (3,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3), s AS (SELECT n * 2 AS m FROM r) SELECT * FROM s JOIN r ON m = n", [(2, 2)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM R WHERE n < 3) SELECT * FROM r", [(1,), (2,), (3,)]),
]

#: The same with spark.sql.cteRecursionRowLimit = 50.
LIMITED_ROWS = [
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n * 2 FROM r LIMIT 7", [(2,), (4,), (6,), (8,), (10,), (12,), (14,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r LIMIT 0", []),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT * FROM r LIMIT 3", [(1,), (1,), (1,)]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 49) SELECT count(*) FROM r", [(49,)]),
    ("WITH RECURSIVE r(n) AS (SELECT id FROM range(25) UNION ALL SELECT n + 100 FROM r WHERE n < 24) SELECT count(*) FROM r", [(49,)]),
    ("WITH RECURSIVE r(n) AS (SELECT id FROM range(10) UNION ALL SELECT n FROM r) SELECT count(*) FROM (SELECT * FROM r LIMIT 25)", [(25,)]),
    ("WITH RECURSIVE r(n) AS (SELECT id FROM range(10) UNION ALL SELECT n FROM r) SELECT * FROM r LIMIT 5 OFFSET 3", [(3,), (4,), (5,), (6,), (7,)]),
]

#: Query, error condition.
ERRORS = [
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r", "UNION_NOT_SUPPORTED_IN_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", "RECURSION_LEVEL_LIMIT_EXCEEDED"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r LIMIT 150", "RECURSION_LEVEL_LIMIT_EXCEEDED"),
    ("WITH RECURSIVE r(n) MAX RECURSION LEVEL 10 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", "RECURSION_LEVEL_LIMIT_EXCEEDED"),
    ("WITH RECURSIVE r(n) MAX RECURSION LEVEL 9 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT count(*) FROM r", "RECURSION_LEVEL_LIMIT_EXCEEDED"),
    ("WITH RECURSIVE r(n) MAX RECURSION LEVEL -1 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 150) SELECT count(*) FROM r", "PARSE_SYNTAX_ERROR"),
    ("WITH r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r", "TABLE_OR_VIEW_NOT_FOUND"),
    ("WITH RECURSIVE r(n) AS (SELECT n + 1 FROM r) SELECT * FROM r", "INVALID_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (SELECT n + 1 FROM r UNION ALL SELECT 1) SELECT * FROM r", "INVALID_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT max(n) + 1 FROM r WHERE n < 5) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT x.n + 1 FROM (VALUES (1)) y(m) LEFT JOIN r x ON x.n = y.m) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT max(n) FROM r)) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r EXCEPT SELECT 3) SELECT * FROM r", "INVALID_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 EXCEPT SELECT n FROM r) SELECT * FROM r", "INVALID_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3 UNION ALL SELECT n + 10 FROM r WHERE n < 3) SELECT * FROM r", "INVALID_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT 'x' FROM r WHERE n < 4) SELECT * FROM r", "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1.5 FROM r WHERE n < 4) SELECT * FROM r", "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1L FROM r WHERE n < 4) SELECT * FROM r", "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"),
    ("WITH RECURSIVE r(n, m) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT * FROM r", "ASSIGNMENT_ARITY_MISMATCH"),
    ("WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM b WHERE n < 3), b(n) AS (SELECT n FROM a) SELECT * FROM b", "TABLE_OR_VIEW_NOT_FOUND"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3 LIMIT 1) SELECT * FROM r", "INVALID_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (SELECT n + 1 FROM r WHERE n < 3 ORDER BY n LIMIT 1)) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + row_number() over (order by n) FROM r WHERE n < 3) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT sum(n) + 1 FROM r WHERE n < 3 GROUP BY n) SELECT * FROM r", "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"),
    ("SELECT x, (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < x) SELECT sum(n) FROM r) FROM VALUES (3), (4) t(x)", "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.ACCESSING_OUTER_QUERY_COLUMN_IS_NOT_ALLOWED"),
    ("SELECT * FROM VALUES (3), (4) t(x), LATERAL (WITH RECURSIVE r(n) AS (SELECT x UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r)", "UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.ACCESSING_OUTER_QUERY_COLUMN_IS_NOT_ALLOWED"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL (SELECT 3 EXCEPT SELECT n + 1 FROM r WHERE n < 5)) SELECT * FROM r", "RECURSION_LEVEL_LIMIT_EXCEEDED"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT CAST(sum(n) AS INT) + 1 FROM r WHERE n < 3 GROUP BY n) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT m + 1 FROM (VALUES (1), (2)) y(m) LEFT SEMI JOIN r ON r.n = y.m) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT m + 1 FROM (VALUES (1), (2)) y(m) LEFT ANTI JOIN r ON r.n = y.m) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r RIGHT JOIN (VALUES (1), (2)) y(m) ON r.n = y.m WHERE n < 3) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM (VALUES (1), (2)) y(m) FULL JOIN r ON r.n = y.m WHERE n < 3) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3 SORT BY n) SELECT * FROM r", "INVALID_RECURSIVE_CTE"),
    ("WITH RECURSIVE r(n) AS (TABLE range UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", "TABLE_OR_VIEW_NOT_FOUND"),
    ("WITH RECURSIVE r(n) AS (SELECT CAST(1 AS DECIMAL(10,2)) UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r", "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"),
    ("WITH RECURSIVE r(n) AS (SELECT NULL UNION ALL SELECT 1 FROM r WHERE n IS NULL) SELECT * FROM r", "CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE"),
    ("WITH RECURSIVE r(n) MAX RECURSION LEVEL 0 AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1) SELECT * FROM r", "RECURSION_LEVEL_LIMIT_EXCEEDED"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM (SELECT count(*) OVER () c, n FROM r) WHERE n < 3) SELECT * FROM r", "INVALID_RECURSIVE_REFERENCE.PLACE"),
    ("WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3), a(n) AS (SELECT 2) SELECT * FROM a", "DUPLICATED_CTE_NAMES"),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT unknown + 1 FROM r WHERE n < 3) SELECT * FROM r", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
]

#: The same with spark.sql.cteRecursionRowLimit = 50.
LIMITED_ERRORS = [
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 50) SELECT count(*) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 51) SELECT count(*) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r WHERE n > 3 LIMIT 7",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r ORDER BY n LIMIT 7",
    "WITH RECURSIVE r(n) AS (SELECT id FROM range(50) UNION ALL SELECT n + 1 FROM r WHERE n < 0) SELECT count(*) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT id FROM range(51) UNION ALL SELECT n + 1 FROM r WHERE n < 0) SELECT count(*) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT id FROM range(100) UNION ALL SELECT n + 1 FROM r WHERE n < 0) SELECT count(*) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT id FROM range(25) UNION ALL SELECT n + 100 FROM r WHERE n < 25) SELECT count(*) FROM r",
    "WITH RECURSIVE r(n) AS (SELECT id FROM range(25) UNION ALL SELECT n + 100 FROM r WHERE n < 100) SELECT count(*) FROM r",
]


def rows(spark, query: str) -> list[str]:
    return sorted(repr(tuple(row)) for row in spark.sql(query).collect())


@pytest.mark.parametrize("query, expected", ROWS)
def test_rows(spark, query, expected):
    assert rows(spark, query) == sorted(map(repr, expected))


@pytest.mark.parametrize("query, expected", LIMITED_ROWS)
def test_rows_below_a_limit(spark, query, expected):
    spark.conf.set("spark.sql.cteRecursionRowLimit", "50")
    assert rows(spark, query) == sorted(map(repr, expected))


@pytest.mark.parametrize("query, condition", ERRORS)
def test_errors(spark, query, condition):
    with pytest.raises(PySparkException) as caught:
        spark.sql(query).collect()
    assert caught.value.getCondition() == condition


@pytest.mark.parametrize("query", LIMITED_ERRORS)
def test_too_many_rows(spark, query):
    spark.conf.set("spark.sql.cteRecursionRowLimit", "50")
    with pytest.raises(PySparkException) as caught:
        spark.sql(query).collect()
    assert (caught.value.getCondition(), caught.value.getSqlState()) == ("RECURSION_ROW_LIMIT_EXCEEDED", "42836")


def test_views_and_level_setting(spark):
    spark.sql("CREATE TEMP VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r")
    assert rows(spark, "SELECT * FROM v a JOIN v b USING (n)") == ["(1,)", "(2,)", "(3,)"]
    spark.sql("SET spark.sql.cteRecursionLevelLimit = 2")
    with pytest.raises(PySparkException, match="RECURSION_LEVEL_LIMIT_EXCEEDED"):
        spark.sql("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r").collect()
