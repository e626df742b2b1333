"""Joins of every kind, by columns, by condition, and of a frame with itself."""

from pyspark.sql import functions as F

from cases.tables import departments, people


def _joined(spark, how):
    return people(spark).join(departments(spark), "dept", how)


def case_inner_using(spark):
    return _joined(spark, "inner")


def case_left_using(spark):
    return _joined(spark, "left")


def case_right_using(spark):
    return _joined(spark, "right")


def case_full_using(spark):
    return _joined(spark, "full_outer")


def case_semi_using(spark):
    return _joined(spark, "left_semi")


def case_anti_using(spark):
    return _joined(spark, "left_anti")


def case_cross(spark):
    return people(spark).select("id").crossJoin(departments(spark).select("floor"))


def case_condition(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, left.dept == right.dept).select(left.id, right.title, left.dept)


def case_left_condition(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, (left.dept == right.dept) & (left.age > 35), "left").select("id", "title")


def case_full_condition(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, (left.dept == right.dept) & (right.floor > 1), "outer").select(left.id, right.title)


def case_null_safe(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, left.dept.eqNullSafe(right.dept)).select("id", "title")


def case_range_condition(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, left.id <= right.floor).select("id", "floor")


def case_left_range_condition(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, left.id < right.floor, "left").select("id", "floor")


def case_anti_range_condition(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, left.id < right.floor, "anti").select("id")


def case_list_of_conditions(spark):
    left, right = people(spark), departments(spark)
    return left.join(right, [left.dept == right.dept, left.id > right.floor]).select("id", "floor")


def case_no_condition(spark):
    return people(spark).select("id").join(departments(spark).select("floor")).groupBy("floor").count()


def case_self_by_alias(spark):
    a, b = people(spark).alias("a"), people(spark).alias("b")
    return a.join(b, (F.col("a.dept") == F.col("b.dept")) & (F.col("a.id") < F.col("b.id"))).select("a.id", F.col("b.id").alias("other"))


def case_same_names_by_frame(spark):
    base = people(spark)
    older = people(spark).where("age > 33").select("id", "dept")
    return base.join(older, base["id"] == older["id"], "left").select(base["id"], older["dept"])


def case_two_keys(spark):
    grouped = people(spark).groupBy("dept", "age").agg(F.count("*").alias("n"))
    return people(spark).join(grouped, ["dept", "age"]).select("id", "n")


def case_keys_of_different_types(spark):
    wide = spark.range(4).select(F.col("id").alias("key"))
    return people(spark).join(wide, F.col("id") == F.col("key")).select("id", "key")


def case_string_key_against_number(spark):
    text = spark.createDataFrame([("1", "one"), ("03", "three")], "key string, word string")
    return people(spark).join(text, F.col("id") == F.col("key")).select("id", "word")


def case_duplicates_on_both_sides(spark):
    two = spark.createDataFrame([(1, "a"), (1, "b"), (2, "c")], "k int, v string")
    return two.join(two.withColumnRenamed("v", "w"), "k")


def case_empty_side(spark):
    return people(spark).join(departments(spark).where("false"), "dept", "left").select("id", "title")


def case_empty_build_anti(spark):
    return people(spark).join(departments(spark).where("false"), "dept", "anti").select("id")


def case_not_in_subquery_with_null(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    return spark.sql("SELECT id FROM p WHERE dept NOT IN (SELECT dept FROM d)")


def case_not_in_subquery(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    return spark.sql("SELECT id FROM p WHERE dept NOT IN (SELECT dept FROM d WHERE dept IS NOT NULL)")


def case_exists_subquery(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    return spark.sql("SELECT id FROM p WHERE EXISTS (SELECT 1 FROM d WHERE d.dept = p.dept AND floor > 1)")


def case_scalar_subquery_correlated(spark):
    people(spark).createOrReplaceTempView("p")
    return spark.sql("SELECT id, (SELECT max(pay) FROM p q WHERE q.dept = p.dept) AS top FROM p")


def case_scalar_subquery_count_of_none(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    return spark.sql("SELECT title, (SELECT count(*) FROM p WHERE p.dept = d.dept) AS n FROM d")


def case_lateral_subquery(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    return spark.sql("SELECT title, id FROM d, LATERAL (SELECT id FROM p WHERE p.dept = d.dept AND pay > 5000)")


def case_natural_join(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    return spark.sql("SELECT * FROM p NATURAL JOIN d")


def case_sql_using_left(spark):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    return spark.sql("SELECT dept, id, d.dept AS right_dept FROM p LEFT JOIN d USING (dept)")


def case_three_way(spark):
    floors = spark.createDataFrame([(3, "top"), (1, "ground")], "floor int, label string")
    return people(spark).join(departments(spark), "dept").join(floors, "floor", "left").select("id", "title", "label")
