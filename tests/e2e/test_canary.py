"""Whatever happens to a row, its values are not in a log, at debug level
neither; levels are in upper case."""

import re

import pytest

from lib.pipeline import Pipeline
from lib.wait import wait_until

CANARY = "canary-7f3a9c"


@pytest.fixture
def pipe(stack, tmp_path, request):
    stack.revive()
    name = "canary-" + request.node.name.split("_")[-1]
    with Pipeline(stack, name, tmp_path) as made:
        made.overrides["CDC_LOG_LEVEL"] = "debug"
        made.conn.execute("CREATE TABLE secrets (id text PRIMARY KEY, v text, "
                          "day date, n numeric)")
        made.conn.execute("ALTER TABLE secrets REPLICA IDENTITY FULL")
        yield made


def insert(pipe, number, day="2024-01-01"):
    pipe.conn.execute("INSERT INTO secrets VALUES (%s, %s, %s, 12345678.9)",
                      (f"{CANARY}-{number}", f"{CANARY} value", day))


def check_logs(pipe, forms=("level=",)):
    for name, text in pipe.logs().items():
        assert CANARY not in text and "12345678" not in text, name
        assert any(form in text for form in forms), name
        assert not re.search(r"level=[a-z]|\"level\":\"[a-z]", text), name


def test_rows_that_pass(pipe):
    """Copied, inserted, updated, deleted, with a changed key."""
    insert(pipe, 0)
    for role in ("producer", "sink-es", "sink-clickhouse"):
        pipe.start(role)
    for number in range(1, 4):
        insert(pipe, number)
    pipe.conn.execute("UPDATE secrets SET v = v || ' changed'")
    pipe.conn.execute("UPDATE secrets SET id = id || '-new' "
                      "WHERE id LIKE '%%-1'")
    pipe.conn.execute("DELETE FROM secrets WHERE id LIKE '%%-2'")
    pipe.everywhere.assert_equal(pipe.everywhere.table("secrets"), timeout=90)
    check_logs(pipe)


def test_rows_that_a_target_refuses(pipe):
    """Out of range for ClickHouse: the reject names the column alone."""
    pipe.overrides["CDC_LOG_FORMAT"] = "json"
    pipe.start("producer")
    insert(pipe, 0, "0001-01-01")
    sink = pipe.start("sink-clickhouse", ready=False)
    sink.wait_log('day')
    sink.wait_log("refuses the event")
    check_logs(pipe, ('"level":"',))


def test_records_that_cannot_be_read(pipe):
    """Somebody else's record in a topic of ours: named by its position."""
    pipe.start("producer")
    insert(pipe, 0)
    topic = f"{pipe.name}.public.secrets"
    wait_until(lambda: pipe.kafka.end(topic) > 0, 30, "the topic")
    pipe.kafka.produce(topic, f'{{"id":"{CANARY}"}}'.encode(),
                       f'{{"after":{{"id":"{CANARY}"}}}}'.encode(), {}, 0)
    for role in ("sink-es", "sink-clickhouse"):
        sink = pipe.start(role, ready=False)
        sink.wait_log(f"{topic} [0] offset")
    check_logs(pipe)
