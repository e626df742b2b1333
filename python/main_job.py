"""The main job of `make run`: what words is the Go toolchain's source made of?

An ordinary PySpark program over a Spark Connect server. It reads every Go file as text, cuts the
lines into words with SQL functions, counts them per package, joins them with the language's
keywords, ranks them in windows, writes partitioned Parquet and reports from that in SQL.

    python main_job.py --remote sc://127.0.0.1:15002 [--source DIR] [--out DIR] [--sentences DIR]

With --sentences it also writes the words of each line in their order, for `spurwheel word2vec`.
Exits 1 if one area, counted again by plain Python, has another number of words.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

KEYWORDS = {
    "control flow": "break case continue default fallthrough for goto if else range return select switch",
    "declarations": "const func import interface map package struct type var chan",
    "concurrency": "go defer",
}

#: Not Go words: what follows `//`, and the escapes of bytes in strings.
NOISE = r"//.*$|\\x[0-9a-fA-F]{2}"
CHECKED_AREA = "net"
NOT_A_WORD = r"[^A-Za-z0-9_]+"


def main() -> int:
    options = _options()
    out = options.out or tempfile.mkdtemp(prefix="spurwheel-words-")
    spark = SparkSession.builder.remote(options.remote).appName("words of Go").getOrCreate()
    report = Report(spark)
    print(f"Spark {spark.version} at {options.remote}; source {options.source}; results {out}\n")

    lines = read_lines(spark, options.source)
    files, total_lines = report.step("read the source", lambda: _files_and_lines(lines))
    print(f"    {files:,} files, {total_lines:,} lines")

    counts = count_words(lines).join(F.broadcast(keywords(spark)), "word", "left")
    report.step("count words, write Parquet", lambda: write(counts, out))

    spark.read.parquet(out).createOrReplaceTempView("words")
    kept = report.step("read back", lambda: spark.sql("SELECT sum(n), count(DISTINCT package) FROM words").first())
    print(f"    {kept[0]:,} words in {kept[1]:,} packages")
    for title, query in REPORTS:
        frame = spark.sql(query)
        rows = report.step(title, frame.collect)
        print(_table(frame.columns, rows))
    if options.sentences:
        report.step("write sentences for word2vec", lambda: write_sentences(lines, options.sentences))
    right = report.step("check one area in plain Python", lambda: check(spark, options.source))
    report.finish()
    spark.stop()
    print(f"{'ok' if right else 'WRONG'}: {kept[0]:,} words in {report.seconds():.1f} s")
    return 0 if right else 1


def read_lines(spark: SparkSession, source: str) -> DataFrame:
    """One row per line, with the package (folder below the source) and its first part."""
    path = F.input_file_name()
    package = F.regexp_extract(path, r"/src/(.+)/[^/]+$", 1)
    return (
        spark.read.option("recursiveFileLookup", "true")
        .option("pathGlobFilter", "*.go")
        .text(source)
        .select(F.col("value").alias("line"), path.alias("path"), package.alias("package"))
        .withColumn("area", F.substring_index("package", "/", 1))
    )


def count_words(lines: DataFrame) -> DataFrame:
    """How often each word stands in each package."""
    words = F.explode(F.split(F.regexp_replace("line", NOISE, " "), NOT_A_WORD))
    return (
        lines.select("area", "package", words.alias("word"))
        .where((F.col("word") != "") & ~F.col("word").rlike("^[0-9]"))
        .groupBy("area", "package", "word")
        .agg(F.count("*").alias("n"))
    )


def write_sentences(lines: DataFrame, out: str) -> None:
    """One row of words per line, in their order: what stands near each other there has to do with each other."""
    words = F.split(F.regexp_replace("line", NOISE, " "), NOT_A_WORD)
    lines.select(F.filter(words, lambda word: ~word.rlike("^([0-9]|$)")).alias("words")).write.mode("overwrite").parquet(out)


def check(spark: SparkSession, source: str) -> bool:
    """Whether the words of one area, counted without any engine, are as many as those written."""
    written = spark.sql(f"SELECT sum(n) FROM words WHERE area = '{CHECKED_AREA}'").first()[0]
    noise, between, expected = re.compile(NOISE), re.compile(NOT_A_WORD), 0
    for file in (Path(source) / CHECKED_AREA).rglob("[!._]*.go"):
        for line in file.read_text(errors="replace").splitlines() if file.is_file() else ():
            expected += sum(word != "" and not word[0].isdigit() for word in between.split(noise.sub(" ", line)))
    if written != expected:
        print(f"{CHECKED_AREA}: {written:,} words written, plain Python counts {expected:,}", file=sys.stderr)
    return written == expected


def keywords(spark: SparkSession) -> DataFrame:
    rows = [(word, kind) for kind, words in KEYWORDS.items() for word in words.split()]
    return spark.createDataFrame(rows, "word string, kind string")


def write(counts: DataFrame, out: str) -> None:
    """The counts with each word's rank in its package, one folder per area."""
    by_count = Window.partitionBy("package").orderBy(F.desc("n"), "word")
    ranked = counts.withColumn("rank", F.row_number().over(by_count))
    ranked.write.mode("overwrite").partitionBy("area").parquet(out)


