"""What goes wrong is said in Spark's terms: exception class, condition, SQLSTATE, parameters, position."""

from __future__ import annotations

import re

import pytest
from pyspark.errors import IllegalArgumentException, NumberFormatException, PySparkException
from pyspark.sql import functions as F

from cases.tables import departments, people


def failure(action) -> PySparkException:
    with pytest.raises(PySparkException) as caught:
        action()
    return caught.value


def facts(error: PySparkException) -> tuple[str, str | None, str | None]:
    """Exception class, condition and SQLSTATE; all that a program can act upon."""
    return type(error).__name__, error.getCondition(), error.getSqlState()


#: SQL text, exception class, condition, SQLSTATE.
ANALYSIS = [
    ("SELECT missing FROM p", "AnalysisException", "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"),
    ("SELECT missing", "AnalysisException", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703"),
    ("SELECT * FROM nowhere", "AnalysisException", "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
    ("SELECT * FROM a.b.c.d", "AnalysisException", "REQUIRES_SINGLE_PART_NAMESPACE", "42K05"),
    ("SELECT frobnicate(1)", "AnalysisException", "UNRESOLVED_ROUTINE", "42883"),
    ("SELECT * FROM frobnicate(1)", "AnalysisException", "UNRESOLVABLE_TABLE_VALUED_FUNCTION", "42883"),
    ("SELECT upper(1, 2)", "AnalysisException", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605"),
    ("SELECT abs(array(1))", "AnalysisException", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09"),
    ("SELECT 1 + array(1)", "AnalysisException", "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES", "42K09"),
    ("SELECT true + true", "AnalysisException", "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE", "42K09"),
    ("SELECT CAST(array(1) AS INT)", "AnalysisException", "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09"),
    ("SELECT CAST(1 AS DATE)", "AnalysisException", "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION", "42K09"),
    ("SELECT id FROM p JOIN d JOIN p AS q", "AnalysisException", "AMBIGUOUS_REFERENCE", "42704"),
    ("SELECT dept, count(*) FROM p", "AnalysisException", "MISSING_GROUP_BY", "42803"),
    ("SELECT name, count(*) FROM p GROUP BY dept", "AnalysisException", "MISSING_AGGREGATION", "42803"),
    ("SELECT id FROM p WHERE count(*) > 1", "AnalysisException", "INVALID_WHERE_CONDITION", "42903"),
    ("SELECT sum(count(*)) FROM p", "AnalysisException", "NESTED_AGGREGATE_FUNCTION", "42607"),
    ("SELECT id FROM p GROUP BY 5", "AnalysisException", "GROUP_BY_POS_OUT_OF_RANGE", "42805"),
    ("SELECT id FROM p ORDER BY 5", "AnalysisException", "ORDER_BY_POS_OUT_OF_RANGE", "42805"),
    ("SELECT count(*) FROM p GROUP BY 1", "AnalysisException", "GROUP_BY_POS_AGGREGATE", "42903"),
    ("SELECT 1 UNION SELECT 1, 2", "AnalysisException", "NUM_COLUMNS_MISMATCH", "42826"),
    ("SELECT 1 UNION SELECT array(1)", "AnalysisException", "INCOMPATIBLE_COLUMN_TYPE", "42825"),
    ("SELECT (SELECT 1, 2)", "AnalysisException", "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", "42823"),
    ("SELECT row_number() FROM p", "AnalysisException", "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "42601"),
    ("SELECT row_number() OVER () FROM p", "AnalysisException", "_LEGACY_ERROR_TEMP_1037", None),
    ("SELECT id FROM p WHERE row_number() OVER (ORDER BY id) = 1", "AnalysisException", "_LEGACY_ERROR_TEMP_1034", None),
    ("SELECT id FROM p WHERE id", "AnalysisException", "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09"),
    ("SELECT * FROM p LIMIT -1", "AnalysisException", "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "42K0E"),
    ("SELECT * FROM p LIMIT id", "AnalysisException", "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE", "42K0E"),
    ("SELECT * FROM p JOIN d USING (nope)", "AnalysisException", "UNRESOLVED_USING_COLUMN_FOR_JOIN", "42703"),
    ("SELECT s.x FROM (SELECT struct(1 AS y) AS s)", "AnalysisException", "FIELD_NOT_FOUND", "42704"),
    ("SELECT 'a'.b", "AnalysisException", "INVALID_EXTRACT_BASE_FIELD_TYPE", "42000"),
    ("SELECT x.y FROM (SELECT 1 AS x)", "AnalysisException", "INVALID_EXTRACT_BASE_FIELD_TYPE", "42000"),
    ("SELECT q.* FROM p", "AnalysisException", "CANNOT_RESOLVE_STAR_EXPAND", "42704"),
    ("SELECT 1 + explode(array(1))", "AnalysisException", "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", "42K0E"),
    ("SELECT 1 WHERE explode(array(true))", "AnalysisException", "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", "42K0E"),
    ("SELECT explode(1)", "AnalysisException", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "42K09"),
    ("WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a", "ParseException", "DUPLICATED_CTE_NAMES", "42602"),
    ("SELECT map(1, 2, 3)", "AnalysisException", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605"),
    ("SELECT max(map('a', 1))", "AnalysisException", "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "42K09"),
    ("SELECT DISTINCT map('a', 1)", "AnalysisException", "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "0A000"),
    ("CREATE TEMP VIEW p AS SELECT 1", "AnalysisException", "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "42P07"),
    ("DROP VIEW nowhere", "AnalysisException", "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
    ("USE nowhere", "AnalysisException", "SCHEMA_NOT_FOUND", "42704"),
    ("SELECT a + 1 AS a, a AS b, b + 1, c FROM VALUES (1) AS t(a)", "AnalysisException", "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703"),
    ("SELECT :nope", "AnalysisException", "UNBOUND_SQL_PARAMETER", "42P02"),
]


@pytest.mark.parametrize("text, kind, condition, state", ANALYSIS, ids=[row[0] for row in ANALYSIS])
def test_refused_by_analysis(spark, text, kind, condition, state):
    people(spark).createOrReplaceTempView("p")
    departments(spark).createOrReplaceTempView("d")
    error = failure(lambda: spark.sql(text))
    assert facts(error) == (kind, condition, state)


#: SQL text, condition, line, position of the first character of what is wrong (as in the message).
SYNTAX = [
    ("SELEC 1", "PARSE_SYNTAX_ERROR", 1, 0),
    ("SELECT 1 FROM (", "PARSE_SYNTAX_ERROR", 1, 15),
    ("SELECT (1", "PARSE_SYNTAX_ERROR", 1, 9),
    ("SELECT 1\nFROM t\n  WHERE x = = 2", "PARSE_SYNTAX_ERROR", 3, 12),
    ("SELECT a b c FROM t", "PARSE_SYNTAX_ERROR", 1, 11),
    ("SELECT 'abc", "PARSE_SYNTAX_ERROR", 1, 7),
    ("SELECT * FROM t ORDER id", "PARSE_SYNTAX_ERROR", 1, 22),
    ("SELECT 1; SELECT 2", "PARSE_SYNTAX_ERROR", 1, 10),
    ("SELECT (CASE WHEN a THEN 2)", "PARSE_SYNTAX_ERROR", None, None),
    ("SELECT 1 +", "PARSE_SYNTAX_ERROR", 1, 10),
    ("SELECT CAST(1 AS)", "PARSE_SYNTAX_ERROR", 1, 16),
    ("", "PARSE_EMPTY_STATEMENT", None, None),
    ("SELECT CAST(1 AS nonsense)", "UNSUPPORTED_DATATYPE", 1, 17),
    ("SELECT 1 AS a-b", "INVALID_IDENTIFIER", None, None),
    ("SELECT DATE 'abc'", "INVALID_TYPED_LITERAL", 1, 7),
    ("SELECT 300Y", "INVALID_NUMERIC_LITERAL_RANGE", 1, 7),
    ("SELECT /* never closed", "UNCLOSED_BRACKETED_COMMENT", None, None),
]


@pytest.mark.parametrize("text, condition, line, position", SYNTAX, ids=[row[0].replace("\n", " ") for row in SYNTAX])
def test_refused_by_the_parser(spark, text, condition, line, position):
    error = failure(lambda: spark.sql(text))
    assert facts(error)[:2] == ("ParseException", condition)
    if condition == "PARSE_SYNTAX_ERROR":
        assert error.getSqlState() == "42601"
    if line is not None:
        assert re.search(rf"line {line}, pos(ition)? {position + 1}\b|line {line}, pos {position}\b", str(error)), str(error)[:500]


#: SQL text, exception class, condition, SQLSTATE; the client asks for rows.
RUNTIME = [
    ("SELECT 1 / id FROM range(2)", "ArithmeticException", "DIVIDE_BY_ZERO", "22012"),
    ("SELECT id % 0 FROM range(1)", "ArithmeticException", "REMAINDER_BY_ZERO", "22012"),
    ("SELECT id div 0 FROM range(1)", "ArithmeticException", "DIVIDE_BY_ZERO", "22012"),
    ("SELECT 1.5 / (id * 0.0) FROM range(1)", "ArithmeticException", "DIVIDE_BY_ZERO", "22012"),
    ("SELECT CAST(id AS INT) + 2147483647 FROM range(1, 2)", "ArithmeticException", "ARITHMETIC_OVERFLOW", "22003"),
    ("SELECT id + 9223372036854775807 FROM range(1, 2)", "ArithmeticException", "ARITHMETIC_OVERFLOW", "22003"),
    ("SELECT -CAST(-2147483648 - id AS INT) FROM range(1)", "ArithmeticException", "ARITHMETIC_OVERFLOW", "22003"),
    ("SELECT sum(id) FROM VALUES (9223372036854775807), (1) AS t(id)", "ArithmeticException", "ARITHMETIC_OVERFLOW", "22003"),
    ("SELECT CAST(id + 300 AS TINYINT) FROM range(1)", "ArithmeticException", "CAST_OVERFLOW", "22003"),
    ("SELECT CAST(CAST(id AS DOUBLE) + 1e20 AS INT) FROM range(1)", "ArithmeticException", "CAST_OVERFLOW", "22003"),
    ("SELECT CAST(concat('x', id) AS INT) FROM range(1)", "NumberFormatException", "CAST_INVALID_INPUT", "22018"),
    ("SELECT CAST(concat('x', id) AS DATE) FROM range(1)", "DateTimeException", "CAST_INVALID_INPUT", "22018"),
    ("SELECT CAST(concat('x', id) AS TIMESTAMP) FROM range(1)", "DateTimeException", "CAST_INVALID_INPUT", "22018"),
    ("SELECT CAST(concat('x', id) AS BOOLEAN) FROM range(1)", "SparkRuntimeException", "CAST_INVALID_INPUT", "22018"),
    ("SELECT CAST(concat('12', id) AS DECIMAL(2, 1)) FROM range(1)", "ArithmeticException", "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "22003"),
    ("SELECT array(1, 2)[id] FROM range(5, 6)", "ArrayIndexOutOfBoundsException", "INVALID_ARRAY_INDEX", "22003"),
    ("SELECT element_at(array(1), CAST(id AS INT)) FROM range(5, 6)", "ArrayIndexOutOfBoundsException", "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", "22003"),
    ("SELECT (SELECT id FROM range(2))", "SparkException", "SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000"),
    ("SELECT raise_error('my words')", "SparkRuntimeException", "USER_RAISED_EXCEPTION", "P0001"),
    ("SELECT assert_true(id > 0) FROM range(1)", "SparkRuntimeException", "USER_RAISED_EXCEPTION", "P0001"),
    ("SELECT map(id, 1, id, 2) FROM range(1)", "SparkRuntimeException", "DUPLICATED_MAP_KEY", "23505"),
    ("SELECT make_date(2024, 13, CAST(id AS INT)) FROM range(1)", "DateTimeException", "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "22023"),
    ("SELECT to_date(concat('x', id), 'yyyy') FROM range(1)", "DateTimeException", "CANNOT_PARSE_TIMESTAMP", "22007"),
    ("SELECT regexp_extract(concat('a', id), '(', 1) FROM range(1)", "SparkRuntimeException", "INVALID_PARAMETER_VALUE.PATTERN", "22023"),
]


@pytest.mark.parametrize("text, kind, condition, state", RUNTIME, ids=[row[0] for row in RUNTIME])
def test_fails_while_running(spark, text, kind, condition, state):
    frame = spark.sql(text)
    error = failure(frame.collect)
    assert facts(error) == (kind, condition, state)


def test_position_of_a_failing_expression(spark):
    error = failure(spark.sql("SELECT 1,\n  2 / id FROM range(1)").collect)
    context = error.getQueryContext()[0]
    assert context.fragment() == "2 / id"
    assert (context.startIndex(), context.stopIndex()) == (12, 17)


def test_parameters_of_an_unknown_column(spark):
    people(spark).createOrReplaceTempView("p")
    error = failure(lambda: spark.sql("SELECT nam FROM p"))
    parameters = error.getMessageParameters()
    assert parameters["objectName"] == "`nam`"
    assert parameters["proposal"].split(", ")[0] == "`name`"
    assert error.getQueryContext()[0].fragment() == "nam"


def test_parameters_of_an_unknown_table(spark):
    error = failure(lambda: spark.sql("SELECT 1 FROM no_such"))
    assert error.getMessageParameters() == {"relationName": "`no_such`"}


def test_parameters_of_a_bad_cast(spark):
    error = failure(spark.sql("SELECT CAST('abc' || id AS INT) FROM range(1)").collect)
    parameters = error.getMessageParameters()
    assert {k: parameters[k] for k in ("expression", "sourceType", "targetType")} == {
        "expression": "'abc0'",
        "sourceType": '"STRING"',
        "targetType": '"INT"',
    }


def test_unknown_column_of_a_frame(spark):
    error = failure(lambda: people(spark).select("salary").schema)
    assert facts(error)[:2] == ("AnalysisException", "UNRESOLVED_COLUMN.WITH_SUGGESTION")


def test_ambiguous_column_of_a_join(spark):
    joined = people(spark).join(departments(spark), F.col("id") == F.col("floor"))
    error = failure(lambda: joined.select("dept").schema)
    assert error.getCondition() == "AMBIGUOUS_REFERENCE"
    assert error.getMessageParameters()["name"] == "`dept`"


def test_union_of_unequal_frames(spark):
    error = failure(lambda: people(spark).union(departments(spark)).schema)
    assert error.getCondition() == "NUM_COLUMNS_MISMATCH"


def test_union_by_name_needs_the_name(spark):
    error = failure(lambda: people(spark).unionByName(departments(spark)).schema)
    assert error.getCondition() == "_LEGACY_ERROR_TEMP_1201"


def test_missing_path(spark, shared_dir):
    error = failure(lambda: spark.read.parquet(str(shared_dir / "absent")).schema)
    assert facts(error) == ("AnalysisException", "PATH_NOT_FOUND", "42K03")
    assert "absent" in error.getMessageParameters()["path"]


def test_unknown_format(spark, shared_dir):
    error = failure(lambda: spark.read.format("nosuchformat").load(str(shared_dir)).schema)
    assert error.getCondition() == "DATA_SOURCE_NOT_FOUND"


def test_folder_without_files_has_no_schema(spark, shared_dir):
    error = failure(lambda: spark.read.parquet(str(shared_dir)).schema)
    assert facts(error)[:2] == ("AnalysisException", "UNABLE_TO_INFER_SCHEMA")


def test_file_that_is_not_parquet(spark, shared_dir):
    (shared_dir / "bad.parquet").write_bytes(b"this is no parquet file, not at all")
    error = failure(lambda: spark.read.schema("a int").parquet(str(shared_dir / "bad.parquet")).collect())
    assert error.getCondition() and error.getCondition().startswith("FAILED_READ_FILE")
    assert "bad.parquet" in str(error)


def test_truncated_parquet(spark, shared_dir):
    whole = shared_dir / "whole"
    spark.range(1000).coalesce(1).write.parquet(str(whole))
    part = next(whole.glob("*.parquet"))
    cut = shared_dir / "cut.parquet"
    cut.write_bytes(part.read_bytes()[:-20])
    error = failure(lambda: spark.read.schema("id bigint").parquet(str(cut)).collect())
    assert "cut.parquet" in str(error)
    assert spark.range(3).count() == 3


def test_write_over_existing(spark, shared_dir):
    target = str(shared_dir / "out")
    spark.range(1).write.parquet(target)
    error = failure(lambda: spark.range(1).write.parquet(target))
    assert facts(error)[:2] == ("AnalysisException", "PATH_ALREADY_EXISTS")
    assert error.getSqlState() == "42K04"


def test_csv_row_that_does_not_fit(spark, shared_dir):
    (shared_dir / "in.csv").write_text("1,a\nx,b\n")
    reader = spark.read.schema("n int, s string").option("mode", "FAILFAST")
    error = failure(lambda: reader.csv(str(shared_dir / "in.csv")).collect())
    assert error.getCondition() == "FAILED_READ_FILE.NO_HINT" or "MALFORMED" in str(error)


def test_unknown_conf(spark):
    error = failure(lambda: spark.conf.get("spark.sql.no.such.key"))
    assert error.getCondition() == "SQL_CONF_NOT_FOUND"


def test_conf_with_a_bad_value(spark):
    error = failure(lambda: spark.conf.set("spark.sql.shuffle.partitions", "many"))
    assert isinstance(error, (IllegalArgumentException, NumberFormatException))
    assert error.getCondition() == "INVALID_CONF_VALUE.TYPE_MISMATCH"


def test_static_conf_is_not_modifiable(spark):
    assert spark.conf.isModifiable("spark.sql.shuffle.partitions") is True
    assert spark.conf.isModifiable("spark.sql.warehouse.dir") is False
    error = failure(lambda: spark.conf.set("spark.sql.warehouse.dir", "x"))
    assert error.getCondition() == "CANNOT_MODIFY_STATIC_CONFIG"


def test_unknown_view_of_catalog(spark):
    assert spark.catalog.dropTempView("absent") is False
    error = failure(lambda: spark.table("absent").schema)
    assert error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND"


def test_a_long_message_arrives_whole(spark):
    words = "w" * 20_000
    error = failure(spark.sql(f"SELECT raise_error('{words}')").collect)
    assert words in str(error)


def test_the_session_survives_many_failures(spark):
    for number in range(50):
        failure(lambda: spark.sql(f"SELECT nothing_{number}"))
    assert spark.sql("SELECT 1").first()[0] == 1


def test_ten_megabytes_of_sql(spark):
    text = "SELECT '" + "x" * 10_000_000 + "' AS big"
    assert len(spark.sql(text).first()[0]) == 10_000_000


def test_deeply_nested_sql_is_refused_not_fatal(spark):
    text = "SELECT " + "(" * 20_000 + "1" + ")" * 20_000
    failure(lambda: spark.sql(text).collect())
    assert spark.sql("SELECT 1").first()[0] == 1


def test_deeply_nested_plan_is_refused_or_answered(spark):
    frame = spark.range(1)
    for _ in range(300):
        frame = frame.withColumn("id", F.col("id") + 1)
    try:
        assert frame.first()[0] == 300
    except PySparkException as error:
        assert error.getCondition()
    assert spark.sql("SELECT 1").first()[0] == 1
