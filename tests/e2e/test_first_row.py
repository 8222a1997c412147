"""A row travels: PostgreSQL -> Kafka -> Elasticsearch and ClickHouse."""

import pytest

from lib import exact, six
from lib.wait import wait_until

TOPICS_INTERNAL = ("cdc.schema", "cdc.state")
ENVELOPE = ["before", "after", "source", "transaction", "op", "ts_ms",
            "ts_us", "ts_ns"]
SOURCE = ["version", "connector", "name", "ts_ms", "snapshot", "db",
          "sequence", "ts_us", "ts_ns", "schema", "table", "txId", "lsn",
          "xmin", "origin", "origin_lsn", "commit_lsn", "tx_seq",
          "row_version"]


def test_the_sample_rows_are_everywhere(everywhere):
    """The first copy: every row and column of the six tables."""
    tables = [everywhere.table(name) for name in six.TABLES]
    everywhere.assert_equal(*tables, timeout=120)


def test_one_row_travels(conn, everywhere):
    six.insert(conn, "first", upto=1)
    wait_until(lambda: everywhere.es.get("user", "ufirst"), 10,
               "the row is in Elasticsearch")
    wait_until(lambda: everywhere.ch.query(
        "SELECT count() FROM User_current WHERE id = 'ufirst'").strip() == "1",
        10, "the row is in ClickHouse")
    everywhere.assert_equal(everywhere.table("User"))


def record_of(everywhere, topic, key):
    everywhere.captured()
    found = [r for r in everywhere.kafka.records(topic)
             if r.key == key.encode()]
    assert found, f"no record {key} in {topic}"
    return found


def test_the_event_has_the_shape_of_the_contract(conn, everywhere):
    six.insert(conn, "shape", upto=1)
    conn.execute('UPDATE "User" SET "loginCount" = 7 WHERE id = \'ushape\'')
    conn.execute('DELETE FROM "User" WHERE id = \'ushape\'')
    records = record_of(everywhere, "cdc.public.User", '{"id":"ushape"}')
    assert [r.op for r in records] == ["c", "u", "d", "d"]
    assert records[3].value is None, "a delete is followed by a tombstone"
    versions = [r.version for r in records]
    assert versions[0] < versions[1] < versions[2] == versions[3]
    for record in records:
        assert len(record.headers["cdc-schema"]) == 16
    for record in records[:3]:
        check_value(record)
    first, second, third = (exact.loads(r.value.decode())
                            for r in records[:3])
    assert first["before"] is None and third["after"] is None
    assert second["before"] == first["after"]
    assert second["before"]["loginCount"] == "0" or \
        second["before"]["loginCount"] == exact.Num("0")
    assert second["after"]["loginCount"] == exact.Num("7")
    assert third["before"] == second["after"], "FULL identity"


def check_value(record):
    value = exact.loads(record.value.decode())
    assert list(value) == ENVELOPE
    assert list(value["source"]) == SOURCE
    source = value["source"]
    assert value["op"] == record.op
    assert value["transaction"] is None
    assert source["row_version"] == exact.Num(record.headers["cdc-version"])
    assert source["connector"] == "postgresql"
    assert (source["name"], source["schema"], source["table"]) == \
        ("cdc", "public", "User")
    assert source["snapshot"] == "false"
    seq = int(source["tx_seq"])
    commit_lsn = int(source["commit_lsn"])
    assert seq >= 1 and int(source["lsn"]) <= commit_lsn
    assert record.version >> 14 == commit_lsn >> 5
    assert b"\n" not in record.value, "an event is one line"


def test_topics_are_made_explicitly(everywhere):
    names = everywhere.kafka.all_topics()
    for name in TOPICS_INTERNAL:
        assert name in names
    for name in six.TABLES:
        assert len(everywhere.kafka.partitions(f"cdc.public.{name}")) == 6


@pytest.mark.parametrize("name", six.TABLES)
def test_target_columns(everywhere, name):
    """ClickHouse's columns in PostgreSQL's order with the table's types, an
    explicit mapping behind an alias in Elasticsearch."""
    from lib import canon
    table = everywhere.table(name)
    types = everywhere.ch.types(name)
    assert list(types) == [c.name for c in table.columns] + ["_version",
                                                             "is_deleted"]
    for column in table.columns:
        wanted = canon.clickhouse_type(column)
        assert canon.base_type(types[column.name]) == \
            canon.base_type(wanted), column
        nullable = "Nullable" in types[column.name]
        assert nullable == (not column.key), column
    index = everywhere.es.index(table)
    found = everywhere.es.call("GET", everywhere.es.path(index, "/_mapping"))
    (real, body), = found.items()
    assert real == f"{index}-000001", "written through an alias"
    assert body["mappings"]["dynamic"] == "false"
    assert set(body["mappings"]["properties"]) == \
        {c.name for c in table.columns}
