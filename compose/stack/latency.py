"""How long one insert, one update and one delete take to show in a target:
from the return of the COMMIT until a query that any reader may send sees it
(an Elasticsearch search, so with its refresh; a ClickHouse SELECT)."""

import json
import threading
import time

from . import psql, say
from .compare import Comparison

KEY = "demo-latency"
TIMEOUT = 60.0
STEPS = (
    ("insert", 'INSERT INTO "User" ("id", "email", "displayName") VALUES '
     f"('{KEY}', '{KEY}@example.org', 'one')", "one"),
    ("update", 'UPDATE "User" SET "displayName" = \'two\', '
     f"\"updatedAt\" = clock_timestamp() WHERE \"id\" = '{KEY}'", "two"),
    ("delete", f"DELETE FROM \"User\" WHERE \"id\" = '{KEY}'", None),
)


def in_elasticsearch(comparison):
    """The display name that a search finds, None for no such row."""
    query = {"query": {"ids": {"values": [KEY]}}}
    status, answer = comparison.elasticsearch.ask("POST", "/user/_search",
                                                  query)
    if status != 200:
        return ""
    hits = json.loads(answer)["hits"]["hits"]
    return hits[0]["_source"]["displayName"] if hits else None


def in_clickhouse(comparison):
    rows = list(comparison.clickhouse.ask(
        'SELECT "displayName" FROM "knowton"."User_current" '
        f"WHERE \"id\" = '{KEY}' FORMAT TabSeparated"))
    return rows[0][0] if rows else None


PROBES = {"Elasticsearch": in_elasticsearch, "ClickHouse": in_clickhouse}


class Watch(threading.Thread):
    """Polls one target until it shows the wanted value; seconds or None."""

    def __init__(self, probe, comparison, wanted, began):
        super().__init__(daemon=True)
        self.probe = probe
        self.comparison = comparison
        self.wanted = wanted
        self.began = began
        self.seconds = None
        self.start()

    def run(self):
        while time.monotonic() - self.began < TIMEOUT:
            try:
                found = self.probe(self.comparison)
            except say.Failure:
                found = ""
            if found == self.wanted:
                self.seconds = time.monotonic() - self.began
                return
            time.sleep(0.005)


def measure(url, elasticsearch, clickhouse):
    """{operation: {target: seconds or None}}"""
    comparison = Comparison(url, elasticsearch, clickhouse)
    measured = {}
    with psql.Session(url) as session:
        session.run(STEPS[2][1] + ";")
        for operation, statement, wanted in STEPS:
            session.run(statement + ";")
            began = time.monotonic()
            watches = {target: Watch(probe, comparison, wanted, began)
                       for target, probe in PROBES.items()}
            for watch in watches.values():
                watch.join()
            measured[operation] = {target: watch.seconds
                                   for target, watch in watches.items()}
    return measured


def report(measured):
    row = "{:<16} {:>14} {:>11}"
    print()
    print(row.format("time to show", *PROBES))
    for operation, targets in measured.items():
        texts = ["not shown" if seconds is None else f"{seconds * 1000:.0f} ms"
                 for seconds in targets.values()]
        print(row.format("one " + operation, *texts))
