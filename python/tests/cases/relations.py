"""Relations that reshape rows: select, filter, sort, limit, set operations, pivots, samples at the ends."""

from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from cases import ordered
from cases.tables import departments, nested, people, sales


def case_select_columns(spark):
    return people(spark).select("id", F.col("name"), "*")


def case_select_expressions(spark):
    return people(spark).select(F.col("age") + 1, F.col("pay") * 2, F.lit(1), F.lit("x"), F.upper("name"))


def case_select_expr_strings(spark):
    return people(spark).selectExpr("id", "age * 2 AS twice", "pay IS NULL", "upper(name)", "CASE WHEN age > 30 THEN 'old' END")


def case_filter_column(spark):
    return people(spark).filter((F.col("age") > 30) & ~(F.col("dept") == "law"))


def case_where_text(spark):
    return people(spark).where("age BETWEEN 30 AND 40 OR dept IS NULL")


def case_where_isin_like(spark):
    return people(spark).where(F.col("dept").isin("eng", "law") & (F.col("name").like("%b") | F.col("name").isNull()))


def case_sort_default_nulls(spark):
    return ordered(people(spark).sort("age", "id").select("id", "age"))


def case_sort_desc_default_nulls(spark):
    return ordered(people(spark).orderBy(F.desc("age"), "id").select("id", "age"))


def case_sort_nulls_last(spark):
    return ordered(people(spark).orderBy(F.col("age").asc_nulls_last(), F.col("id").desc()).select("id", "age"))


def case_sort_nulls_first(spark):
    return ordered(people(spark).orderBy(F.col("age").desc_nulls_first(), F.col("id").asc()).select("id", "age"))


def case_sort_ascending_list(spark):
    return ordered(people(spark).sort(["dept", "id"], ascending=[False, True]).select("dept", "id"))


def case_sort_ordinal_in_sql(spark):
    people(spark).createOrReplaceTempView("p")
    return ordered(spark.sql("SELECT dept, count(*) n FROM p GROUP BY 1 ORDER BY 2 DESC, 1"))


def case_limit(spark):
    return ordered(people(spark).orderBy("id").limit(3).select("id"))


def case_limit_zero(spark):
    return people(spark).limit(0)


def case_offset(spark):
    return ordered(people(spark).orderBy("id").offset(5).select("id"))


def case_offset_limit(spark):
    return ordered(people(spark).orderBy("id").offset(2).limit(2).select("id"))


def case_offset_beyond(spark):
    return people(spark).orderBy("id").offset(100)


def case_tail(spark):
    return people(spark).orderBy("id").tail(2)


def case_take(spark):
    return people(spark).orderBy("id").take(2)


def case_head_one(spark):
    return people(spark).orderBy("id").head()


def case_head_of_empty(spark):
    return people(spark).where("false").head()


def case_first(spark):
    return people(spark).orderBy(F.desc("id")).first()


def case_is_empty(spark):
    return [people(spark).isEmpty(), people(spark).where("id > 100").isEmpty()]


def case_count(spark):
    return [people(spark).count(), people(spark).where("false").count()]


def case_distinct(spark):
    return people(spark).select("dept", "age").distinct()


def case_drop_duplicates_all(spark):
    return people(spark).select("dept", "age").dropDuplicates()


def case_drop_duplicates_subset(spark):
    return people(spark).select("dept", "age").dropDuplicates(["dept", "age"]).groupBy("dept").count()


def case_union(spark):
    return people(spark).select("id", "name").union(departments(spark).select("floor", "title"))


def case_union_widens(spark):
    return spark.sql("SELECT 1 AS a").union(spark.sql("SELECT 2.5D")).union(spark.sql("SELECT CAST(3 AS BIGINT)"))


def case_union_all_keeps_duplicates(spark):
    one = spark.range(2)
    return one.unionAll(one)


def case_union_by_name(spark):
    return people(spark).select("id", "name").unionByName(people(spark).select("name", "id"))


def case_union_by_name_missing(spark):
    return people(spark).select("id", "name").unionByName(departments(spark).select("dept"), allowMissingColumns=True)


def case_intersect(spark):
    return people(spark).select("dept").intersect(departments(spark).select("dept"))


def case_intersect_all(spark):
    twice = people(spark).select("dept")
    return twice.intersectAll(twice.where("id < 5 OR id = 7").select("dept"))


def case_except_all(spark):
    return people(spark).select("dept").exceptAll(departments(spark).select("dept"))


def case_subtract(spark):
    return people(spark).select("dept").subtract(departments(spark).select("dept"))


def case_with_column_new(spark):
    return people(spark).withColumn("next", F.col("age") + 1).select("id", "next")


def case_with_column_replaces_in_place(spark):
    return people(spark).withColumn("AGE", F.lit(0)).drop("pay", "since")


def case_with_columns(spark):
    return people(spark).withColumns({"a": F.col("id") * 2, "b": F.lit(None).cast("string")}).select("id", "a", "b")


