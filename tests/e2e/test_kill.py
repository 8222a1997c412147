"""kill -9 of each process, 5 times, with at least 1,000 events between source
and target at that moment; afterwards every row is equal."""

import random
import time

import pytest

from lib.wait import wait_until
from lib.workload import Workload

ROUNDS = 5
BETWEEN_MIN = 1000
BATCH_ROWS = 500
TRIES = 12
ROWS = {"producer": 20_000, "sink-es": 5000, "sink-clickhouse": 5000}

SINKS = {"sink-es": "es", "sink-clickhouse": "clickhouse"}


class Backlog:
    """Rows written while the process stands still, so that it is busy with
    them when it dies. Transactions of BATCH_ROWS rows; updates and deletes of
    earlier ones among them."""

    def __init__(self, conn, kafka, name):
        self.conn, self.kafka, self.name = conn, kafka, name
        self.topic = f"cdc.public.{name}"
        self.next_id = 0
        conn.execute(f"DROP TABLE IF EXISTS {name}")
        conn.execute(f"CREATE TABLE {name} (id int8 PRIMARY KEY, v text, "
                     "n numeric(20,5))")
        conn.execute(f"ALTER TABLE {name} REPLICA IDENTITY FULL")

    def write(self, rows):
        """Returns how many records it must become: a delete is two."""
        records = 0
        for _ in range(0, rows, BATCH_ROWS):
            with self.conn.transaction():
                self.conn.execute(
                    f"INSERT INTO {self.name} SELECT n, 'row ' || n, n + 0.5 "
                    "FROM generate_series(%s::int8, %s::int8) n",
                    (self.next_id, self.next_id + BATCH_ROWS - 1))
                updated = self.conn.execute(
                    f"UPDATE {self.name} SET v = v || '!' WHERE id > %s "
                    "AND id %% 5 = 0", (self.next_id - 200,)).rowcount
                deleted = self.conn.execute(
                    f"DELETE FROM {self.name} WHERE id > %s AND id %% 7 = 0",
                    (self.next_id - 300,)).rowcount
            self.next_id += BATCH_ROWS
            records += BATCH_ROWS + updated + 2 * deleted
        return records


def kill_producer(stack, everywhere, backlog, rng, rows):
    """One attempt; how many records Kafka did not have at the kill. Records
    sent twice make the number smaller, never larger."""
    everywhere.captured(60)
    base = backlog.kafka.end(backlog.topic)
    pid = stack.pid("producer")
    stack.pause("producer")
    records = backlog.write(rows)
    stack.kill_soon("producer", pid, rng.uniform(0.0, 0.12))
    try:
        time.sleep(0.3)  # what was on its way to the broker has arrived
        return records - (backlog.kafka.end(backlog.topic) - base)
    finally:
        stack.start("producer")


def kill_sink(stack, everywhere, backlog, rng, rows, worker):
    """One attempt; how many records lie behind the committed offsets."""
    pid = stack.pid(worker)
    stack.pause(worker)
    backlog.write(rows)
    everywhere.captured(60)
    assert backlog.kafka.lag(SINKS[worker]) >= BETWEEN_MIN
    stack.kill_soon(worker, pid, rng.uniform(0.0, 0.4))
    try:
        return backlog.kafka.lag(SINKS[worker])
    finally:
        stack.start(worker)


@pytest.mark.parametrize("worker", ["producer", "sink-es",
                                    "sink-clickhouse"])
def test_kill_9(stack, conn, everywhere, worker):
    rng = random.Random(worker)
    short = worker.replace("-", "_")
    load = Workload(stack.env["DATABASE_URL"], f"kill_{short}", threads=3,
                    rate=150, seed=5)
    load.create_tables(conn)
    backlog = Backlog(conn, everywhere.kafka, f"backlog_{short}")
    backlog.write(BATCH_ROWS)
    everywhere.assert_equal(everywhere.table(backlog.name))
    rows, killed, seen = ROWS[worker], 0, []
    with load:
        for _ in range(TRIES):
            if worker == "producer":
                between = kill_producer(stack, everywhere, backlog, rng, rows)
            else:
                between = kill_sink(stack, everywhere, backlog, rng, rows,
                                    worker)
            seen.append(between)
            killed += between >= BETWEEN_MIN
            if between < BETWEEN_MIN:
                rows = min(80_000, rows * 2)  # faster than thought
            if killed == ROUNDS:
                break
    print(f"{worker}: records between source and target at each kill: {seen}")
    assert killed == ROUNDS, seen
    tables = [everywhere.table(t) for t in load.tables + [backlog.name]]
    everywhere.assert_equal(*tables, timeout=180)


def test_kill_9_of_all_at_once(stack, conn, everywhere):
    """The three together, in the middle of traffic, twice."""
    load = Workload(stack.env["DATABASE_URL"], "kill_all", threads=4,
                    rate=400, seed=6)
    load.create_tables(conn)
    workers = ("producer", *SINKS)
    with load:
        for _ in range(2):
            goal = load.commits + 300
            wait_until(lambda: load.commits >= goal, 60, "commits")
            stack.kill(*workers)
            stack.start(*workers)
    everywhere.assert_equal(*[everywhere.table(t) for t in load.tables],
                            timeout=180)


def test_second_replicas_and_their_end(stack, conn, everywhere):
    """A replica joins each sink, and dies: partitions move, rows do not get
    lost."""
    load = Workload(stack.env["DATABASE_URL"], "kill_rep", threads=3,
                    rate=200, seed=8)
    load.create_tables(conn)
    with load:
        for worker in SINKS:
            stack.start(f"{worker}-2")
        goal = load.commits + 400
        wait_until(lambda: load.commits >= goal, 60, "commits")
        for worker in SINKS:
            stack.kill(f"{worker}-2")
        goal = load.commits + 200
        wait_until(lambda: load.commits >= goal, 60, "commits")
    everywhere.assert_equal(*[everywhere.table(t) for t in load.tables],
                            timeout=180)