REPORTS = [
    (
        "largest areas",
        """
        SELECT area, count(DISTINCT package) AS packages, sum(n) AS words,
               round(100.0 * sum(n) / sum(sum(n)) OVER (), 1) AS percent
        FROM words GROUP BY area ORDER BY words DESC LIMIT 8
        """,
    ),
    (
        "keywords by kind",
        """
        SELECT kind, count(DISTINCT word) AS keywords, sum(n) AS uses, max_by(word, n) AS most_at_once
        FROM words WHERE kind IS NOT NULL GROUP BY kind ORDER BY uses DESC
        """,
    ),
    (
        "most used words that are no keywords",
        """
        SELECT lower(word) AS word, sum(n) AS uses, count(DISTINCT package) AS packages
        FROM words WHERE kind IS NULL AND length(word) > 1
        GROUP BY lower(word) ORDER BY uses DESC, word LIMIT 10
        """,
    ),
    (
        "favourite word of the largest packages",
        """
        WITH sized AS (SELECT package, sum(n) AS words FROM words GROUP BY package)
        SELECT package, words, word AS favourite, n AS uses
        FROM (SELECT w.package, s.words, w.word, w.n,
                     row_number() OVER (PARTITION BY w.package ORDER BY w.rank) AS place
              FROM words w JOIN sized s ON w.package = s.package
              WHERE w.kind IS NULL AND length(w.word) > 2)
        WHERE place = 1 ORDER BY words DESC, package LIMIT 8
        """,
    ),
    (
        "packages that start goroutines but never select",
        """
        SELECT area, count(*) AS packages FROM
          (SELECT DISTINCT area, package FROM words WHERE word = 'go') g
        WHERE NOT EXISTS (SELECT 1 FROM words w WHERE w.package = g.package AND w.word = 'select')
        GROUP BY area ORDER BY packages DESC, area LIMIT 5
        """,
    ),
]


class Report:
    """Prints what is being done, how far it is, and how long it took."""

    def __init__(self, spark: SparkSession) -> None:
        self._began = time.monotonic()
        self._spark, self._title, self._wide = spark, "", sys.stdout.isatty()
        spark.registerProgressHandler(self._progress)

    def step(self, title, action):
        self._title, began = title, time.monotonic()
        if self._wide:
            print(f"… {title}", end="", flush=True)
        result = action()
        print(f"{chr(13) if self._wide else ''}\N{CHECK MARK} {title} ({time.monotonic() - began:.1f} s){' ' * 30}".rstrip(), flush=True)
        return result

    def _progress(self, stages, inflight_tasks, operation_id, done) -> None:
        tasks = sum(stage.num_tasks for stage in stages)
        if self._wide and tasks and not done:
            finished = sum(stage.num_completed_tasks for stage in stages)
            read = sum(stage.num_bytes_read for stage in stages)
            print(f"\r… {self._title}: {finished} of {tasks} tasks, {read / 1e6:,.0f} MB read", end="", flush=True)

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def finish(self) -> None:
        self._spark.removeProgressHandler(self._progress)


def _files_and_lines(lines: DataFrame) -> tuple[int, int]:
    row = lines.agg(F.count_distinct("path"), F.count("*")).first()
    return row[0], row[1]


def _table(columns: list[str], rows: list) -> str:
    """Rows as aligned text, numbers to the right."""
    cells = [columns] + [[f"{v:,}" if isinstance(v, int) else str(v) for v in row] for row in rows]
    widths = [max(len(line[c]) for line in cells) for c in range(len(columns))]
    right = [bool(rows) and not isinstance(rows[0][c], str) for c in range(len(columns))]
    shown = [
        "    " + "  ".join(cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right)).rstrip()
        for line in cells
    ]
    return "\n".join([shown[0], "    " + "-" * (sum(widths) + 2 * len(widths) - 2), *shown[1:], ""])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--remote", default="sc://127.0.0.1:15002")
    parser.add_argument("--source", default=None, help="folder of Go files; default: src of `go env GOROOT`")
    parser.add_argument("--out", default=None, help="folder for the Parquet files; default: a fresh temporary one")
    parser.add_argument("--sentences", default=None, help="folder for the words of each line in their order; default: not written")
    options = parser.parse_args()
    if options.source is None:
        root = subprocess.run(["go", "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
        options.source = str(Path(root) / "src")
    return options


if __name__ == "__main__":
    sys.exit(main())
