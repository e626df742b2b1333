"""What a notebook shows: show in its forms, printSchema, the repr of a frame, columns that are cut."""

from pyspark.sql import functions as F

from cases import printed, shown
from cases.tables import moments, nested, numbers, people


def case_show(spark):
    return shown(people(spark).orderBy("id"))


def case_show_two(spark):
    return shown(people(spark).orderBy("id"), 2)


def case_show_not_truncated(spark):
    return shown(spark.sql("SELECT repeat('abc', 20) AS long, 1 AS n"), truncate=False)


def case_show_truncated(spark):
    return shown(spark.sql("SELECT repeat('abc', 20) AS long, repeat('é', 30) AS wide"))


def case_show_truncate_at(spark):
    return shown(spark.sql("SELECT 'abcdefgh' AS s, 12345678 AS n"), truncate=5)


def case_show_truncate_at_three(spark):
    return shown(spark.sql("SELECT 'abcdefgh' AS s"), truncate=3)


def case_show_vertical(spark):
    return shown(people(spark).orderBy("id"), 2, vertical=True)


def case_show_empty(spark):
    return shown(people(spark).where("false"))


def case_show_no_rows_asked(spark):
    return shown(people(spark), 0)


def case_show_no_columns(spark):
    return shown(spark.range(2).select())


def case_show_nested(spark):
    return shown(nested(spark).orderBy("id"), truncate=False)


def case_show_numbers(spark):
    return shown(numbers(spark).orderBy("id"), truncate=False)


def case_show_times(spark):
    return shown(moments(spark).orderBy("id"), truncate=False)


def case_show_wide_characters(spark):
    return shown(spark.sql("SELECT '中文' AS `名`, 'a' AS b"))


def case_show_control_characters(spark):
    return shown(spark.sql(r"SELECT 'a\nb\tc' AS s"), truncate=False)


def case_show_binary_and_intervals(spark):
    return shown(spark.sql("SELECT X'0AFF' AS b, INTERVAL '1 2' DAY TO HOUR AS i, INTERVAL '1-2' YEAR TO MONTH AS m, true AS t"), truncate=False)


def case_show_floats(spark):
    return shown(spark.sql("SELECT 1.0D, 1e10D, 1.5e-10D, float(3.4), 123456789.123D, 1e7D, 9999999.0D, 0.001D, 0.0001D"), truncate=False)


def case_print_schema(spark):
    return printed(lambda: nested(spark).printSchema())


def case_print_schema_level(spark):
    return printed(lambda: nested(spark).printSchema(1))


def case_print_schema_of_types(spark):
    return printed(lambda: spark.sql("SELECT 1 AS a, 1.5 AS b, DATE '2024-01-01' AS c, X'00' AS d, INTERVAL 1 DAY AS e, NULL AS f, array(struct(1 AS x)) AS g").printSchema())


def case_repr(spark):
    return repr(nested(spark))


def case_schema_text(spark):
    return nested(spark).schema.simpleString()


def case_html(spark):
    spark.conf.set("spark.sql.repl.eagerEval.enabled", "true")
    return people(spark).orderBy("id").limit(2)._repr_html_()


def case_eager_repr(spark):
    spark.conf.set("spark.sql.repl.eagerEval.enabled", "true")
    return repr(people(spark).orderBy("id").limit(2))


def case_explain_has_a_plan_in_each_mode(spark):
    found = []
    for mode in ("simple", "extended", "codegen", "cost", "formatted"):
        text = printed(lambda: people(spark).groupBy("dept").agg(F.sum("pay")).explain(mode=mode))
        found.append([mode, len(text) > 20, "== Physical Plan ==" in text or mode == "codegen"])
    return found


def case_explain_extended_has_four_parts(spark):
    text = printed(lambda: people(spark).select("id").explain(True))
    return [title for title in ("Parsed", "Analyzed", "Optimized") if f"== {title} Logical Plan ==" in text]
