"""The grammar of queries and of the commands that a session uses."""

from cases import ordered
from cases.tables import departments, people, sales


def _views(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    sales(spark).createOrReplaceTempView("s")
    return spark


def case_values_table(spark):
    return spark.sql("VALUES (1, 'a'), (2, 'b')")


def case_values_with_alias(spark):
    return spark.sql("SELECT x + 1, y FROM VALUES (1, 'a'), (2, NULL) AS t(x, y)")


def case_select_without_from(spark):
    return spark.sql("SELECT 1 + 1, 'x' AS y")


def case_cte(spark):
    return _views(spark).sql("WITH a AS (SELECT id, dept FROM p), b(k, n) AS (SELECT dept, count(*) FROM a GROUP BY dept) SELECT * FROM b WHERE n > 1")


def case_cte_shadows_view(spark):
    return _views(spark).sql("WITH p AS (SELECT 1 AS one) SELECT * FROM p")


def case_cte_nested(spark):
    return spark.sql("WITH a AS (WITH b AS (SELECT 1 AS x) SELECT x + 1 AS y FROM b) SELECT * FROM a, a AS c")


def case_recursive_cte(spark):
    return spark.sql("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r")


def case_set_operations(spark):
    return spark.sql("(SELECT 1 AS a UNION SELECT 1 UNION ALL SELECT 2) EXCEPT SELECT 3 INTERSECT SELECT 3")


def case_set_operations_all(spark):
    return spark.sql("SELECT * FROM VALUES (1), (1), (2) AS t(a) EXCEPT ALL SELECT 1")


def case_minus(spark):
    return spark.sql("SELECT * FROM VALUES (1), (2) AS t(a) MINUS SELECT 2")


def case_order_limit_offset(spark):
    return ordered(_views(spark).sql("SELECT id FROM p ORDER BY id DESC LIMIT 2 OFFSET 1"))


def case_order_by_hidden_column(spark):
    return ordered(_views(spark).sql("SELECT name FROM p ORDER BY pay DESC NULLS LAST, id"))


def case_order_by_aggregate(spark):
    return ordered(_views(spark).sql("SELECT dept FROM p GROUP BY dept ORDER BY count(*) DESC, dept NULLS LAST"))


def case_order_by_all(spark):
    return ordered(_views(spark).sql("SELECT dept, id FROM p ORDER BY ALL"))


def case_distinct(spark):
    return _views(spark).sql("SELECT DISTINCT dept FROM p")


def case_comma_join_with_where(spark):
    return _views(spark).sql("SELECT p.id, d.title FROM p, d WHERE p.dept = d.dept AND d.floor >= 1")


def case_nested_subquery_alias(spark):
    return _views(spark).sql("SELECT q.n FROM (SELECT count(*) AS n FROM (SELECT * FROM p WHERE id > 2) x) q")


def case_in_subquery(spark):
    return _views(spark).sql("SELECT id FROM p WHERE dept IN (SELECT dept FROM d WHERE floor > 1)")


def case_in_pairs_subquery(spark):
    return _views(spark).sql("SELECT id FROM p WHERE (dept, id) IN (SELECT dept, floor FROM d)")


def case_scalar_subquery(spark):
    return _views(spark).sql("SELECT id FROM p WHERE pay > (SELECT avg(pay) FROM p)")


def case_subquery_in_select_and_having(spark):
    return _views(spark).sql("SELECT dept, count(*) AS n, (SELECT max(floor) FROM d) AS f FROM p GROUP BY dept HAVING count(*) >= (SELECT min(floor) FROM d WHERE floor > 1)")


def case_exists_or(spark):
    return _views(spark).sql("SELECT id FROM p WHERE EXISTS (SELECT 1 FROM d WHERE d.dept = p.dept AND floor = 1) OR age > 50")


def case_correlated_non_equality(spark):
    return _views(spark).sql("SELECT id FROM p a WHERE NOT EXISTS (SELECT 1 FROM p b WHERE b.dept = a.dept AND b.pay > a.pay)")


def case_case_in_group(spark):
    return _views(spark).sql("SELECT CASE WHEN age >= 40 THEN 'old' WHEN age IS NULL THEN '?' ELSE 'young' END AS k, sum(pay) FROM p GROUP BY CASE WHEN age >= 40 THEN 'old' WHEN age IS NULL THEN '?' ELSE 'young' END")


def case_rollup_and_cube(spark):
    return _views(spark).sql("SELECT year, quarter, sum(amount) FROM s GROUP BY ROLLUP(year, quarter)").union(
        spark.sql("SELECT year, region, count(*) FROM s GROUP BY year, region WITH CUBE")
    )


def case_pivot(spark):
    return _views(spark).sql("SELECT * FROM (SELECT year, quarter, amount FROM s) PIVOT (sum(amount) FOR quarter IN ('Q1', 'Q2' AS second))")


def case_unpivot(spark):
    return spark.sql("SELECT * FROM VALUES (1, 10, 20), (2, NULL, 40) AS t(id, a, b) UNPIVOT (v FOR k IN (a, b))")


def case_tablesample_rows(spark):
    return spark.sql("SELECT count(*) FROM (SELECT * FROM range(100)) TABLESAMPLE (100 PERCENT)")


def case_lateral_view_positions(spark):
    return spark.sql("SELECT k, pos, x FROM VALUES ('a', array(7, 8)) AS t(k, xs) LATERAL VIEW posexplode(xs) AS pos, x")


def case_table_function(spark):
    return spark.sql("SELECT id * 2 AS d FROM range(2, 5)")


def case_explode_as_table(spark):
    return spark.sql("SELECT * FROM explode(array(1, 2))")


def case_lateral_column_alias(spark):
    return spark.sql("SELECT 1 AS a, a + 1 AS b, b * 2 AS c")


def case_star_except(spark):
    return _views(spark).sql("SELECT * EXCEPT (pay, since, age) FROM p")


def case_qualified_star(spark):
    return _views(spark).sql("SELECT d.*, p.id FROM p JOIN d ON p.dept = d.dept")


def case_hints_are_harmless(spark):
    return _views(spark).sql("SELECT /*+ BROADCAST(d), REPARTITION(3) */ id FROM p JOIN d USING (dept)")


def case_comments(spark):
    return spark.sql("SELECT /* block /* nested */ */ 1 -- to the end\n + 2 AS x")


def case_bracketed_expressions(spark):
    return spark.sql("SELECT (1 + 2) * 3, NOT true OR true, 1 + 2 * 3 - 4 / 2, 5 & 3 | 8 ^ 1, ~5, -(-1), 2 * -3, 1 < 2 = true, 'a' || 'b' = 'ab'")


def case_between_and_precedence(spark):
    return spark.sql("SELECT 5 BETWEEN 1 AND 10 AND true, 5 NOT BETWEEN 1 AND 4, NOT 1 = 2, 1 IN (1, 2) AND NOT 3 IN (4)")


def case_is_distinct_from(spark):
    return spark.sql("SELECT 1 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL, 1 <=> 1, 1 <> 2, 1 != 2, 1 == 1")


def case_cast_shorthand(spark):
    return spark.sql("SELECT '1'::int + 1, 5::double, CAST(1 AS STRING)::binary")


def case_temp_view_by_sql(spark):
    _views(spark).sql("CREATE OR REPLACE TEMPORARY VIEW old AS SELECT id, age FROM p WHERE age > 40")
    return spark.sql("SELECT * FROM old")


def case_temp_view_over_path_is_typed(spark):
    spark.sql("CREATE TEMP VIEW v(a COMMENT 'first', b) AS SELECT 1, 'x'")
    return spark.table("v")


def case_drop_view(spark):
    _views(spark).sql("DROP VIEW p")
    return spark.catalog.tableExists("p")


def case_set_and_read_back(spark):
    spark.sql("SET spark.sql.shuffle.partitions=7")
    return [spark.conf.get("spark.sql.shuffle.partitions"), [tuple(r) for r in spark.sql("SET spark.sql.shuffle.partitions").collect()]]


def case_set_time_zone(spark):
    spark.sql("SET TIME ZONE 'Asia/Tokyo'")
    return spark.conf.get("spark.sql.session.timeZone")


def case_show_tables(spark):
    return _views(spark).sql("SHOW TABLES").where("isTemporary").select("tableName", "isTemporary")


def case_show_views(spark):
    return _views(spark).sql("SHOW VIEWS").select("viewName", "isTemporary")


def case_show_columns(spark):
    return _views(spark).sql("SHOW COLUMNS IN p")


def case_show_functions_like(spark):
    return spark.sql("SHOW FUNCTIONS LIKE 'array_co*'")


def case_show_databases(spark):
    return spark.sql("SHOW DATABASES")


def case_describe_table(spark):
    return _views(spark).sql("DESCRIBE p")


def case_describe_query(spark):
    return spark.sql("DESCRIBE QUERY SELECT 1 AS a, 'x' AS b")


def case_use_and_current(spark):
    spark.sql("USE default")
    return spark.sql("SELECT current_database(), current_catalog()")


def case_explain_command_is_text(spark):
    text = spark.sql("EXPLAIN SELECT 1").first()[0]
    return text.startswith("== Physical Plan ==")


def case_identifier_clause(spark):
    return _views(spark).sql("SELECT IDENTIFIER('id') FROM IDENTIFIER(:t) WHERE id < 3", {"t": "p"})


def case_pipe_syntax(spark):
    return _views(spark).sql("FROM p |> WHERE id < 4 |> SELECT id, dept |> ORDER BY id")


def case_many_unions(spark):
    return spark.sql(" UNION ALL ".join(f"SELECT {i} AS n" for i in range(60))).selectExpr("count(*)", "sum(n)")


def case_deep_expression(spark):
    return spark.sql("SELECT " + "+".join(["1"] * 300) + " AS s")


def case_long_in_list(spark):
    return spark.sql(f"SELECT count(*) FROM range(2000) WHERE id IN ({', '.join(str(i * 3) for i in range(1000))})")


def case_variables(spark):
    spark.sql("DECLARE VARIABLE v INT DEFAULT 5")
    spark.sql("SET VAR v = v + 1")
    return spark.sql("SELECT v, v * 2 AS twice")
