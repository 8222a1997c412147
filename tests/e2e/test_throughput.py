"""1,000 one-row transactions a second, sustained; and why it holds: nobody
waits for Kafka per transaction."""

import re
import sys
import threading
import time

from lib import pg
from lib.stack import ROOT
from lib.wait import wait_until

RATE, SECONDS, THREADS = 1000, 10, 4


def writer(url, number, rate, until, counts):
    """One-row transactions at a steady rate; late ones are caught up."""
    with pg.connect(url) as conn:
        conn.execute("SET synchronous_commit = off")
        started, done = time.monotonic(), 0
        while time.monotonic() < until:
            due = (time.monotonic() - started) * rate
            while done < due:
                conn.execute("INSERT INTO single VALUES (%s, %s)",
                             (number * 10_000_000 + done, f"row {done}"))
                done += 1
            time.sleep(0.001)
        counts[number] = done


def test_1000_transactions_a_second(stack, conn, everywhere):
    conn.execute("CREATE TABLE single (id int PRIMARY KEY, v text)")
    conn.execute("ALTER TABLE single REPLICA IDENTITY FULL")
    conn.execute("INSERT INTO single VALUES (-1, 'is it captured?')")
    wait_until(lambda: everywhere.kafka.end("cdc.public.single") > 0, 30,
               "the new table is captured")
    url, counts = stack.env["DATABASE_URL"], {}
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=writer,
                                args=(url, n, 1.1 * RATE / THREADS, until,
                                      counts))
               for n in range(THREADS)]
    for thread in threads:
        thread.start()
    behind = []
    while any(t.is_alive() for t in threads):
        time.sleep(1)
        rows = conn.execute("SELECT count(*) FROM single").fetchone()[0]
        behind.append(rows - everywhere.kafka.end("cdc.public.single"))
    for thread in threads:
        thread.join()
    total = sum(counts.values())
    assert total >= RATE * SECONDS, f"only {total} written: a slow machine"
    # A producer that cannot hold the rate is further behind each second.
    assert max(behind) < 2 * RATE, f"records behind each second: {behind}"
    began = time.monotonic()
    everywhere.caught_up(timeout=15)
    print(f"{total} transactions in {SECONDS} s; caught up "
          f"{time.monotonic() - began:.1f} s later; behind {behind}")
    everywhere.assert_equal(everywhere.table("single"))


# Where waiting for all deliveries is right: nothing more is coming.
MAY_FLUSH = re.compile(r"stop|shut|close|fini|drain|reconnect|restart|flush"
                       r"|end|lost|reset")


def test_flush_stands_only_where_a_stream_ends():
    """rd_kafka_flush, or a function of ours around it, is called in shutdown
    and reconnect code only."""
    sys.path.insert(0, str(ROOT / "tests"))
    from runner import source
    wrappers, found = {"rd_kafka_flush"}, 0
    while True:
        new = set()
        for path in source.c_files(source.PRODUCT, (".c",)):
            for line, function in callers(source, path, wrappers):
                found += 1
                assert MAY_FLUSH.search(function), \
                    f"{path}:{line}: {function} waits for Kafka"
                if "flush" in function:
                    new.add(function)
        if new <= wrappers:
            break
        wrappers |= new
    assert found, "no call of rd_kafka_flush at all: is shutdown clean?"


def callers(source, path, names):
    text = source.code_only(path)
    spans = [(start, start + size, name)
             for name, start, size in source.functions(path)]
    pattern = r"\b(" + "|".join(sorted(names)) + r")\s*\("
    for match in re.finditer(pattern, text):
        line = text.count("\n", 0, match.start()) + 1
        inside = [name for first, last, name in spans
                  if first < line < last and name != match.group(1)]
        if inside:
            yield line, inside[0]
