"""Functions and column methods that TPC-H, TPC-DS and the main job need, at their edges."""

from pyspark.sql import functions as F

from cases import ordered
from cases.tables import nested, people


def case_column_arithmetic(spark):
    age = F.col("age")
    return people(spark).select("id", age + 1, age - 1, age * 2, age / 2, age % 7, -age, 100 - age, 100 / age, age**2)


def case_column_comparisons(spark):
    age = F.col("age")
    return people(spark).select("id", age > 34, age >= 34, age == 34, age != 34, age.between(30, 40), age.isin(29, 57), age.isNull(), ~(age < 40))


def case_column_bitwise(spark):
    return people(spark).select(F.col("id").bitwiseAND(3), F.col("id").bitwiseOR(8), F.col("id").bitwiseXOR(1), F.shiftleft("id", 2), F.bitwise_not("id"))


def case_column_strings(spark):
    name = F.col("name")
    return people(spark).select(name.startswith("A"), name.endswith("e"), name.contains("u"), name.substr(1, 2), name.rlike("^[A-C]"), name.ilike("a%"))


def case_column_cast_and_alias(spark):
    return people(spark).select(F.col("id").cast("string").alias("s"), F.col("pay").cast("int"), F.col("since").cast("timestamp_ntz"), F.col("id").astype("double"))


def case_strings(spark):
    return spark.sql(
        "SELECT upper('aé'), lower('AÉ'), length('é '), trim('  a '), ltrim('  a'), rtrim('a  '), trim(BOTH 'x' FROM 'xax'), "
        "lpad('7', 3, '0'), rpad('7', 3, 'ab'), repeat('ab', 3), reverse('abc'), initcap('hello world'), ascii('A'), chr(97), "
        "concat('a', 1, true), concat_ws('-', 'a', NULL, 'b'), 'a' || 'b' || 1"
    )


def case_substrings(spark):
    return spark.sql(
        "SELECT substring('Spark SQL', 5), substring('Spark SQL', -3), substring('Spark SQL', 5, 1), substring('abc', 0, 2), substr('abc', 2, 100), "
        "left('abc', 2), right('abc', 2), substring('abc' FROM 2 FOR 1), substring_index('a.b.c', '.', 2), substring_index('a.b.c', '.', -1), split_part('a,b,c', ',', 3)"
    )


def case_search(spark):
    return spark.sql("SELECT instr('hello', 'l'), locate('l', 'hello', 4), position('lo' IN 'hello'), contains('abc', 'b'), startswith('abc', 'ab'), endswith('abc', 'x'), find_in_set('b', 'a,b'), levenshtein('kitten', 'sitting')")


def case_replace_translate(spark):
    return spark.sql("SELECT replace('aXbX', 'X', '--'), replace('aXb', 'X'), translate('AaBb', 'ab', '12'), overlay('Spark_SQL' PLACING 'CORE' FROM 7), soundex('Miller')")


def case_regexp(spark):
    return spark.sql(
        r"SELECT regexp_replace('a1b22', '(\\d+)', '<$1>'), regexp_extract('a1b22', '([a-z])(\\d+)', 2), regexp_extract('zzz', '(x)', 1), "
        r"regexp_extract_all('a1b22', '(\\d+)', 1), regexp_like('abc', 'b.'), regexp_count('banana', 'an'), regexp_substr('a1b22', '\\d\\d'), 'abc' RLIKE '^a.*c$'"
    )


def case_split(spark):
    return spark.sql(r"SELECT split('a,b,,c,,', ','), split('a1b2c', '\\d'), split('a,b,c', ',', 2), split('', ','), split('abc', '')")


def case_like(spark):
    return spark.sql("SELECT 'abc' LIKE 'a%c', 'a_c' LIKE 'a\\\\_c', 'abc' LIKE '_b_', 'ABC' ILIKE 'abc', 'a%c' LIKE 'a#%c' ESCAPE '#', 'abc' NOT LIKE 'b%', '' LIKE '%', 'a\nb' LIKE 'a%b', 'abc' LIKE ANY ('x%', 'a%'), 'abc' LIKE ALL ('a%', '%c')")


