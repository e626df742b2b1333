"""Every type on its way to the client, casts, literals, arithmetic of types, session time zones."""

from pyspark.sql import functions as F

from cases import ordered
from cases.tables import moments, nested, numbers


def case_integers_floats_decimals(spark):
    return numbers(spark)


def case_nested_values(spark):
    return nested(spark)


def case_dates_and_timestamps(spark):
    return moments(spark).select("id", F.col("ts").cast("string"), "ntz", "d")


def case_timestamps_in_zone(spark):
    frame = moments(spark)
    spark.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    return frame.select("id", F.col("ts").cast("string"), F.hour("ts"), F.to_date("ts"), F.date_format("ts", "yyyy-MM-dd HH:mm:ss.SSS"))


def case_zone_changes_literal(spark):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    return spark.sql("SELECT unix_micros(TIMESTAMP '2024-01-01 00:00:00') AS t, CAST(DATE '2024-01-01' AS TIMESTAMP)::string AS m")


def case_daylight_saving_gap(spark):
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    return spark.sql("SELECT unix_seconds(TIMESTAMP '2024-03-31 02:30:00') AS gap, unix_seconds(TIMESTAMP '2024-10-27 02:30:00') AS overlap")


def case_zone_conversions(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.sql(
        "SELECT from_utc_timestamp(TIMESTAMP '2024-07-01 12:00:00', 'Asia/Kolkata')::string AS a, "
        "to_utc_timestamp(TIMESTAMP '2024-07-01 12:00:00', 'America/New_York')::string AS b, "
        "convert_timezone('UTC', 'Asia/Tokyo', TIMESTAMP_NTZ '2024-07-01 12:00:00') AS c"
    )


def case_timestamp_with_offset_literal(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.sql("SELECT TIMESTAMP '2024-01-01 10:00:00+05:30'::string AS a, typeof(TIMESTAMP '2024-01-01') AS t")


def case_binary(spark):
    return spark.sql("SELECT X'00FF10' AS b, CAST('abc' AS BINARY) AS c, hex(X'0aBC') AS h, length(X'0102') AS n, CAST(X'616263' AS STRING) AS s")


def case_boolean(spark):
    return spark.sql("SELECT true AS t, CAST('yes' AS BOOLEAN) AS y, CAST(0 AS BOOLEAN) AS z, CAST(true AS INT) AS i, string(false) AS f")


def case_literals(spark):
    return spark.sql("SELECT 1, 1L, 1S, 1Y, 1.0, 1.0D, 1.0F, 1e2, 1.5BD, .5, 'a' 'b', \"dq\", 12345678901, 123456789012345678901")


def case_string_escapes(spark):
    return spark.sql(r"SELECT 'a\tb\n\'q\'' AS a, r'a\tb' AS b, 'it''s' AS c, '\u00e9\u4e2d' AS d, 'a\\b' AS e")


def case_interval_day_time(spark):
    return spark.sql("SELECT INTERVAL '1 02:03:04.5' DAY TO SECOND AS a, INTERVAL 3 HOURS AS b, INTERVAL '-5' MINUTE AS c")


def case_interval_year_month_text(spark):
    return spark.sql("SELECT CAST(INTERVAL '1-2' YEAR TO MONTH AS STRING) AS a, CAST(INTERVAL 3 MONTHS AS STRING) AS b, typeof(INTERVAL 3 YEARS) AS t")


def case_interval_arithmetic(spark):
    return spark.sql(
        "SELECT DATE '2024-01-31' + INTERVAL 1 MONTH AS a, DATE '2024-03-31' - INTERVAL '1' YEAR AS b, "
        "TIMESTAMP_NTZ '2024-01-01 00:00:00' + INTERVAL '1 12' DAY TO HOUR AS c, DATE '2024-03-01' - DATE '2024-02-01' AS d, "
        "TIMESTAMP_NTZ '2024-01-02 00:00:00' - TIMESTAMP_NTZ '2024-01-01 12:00:00' AS e, INTERVAL 1 DAY * 2 AS f, "
        "DATE '2024-01-01' + 5 AS g, DATE '2024-01-31' - 31 AS h"
    )


def case_decimal_arithmetic_types(spark):
    return spark.sql(
        "SELECT a + b AS s, a - b AS m, a * b AS p, a / b AS q, a % b AS r, -a AS n, a + 1 AS i, a * 1.5D AS d, 1 / a AS v "
        "FROM (SELECT CAST('12.345' AS DECIMAL(10,3)) AS a, CAST('6.7' AS DECIMAL(5,1)) AS b)"
    )


def case_decimal_arithmetic_of_limits(spark):
    return spark.sql(
        "SELECT a * b AS p, a / b AS q, a + b AS s FROM "
        "(SELECT CAST('1234567890123456789.123456789012345678' AS DECIMAL(38,18)) AS a, CAST('2.5' AS DECIMAL(38,10)) AS b)"
    )


def case_decimal_casts_round_half_up(spark):
    return spark.sql("SELECT CAST(2.5 AS DECIMAL(3,0)), CAST(-2.5 AS DECIMAL(3,0)), CAST(1.005 AS DECIMAL(5,2)), CAST('0.125' AS DECIMAL(5,2)), CAST(1.25D AS DECIMAL(4,1))")


def case_integer_division_and_modulo(spark):
    return spark.sql("SELECT 7 / 2, 7 div 2, -7 div 2, -7 % 3, pmod(-7, 3), 7.5 % 2, mod(-7, -3), 1L + 1, 1Y + 1S")


def case_casts_to_string(spark):
    return spark.sql(
        "SELECT string(1.0D), string(1e20D), string(1.0E-5D), string(100000.0D), string(1e7D), string(float(0.1)), string(1.50), "
        "string(double('NaN')), string(double('-Infinity')), string(array(1, NULL)), string(map('a', 1)), string(struct(1, 'x', NULL)), string(named_struct('a', date'2024-01-01'))"
    )


def case_casts_from_string(spark):
    return spark.sql("SELECT int(' 12 '), bigint('-5'), double('1e3'), decimal('1.5'), date('2024-2-3'), boolean('T'), CAST('12.0' AS DECIMAL(5,1)), CAST('2024-01-01T05:06' AS TIMESTAMP_NTZ)")


def case_try_casts(spark):
    return spark.sql("SELECT try_cast('x' AS INT), try_cast('300' AS TINYINT), try_cast('2024-13-01' AS DATE), try_add(2147483647, 1), try_divide(1, 0), try_to_number('1,234', '9,999')")


def case_casts_without_ansi(spark):
    spark.conf.set("spark.sql.ansi.enabled", "false")
    return spark.sql("SELECT CAST('x' AS INT), CAST(300 AS TINYINT), 1 / 0, 2147483647 + 1, CAST('1.9' AS INT), array(1)[5], '5' + 1, CAST(1e30D AS INT)")


def case_float_to_integer(spark):
    return spark.sql("SELECT int(2.9D), int(-2.9D), bigint(1e15D), int(3.5), CAST(float('1.1') AS DOUBLE)")


def case_coercion_in_comparison(spark):
    return spark.sql("SELECT 1 = 1.0, '1' = 1, 2 > '1', 2.5 > '1.5', DATE '2024-01-01' = '2024-01-01', DATE '2024-01-01' < TIMESTAMP_NTZ '2024-01-01 00:00:01'")


def case_coercion_in_case_and_array(spark):
    return spark.sql("SELECT CASE WHEN true THEN 1 ELSE 2.5 END, array(1, 2L, 3.5), coalesce(NULL, 1, 2.0D), if(true, DATE '2024-01-01', TIMESTAMP_NTZ '2024-01-01 00:00:00'), greatest(1, 2.5)")


def case_order_of_floats(spark):
    frame = spark.sql("SELECT * FROM VALUES (double('NaN')), (1.0D), (double('-Infinity')), (NULL), (double('Infinity')), (-0.0D) AS t(x)")
    return ordered(frame.orderBy("x"))


def case_order_of_strings_is_binary(spark):
    frame = spark.createDataFrame([("b",), ("B",), ("é",), ("z",), ("",), ("a b",), ("中",), ("😀",)], "s string")
    return ordered(frame.orderBy("s"))


def case_order_of_structs_and_arrays(spark):
    frame = spark.sql("SELECT * FROM VALUES (array(2), struct(1, 'b')), (array(1, 5), struct(1, 'a')), (NULL, NULL), (array(), struct(0, 'z')) AS t(a, s)")
    return ordered(frame.orderBy("a", "s"))


def case_nan_equals_itself(spark):
    return spark.sql("SELECT double('NaN') = double('NaN'), double('NaN') > double('Infinity'), 0.0D = -0.0D")


def case_typeof(spark):
    return spark.sql("SELECT typeof(1), typeof(1.5), typeof('a'), typeof(array(1)), typeof(map('a', 1.0D)), typeof(struct(1 AS x)), typeof(NULL), typeof(current_date())")


def case_struct_star(spark):
    return spark.sql("SELECT s.* FROM (SELECT named_struct('a', 1, 'b', 'x') AS s)")


def case_char_varchar_schema(spark):
    return [field.dataType.simpleString() for field in spark.sql("SELECT CAST('a' AS CHAR(5)) AS c, CAST('abc' AS VARCHAR(5)) AS v").schema]


def case_long_string_and_unicode(spark):
    return spark.sql("SELECT length(repeat('é', 10000)), length('😀'), octet_length('😀'), upper('straße'), reverse('añb'), substring('a😀b', 2, 1)")


def case_timestamp_parts(spark):
    return moments(spark).select("id", F.year("ts"), F.month("ts"), F.dayofmonth("d"), F.hour("ntz"), F.minute("ts"), F.second("ts"), F.dayofweek("d"), F.weekofyear("d"), F.quarter("d"))


def case_epoch_functions(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.sql("SELECT unix_seconds(TIMESTAMP '1969-12-31 23:59:59.5'), timestamp_millis(-1)::string, unix_date(DATE '1970-01-02'), date_from_unix_date(-1), from_unixtime(0), to_unix_timestamp('2024-01-01', 'yyyy-MM-dd')")
