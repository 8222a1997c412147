"""Many rows at once, and the copy of a table that is being changed."""

import random
import threading
import time

from lib import pg
from lib.pipeline import Pipeline
from lib.wait import wait_until

ROWS = 100_000


def test_copy_of_100000_rows(conn, everywhere, record_property):
    """One COPY, one transaction, row by row in both targets."""
    conn.execute("CREATE TABLE copied (id int PRIMARY KEY, name text, "
                 "price numeric(12,2), seen timestamptz)")
    conn.execute("ALTER TABLE copied REPLICA IDENTITY FULL")
    table = everywhere.table("copied")
    conn.execute("INSERT INTO copied VALUES (-1, 'is captured', 0, now())")
    everywhere.assert_equal(table)
    assert everywhere.es.count("copied") == 1
    began = time.monotonic()
    with conn.cursor().copy("COPY copied FROM STDIN") as copy:
        for n in range(ROWS):
            copy.write_row((n, f"name {n}", f"{n % 999}.{n % 100:02}",
                            "2024-01-01 00:00:00+00"))
    for sink in ("es", "clickhouse"):
        everywhere.caught_up(120, [sink])
        seconds = time.monotonic() - began
        record_property(f"rows per second to {sink}", int(ROWS / seconds))
        print(f"COPY of {ROWS} rows: {sink} after {seconds:.1f} s")
    assert everywhere.es.count("copied") == ROWS + 1
    assert everywhere.ch.count("copied") == ROWS + 1
    everywhere.assert_equal(table)


class Changes:
    """Updates, deletes and inserts of random keys, until told to stop."""

    def __init__(self, url, table, keys, rate):
        self.url, self.table, self.keys = url, table, keys
        self.pause = 1 / rate
        self.count = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        rng = random.Random(11)
        with pg.connect(self.url) as conn:
            while not self.stopping.wait(self.pause):
                key, kind = rng.randrange(self.keys), rng.random()
                if kind < 0.7:
                    conn.execute(f"UPDATE {self.table} SET v = v || '!' "
                                 "WHERE id = %s", (key,))
                elif kind < 0.85:
                    conn.execute(f"DELETE FROM {self.table} WHERE id = %s",
                                 (key,))
                else:
                    conn.execute(f"INSERT INTO {self.table} VALUES (%s, 'n')"
                                 " ON CONFLICT (id) DO NOTHING", (key,))
                self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exc):
        self.stopping.set()
        self.thread.join(30)
        assert not self.thread.is_alive() and self.count > 0


def fill(conn, table, count):
    conn.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, v text)")
    conn.execute(f"ALTER TABLE {table} REPLICA IDENTITY FULL")
    conn.execute(f"INSERT INTO {table} SELECT n, 'v' || n FROM "
                 f"generate_series(0, {count - 1}) n")


def test_changes_stream_while_a_table_is_copied(stack, tmp_path):
    """An update committed during the copy is in the topic before the copy
    ends, and every key ends in its final state."""
    stack.revive()
    with Pipeline(stack, "copying", tmp_path) as pipeline:
        count = 200_000
        fill(pipeline.conn, "big", count)
        topic = "copying.public.big"
        with Changes(pipeline.url, "big", count, rate=500):
            pipeline.start("producer")
            wait_until(lambda: pipeline.kafka.end(topic) >= count, 120,
                       "the table is copied")
            time.sleep(1)
        everywhere = pipeline.everywhere
        everywhere.captured()
        records = pipeline.kafka.records(topic)
        assert_interleaved(records)
        everywhere.assert_equal(everywhere.table("big"), targets=["topic"])


def assert_interleaved(records):
    """Within a partition offsets are the order: an update between copied
    rows was in the topic while the copy went on."""
    copied = {}
    for record in records:
        if record.op == "r":
            copied.setdefault(record.partition, []).append(record.offset)
    between = [r for r in records if r.op == "u" and r.partition in copied
               and copied[r.partition][0] < r.offset
               < copied[r.partition][-1]]
    assert between, "no update stands between two copied rows"


def test_copy_under_traffic_reaches_both_targets(stack, conn, everywhere):
    """A new table with rows, changed while it is copied."""
    fill(conn, "moving", 40_000)
    with Changes(stack.env["DATABASE_URL"], "moving", 40_000, rate=1000):
        wait_until(lambda: everywhere.kafka.end("cdc.public.moving")
                   >= 30_000, 60, "the table is being copied")
        time.sleep(2)
    everywhere.assert_equal(everywhere.table("moving"), timeout=90)
