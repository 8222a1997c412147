"""Compares every row and every column of the six tables: PostgreSQL with
Elasticsearch and with ClickHouse, in both directions.

Independent of the programs it judges: SQL through psql, HTTP, and the rules
of values.py. Rows are found by key; what is missing, extra or different is
named by table, key and target.
"""

import decimal
import json
import time

from . import psql, say, values
from .targets import ClickHouse, Elasticsearch, source_columns, source_rows
from .transactions import TABLES

KEY = "id"
LISTED = 20
SHOWN = 200
SAY_EVERY = 5.0


class Difference:
    """kind: missing, extra, different; key "" where the whole table is."""

    def __init__(self, kind, table, key, target, detail=""):
        self.kind = kind
        self.table = table
        self.key = key
        self.target = target
        self.detail = detail

    def __str__(self):
        text = f'{self.kind}: "{self.table}" {self.key} in {self.target}'
        return f"{text}: {self.detail}" if self.detail else text


class Result:
    """Row counts per table and target, and all differences."""

    def __init__(self):
        self.counts = {}
        self.differences = []

    def rows(self):
        return sum(counts["PostgreSQL"] for counts in self.counts.values())

    def behind(self, target):
        return sum(d.target == target for d in self.differences)

    def verdict(self, title):
        tables = f"{title}: {len(self.counts)} tables, {self.rows()} rows"
        if not self.differences:
            return f"{tables}: PostgreSQL = Elasticsearch = ClickHouse"
        return f"{tables}: {len(self.differences)} differences"


class Comparison:
    def __init__(self, url, elasticsearch, clickhouse):
        self.url = url
        self.elasticsearch = Elasticsearch(elasticsearch)
        self.clickhouse = ClickHouse(clickhouse)

    def run(self):
        """One pass over all tables, on one snapshot of PostgreSQL."""
        result = Result()
        with psql.Session(self.url) as session:
            session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;")
            for table in TABLES:
                columns = source_columns(session, table)
                at = [column.name for column in columns].index(KEY)
                rows = {row[at]: row for row
                        in source_rows(session, table, columns)}
                found = self.table(result, table, columns, rows)
                result.counts[table] = {"PostgreSQL": len(rows), **found}
        return result

    def table(self, result, table, columns, rows):
        found = {}
        for side in (elasticsearch_side, clickhouse_side):
            target = side(self, table, columns)
            seen = check(result, table, target, columns, rows)
            found[target.title] = seen
        return found


class Side:
    """One target's rows of one table: iterates over (key, row), and
    differs(expected texts, row) names the first column that is not equal."""

    def __init__(self, title, rows, differs, problem=""):
        self.title = title
        self.rows = rows
        self.differs = differs
        self.problem = problem


def elasticsearch_side(comparison, table, columns):
    target = comparison.elasticsearch
    rows = target.rows(table)
    converters = [(column.name, values.in_elasticsearch(column))
                  for column in columns]

    def differs(texts, members):
        if [name for name, _ in members] != [name for name, _ in converters]:
            names = ", ".join(name for name, _ in members)
            return f"_source has the members {names}"
        for text, (name, convert), (_, found) in zip(texts, converters,
                                                     members):
            expected = None if text is None else convert(text)
            if expected != found or type(expected) is not type(found):
                return describe(name, expected, found)
        return None

    if rows is None:
        return Side(target.title, [], differs,
                    f"there is no index {table.lower()}")
    return Side(target.title, rows, differs)


def clickhouse_side(comparison, table, columns):
    target = comparison.clickhouse
    names = [column.name for column in columns]
    converters = [values.in_clickhouse(column) for column in columns]

    def differs(texts, fields):
        for name, text, (convert, read), field in zip(
                names, texts, converters, fields):
            expected = None if text is None else convert(text)
            found = None if field is None else read(field)
            if expected != found:
                return describe(name, expected, found)
        return None

    present = target.columns(table)
    if not present:
        return Side(target.title, [], differs,
                    f"there is no view {table}_current")
    absent = [name for name in names if name not in present]
    if absent:
        return Side(target.title, [], differs,
                    f"no column {', '.join(absent)}")
    at = names.index(KEY)
    rows = ((row[at], row) for row in target.rows(table, names))
    return Side(target.title, rows, differs)


def describe(name, expected, found):
    return f"{name} is {show(found)}, PostgreSQL has {show(expected)}"


def show(value):
    """As text, cut when long."""
    text = value if isinstance(value, str) else to_text(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def to_text(value):
    """What parse_json made of a text, as JSON again."""
    if isinstance(value, tuple):
        kind, content = value
        if kind == "n":
            return content
        pairs = (f"{to_text(name)}: {to_text(item)}" for name, item
                 in content)
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_text, value)) + "]"
    if isinstance(value, decimal.Decimal):
        return str(value)
    return "NULL" if value is None else json.dumps(value, ensure_ascii=False)


def check(result, table, side, columns, rows):
    """Adds the differences of one table and target; returns its row count."""
    if side.problem:
        result.differences.append(
            Difference("missing", table, "", side.title, side.problem))
    seen = set()
    count = 0
    for key, row in side.rows:
        count += 1
        if key not in rows or key in seen:
            detail = "a second time" if key in seen else ""
            result.differences.append(
                Difference("extra", table, key, side.title, detail))
            continue
        seen.add(key)
        detail = side.differs(rows[key], row)
        if detail:
            result.differences.append(
                Difference("different", table, key, side.title, detail))
    result.differences += [Difference("missing", table, key, side.title)
                           for key in rows if key not in seen]
    return count


def wait_equal(comparison, seconds):
    """Compares again until all is equal or the time is over; says what is
    missing meanwhile."""
    began = said = time.monotonic()
    while True:
        try:
            result, problem = comparison.run(), None
        except say.Failure as failure:
            result, problem = None, failure
        took = time.monotonic() - began
        if result and not result.differences:
            return result
        if took >= seconds:
            if problem:
                raise problem
            return result
        if time.monotonic() - said >= SAY_EVERY:
            said = time.monotonic()
            say.line("compare", f"{took:.0f} s: {problem or behind(result)}")
        time.sleep(0.5)


def behind(result):
    return (f"rows not equal yet: Elasticsearch "
            f"{result.behind('Elasticsearch')}, "
            f"ClickHouse {result.behind('ClickHouse')}")


def report(result, title):
    """Prints the counts, the differences and the verdict line."""
    row = "{:<16} {:>11} {:>14} {:>11}  {}"
    print()
    print(row.format("table", "PostgreSQL", "Elasticsearch", "ClickHouse",
                     ""))
    for table, counts in result.counts.items():
        wrong = sum(d.table == table for d in result.differences)
        print(row.format(table, *counts.values(),
                         f"{wrong} differences" if wrong else "equal"))
    print()
    listed = {}
    for difference in result.differences:
        place = (difference.table, difference.target)
        listed[place] = listed.get(place, 0) + 1
        if listed[place] <= LISTED:
            print(difference)
    for (table, target), count in listed.items():
        if count > LISTED:
            print(f'and {count - LISTED} more of "{table}" in {target}')
    print(result.verdict(title), flush=True)
    return 1 if result.differences else 0
