#!/usr/bin/env python3
"""Holds the golden values of test_pgtype against a real PostgreSQL.

pgtype.txt has four columns, parted by tabs:

    SQL expression, its type, the text the server prints for it, JSON

Expression and JSON are written by hand. Type and text come from a server
under the producer's session settings: this script checks them, and with
--write fills them in. The type is "schema.name typtype" of the base type,
for an array of its element, with the delimiter behind it in brackets. In the
text, control characters, '%' and bytes that are no UTF-8 stand as %XX.

    pgtype_golden.py [--write] [PSQL OPTION...]

The server is a PostgreSQL 15, the user a superuser; nothing stays behind in
the database.
"""

import pathlib
import subprocess
import sys

DATA = pathlib.Path(__file__).with_name("data") / "pgtype.txt"

# As in producer/pgconn.c.
SETTINGS = """
SET client_encoding = 'UTF8';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'iso_8601';
SET TimeZone = 'UTC';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
SET lc_monetary = 'C';
SET xmloption = 'content';
SET search_path = '';
"""

SETUP = """
\\set QUIET on
\\set ON_ERROR_STOP on
CREATE SCHEMA x;
CREATE EXTENSION citext SCHEMA x;
CREATE EXTENSION hstore SCHEMA x;
CREATE EXTENSION ltree SCHEMA x;
CREATE EXTENSION cube SCHEMA x;
CREATE EXTENSION seg SCHEMA x;
CREATE EXTENSION isn SCHEMA x;
CREATE TYPE x.mood AS ENUM ('sad', 'so, so', 'très "bien"', 'null');
CREATE TYPE x.pair AS (a integer, b text);
CREATE TYPE x.span AS RANGE (subtype = float8);
CREATE DOMAIN x.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN x.price AS numeric(12, 2);
CREATE DOMAIN x.low_price AS x.price CHECK (VALUE < 10);
CREATE DOMAIN x.ints AS integer[];
CREATE FUNCTION x.describe(t oid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found pg_catalog.pg_type;
    brackets text := '';
BEGIN
    LOOP
        SELECT * INTO STRICT found FROM pg_catalog.pg_type WHERE oid = t;
        IF found.typtype = 'd' THEN
            t := found.typbasetype;
        ELSIF brackets = ''
              AND found.typoutput = 'pg_catalog.array_out'::regproc THEN
            t := found.typelem;
            brackets := '[]';
        ELSE
            EXIT;
        END IF;
    END LOOP;
    IF brackets <> '' THEN
        brackets := ' [' || found.typdelim::text || ']';
    END IF;
    RETURN found.typnamespace::regnamespace::text || '.' || found.typname
        || ' ' || found.typtype::text || brackets;
END $$;
"""

# format('%s') calls the type's output function, as pgoutput and COPY do; a
# cast to text would not (boolean, char(n)).
QUERY = """
SELECT x.describe(pg_catalog.pg_typeof(v)),
       pg_catalog.encode(pg_catalog.convert_to(
           pg_catalog.format('%s', v), 'UTF8'), 'hex')
FROM (SELECT {}) AS row(v);
"""


def shown(raw):
    """The server's bytes as the text column writes them."""
    out = []
    for char in raw.decode("utf-8", "surrogateescape"):
        code = ord(char)
        if 0xdc80 <= code <= 0xdcff:
            out.append(f"%{code - 0xdc00:02X}")
        elif code < 0x20 or code == 0x7f or char == "%":
            out.append(f"%{code:02X}")
        else:
            out.append(char)
    return "".join(out)


def ask(options, expressions):
    """A (type, text) pair for each expression."""
    script = "BEGIN;" + SETUP + SETTINGS
    script += "".join(QUERY.format(expr) for expr in expressions)
    done = subprocess.run(
        ["psql", "-XAtq", "-F", "\t", *options], input=script + "ROLLBACK;\n",
        text=True, stdout=subprocess.PIPE, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    if len(rows) != len(expressions):
        sys.exit(f"{len(rows)} answers to {len(expressions)} expressions")
    return [(name, shown(bytes.fromhex(text))) for name, text in rows]


def read_cases():
    """All lines, and the columns of those that are cases by their number."""
    # not splitlines, which cuts at U+2028 too
    lines = DATA.read_text(encoding="utf-8").rstrip("\n").split("\n")
    return lines, {n: line.split("\t") for n, line in enumerate(lines)
                   if line and not line.startswith("#")}


def main(argv):
    write = "--write" in argv
    lines, cases = read_cases()
    answers = ask([arg for arg in argv if arg != "--write"],
                  [columns[0] for columns in cases.values()])
    differences = 0
    for n, (name, text) in zip(cases, answers):
        expression, *_, json = cases[n]
        line = "\t".join([expression, name, text, json])
        if line != lines[n]:
            differences += 1
            print(f"{DATA.name}:{n + 1}: {line}")
        lines[n] = line
    if write:
        DATA.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return 0
    print(f"{len(cases)} values, {differences} differ")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
