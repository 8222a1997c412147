"""Every type: what PostgreSQL prints reaches the topic unharmed, the same by
the copy and by the stream, and both targets, exactly."""

import pytest

from lib import canon, exact, pg, samples
from lib.pipeline import Pipeline
from lib.wait import wait_until

# Array columns that hold what the array's element type has.
BASE_TYPES_SQL = """
SELECT typname FROM pg_type
WHERE typtype = 'b' AND typnamespace = 'pg_catalog'::regnamespace
  AND NOT EXISTS (SELECT 1 FROM pg_type e WHERE e.typarray = pg_type.oid)
"""
STREAMED = 1000  # added to the key of a row's twin


def test_every_base_type_has_a_case(conn):
    """A new server version with a new type fails here until it gets one."""
    known = set(samples.BASE) | set(samples.ONLY_NULL)
    found = {row[0] for row in conn.execute(BASE_TYPES_SQL)}
    assert found - known == set()


class Columns:
    """The columns of a table with everything, and the values of its rows."""

    def __init__(self, conn, skip):
        """`skip`: literals by type that the table must not hold."""
        with_array = {row[0] for row in conn.execute(
            "SELECT typname FROM pg_type WHERE typarray <> 0")}
        self.columns = {}   # name -> (type, [SQL expression])
        cases = {**samples.BASE, **samples.MADE}
        for name, literals in cases.items():
            self.add(conn, name, self.quote(name),
                     [v for v in literals if v not in skip.get(name, ())],
                     name in with_array)
        for name in samples.ONLY_NULL:
            self.columns[f"t_{name}"] = (self.quote(name), [])
        for name, (kind, literals) in samples.MODIFIED.items():
            kept = [v for v in literals if v not in skip.get(name, ())]
            self.add(conn, name, kind, kept, True)

    @staticmethod
    def quote(name):
        return '"char"' if name == "char" else f'"{name}"'

    def add(self, conn, name, kind, literals, with_array):
        values = [self.expression(conn, v, kind) for v in literals]
        self.columns[f"t_{name}"] = (kind, values)
        if with_array:
            self.columns[f"a_{name}"] = (f"{kind}[]",
                                         self.arrays(name, kind, values))

    @staticmethod
    def expression(conn, literal, kind):
        if literal.startswith("(SELECT"):
            return literal
        return pg.sql.Literal(literal).as_string(conn) + f"::{kind}"

    @staticmethod
    def arrays(name, kind, values):
        """Empty, all values with a NULL between, two dimensions, bounds."""
        text = ", ".join(values)
        found = [f"'{{}}'::{kind}[]"]
        if name in ("int2vector", "oidvector", "words"):
            # ARRAY[...] of these means more dimensions, not more elements.
            return found + [f"array_fill({values[-1]}, ARRAY[2])"] \
                if name != "words" else found
        found.append(f"ARRAY[{text}, NULL, {values[0]}]::{kind}[]")
        found.append(f"ARRAY[[{values[0]}, NULL], [{values[-1]}, "
                     f"{values[0]}]]::{kind}[]")
        found.append(f"array_fill({values[-1]}, ARRAY[2], ARRAY[-1])"
                     f"::{kind}[]")
        return found

    def create(self, conn, table):
        made = "".join(f", \"{name}\" {kind}"
                       for name, (kind, _) in self.columns.items())
        conn.execute(f"CREATE TABLE {table} (id int PRIMARY KEY{made})")
        conn.execute(f"ALTER TABLE {table} REPLICA IDENTITY FULL")

    @property
    def count(self):
        return 1 + max(len(v) for _, v in self.columns.values())

    def fill(self, conn, table):
        """Row n holds each column's n-th value; row 0 and the ends of the
        shorter lists are NULL."""
        for n in range(self.count):
            given = {name: values[n - 1]
                     for name, (_, values) in self.columns.items()
                     if 0 < n <= len(values)}
            names = "".join(f", \"{name}\"" for name in given)
            values = "".join(", " + v for v in given.values())
            conn.execute(f"INSERT INTO {table} (id{names}) "
                         f"VALUES ({n}{values})")


def prepare(conn):
    conn.execute(samples.MADE_SQL)
    conn.execute("CREATE TABLE measured AS SELECT n % 7 AS a, n % 7 AS b, "
                 "n % 3 AS c FROM generate_series(1, 500) n")
    conn.execute("CREATE STATISTICS measured_all (ndistinct, dependencies, "
                 "mcv) ON a, b, c FROM measured")
    conn.execute("ANALYZE measured")


@pytest.fixture(scope="module")
def pipeline(stack, tmp_path_factory):
    """A producer alone: its topic takes what no ClickHouse column can."""
    stack.revive()
    with Pipeline(stack, "types", tmp_path_factory.mktemp("types")) as made:
        prepare(made.conn)
        columns = Columns(made.conn, {})
        columns.create(made.conn, "every")
        columns.fill(made.conn, "every")
        made.start("producer")
        topic = "types.public.every"
        wait_until(lambda: made.kafka.end(topic) >= columns.count, 60,
                   "the rows are copied")
        names = ", ".join(f'"{name}"' for name in columns.columns)
        made.conn.execute(
            f"INSERT INTO every (id, {names}) SELECT id + {STREAMED}, "
            f"{names} FROM every")
        made.conn.execute(f"UPDATE every SET id = id WHERE id >= {STREAMED}")
        made.everywhere.captured()
        made.events = read_events(made.kafka.records(topic))
        made.columns = columns
        yield made