def case_with_column_renamed(spark):
    return people(spark).withColumnRenamed("name", "nom").withColumnRenamed("missing", "x")


def case_with_columns_renamed(spark):
    return people(spark).withColumnsRenamed({"id": "key", "name": "nom"}).select("key", "nom")


def case_drop_columns(spark):
    return people(spark).drop("pay", "missing").drop(F.col("since"))


def case_to_df(spark):
    return departments(spark).toDF("a", "b", "c")


def case_to_schema(spark):
    wanted = StructType([StructField("floor", StringType()), StructField("dept", StringType())])
    return departments(spark).to(wanted)


def case_alias_and_qualified(spark):
    return people(spark).alias("p").select("p.id", F.col("p.name"), "p.*").drop("pay", "since", "dept", "age")



def case_explode(spark):
    return nested(spark).select("id", F.explode("nums"))


def case_explode_outer(spark):
    return nested(spark).select("id", F.explode_outer("nums").alias("n"))


def case_posexplode(spark):
    return nested(spark).select("id", F.posexplode("nums"))


def case_explode_map(spark):
    return nested(spark).select("id", F.explode("props"))


def case_explode_struct_array(spark):
    return nested(spark).select(F.explode("pair.items").alias("item")).select("item.*")


def case_inline(spark):
    return nested(spark).select("id", F.inline("pair.items"))


def case_lateral_view(spark):
    nested(spark).createOrReplaceTempView("n")
    return spark.sql("SELECT id, x FROM n LATERAL VIEW OUTER explode(nums) t AS x")


def case_pivot(spark):
    return sales(spark).groupBy("year").pivot("quarter").sum("amount")


def case_pivot_values(spark):
    return sales(spark).groupBy("year").pivot("quarter", ["Q2", "Q1", "Q9"]).agg(F.sum("amount"))


def case_pivot_two_aggregates(spark):
    return sales(spark).groupBy("year").pivot("region", ["north", "south"]).agg(F.sum("amount").alias("s"), F.count("amount").alias("n"))


def case_unpivot(spark):
    wide = spark.createDataFrame([(1, 10, 20), (2, 30, None)], "id int, a int, b int")
    return wide.unpivot("id", ["a", "b"], "what", "value")


def case_unpivot_all(spark):
    wide = spark.createDataFrame([(1, 10, 20.5)], "id int, a int, b double")
    return wide.unpivot(["id"], None, "what", "value")


def case_melt(spark):
    return spark.createDataFrame([(1, "x", "y")], "id int, a string, b string").melt("id", ["b"], "k", "v")


def case_range(spark):
    return ordered(spark.range(3, 12, 4))


def case_range_negative_step(spark):
    return ordered(spark.range(5, -5, -3, 2))


def case_range_empty(spark):
    return spark.range(5, 5)


def case_repartition_keeps_rows(spark):
    return people(spark).repartition(3).select("id")


def case_repartition_by_column(spark):
    return people(spark).repartition(2, "dept").coalesce(1).select("id")


def case_repartition_by_range(spark):
    return people(spark).repartitionByRange(2, "id").select("id")


def case_sort_within_partitions(spark):
    return ordered(people(spark).coalesce(1).sortWithinPartitions(F.desc("id")).select("id"))


def case_hint(spark):
    return people(spark).join(departments(spark).hint("broadcast"), "dept").select("id", "title")


def case_sample_nothing_and_everything(spark):
    frame = spark.range(100)
    return [frame.sample(0.0, 1).count(), frame.sample(1.0, 1).count()]


def case_transform(spark):
    return people(spark).transform(lambda frame: frame.select("id").where("id < 3"))


def case_cross_tab_like_group(spark):
    return people(spark).groupBy("dept", "age").count()


def case_nested_field_access(spark):
    return nested(spark).select("id", "pair.tag", F.get("pair.items", F.lit(0))["k"], F.col("props")["a"], F.get("nums", F.lit(1)))


def case_with_field(spark):
    return nested(spark).select(F.col("pair").withField("extra", F.lit(1)).dropFields("items").alias("p"))


def case_schema_with_nullable(spark):
    schema = StructType([StructField("a", IntegerType(), False), StructField("b", StringType(), True)])
    return spark.createDataFrame([(1, None)], schema).schema.json()


def case_columns_and_dtypes(spark):
    return [nested(spark).columns, nested(spark).dtypes]


def case_same_name_twice(spark):
    return spark.range(2).select(F.col("id").alias("x"), (F.col("id") + 1).alias("x"))


def case_parameters_named(spark):
    return spark.sql("SELECT :a + 1 AS x, :b AS y", {"a": 41, "b": "it's"})


def case_parameters_positional(spark):
    return spark.sql("SELECT ? AS x, ? AS y", [1.5, None])


def case_frame_as_sql_argument(spark):
    return spark.sql("SELECT dept, count(*) AS n FROM {frame} WHERE age > {low} GROUP BY dept", frame=people(spark), low=30)
