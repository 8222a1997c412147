"""Every kind of change of every table: single, many, in one transaction,
taken back."""

import pytest

from lib import exact, six
from lib.workload import Rollback, Workload


@pytest.fixture
def tables(everywhere):
    return [everywhere.table(name) for name in six.TABLES]


def test_insert_update_delete_of_each_table(conn, everywhere, tables):
    six.insert(conn, "one")
    everywhere.assert_equal(*tables)
    six.update(conn, "one")
    everywhere.assert_equal(*tables)
    six.delete(conn, "one")
    everywhere.assert_equal(*tables)
    for table in tables:
        index = everywhere.es.index(table)
        gone = six.ID_PREFIX[table.name] + "one"
        assert everywhere.es.get(index, gone) is None


def test_cascade_and_set_null(conn, everywhere, tables):
    """What foreign keys change is an event like any other."""
    six.insert(conn, "casc")
    conn.execute('DELETE FROM "User" WHERE id = \'ucasc\'')
    everywhere.assert_equal(*tables)


def test_transaction_over_several_tables(conn, everywhere, tables):
    """All six, with updates and deletes of the same rows, in one commit."""
    with conn.transaction():
        six.insert(conn, "multi")
        six.update(conn, "multi")
        six.delete(conn, "multi")
        six.insert(conn, "multi")
        conn.execute('UPDATE "User" SET "loginCount" = "loginCount" + 1')
    everywhere.assert_equal(*tables)


def test_statement_over_many_rows(conn, everywhere, tables):
    conn.execute('UPDATE "RoyaltyPayment" SET "amount" = "amount" + '
                 '0.000000000000000001')
    conn.execute('DELETE FROM "RoyaltyPayment" WHERE "id" IN (SELECT "id" '
                 'FROM "RoyaltyPayment" ORDER BY "id" LIMIT 50)')
    everywhere.assert_equal(*tables)


def topic_ends(everywhere):
    everywhere.captured()
    return everywhere.kafka.ends(everywhere.kafka.topics())


def test_rollback_leaves_nothing(conn, everywhere, tables):
    before = topic_ends(everywhere)
    try:
        with conn.transaction():
            six.insert(conn, "rolled")
            six.update(conn, "rolled")
            raise Rollback
    except Rollback:
        pass
    assert topic_ends(everywhere) == before
    everywhere.assert_equal(*tables)


def test_savepoint_is_taken_back(conn, everywhere, tables):
    with conn.transaction():
        six.insert(conn, "kept", upto=1)
        try:
            with conn.transaction():
                six.insert(conn, "lost", upto=1)
                conn.execute('UPDATE "User" SET "displayName" = \'wrong\' '
                             "WHERE id = 'ukept'")
                raise Rollback
        except Rollback:
            pass
        with conn.transaction():
            conn.execute('UPDATE "User" SET "displayName" = \'right\' '
                         "WHERE id = 'ukept'")
    everywhere.assert_equal(*tables)
    found = everywhere.es.get("user", "ukept")
    assert found["_source"]["displayName"] == "right"
    assert everywhere.es.get("user", "ulost") is None


def test_changed_key(conn, everywhere):
    """Delete, tombstone, create; nothing stays under the old key."""
    conn.execute("CREATE TABLE rekeyed (a int, b text, v text, "
                 "PRIMARY KEY (a, b))")
    conn.execute("ALTER TABLE rekeyed REPLICA IDENTITY FULL")
    conn.execute("INSERT INTO rekeyed VALUES (1, 'x', 'old'), (2, 'y', 'z')")
    table = everywhere.table("rekeyed")
    everywhere.assert_equal(table)
    conn.execute("UPDATE rekeyed SET a = 10, v = 'new' WHERE a = 1")
    # A swap, which takes three steps in any unique index.
    with conn.transaction():
        conn.execute("UPDATE rekeyed SET a = -1 WHERE a = 2")
        conn.execute("UPDATE rekeyed SET a = 2 WHERE a = 10")
        conn.execute("UPDATE rekeyed SET a = 10 WHERE a = -1")
    everywhere.assert_equal(table)


def test_new_table_is_picked_up(conn, everywhere):
    """In the publication, in a topic and in both targets within 15 s; the
    rows it had before are copied."""
    conn.execute("CREATE TABLE picked (id int PRIMARY KEY, v text)")
    conn.execute("ALTER TABLE picked REPLICA IDENTITY FULL")
    conn.execute("INSERT INTO picked SELECT n, 'v' || n "
                 "FROM generate_series(1, 1000) n")
    conn.execute("DELETE FROM picked WHERE id % 10 = 0")
    everywhere.assert_equal(everywhere.table("picked"), timeout=20)


def test_other_schema(conn, everywhere):
    """Label, index and table carry the schema's name."""
    conn.execute('CREATE SCHEMA "Shop"')
    conn.execute('CREATE TABLE "Shop"."Order" (id int PRIMARY KEY, v text)')
    conn.execute('ALTER TABLE "Shop"."Order" REPLICA IDENTITY FULL')
    conn.execute('INSERT INTO "Shop"."Order" VALUES (1, \'a\'), (2, NULL)')
    everywhere.assert_equal(everywhere.table("Order", "Shop"), timeout=30)
    assert everywhere.es.exists("shop.order")
    assert everywhere.ch.exists("Shop_Order")


def test_random_traffic(stack, conn, everywhere):
    """Seeded threads: every kind of transaction, three keys fought over."""
    load = Workload(stack.env["DATABASE_URL"], "rnd", threads=6, rate=600,
                    seed=7)
    load.create_tables(conn)
    with load:
        wait_for_commits(load, 3000)
    everywhere.assert_equal(*[everywhere.table(t) for t in load.tables])


def wait_for_commits(load, count):
    from lib.wait import wait_until
    wait_until(lambda: load.commits >= count, 90, f"{count} commits")


def test_many_changes_of_one_key_in_one_transaction(conn, everywhere):
    """Versions rise within a transaction: the last one wins."""
    conn.execute("CREATE TABLE busy (id int PRIMARY KEY, n int)")
    conn.execute("ALTER TABLE busy REPLICA IDENTITY FULL")
    table = everywhere.table("busy")
    with conn.transaction():
        conn.execute("INSERT INTO busy VALUES (1, 0)")
        for _ in range(300):
            conn.execute("UPDATE busy SET n = n + 1")
    everywhere.assert_equal(table, timeout=30)
    found = everywhere.es.get("busy", "1")
    assert found["_source"]["n"] == exact.Num("300")
