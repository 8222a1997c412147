"""Names, keys and values that look like our own syntax, or like nobody's."""

import pytest

from lib import pg
from lib.compare import elasticsearch_id
from lib.pipeline import Pipeline

TEXTS = ['}"after":{', '"before":null,"after":{"id":1}', "", " ", "null",
         "line\nbreak", "\r\n", "\t", "\x01\x02\x1f\x7f", "\\", '"', "\\\"",
         '{"index":{}}\n{"x":1}\n', "\u2028\u2029", "\ufeff", "e\u0301",
         "\U0001f600\U0001f468\u200d\U0001f469", "\uffff\U0010ffff", "[1]",
         "sha256:00", "../../x", "%2F?a=b&c#d", "' OR 1=1 --", "`x`",
         "a" * 512, "a" * 513, "ä" * 256, "ä" * 257, "k" * 600, "_id", "\v"]


@pytest.fixture(scope="module")
def pipeline(stack, tmp_path_factory):
    """Of the module's own: what breaks it breaks no other test."""
    stack.revive()
    with Pipeline(stack, "hostile", tmp_path_factory.mktemp("hostile")) as p:
        for role in ("producer", "sink-es", "sink-clickhouse"):
            p.start(role)
        yield p


@pytest.fixture
def conn(pipeline):
    return pipeline.conn


@pytest.fixture
def everywhere(pipeline):
    return pipeline.everywhere


def make(conn, ddl, table):
    conn.execute(ddl)
    conn.execute(f"ALTER TABLE {table} REPLICA IDENTITY FULL")


def check(conn, everywhere, name, schema="public"):
    table = everywhere.table(name, schema)
    everywhere.assert_equal(table, timeout=40)
    return table


def test_column_named_after(conn, everywhere):
    make(conn, 'CREATE TABLE forged (id int PRIMARY KEY, "after" text, '
         '"before" jsonb, "source" text, "op" text, "id_" text, '
         '"cdc-version" text, "}""after"":{" json)', "forged")
    for number, text in enumerate(TEXTS):
        conn.execute("INSERT INTO forged VALUES (%s, %s, %s, %s, %s, %s, %s, "
                     "%s)", (number, text, '{"after": {"id": 9}}', text,
                             "d", "x", "1", '{\n"a":\r\n\t1 }'))
    check(conn, everywhere, "forged")
    conn.execute('UPDATE forged SET "after" = "after" || \'}\'')
    check(conn, everywhere, "forged")
    conn.execute("DELETE FROM forged WHERE id % 2 = 0")
    check(conn, everywhere, "forged")


def test_texts_as_keys(conn, everywhere):
    """Empty, like an array, like a hash, above 512 bytes, with everything in
    it: inserted, updated, deleted, and the _id is what the contract says."""
    make(conn, "CREATE TABLE keyed (k text PRIMARY KEY, v text)", "keyed")
    for text in TEXTS:
        conn.execute("INSERT INTO keyed VALUES (%s, %s)", (text, text))
    table = check(conn, everywhere, "keyed")
    for text in TEXTS:
        found = everywhere.es.get("keyed", elasticsearch_id(table, (text,)))
        assert found["_source"] == {"k": text, "v": text}
    conn.execute("UPDATE keyed SET v = 'new'")
    check(conn, everywhere, "keyed")
    conn.execute("DELETE FROM keyed WHERE length(k) <> 1")
    check(conn, everywhere, "keyed")


def test_composite_keys(conn, everywhere):
    """Values that would meet if they were only joined; constraint order."""
    make(conn, "CREATE TABLE joined (v text, b text, a text, n int8, "
         "PRIMARY KEY (a, b, n))", "joined")
    pairs = [("a", "b,c"), ("a,b", "c"), ("", ""), ("a\",\"b", "c"),
             ("a", "b\",\"c"), ("[", "]"), ("é" * 200, "x" * 200)]
    for number, (a, b) in enumerate(pairs):
        for n in (1, -9223372036854775808):
            conn.execute("INSERT INTO joined VALUES (%s, %s, %s, %s)",
                         (str(number), b, a, n))
    check(conn, everywhere, "joined")
    conn.execute("DELETE FROM joined WHERE n < 0 AND a <> ''")
    check(conn, everywhere, "joined")