def read_events(records):
    """{(op, id): members of the value, as they stand}"""
    found = {}
    for record in records:
        if record.value is not None and record.op != "s":
            members = exact.members(record.value.decode())
            row = exact.loads(members["after"])
            found[(record.op, int(row["id"]))] = members
    return found


def without_id(text):
    assert text.startswith('{"id":')
    return text[text.index(","):]


def test_copied_and_streamed_rows_are_the_same_bytes(pipeline):
    for n in range(pipeline.columns.count):
        copied = pipeline.events[("r", n)]
        streamed = pipeline.events[("c", n + STREAMED)]
        updated = pipeline.events[("u", n + STREAMED)]
        for part in zip(exact.members(copied["after"]).items(),
                        exact.members(streamed["after"]).items()):
            (name, left), (_, right) = part
            assert name == "id" or left == right, name
        assert without_id(copied["after"]) == without_id(streamed["after"])
        assert updated["after"] == streamed["after"]
        assert updated["before"] == streamed["after"], "FULL identity"


def test_each_value_is_what_the_contract_says(pipeline):
    table = pipeline.everywhere.table("every")
    rows = pg.rows(pipeline.conn, table)
    wrong = []
    for (number,), row in rows.items():
        op = "c" if int(number) >= STREAMED else "r"
        members = exact.members(
            pipeline.events[(op, int(number))]["after"])
        assert list(members) == [c.name for c in table.columns]
        for column in table.columns:
            wanted = canon.event_value(column, row[column.name])
            found = exact.loads(members[column.name])
            if found != wanted or type(found) is not type(wanted):
                wrong.append(f"{column.name} {row[column.name]!r}: "
                             f"{members[column.name][:200]}, wanted "
                             f"{wanted!r}")
    assert wrong == []


def test_json_keeps_its_bytes(pipeline):
    """json as PostgreSQL prints it, line breaks between tokens apart."""
    for column in ("t_json", "t_jsonb"):
        for n, literal in enumerate(samples.BASE[column[2:]], 1):
            text = pg.text_rows(pipeline.conn, f"SELECT {column} FROM every "
                                f"WHERE id = {n}")[0][0]
            members = exact.members(pipeline.events[("r", n)]["after"])
            assert members[column].strip() == canon.one_line(text).strip(), \
                literal


@pytest.fixture(scope="module")
def whole(stack, tmp_path_factory):
    """A pipeline with both sinks."""
    stack.revive()
    with Pipeline(stack, "typed", tmp_path_factory.mktemp("typed")) as made:
        prepare(made.conn)
        for role in ("producer", "sink-es", "sink-clickhouse"):
            made.start(role)
        yield made


def test_both_targets_hold_every_type(whole):
    """All that a ClickHouse column can hold, row by row in both targets; the
    first half by the copy, the second by the stream."""
    conn, everywhere = whole.conn, whole.everywhere
    columns = Columns(conn, samples.TOO_LARGE)
    columns.create(conn, "typed")
    columns.fill(conn, "typed")
    table = everywhere.table("typed")
    everywhere.assert_equal(table, timeout=60)
    names = ", ".join(f'"{name}"' for name in columns.columns)
    conn.execute(f"INSERT INTO typed (id, {names}) SELECT id + {STREAMED}, "
                 f"{names} FROM typed")
    everywhere.assert_equal(table, timeout=60)
    types = everywhere.ch.types("typed")
    for column in table.columns:
        assert canon.base_type(types[column.name]) == \
            canon.base_type(canon.clickhouse_type(column)), column


def test_exact_numbers_in_both_targets(whole):
    """The digits themselves, read without any conversion of ours."""
    conn, everywhere = whole.conn, whole.everywhere
    conn.execute("CREATE TABLE digits (id int8 PRIMARY KEY, big int8, "
                 "price numeric(38,18), free numeric)")
    conn.execute("ALTER TABLE digits REPLICA IDENTITY FULL")
    big, price = "9223372036854775807", "99999999999999999999." + "9" * 18
    free = "0.1000000000000000000000000000000000001"
    conn.execute("INSERT INTO digits VALUES (9007199254740993, %s, %s, %s)",
                 (big, price, free))
    everywhere.assert_equal(everywhere.table("digits"), timeout=30)
    source = everywhere.es.get("digits", "9007199254740993")["_source"]
    assert source == {"id": exact.Num("9007199254740993"),
                      "big": exact.Num(big), "price": price, "free": free}
    found = everywhere.ch.query(
        "SELECT toString(id), toString(big), toString(price), free "
        "FROM digits_current FORMAT TSVRaw").strip().split("\t")
    assert found == ["9007199254740993", big, price, free]
