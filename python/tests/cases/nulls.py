"""Nulls: fill, drop, replace, and three-valued logic."""

from pyspark.sql import functions as F

from cases.tables import numbers, people


def case_fill_number(spark):
    return people(spark).na.fill(0)


def case_fill_string(spark):
    return people(spark).fillna("?")


def case_fill_by_column(spark):
    return people(spark).fillna({"age": -1, "name": "nobody", "pay": 1.5})


def case_fill_subset(spark):
    return people(spark).na.fill(0, ["age"])


def case_fill_does_not_touch_other_types(spark):
    return people(spark).na.fill(7, ["name", "age"])


def case_fill_nan(spark):
    return numbers(spark).select("id", "f32", "f64").na.fill(9.5)


def case_fill_bool(spark):
    return spark.createDataFrame([(None, 1), (True, None)], "a boolean, b int").na.fill(False)


def case_drop_any(spark):
    return people(spark).dropna()


def case_drop_all(spark):
    return spark.createDataFrame([(None, None), (1, None)], "a int, b int").na.drop("all")


def case_drop_threshold(spark):
    return people(spark).na.drop(thresh=5)


def case_drop_subset(spark):
    return people(spark).na.drop(subset=["dept", "pay"])


def case_drop_counts_nan(spark):
    return numbers(spark).select("id", "f32").na.drop()


def case_replace_value(spark):
    return people(spark).na.replace(34, 35).select("id", "age", "pay")


def case_replace_dict(spark):
    return people(spark).replace({"eng": "dev", "ops": None}, subset=["dept"]).select("id", "dept")


def case_replace_lists(spark):
    return people(spark).replace(["Ann", "Bob"], ["A", "B"]).select("id", "name")


def case_three_valued_logic(spark):
    return spark.sql(
        "SELECT a, b, a AND b AS con, a OR b AS dis, NOT a AS neg, a <=> b AS same, a = b AS eq, a IS NOT TRUE AS nt "
        "FROM VALUES (true), (false), (CAST(NULL AS BOOLEAN)) AS x(a), VALUES (true), (false), (CAST(NULL AS BOOLEAN)) AS y(b)"
    )


def case_coalesce_and_friends(spark):
    return people(spark).select(
        F.coalesce("age", F.lit(-1)), F.nvl("name", F.lit("-")), F.nullif("age", F.lit(34)), F.nvl2("dept", F.lit(1), F.lit(0)), F.ifnull("pay", F.lit(0.0))
    )


def case_in_with_null(spark):
    return spark.sql("SELECT x, x IN (1, NULL) AS i, x NOT IN (1, NULL) AS n FROM VALUES (1), (2), (NULL) AS t(x)")


def case_when_otherwise(spark):
    age = F.col("age")
    return people(spark).select("id", F.when(age < 30, "young").when(age < 40, "middle").otherwise("old"), F.when(age > 100, 1).alias("none"))


def case_null_in_aggregates(spark):
    return spark.sql("SELECT sum(x), count(x), avg(x), max(x), collect_list(x), bool_and(x > 0) FROM VALUES (CAST(NULL AS INT)) AS t(x)")


def case_null_literal(spark):
    return spark.sql("SELECT NULL AS n, NULL + 1 AS m, concat('a', NULL) AS c, NULL = NULL AS e")


def case_greatest_least_skip_nulls(spark):
    return spark.sql("SELECT greatest(1, NULL, 3), least(CAST(NULL AS INT), 2), greatest(CAST(NULL AS INT), NULL)")


def case_isnan(spark):
    return numbers(spark).select("id", F.isnan("f32"), F.isnull("f32"), F.nanvl("f32", F.lit(0.0)))