KEY_VALUES = {
    "int8": ["-9223372036854775808", "9007199254740993", "0"],
    "numeric": ["1.10", "1e30", "-0.5", "NaN"],
    "bool": ["true", "false"],
    "uuid": ["00000000-0000-0000-0000-000000000000"],
    "timestamptz": ["2024-01-01 00:00:00.5+00", "1970-01-01 00:00:00+00"],
    "date": ["2024-02-29"],
    "time": ["23:59:59.999999"],
    "interval": ["1 mon -1 day"],
    "bytea": ["\\x00", "\\xff00"],
    "char(4)": ["a", ""],
    "inet": ["::1", "10.0.0.1/8"],
}


def test_key_types(conn, everywhere):
    """Any type can be a key: insert, update, delete by it."""
    names = {kind: "key_" + kind.split("(")[0] for kind in KEY_VALUES}
    for kind, name in names.items():
        make(conn, f"CREATE TABLE {name} (id {kind} PRIMARY KEY, v int)",
             name)
        for value in KEY_VALUES[kind]:
            conn.execute(f"INSERT INTO {name} VALUES (%s::{kind}, 0)",
                         (value,))
    tables = [everywhere.table(name) for name in names.values()]
    everywhere.assert_equal(*tables)
    for kind, name in names.items():
        conn.execute(f"UPDATE {name} SET v = 1")
        conn.execute(f"DELETE FROM {name} WHERE id = %s::{kind}",
                     (KEY_VALUES[kind][0],))
    everywhere.assert_equal(*tables)


HOSTILE_TABLES = [
    'sel"ect', "with space", "ta'ble", "back`tick", "back\\slash", "per%cent",
    "Ümläut", "dot.ted", "UPPER", "ques?tion*", "semi;colon", "_under",
    "a" * 63, "表",
]


def test_hostile_table_and_column_names(conn, everywhere):
    names = []
    for name in HOSTILE_TABLES:
        quoted = pg.sql.Identifier(name).as_string(conn)
        column = pg.sql.Identifier(name[::-1]).as_string(conn)
        make(conn, f"CREATE TABLE {quoted} ({column} text PRIMARY KEY, "
             f'"sp ace" int, "quo""te" text, "back`\\tick" text, "a.b" int, '
             '"{}" json, "Grüße" text)', quoted)
        conn.execute(f"INSERT INTO {quoted} VALUES ('k', 1, 'a', 'b', 2, "
                     "'{}', 'c'), ('gone', 1, 'a', 'b', 2, '[]', 'd')")
        names.append((name, quoted, column))
    for name, quoted, column in names:
        conn.execute(f"UPDATE {quoted} SET \"sp ace\" = 2")
        conn.execute(f"DELETE FROM {quoted} WHERE {column} = 'gone'")
    tables = [everywhere.table(name) for name, _, _ in names]
    everywhere.assert_equal(*tables, timeout=60)


def test_large_values(conn, everywhere):
    """Near the megabyte, compressible and not, many rows at once."""
    make(conn, "CREATE TABLE large (id int PRIMARY KEY, t text, b bytea, "
         "j jsonb)", "large")
    conn.execute(
        "INSERT INTO large SELECT n, repeat(md5(n::text), 30000), "
        "decode(repeat(md5(n::text), 3000), 'hex'), "
        "jsonb_build_object('a', repeat('é', 50000)) "
        "FROM generate_series(1, 20) n")
    check(conn, everywhere, "large")
    conn.execute("UPDATE large SET j = '{}'")
    check(conn, everywhere, "large")


def test_many_columns(conn, everywhere):
    """Wide: 400 columns."""
    columns = ", ".join(f"c{n} int" for n in range(400))
    make(conn, f"CREATE TABLE wide (id int PRIMARY KEY, {columns})", "wide")
    conn.execute("INSERT INTO wide (id, c0, c399) VALUES (1, 2, 3)")
    check(conn, everywhere, "wide")
