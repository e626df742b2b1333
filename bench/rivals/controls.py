"""Four queries that are in no benchmark, so that nobody can tune for TPC-H alone.

Texts that all four engines read alike, over the TPC-H tables and one table of many small files.
"""

from __future__ import annotations

WIDE_GROUP_BY = """
SELECT count(*) AS groups, sum(n) AS line_items, max(quantity) AS most, sum(price) AS price, min(first_day) AS first_day, max(last_day) AS last_day, max(length(words)) AS longest
FROM (
  SELECT l_orderkey, l_partkey, l_suppkey, l_shipmode, count(*) AS n, sum(l_quantity) AS quantity,
         sum(l_extendedprice) AS price, min(l_shipdate) AS first_day, max(l_receiptdate) AS last_day,
         max(l_comment) AS words
  FROM lineitem GROUP BY l_orderkey, l_partkey, l_suppkey, l_shipmode
)
"""

STRINGS = """
SELECT lower(split_part(o_comment, ' ', 2)) AS word, count(*) AS n, sum(length(replace(o_comment, 'e', ''))) AS letters,
       max(upper(substring(o_comment, 3, 12))) AS top, count(DISTINCT substring(o_clerk, 7, 6)) AS clerks
FROM orders
WHERE o_comment LIKE '%a%b%' AND o_comment NOT LIKE '%special%' AND length(o_comment) > 20
GROUP BY lower(split_part(o_comment, ' ', 2))
ORDER BY n DESC, word LIMIT 50
"""

WINDOWS = """
SELECT place, count(*) AS n, sum(recent) AS recent, max(gap) AS gap
FROM (
  SELECT rank() OVER (PARTITION BY l_suppkey ORDER BY l_extendedprice DESC, l_orderkey, l_linenumber) AS place,
         sum(l_quantity) OVER (PARTITION BY l_partkey ORDER BY l_shipdate, l_orderkey, l_linenumber
                               ROWS BETWEEN 5 PRECEDING AND CURRENT ROW) AS recent,
         l_extendedprice - lag(l_extendedprice) OVER (PARTITION BY l_orderkey ORDER BY l_linenumber) AS gap
  FROM lineitem WHERE l_shipdate >= DATE '1996-01-01'
)
WHERE place <= 20 GROUP BY place ORDER BY place
"""

SMALL_FILES = """
SELECT o_orderpriority, count(*) AS n, sum(o_totalprice) AS total, min(o_orderdate) AS since
FROM small_orders WHERE o_orderdate >= DATE '1993-01-01' GROUP BY o_orderpriority ORDER BY o_orderpriority
"""

#: Name -> text.
CONTROLS = {
    "wide-group-by": WIDE_GROUP_BY,
    "strings": STRINGS,
    "windows": WINDOWS,
    "small-files": SMALL_FILES,
}
