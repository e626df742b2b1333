"""Grouping: aggregate functions, rollup, cube, grouping sets, and the frames that describe a frame."""

from pyspark.sql import functions as F

from cases import ordered
from cases.tables import numbers, people, sales


def case_group_count(spark):
    return people(spark).groupBy("dept").count()


def case_group_shortcuts(spark):
    return people(spark).groupBy("dept").agg({"age": "max", "pay": "avg", "*": "count"})


def case_group_min_max_sum_avg(spark):
    grouped = people(spark).groupBy("dept")
    return grouped.min("age").join(grouped.max("pay"), "dept").join(grouped.sum("age"), "dept").join(grouped.avg("age"), "dept")


def case_global_aggregate(spark):
    return people(spark).agg(F.count("*"), F.count("age"), F.sum("age"), F.avg("pay"), F.min("since"), F.max("name"))


def case_global_aggregate_of_nothing(spark):
    return people(spark).where("false").agg(F.count("*"), F.sum("age"), F.max("name"), F.avg("pay"))


def case_group_of_nothing(spark):
    return people(spark).where("false").groupBy("dept").count()


def case_count_distinct(spark):
    return people(spark).agg(F.countDistinct("dept"), F.count_distinct("dept", "age"), F.sum_distinct("age"))


def case_distinct_beside_plain(spark):
    return people(spark).groupBy("dept").agg(F.count("*").alias("n"), F.countDistinct("age").alias("ages"), F.sum("pay").alias("pay"))


def case_statistics(spark):
    return people(spark).agg(
        F.stddev("age"), F.stddev_pop("age"), F.variance("age"), F.var_pop("age"), F.corr("age", "pay"), F.covar_samp("age", "pay")
    )


def case_skewness_kurtosis(spark):
    return people(spark).agg(F.skewness("age"), F.kurtosis("age"))


def case_decimal_sum_avg(spark):
    return sales(spark).agg(F.sum("amount"), F.avg("amount"), F.min("amount"), F.max("amount"))


def case_decimal_wide_sum(spark):
    return numbers(spark).where("id <> 2").agg(F.sum("dec"), F.avg("dec"))


def case_integer_sums_widen(spark):
    return numbers(spark).where("id = 1").agg(F.sum("i8"), F.sum("i16"), F.sum("i32"), F.sum("f32"), F.avg("i64"))


def case_nan_in_min_max(spark):
    return numbers(spark).agg(F.min("f32"), F.max("f32"), F.min("f64"), F.max("f64"))


def case_group_by_float_zero_and_nan(spark):
    frame = spark.sql("SELECT * FROM VALUES (0.0D), (-0.0D), (double('NaN')), (double('NaN')), (NULL) AS t(x)")
    return frame.groupBy("x").count()


def case_first_last(spark):
    return people(spark).coalesce(1).orderBy("id").groupBy("dept").agg(
        F.first("age", ignorenulls=True), F.last("age"), F.any_value("dept").isNull()
    )


def case_collect_list_set(spark):
    return people(spark).groupBy("dept").agg(F.sort_array(F.collect_list("age")).alias("l"), F.sort_array(F.collect_set("age")).alias("s"))


def case_min_by_max_by(spark):
    return people(spark).groupBy("dept").agg(F.min_by("name", "pay"), F.max_by("name", "pay"))


def case_bool_aggregates(spark):
    return people(spark).groupBy("dept").agg(F.bool_and(F.col("age") > 30), F.bool_or(F.col("age") > 40), F.count_if(F.col("age") > 33))


def case_percentile(spark):
    return people(spark).agg(F.percentile("age", 0.5), F.percentile("pay", [0.25, 0.75]), F.median("age"))


def case_mode(spark):
    return people(spark).agg(F.mode("age"))


def case_filter_clause(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT dept, count(*) FILTER (WHERE age > 33) AS n, sum(pay) FILTER (WHERE id > 100) AS none FROM p GROUP BY dept")


def case_having(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT dept, sum(pay) FROM p GROUP BY dept HAVING count(*) > 1 AND max(age) > 30")


def case_group_by_alias_and_expression(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT age % 2 AS odd, count(*) FROM p GROUP BY odd")


def case_group_by_all(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT dept, age > 33 AS old, count(*) AS n FROM p GROUP BY ALL")


def case_rollup(spark):
    return ordered(sales(spark).rollup("year", "quarter").agg(F.sum("amount").alias("s"), F.grouping_id().alias("g")).orderBy("g", "year", "quarter"))


def case_cube(spark):
    return ordered(
        sales(spark).cube("year", "region").agg(F.count("*").alias("n"), F.grouping("year").alias("gy")).orderBy("year", "region", "n")
    )


def case_grouping_sets_sql(spark):
    sales(spark).createOrReplaceTempView("s")
    return spark.sql(
        "SELECT year, region, sum(amount) AS total, grouping_id(year, region) AS g FROM s "
        "GROUP BY GROUPING SETS ((year, region), (region), ())"
    )


def case_grouping_sets_frame(spark):
    frame = sales(spark)
    return frame.groupingSets([("year",), ()], "year").agg(F.sum("amount").alias("s"))


def case_having_without_group(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT count(*) AS n FROM p HAVING count(*) > 100")


def case_aggregate_over_expression(spark):
    return people(spark).groupBy((F.col("age") / 10).cast("int").alias("decade")).agg(F.round(F.avg("pay"), 2).alias("pay"))


def case_unnamed_columns(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT count(1), count(*), sum(age + 1), avg(CAST(age AS DOUBLE)), count(DISTINCT dept), max(-age) FROM p")


def _rounded(summary):
    """The last digit of a deviation, here as text, depends on how the rows were split; nine decimals do not."""
    deviation = F.col("summary") == "stddev"
    columns = [c for c in summary.columns if c != "summary"]
    return summary.select("summary", *[F.when(deviation, F.round(F.col(c).cast("double"), 9).cast("string")).otherwise(F.col(c)).alias(c) for c in columns])


def case_describe(spark):
    return ordered(_rounded(people(spark).describe()))


def case_describe_columns(spark):
    return ordered(_rounded(people(spark).describe("age", "name")))


def case_summary(spark):
    return ordered(_rounded(people(spark).select("age", "pay", "name").summary()))


def case_summary_statistics(spark):
    return ordered(people(spark).select("age").summary("count", "min", "25%", "75%", "max"))


def case_approx_count_distinct(spark):
    return people(spark).agg(F.approx_count_distinct("dept"))


def case_group_by_nested(spark):
    frame = spark.sql("SELECT * FROM VALUES (struct(1, 'a'), 0), (struct(1, 'a'), 0), (struct(2, NULL), 0) AS t(s, z)")
    return frame.groupBy("s").count()


def case_group_by_array(spark):
    frame = spark.sql("SELECT * FROM VALUES (array(1, 2)), (array(1, 2)), (array()) AS t(a)")
    return frame.groupBy("a").count()


def case_many_groups(spark):
    grouped = spark.range(100_000).groupBy((F.col("id") % 9973).alias("k")).agg(F.sum("id").alias("s"), F.count("*").alias("n"))
    return grouped.agg(F.count("*"), F.sum("s"), F.max("n"), F.min("n"))


def case_list_agg(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT dept, listagg(name, ',') WITHIN GROUP (ORDER BY name) AS names FROM p GROUP BY dept")
