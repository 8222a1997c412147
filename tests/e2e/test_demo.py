"""The demo's own comparison finds what is planted: a changed low digit, a
missing and an extra row, in each target."""

import re

import pytest

from lib import six
from lib.compare import Everywhere

KEYS = {"changed": "rplant1", "missing": "rplant2", "extra": "rplant3"}


@pytest.fixture
def planted_rows(conn, everywhere):
    """Rows of the test's own, equal everywhere."""
    for number in ("plant1", "plant2"):
        six.delete(conn, number)
        six.insert(conn, number)
    everywhere.assert_equal(*[everywhere.table(t) for t in six.TABLES])
    yield
    for number in ("plant1", "plant2"):
        six.delete(conn, number)


def compare(stack):
    return stack.local("compare", check=False)


def test_equal_is_exit_0(stack, conn, everywhere, planted_rows):
    code, text = compare(stack)
    assert code == 0, text
    rows = sum(conn.execute(f'SELECT count(*) FROM "{t}"').fetchone()[0]
               for t in six.TABLES)
    verdict = re.search(r"^demo: (\d+) tables, (\d+) rows: PostgreSQL = "
                        r"Elasticsearch = ClickHouse$", text, re.M)
    assert verdict, text
    assert verdict.groups() == ("6", str(rows))


def assert_named(stack, target):
    code, text = compare(stack)
    assert code == 1, text
    for what, key in KEYS.items():
        lines = [line for line in text.splitlines() if key in line]
        assert lines, f"{what}: {key} is not named:\n{text}"
        assert any("RoyaltyPayment" in line for line in lines), lines
        assert any(target in line.lower() for line in lines), lines
    assert not re.search(r"^demo: .*=", text, re.M), "no verdict of equality"


def test_planted_in_elasticsearch(stack, everywhere: Everywhere,
                                  planted_rows):
    es, path = everywhere.es, "/royaltypayment/_doc/"
    found = es.get("royaltypayment", "rplant1")
    missing = es.get("royaltypayment", "rplant2")
    source = dict(found["_source"])
    assert source["amount"] == "7.770000000000000000"
    try:
        put(es, "rplant1", {**source, "amount": "7.770000000000000001"})
        es.call("DELETE", path + "rplant2?refresh=true")
        put(es, "rplant3", {**source, "id": "rplant3"})
        assert_named(stack, "elasticsearch")
    finally:
        put(es, "rplant1", source, found)
        put(es, "rplant2", missing["_source"], missing)
        es.call("DELETE", path + "rplant3?refresh=true")
    assert compare(stack)[0] == 0


def put(es, doc_id, source, found=None):
    """Writes a document; with `found` a little above the version it had: the
    pipeline's next event is far above that."""
    path = f"/royaltypayment/_doc/{doc_id}?refresh=true"
    if found is not None:
        path += f"&version={int(found['_version']) + 5}&version_type=external"
    es.call("PUT", path, source)


def test_planted_in_clickhouse(stack, everywhere, planted_rows):
    ch = everywhere.ch

    def insert(changes, where, source="RoyaltyPayment FINAL"):
        # The inner SELECT: a WHERE beside `'x' AS id` would mean that id.
        ch.query(f"INSERT INTO RoyaltyPayment SELECT * REPLACE ({changes}) "
                 f"FROM (SELECT * FROM {source} WHERE {where})")

    ch.query("CREATE TABLE before_planting ENGINE = Memory AS SELECT * FROM "
             "RoyaltyPayment FINAL WHERE id LIKE 'rplant%'")
    try:
        insert("_version + 1 AS _version, toDecimal128('7.770000000000000001'"
               ", 18) AS amount", "id = 'rplant1'")
        insert("_version + 1 AS _version, 1 AS is_deleted", "id = 'rplant2'")
        insert("'rplant3' AS id", "id = 'rplant1'")
        assert_named(stack, "clickhouse")
    finally:
        insert("_version + 5 AS _version", "1", "before_planting")
        insert("_version + 5 AS _version, 1 AS is_deleted", "id = 'rplant3'")
        ch.query("DROP TABLE before_planting")
    assert compare(stack)[0] == 0