def case_format_and_numbers(spark):
    return spark.sql("SELECT format_number(12332.123456, 4), format_string('%d %s %05.2f', 5, 'x', 2.5D), conv('ff', 16, 10), hex(255), unhex('4D'), bin(5), to_char(454, '999'), to_number('12,454', '99,999')")


def case_math(spark):
    return spark.sql(
        "SELECT abs(-5), abs(-5.5), sign(-2.5), sqrt(2D), cbrt(27D), exp(1D), ln(10D), log10(1000D), log2(8D), log(3, 81), pow(2, 10), "
        "ceil(1.2), floor(-1.2), ceil(5), degrees(pi()), sin(0D), atan2(1D, 1D), hypot(3, 4), factorial(5), greatest(1, 5, 3), least(2, 1)"
    )


def case_rounding(spark):
    return spark.sql(
        "SELECT round(2.5), round(-2.5), round(2.5D), round(1234.567, 2), round(1234.567, -2), round(1250, -2), bround(2.5), bround(3.5), "
        "ceil(3.1411, 3), floor(3.1411, 3), round(1.005D, 2)"
    )


def case_dates(spark):
    return spark.sql(
        "SELECT date_add(DATE '2024-02-28', 2), date_sub(DATE '2024-03-01', 1), datediff(DATE '2024-03-01', DATE '2024-02-01'), "
        "add_months(DATE '2024-01-31', 1), months_between(DATE '2024-03-31', DATE '2024-02-29'), last_day(DATE '2023-02-05'), "
        "next_day(DATE '2024-01-01', 'MON'), trunc(DATE '2024-05-17', 'Q'), date_trunc('MONTH', TIMESTAMP_NTZ '2024-05-17 10:11:12'), "
        "make_date(2024, 2, 29), extract(DOY FROM DATE '2024-12-31'), date_part('week', DATE '2024-12-30'), dayofweek(DATE '2024-12-30'), weekday(DATE '2024-12-30')"
    )


