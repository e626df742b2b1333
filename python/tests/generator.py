"""Random SELECT statements that Spark and DuckDB understand alike.

Every choice follows from a seed. Left out is what the two define differently: rows of a grand total
over no rows, division, text compared with numbers, integers beyond 32 bits. Left out, too, is what
DuckDB 1.5 gets wrong or cannot do: IN of several values with nulls, INTERSECT and EXCEPT around
references to the enclosing query.
"""
from __future__ import annotations
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Sequence

#: Name of a table: its columns and their kinds, i(nteger), s(tring), or x, a decimal.
TABLES = {
    "t0": [("a", "i"), ("b", "i"), ("s", "s")],
    "t1": [("a", "i"), ("c", "i"), ("x", "x")],
    "t2": [("a", "i"), ("b", "i"), ("s", "s"), ("x", "x")],
    "te": [("a", "i"), ("s", "s")],
}
SQL_TYPE = {"i": "INT", "s": "STRING", "x": "DECIMAL(8,2)"}


@dataclass
class Scope:
    """What expressions can refer to: pairs of a column and its kind."""

    cols: list
    outer: list = field(default_factory=list)  # of the enclosing query


class Generator:
    """Makes queries; `d` is how deep subqueries may still nest."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.names = 0
        self.ctes: list[tuple[str, list[str]]] = []  # in scope: name, kinds of columns

    def name(self, prefix: str = "q") -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def p(self, chance: float) -> bool:
        return self.r.random() < chance

    def pick(self, of: Sequence) -> Any:
        return of[self.r.randrange(len(of))]

    def kinds(self, n: int | None = None) -> list[str]:
        n = n or self.r.randint(1, 3)
        return [self.pick("iiisx") for _ in range(n)]

    # ---- scalar expressions ----
    def lit(self, k):
        if self.p(0.08):
            return f"CAST(NULL AS {SQL_TYPE[k]})"
        if k == "i":
            return str(self.r.randint(-1, 5)) if self.p(.9) else "(-2)"
        if k == "s":
            return "'" + self.pick(["a", "b", "ab", "", "c"]) + "'"
        return f"CAST({self.pick(['1.50','2.00','0.25','-1.00','3.75'])} AS DECIMAL(8,2))"

    def col(self, k, sc):
        cs = [c for c, q in sc.cols if q == k]
        os = [c for c, q in sc.outer if q == k]
        if os and (not cs or self.p(0.25)):
            return self.pick(os)
        return self.pick(cs) if cs else None

    def expr(self, k, sc, d=2, sub=True):
        c = self.col(k, sc)
        if d <= 0 or self.p(0.5):
            return c if c and self.p(0.9) else self.lit(k)
        if sub and d > 1 and self.p(0.12):
            return self.scalar(k, sc, d - 1)
        e = lambda kk=k: self.expr(kk, sc, d - 1, sub)
        o = self.r.randrange(8)
        if o == 0:
            return f"CASE WHEN {self.pred(sc, d-1, sub)} THEN {e()} ELSE {e()} END"
        if o == 1:
            return f"COALESCE({e()}, {e()})"
        if o == 2:
            return f"NULLIF({e()}, {e()})"
        if k == "i":
            if o < 6:
                return f"({e()} {self.pick('+-*')} {e()})" if o != 5 else f"({e()} + {self.lit('i')})"
            return f"LENGTH({e('s')})" if o == 6 else f"CAST(ABS({e()}) AS INT)"
        if k == "s":
            return f"({e()} || {e()})" if o < 5 else f"UPPER({e()})" if o < 7 else f"SUBSTR({e()}, 1, 1)"
        return f"CAST({e()} + {e()} AS DECIMAL(8,2))" if o < 6 else f"CAST({e('i')} AS DECIMAL(8,2))"

    def scalar(self, k, sc, d):
        """A scalar subquery with one row at most."""
        inner, frm = self.from_(d, self.subouter(sc))
        s = Scope(inner, self.subouter(sc))
        w = self.where(s, d)
        if self.p(0.7):
            if k == "i":
                a = self.pick(["COUNT(*)", "SUM({})", "MAX({})", "MIN({})", "COUNT({})", "COUNT(DISTINCT {})"])
            else:
                a = self.pick(["MAX({})", "MIN({})"])
            a = a.format(self.incol(k, s))
            if k == "i" and self.p(.2):
                a = f"COALESCE({a}, 7)"
            if k == "i":
                a = f"CAST({a} AS INT)"
            hv = f" HAVING COUNT(*) > {self.r.randint(0,2)}" if self.p(.1) else ""
            return f"(SELECT {a} FROM {frm}{w}{hv})"
        e = self.expr(k, Scope(inner, s.outer if self.p(.3) else []), 1, False)
        n = self.name("o")
        # one row: ORDER BY the value itself makes the choice definite
        return f"(SELECT {e} AS {n} FROM {frm}{w} ORDER BY {n} {self.pick(['ASC NULLS FIRST','DESC NULLS LAST','ASC NULLS LAST'])} LIMIT 1)"

    def subouter(self, sc):
        return list(sc.cols) if self.p(0.75) else []

    def incol(self, k, s):
        cs = [c for c, q in s.cols if q == k]
        return self.pick(cs) if cs and self.p(.85) else self.expr(k, Scope(s.cols, []), 1, False)

    # ---- predicates ----
    def pred(self, sc, d=2, sub=True):
        o = self.r.randrange(16)
        if d > 0 and o < 3:
            return f"({self.pred(sc,d-1,sub)} {self.pick(['AND','OR'])} {self.pred(sc,d-1,sub)})"
        if d > 0 and o == 3:
            return f"NOT ({self.pred(sc,d-1,sub)})"
        if sub and d > 0 and o < 9:
            return self.subpred(sc, d - 1)
        k = self.pick("iisx")
        e = lambda: self.expr(k, sc, d - 1, sub)
        if o < 10:
            return f"{e()} IS {self.pick(['','NOT '])}NULL"
        if o == 10:
            return f"{e()} {self.pick(['','NOT '])}IN ({', '.join(self.lit(k) for _ in range(self.r.randint(1,3)))})"
        if o == 11:
            return f"{e()} BETWEEN {e()} AND {e()}"
        if o == 12:
            return f"{e()} IS {self.pick(['','NOT '])}DISTINCT FROM {e()}"
        if o == 13 and sc.outer:
            return self.eqouter(sc)
        return f"{e()} {self.pick(['=','=','=','<','>','<=','<>'])} {e()}"

    def eqouter(self, sc):
        k = self.pick([q for _, q in sc.outer])
        ins = [c for c, q in sc.cols if q == k]
        out = [c for c, q in sc.outer if q == k]
        if not ins:
            return self.lit("i") + " = 1"
        return f"{self.pick(ins)} {self.pick(['=','=','=','<','<>','>='])} {self.pick(out)}"

    def subpred(self, sc, d):
        o = self.r.randrange(4)
        outer = self.subouter(sc)
        if o == 0:
            return f"{self.pick(['','NOT '])}EXISTS ({self.query(self.kinds(), d, outer)})"
        if o == 1:
            k = self.pick("iis")
            return f"{self.expr(k, sc, 1, False)} {self.pick(['=','<','>='])} {self.scalar(k, sc, d)}"
        k = self.pick("iisx")
        return f"{self.expr(k, sc, 1, False)} {self.pick(['','NOT '])}IN ({self.query([k], d, outer)})"

    # ---- relations ----
    def base(self):
        usable = [c for c in self.ctes]
        if usable and self.p(0.45):
            n, ks = self.pick(usable)
            q = self.name()
            return [(f"{q}.c{i}", k) for i, k in enumerate(ks)], f"{n} {q}"
        t = self.pick(["t0", "t1", "t2", "t0", "t1", "t2", "te"])
        q = self.name()
        return [(f"{q}.{c}", k) for c, k in TABLES[t]], f"{t} {q}"

    def rel(self, d, outer):
        if d > 0 and self.p(0.22):
            ks = self.kinds()
            q = self.name()
            return [(f"{q}.c{i}", k) for i, k in enumerate(ks)], f"({self.query(ks, d-1, outer if self.p(.3) else [])}) {q}"
        if self.p(0.05):
            q = self.name()
            rows = ", ".join(f"({self.r.randint(0,4)}, '{self.pick('abc')}')" for _ in range(self.r.randint(1, 3)))
            return [(f"{q}.v", "i"), (f"{q}.w", "s")], f"(VALUES {rows}) {q}(v, w)"
        return self.base()

    def from_(self, d, outer=()):
        outer = list(outer)
        cols, sql = self.rel(d, outer)
        for _ in range(self.pick([0, 0, 0, 1, 1, 1, 2])):
            if d > 0 and self.p(0.15):
                ks = self.kinds()
                q = self.name()
                body = self.query(ks, d - 1, list(cols))
                new = [(f"{q}.c{i}", k) for i, k in enumerate(ks)]
                o = self.r.randrange(3)
                if o == 0:
                    sql = f"{sql} CROSS JOIN LATERAL ({body}) {q}"
                elif o == 1:
                    sql = f"{sql} LEFT JOIN LATERAL ({body}) {q} ON {'TRUE' if self.p(.5) else self.pred(Scope(cols+new), 0, False)}"
                else:
                    sql = f"{sql} JOIN LATERAL ({body}) {q} ON {'TRUE' if self.p(.5) else self.pred(Scope(cols+new), 0, False)}"
                cols = cols + new
                continue
            right, rsql = self.rel(d - 1, outer)
            jt = self.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN", "JOIN", "LEFT JOIN"])
            if jt == "CROSS JOIN":
                sql, cols = f"{sql} CROSS JOIN {rsql}", cols + right
                continue
            sql = f"{sql} {jt} {rsql} ON {self.joincond(cols, right, outer, jt)}"
            if "SEMI" not in jt and "ANTI" not in jt:
                cols = cols + right
        return cols, sql

    def joincond(self, left, right, outer, jt):
        k = self.pick([q for _, q in right])
        ls, rs = [c for c, q in left if q == k], [c for c, q in right if q == k]
        out = []
        if ls and rs and self.p(.85):
            out.append(f"{self.pick(ls)} {self.pick(['=','=','=','=','<','IS NOT DISTINCT FROM'])} {self.pick(rs)}")
        if not out or self.p(0.3):
            out.append(self.pred(Scope(left + right, []), 1, jt == "JOIN" and self.p(.3)))
        return self.pick([" AND ", " AND ", " AND ", " OR "]).join(out)

    def where(self, s, d):
        if s.outer and self.p(.75):
            w = self.eqouter(s)
            if self.p(.35):
                w = f"{w} {self.pick(['AND','AND','OR'])} {self.pred(s, min(d,1))}"
            return f" WHERE {w}"
        return f" WHERE {self.pred(s, min(d, 2))}" if self.p(0.5) else ""

    # ---- queries: columns c0, c1, ... of the kinds asked for ----
    def query(self, ks, d, outer=()):
        outer = list(outer)
        saved = list(self.ctes)
        pre = ""
        if d > 0 and self.p(0.15):
            defs = []
            for _ in range(self.r.randint(1, 2)):
                n, kk = self.name("w"), self.kinds()
                defs.append(f"{n} AS ({self.query(kk, d-1, outer if self.p(.2) else [])})")
                self.ctes.append((n, kk))
            pre = "WITH " + ", ".join(defs) + " "
        out = pre + self.body(ks, d, outer)
        self.ctes = saved
        return out

    def body(self, ks, d, outer):
        if d > 0 and self.p(0.15):
            # DuckDB loses rows of INTERSECT and EXCEPT over correlated aggregates
            op = self.pick(["UNION ALL", "UNION"]) if outer else self.pick(["UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
            return f"({self.core(ks, d-1, outer)}) {op} ({self.core(ks, d-1, outer)})"
        q = self.core(ks, d, outer)
        if self.p(0.12):
            cols = ", ".join(f"c{i} {self.pick(['ASC','DESC'])} NULLS {self.pick(['FIRST','LAST'])}" for i in range(len(ks)))
            lim = self.pick([f" LIMIT {self.r.randint(0,4)}", f" LIMIT {self.r.randint(1,4)} OFFSET {self.r.randint(0,2)}", f" OFFSET {self.r.randint(0, 3)}"])
            q = f"SELECT * FROM ({q}) {self.name()} ORDER BY {cols}{lim}"
        return q

    def core(self, ks, d, outer):
        cols, frm = self.from_(d, outer)
        s = Scope(cols, outer)
        o = self.r.random()
        if o < 0.2:
            return self.grouped(ks, s, frm, d)
        if o < 0.27:
            return f"SELECT {self.items([self.agg(k, s) for k in ks])} FROM {frm}{self.where(s, d)}" + (f" HAVING {self.agg('i', s)} > {self.lit('i')}" if self.p(.2) else "")
        if o < 0.37:
            return self.windowed(ks, s, frm, d)
        dis = "DISTINCT " if self.p(.15) else ""
        sub = d > 0
        plain = s if self.p(.4) else Scope(cols, [])
        return f"SELECT {dis}{self.items([self.expr(k, plain, min(d, 2), sub) for k in ks])} FROM {frm}{self.where(s, d)}"

    def items(self, es):
        return ", ".join(f"{e} AS c{i}" for i, e in enumerate(es))

    def agg(self, k, s):
        if k == "i":
            a = self.pick(["COUNT(*)", "CAST(SUM({}) AS INT)", "MAX({})", "MIN({})", "COUNT({})", "COUNT(DISTINCT {})", "CAST(SUM(DISTINCT {}) AS INT)"])
        else:
            a = self.pick(["MAX({})", "MIN({})"] + (["CAST(SUM({}) AS DECIMAL(8,2))"] if k == "x" else []))
        x = self.incol(k if "COUNT(" not in a else self.pick("isx"), s)
        flt = f" FILTER (WHERE {self.pred(Scope(s.cols), 0, False)})" if self.p(.12) else ""
        if a.startswith("CAST("):
            inner, ty = a[5:].rsplit(" AS ", 1)
            a = f"CAST({inner}{flt} AS {ty}"
            r = a.format(x)
        else:
            r = a.format(x) + flt
        return f"CAST({r} AS INT)" if k == "i" and "COUNT" in r[:6] else r

    def grouped(self, ks, s, frm, d):
        keys = []
        for k in self.kinds(self.r.randint(1, 3)):
            c = [c for c, q in s.cols if q == k]
            keys.append((self.pick(c) if c and self.p(.85) else self.expr(k, Scope(s.cols), 1, False), k))
        keys = [(e, k) for e, k in keys if any(c in e for c, _ in s.cols)]
        if not keys:
            keys = [self.pick(s.cols)]
        seen, uniq = set(), []
        for e, k in keys:
            if e not in seen:
                seen.add(e)
                uniq.append((e, k))
        keys = uniq
        form = self.r.randrange(6)
        es = [e for e, _ in keys]
        simple = all(e in [c for c, _ in s.cols] for e in es)
        if form == 0:
            by = f"ROLLUP({', '.join(es)})"
        elif form == 1:
            by = f"CUBE({', '.join(es)})"
        elif form == 2:
            sets = ["(" + ", ".join(e for e in es if self.p(.6)) + ")" for _ in range(self.r.randint(1, 3))] + ["(" + ", ".join(es) + ")"]
            by = f"GROUPING SETS ({', '.join(sets)})"
        else:
            by = ", ".join(es)
        items = []
        for k in ks:
            ke = [e for e, q in keys if q == k]
            if ke and self.p(.5):
                items.append(self.pick(ke))
            elif form <= 2 and k == "i" and self.p(.3) and simple:
                items.append(f"CAST(GROUPING({self.pick(es)}) AS INT)")
            else:
                items.append(self.agg(k, s))
        # Over no rows DuckDB makes the row of the grand total, Spark does not.
        hv = " HAVING COUNT(*) > 0" if form <= 2 else ""
        if self.p(.2):
            hv = (hv + " AND" if hv else " HAVING") + f" {self.agg('i', s)} {self.pick(['>','<=','='])} {self.lit('i')}"
            if simple and self.p(.3) and d > 0 and form > 2:
                hv += f" AND {self.subpred(Scope([(e, k) for e, k in keys]), 0)}"
        return f"SELECT {self.items(items)} FROM {frm}{self.where(s, d)} GROUP BY {by}{hv}"

    def windowed(self, ks, s, frm, d):
        order = ", ".join(f"{c} {self.pick(['ASC','DESC'])} NULLS {self.pick(['FIRST','LAST'])}" for c, _ in self.r.sample(s.cols, len(s.cols)))
        some = f"{self.pick(s.cols)[0]} {self.pick(['ASC','DESC'])} NULLS {self.pick(['FIRST','LAST'])}"
        part = f"PARTITION BY {self.pick(s.cols)[0]} " if self.p(.6) else ""
        out = []
        for k in ks:
            o = self.r.randrange(6)
            c = self.incol(k, s)
            if k == "i" and o == 0:
                out.append(f"CAST({self.pick(['RANK()','DENSE_RANK()'])} OVER ({part}ORDER BY {some}) AS INT)")
            elif k == "i" and o == 1:
                out.append(f"CAST(COUNT({self.pick(['*', c])}) OVER ({part}{self.pick(['', 'ORDER BY '+some])}) AS INT)")
            elif o == 2:
                out.append(f"{self.pick(['LAG','LEAD'])}({c}, {self.r.randint(1,2)}) OVER ({part}ORDER BY {order})")
            elif o == 3:
                fr = self.pick(["ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING", "ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING"])
                f = self.pick(["MIN", "MAX", "FIRST_VALUE", "LAST_VALUE"])
                out.append(f"{f}({c}) OVER ({part}ORDER BY {order} {fr})")
            elif o == 4 and k == "i":
                fr = self.pick(["ROWS BETWEEN 1 PRECEDING AND CURRENT ROW", "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"])
                out.append(f"CAST(SUM({c}) OVER ({part}ORDER BY {order} {fr}) AS INT)")
            elif o == 5 and k == "i":
                rc = [c for c, q in s.cols if q == "i"]
                if rc:
                    fr = self.pick(["RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING", "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", "RANGE BETWEEN CURRENT ROW AND 2 FOLLOWING"])
                    out.append(f"CAST(SUM({c}) OVER ({part}ORDER BY {self.pick(rc)} {self.pick(['ASC','DESC'])} NULLS {self.pick(['FIRST','LAST'])} {fr}) AS INT)")
                else:
                    out.append(c)
            elif k == "s" or k == "x" or o == 4:
                out.append(f"{self.pick(['MIN','MAX'])}({c}) OVER ({part}{self.pick(['', 'ORDER BY '+some])})")
            else:
                out.append(f"CAST(ROW_NUMBER() OVER ({part}ORDER BY {order}) AS INT)" if self.p(.5) else c)
        return f"SELECT {self.items(out)} FROM {frm}{self.where(s, d)}"


def data(seed: int) -> dict[str, list[tuple]]:
    """Rows of each table: small, with nulls and duplicates; te is empty."""
    r = random.Random(seed)
    val = {
        "i": lambda: None if r.random() < .2 else r.randint(0, 4),
        "s": lambda: None if r.random() < .2 else r.choice(["a", "b", "ab", "", "c"]),
        "x": lambda: None if r.random() < .2 else Decimal(r.choice(["1.50", "2.00", "0.25", "-1.00"])),
    }
    out = {}
    for t, cols in TABLES.items():
        n = 0 if t == "te" else r.randint(3, 8)
        rows = [tuple(val[k]() for _, k in cols) for _ in range(n)]
        if rows and r.random() < .7:
            rows.append(rows[0])
        out[t] = rows
    return out


def query(seed: int, depth: int = 2) -> str:
    """The query of a seed."""
    g = Generator(seed)
    return g.query(g.kinds(), depth)


def duckdb(text: str) -> str:
    """A query as DuckDB writes it."""
    return text.replace("LEFT SEMI JOIN", "SEMI JOIN").replace("LEFT ANTI JOIN", "ANTI JOIN").replace("STRING", "VARCHAR")
