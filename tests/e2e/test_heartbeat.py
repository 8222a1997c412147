"""Heartbeats: an idle pipeline is seen to be alive, and its slot moves; a
server that refuses them stops nothing."""

import time

import pytest

from lib import pg
from lib.pipeline import Pipeline
from lib.stack import http_get
from lib.wait import holds_for, wait_until

NAME = "cdc_heartbeat_last_received_timestamp_seconds"
EVERY_S = 2
REFUSED = "the server refuses heartbeats"


@pytest.fixture
def pipe(stack, tmp_path, request):
    """One of each test's own: state outlives the slot."""
    stack.revive()
    name = "hb-" + request.node.name.removeprefix("test_")[:30]
    with Pipeline(stack, name.replace("_", "-"), tmp_path) as made:
        made.overrides["CDC_HEARTBEAT_INTERVAL"] = f"{EVERY_S}s"
        made.conn.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        made.conn.execute("ALTER TABLE t REPLICA IDENTITY FULL")
        yield made


def beats(pipe):
    return pipe.kafka.end(f"{pipe.name}.heartbeat")


def flush_lsn(pipe):
    return pipe.conn.execute(
        "SELECT pg_current_wal_flush_lsn()").fetchone()[0]


def age(worker):
    _, text = http_get(f"http://127.0.0.1:{worker.port}/metrics")
    for line in text.splitlines():
        if line.startswith(NAME):
            return time.time() - float(line.rsplit(" ", 1)[1])
    return float("inf")


def test_idle_slot_follows(stack, pipe):
    """WAL of another database: within two heartbeats the slot is there."""
    pipe.start("producer")
    wait_until(lambda: beats(pipe) > 0, 20,
               "a first heartbeat")
    with pg.connect(stack.env["DATABASE_URL"]) as other:
        other.execute("CREATE TABLE IF NOT EXISTS elsewhere (id int)")
        for _ in range(3):
            other.execute("INSERT INTO elsewhere SELECT generate_series(1, "
                          "1000)")
            lsn = flush_lsn(pipe)
            wait_until(lambda: pg.confirmed_past(
                pipe.conn, pipe.everywhere.slot, lsn), 2 * EVERY_S + 2,
                f"the slot has reached {lsn}")
        other.execute("DROP TABLE elsewhere")


def test_freshness_is_that_of_each_stage(pipe):
    """A sink that stands still shows it; the others do not."""
    workers = {role: pipe.start(role)
               for role in ("producer", "sink-es", "sink-clickhouse")}
    pipe.conn.execute("INSERT INTO t VALUES (1, 'x')")
    pipe.everywhere.assert_equal(pipe.everywhere.table("t"), timeout=60)
    for role, worker in workers.items():
        wait_until(lambda: age(worker) < 2 * EVERY_S + 1, 20,
                   lambda: f"{role}: {age(worker)} s")
    workers["producer"].stop()
    wait_until(lambda: age(workers["sink-es"]) > 4 * EVERY_S, 20,
               "no producer, no heartbeat")
    pipe.start("producer", log="producer-2")
    for role in ("sink-es", "sink-clickhouse"):
        wait_until(lambda: age(workers[role]) < 2 * EVERY_S + 1, 20,
                   lambda: f"{role}: {age(workers[role])} s")
    assert pipe.es.count("t") == 1


def test_a_killed_producer_loses_nothing(pipe):
    """A heartbeat is an event like any other: rows around it all arrive."""
    pipe.overrides["CDC_HEARTBEAT_INTERVAL"] = "5ms"
    for role in ("sink-es", "sink-clickhouse"):
        pipe.start(role, ready=False)
    for n in range(4):
        producer = pipe.start("producer", log=f"producer-{n}")
        for k in range(200):
            pipe.conn.execute("INSERT INTO t VALUES (%s, 'x')",
                              (1000 * n + k,))
        producer.kill()
    pipe.start("producer", log="producer-last")
    pipe.everywhere.assert_equal(pipe.everywhere.table("t"), timeout=90)
    assert pipe.es.count("t") == 800


def rename(pipe, old, new):
    for content in ("text", "bytea"):
        pipe.conn.execute(f"ALTER FUNCTION {old}(boolean, text, {content}) "
                          f"RENAME TO {new}")


def test_a_server_that_refuses(pipe):
    """One warning, and all else goes on."""
    producer = pipe.start("producer")
    pipe.conn.execute("INSERT INTO t VALUES (4, 'x')")
    wait_until(lambda: "table copied" in producer.log(), 30, "the copy")
    rename(pipe, "pg_logical_emit_message", "emit_not")
    try:
        producer.wait_log(REFUSED)
        holds_for(lambda: producer.log().count(REFUSED) == 1, 3 * EVERY_S,
                  "one warning")
        topic = f"{pipe.name}.public.t"
        before = pipe.kafka.end(topic)
        pipe.conn.execute("INSERT INTO t VALUES (5, 'x')")
        wait_until(lambda: pipe.kafka.end(topic) > before, 20, "a new event")
    finally:
        rename(pipe, "emit_not", "pg_logical_emit_message")
    producer.wait_log("heartbeats are written again")
    assert producer.log().count(REFUSED) == 1


def test_switched_off(pipe):
    producer = pipe.start("producer", CDC_HEARTBEAT_INTERVAL="0")
    pipe.conn.execute("INSERT INTO t VALUES (1, 'x')")
    pipe.everywhere.captured()
    time.sleep(2 * EVERY_S)
    assert age(producer) == float("inf")
    assert beats(pipe) == 0