def case_date_parsing_and_format(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.sql(
        "SELECT to_date('31/12/2023', 'dd/MM/yyyy'), to_timestamp('2024-01-02 03:04', 'yyyy-MM-dd HH:mm')::string, date_format(DATE '2024-01-05', 'EEE d MMM yyyy'), "
        "date_format(TIMESTAMP '2024-01-05 15:06:07', 'yyyy/MM/dd hh:mm a'), to_date('2024-01-05T10:00:00'), try_to_timestamp('nonsense')"
    )


def case_make_timestamp(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.sql("SELECT make_timestamp(2024, 1, 2, 3, 4, 5.678)::string, make_interval(0, 1, 0, 2)::string, make_dt_interval(1, 2, 3, 4.5), timestampadd(HOUR, 5, TIMESTAMP_NTZ '2024-01-01 22:00:00'), timestampdiff(DAY, DATE '2024-01-01', DATE '2024-03-01')")


def case_arrays(spark):
    return spark.sql(
        "SELECT array(1, 2)[0], element_at(array(1, 2, 3), -1), size(array()), cardinality(array(1, 2)), array_contains(array(1, NULL), 1), "
        "sort_array(array(3, NULL, 1)), array_sort(array(3, NULL, 1)), array_distinct(array(1, 1, 2)), array_union(array(1), array(2, 1)), "
        "array_intersect(array(1, 2), array(2)), array_except(array(1, 2), array(2)), array_join(array('a', NULL, 'b'), ',', '?'), "
        "slice(array(1, 2, 3, 4), 2, 2), flatten(array(array(1), array(2, 3))), sequence(1, 7, 3), array_position(array('a', 'b'), 'b'), "
        "array_remove(array(1, 2, 1), 1), array_repeat('x', 2), array_max(array(1, 5)), array_min(array(4, 2)), arrays_zip(array(1), array('a')), reverse(array(1, 2)), "
        "concat(array(1), array(2)), get(array(1), 9), array_append(array(1), 2), array_compact(array(1, NULL)), arrays_overlap(array(1), array(1, 2))"
    )


def case_maps(spark):
    return spark.sql(
        "SELECT map('a', 1)['a'], map_keys(map('a', 1, 'b', 2)), map_values(map('a', 1)), size(map('a', 1)), map_from_arrays(array('x'), array(9)), "
        "element_at(map('a', 1), 'z'), map_concat(map('a', 1), map('b', 2)), map_entries(map('a', 1)), str_to_map('a:1,b:2', ',', ':'), map_contains_key(map('a', 1), 'a')"
    )


def case_higher_order(spark):
    return spark.sql(
        "SELECT transform(array(1, 2), x -> x * 10), transform(array('a', 'b'), (x, i) -> concat(x, i)), filter(array(1, 2, 3), x -> x > 1), "
        "exists(array(1, 2), x -> x = 2), forall(array(1, 2), x -> x > 0), aggregate(array(1, 2, 3), 0, (a, x) -> a + x), "
        "aggregate(array(1, 2, 3), 0, (a, x) -> a + x, a -> a * 10), zip_with(array(1, 2), array(3, 4), (a, b) -> a * b), "
        "map_filter(map('a', 1, 'b', 2), (k, v) -> v > 1), transform_values(map('a', 1), (k, v) -> v + 1), array_sort(array('bb', 'a'), (x, y) -> length(x) - length(y))"
    )


def case_higher_order_columns(spark):
    return nested(spark).select("id", F.transform("nums", lambda x: x + 1), F.filter("nums", lambda x: x.isNotNull()), F.exists("nums", lambda x: x > 1))


def case_structs(spark):
    return spark.sql("SELECT struct(1, 'a'), struct(1 AS x, 2 AS y).y, named_struct('a', 1, 'b', array(1)), struct(id, id + 1) FROM range(1)")


def case_json(spark):
    return spark.sql(
        "SELECT get_json_object('{\"a\":{\"b\":[1,2]}}', '$.a.b[1]'), to_json(struct(1 AS a, NULL AS b, array(1.5) AS c)), "
        "from_json('{\"a\":1,\"b\":\"x\"}', 'a INT, b STRING'), json_tuple('{\"k\":\"v\"}', 'k') AS k, from_json('bad', 'a INT'), schema_of_json('{\"a\":1}')"
    )


def case_hashes(spark):
    return spark.sql("SELECT md5('Spark'), sha1('Spark'), sha2('Spark', 256), crc32('Spark'), hash('Spark', 1, 2L, 1.5D, NULL), xxhash64('Spark', array(1)), base64('Spark'), string(unbase64('U3Bhcms='))")


def case_conditionals(spark):
    return spark.sql("SELECT if(1 > 2, 'a', 'b'), CASE 3 WHEN 1 THEN 'one' WHEN 3 THEN 'three' END, CASE WHEN NULL > 1 THEN 1 ELSE 2 END, nvl(NULL, 5), decode(2, 1, 'a', 2, 'b'), nullifzero(0), zeroifnull(NULL)")


def case_literal_columns(spark):
    return spark.range(3).coalesce(1).select(F.lit([1, 2]), F.lit(True), F.lit(1.5), F.lit(None))


def case_struct_and_array_columns(spark):
    return people(spark).where("name IS NOT NULL").select(F.struct("id", F.col("name").alias("n")).alias("s"), F.array("id", "age").alias("a"), F.create_map("name", "id").alias("m")).where("s.n <> 'Bob'")


def case_expr_and_call(spark):
    return people(spark).select(F.expr("age + id * 2 - 1"), F.expr("CAST(pay AS STRING)"), F.call_function("upper", "name"))


def case_case_insensitive_names(spark):
    return people(spark).select("ID", F.col("Name"), F.expr("DEPT"))


def case_ordering_by_expression(spark):
    return ordered(people(spark).orderBy(F.length("name"), -F.col("id")).select("id"))


def case_backticked_names(spark):
    return spark.sql("SELECT 1 AS `a b`, 2 AS `c.d`, 3 AS `e``f`").select("`a b`", "`c.d`")


def case_tokenise(spark):
    lines = spark.createDataFrame([("The quick, BROWN fox!",), ("the lazy dog's",), ("",), (None,)], "line string")
    words = lines.select(F.explode(F.split(F.lower("line"), r"[^a-z]+")).alias("w")).where("w <> ''")
    return ordered(words.groupBy("w").count().orderBy(F.desc("count"), "w"))
