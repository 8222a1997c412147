"""PostgreSQL: rows as the text it prints, tables as its catalog knows them."""

import dataclasses

import psycopg
from psycopg import sql

# The session settings of DESIGN's "one text-to-JSON path", so that what is
# read here is what the events are made of.
SETTINGS = ("-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=iso_8601 "
            "-c bytea_output=hex -c extra_float_digits=1")


@dataclasses.dataclass(frozen=True)
class Column:
    name: str
    type: str      # pg_type.typname, of the element for an array
    array: bool
    delimiter: str
    kind: str      # typtype of it: b e c r m
    typmod: int
    key: int       # place in the primary key from 1, 0 = not in it


@dataclasses.dataclass(frozen=True)
class Table:
    schema: str
    name: str
    columns: tuple

    @property
    def keys(self):
        return sorted((c for c in self.columns if c.key),
                      key=lambda c: c.key)

    @property
    def quoted(self):
        return sql.Identifier(self.schema, self.name).as_string()

    @property
    def label(self):
        if self.schema == "public":
            return self.name
        return f"{self.schema}.{self.name}"


# Domains are followed down to what they are made of. A true array is the
# array type of its element: int2vector is none.
COLUMNS_SQL = """
WITH RECURSIVE base AS (
    SELECT a.attnum, a.attname, a.atttypid AS oid, a.atttypmod AS typmod
    FROM pg_attribute a
    WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0
      AND NOT a.attisdropped AND a.attgenerated = ''
  UNION ALL
    SELECT b.attnum, b.attname, t.typbasetype,
           CASE WHEN b.typmod = -1 THEN t.typtypmod ELSE b.typmod END
    FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
)
SELECT b.attname,
       coalesce(e.typname, t.typname), e.oid IS NOT NULL,
       coalesce(e.typdelim, t.typdelim), coalesce(e.typtype, t.typtype),
       b.typmod,
       coalesce((SELECT k.place FROM pg_index i,
                        unnest(i.indkey) WITH ORDINALITY k(attnum, place)
                 WHERE i.indrelid = %(table)s::regclass AND i.indisprimary
                   AND k.attnum = b.attnum), 0)
FROM base b
JOIN pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
ORDER BY b.attnum
"""


def connect(url, **options):
    return psycopg.connect(url, options=SETTINGS, autocommit=True, **options)


def text_rows(conn, query):
    """Rows as PostgreSQL prints them: no adapter touches a value."""
    result = conn.execute(query).pgresult
    rows = []
    for r in range(result.ntuples):
        row = []
        for c in range(result.nfields):
            value = result.get_value(r, c)
            row.append(None if value is None else value.decode())
        rows.append(row)
    return rows


def table(conn, name, schema="public"):
    quoted = sql.Identifier(schema, name).as_string(conn)
    rows = conn.execute(COLUMNS_SQL, {"table": quoted}).fetchall()
    return Table(schema, name, tuple(
        Column(r[0], r[1], r[2], _text(r[3]), _text(r[4]), r[5], r[6])
        for r in rows))


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def rows(conn, tab):
    """All rows of a table: {key: {column: text or None}}. The key is a tuple
    of the key columns' texts."""
    names = [c.name for c in tab.columns]
    listed = ", ".join(sql.Identifier(n).as_string(conn) for n in names)
    found = {}
    for values in text_rows(conn, f"SELECT {listed} FROM {tab.quoted}"):
        row = dict(zip(names, values))
        found[tuple(row[c.name] for c in tab.keys)] = row
    return found


def marker(conn):
    """Ends a transaction and returns an LSN behind its end: what was
    committed before lies below it."""
    with conn.transaction():
        conn.execute("SELECT pg_logical_emit_message(true, 'e2e', 'marker')")
    return conn.execute("SELECT pg_current_wal_lsn()").fetchone()[0]


def confirmed_past(conn, slot, lsn):
    found = conn.execute(
        "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots "
        "WHERE slot_name = %s", (lsn, slot)).fetchone()
    return bool(found and found[0])


def wait_accepting(url, timeout=60):
    """Until the server takes connections (after a crash it replays first)."""
    from .wait import wait_until

    def works():
        try:
            connect(url, connect_timeout=5).close()
            return True
        except psycopg.OperationalError:
            return False

    wait_until(works, timeout, "PostgreSQL accepts connections")
