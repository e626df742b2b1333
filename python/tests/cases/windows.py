"""Window functions: ranks, frames by rows and by range, offsets, named windows in SQL."""

from pyspark.sql import Window
from pyspark.sql import functions as F

from cases.tables import people, sales

def _by_dept():
    return Window.partitionBy("dept").orderBy("age", "id")


def case_row_number(spark):
    return people(spark).select("id", F.row_number().over(_by_dept()).alias("n"))


def case_rank_dense_rank(spark):
    window = Window.orderBy("age")
    return people(spark).select("id", F.rank().over(window), F.dense_rank().over(window), F.percent_rank().over(window), F.cume_dist().over(window))


def case_ntile(spark):
    return people(spark).select("id", F.ntile(3).over(Window.orderBy("id")).alias("t"))


def case_lag_lead(spark):
    return people(spark).select(
        "id", F.lag("name").over(_by_dept()), F.lead("id", 2).over(_by_dept()), F.lag("id", 1, -1).over(_by_dept()).alias("d")
    )


def case_lag_ignore_nulls(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT id, lag(age) IGNORE NULLS OVER (ORDER BY id) AS prev FROM p")


def case_running_sum_default_frame(spark):
    return people(spark).select("id", F.sum("pay").over(Window.partitionBy("dept").orderBy("age")).alias("s"))


def case_whole_partition(spark):
    return people(spark).select("id", F.avg("pay").over(Window.partitionBy("dept")), F.count("*").over(Window.partitionBy("dept")).alias("n"))


def case_rows_between(spark):
    window = Window.orderBy("id").rowsBetween(-1, 1)
    return people(spark).select("id", F.sum("id").over(window), F.max("age").over(window), F.min("name").over(window))


def case_rows_unbounded_following(spark):
    window = Window.orderBy("id").rowsBetween(Window.currentRow, Window.unboundedFollowing)
    return people(spark).select("id", F.sum("age").over(window).alias("s"))


def case_rows_ahead_only(spark):
    return people(spark).select("id", F.sum("id").over(Window.orderBy("id").rowsBetween(2, 3)).alias("s"))


def case_range_between(spark):
    window = Window.orderBy("age").rangeBetween(-5, 5)
    return people(spark).select("id", F.count("*").over(window).alias("near"))


def case_range_between_descending(spark):
    window = Window.orderBy(F.desc("age")).rangeBetween(-10, 0)
    return people(spark).select("id", F.count("*").over(window).alias("n"))


def case_range_interval(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql(
        "SELECT id, count(*) OVER (ORDER BY since RANGE BETWEEN INTERVAL 2 YEARS PRECEDING AND CURRENT ROW) AS n FROM p"
    )


def case_first_last_nth_value(spark):
    whole = Window.partitionBy("dept").orderBy("id").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return people(spark).select("id", F.first("name").over(whole), F.last("name", True).over(whole), F.nth_value("id", 2).over(whole))


def case_ratio_to_total(spark):
    return sales(spark).select("year", (F.col("amount") / F.sum("amount").over(Window.partitionBy("year"))).alias("share"))


def case_over_aggregate(spark):
    grouped = sales(spark).groupBy("year", "quarter").agg(F.sum("amount").alias("s"))
    return grouped.withColumn("r", F.rank().over(Window.partitionBy("year").orderBy(F.desc("s"))))


def case_sql_aggregate_in_window(spark):
    sales(spark).createOrReplaceTempView("s")
    return spark.sql("SELECT year, sum(amount) AS a, sum(sum(amount)) OVER (ORDER BY year) AS running FROM s GROUP BY year")


def case_named_window(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT id, sum(pay) OVER w AS s, rank() OVER w AS r FROM p WINDOW w AS (PARTITION BY dept ORDER BY pay DESC)")


def case_qualify(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT id, dept FROM (SELECT id, dept, row_number() OVER (PARTITION BY dept ORDER BY pay DESC NULLS LAST) rn FROM p) WHERE rn = 1")


def case_nulls_order_in_window(spark):
    return people(spark).select("id", F.row_number().over(Window.orderBy(F.col("dept").asc_nulls_last(), F.col("id"))).alias("n"))


def case_count_distinct_free_window_mix(spark):
    return people(spark).select(
        "id", F.sum("age").over(Window.partitionBy("dept")).alias("a"), F.sum("age").over(Window.orderBy("id")).alias("b")
    )


def case_collect_list_over(spark):
    return people(spark).select("id", F.collect_list("id").over(Window.partitionBy("dept").orderBy("id")).alias("seen"))


def case_stddev_over(spark):
    return people(spark).select("id", F.stddev_samp("pay").over(Window.partitionBy("dept")).alias("s"))


def case_empty_input(spark):
    return people(spark).where("false").select(F.row_number().over(_by_dept()).alias("n"))
