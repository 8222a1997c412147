"""The main job in one command: traffic, then the comparison of all rows."""

import json
import os
import shlex
import sys
import threading
import time

from . import (clickhouse, compare, elasticsearch, latency, lifecycle,
               postgres, psql, say, service, traffic)
from .home import default_path
from .targets import DATABASE
from .transactions import TABLES

INTERVAL = 1.0
PLAIN_INTERVAL = 2.0


class Lags:
    """The age of the oldest change that a target does not show yet: among
    the rows whose "updatedAt" is later than the newest that it finds."""

    def __init__(self, home):
        self.url = postgres.url(home)
        self.comparison = comparison(home)
        self.latest = {"Elasticsearch": None, "ClickHouse": None}
        self.ended = threading.Event()
        for target, newest in (("Elasticsearch", self.in_elasticsearch),
                               ("ClickHouse", self.in_clickhouse)):
            threading.Thread(target=self.follow, args=(target, newest),
                             daemon=True).start()

    def follow(self, target, newest):
        """A thread per target: a slow one does not hold up the line."""
        while not self.ended.is_set():
            try:
                with psql.Session(self.url) as session:
                    while not self.ended.wait(INTERVAL / 2):
                        self.latest[target] = quietly(self.age, session,
                                                      newest)
            except say.Failure:
                self.ended.wait(INTERVAL)

    def age(self, session, newest):
        """newest(): {table: milliseconds}"""
        ages = " UNION ALL ".join(
            f"SELECT min(\"updatedAt\") AS t FROM \"{table}\" WHERE "
            f"floor(extract(epoch FROM \"updatedAt\") * 1000) > {seen}"
            for table, seen in sorted(newest().items()))
        return float(session.value(
            "SELECT coalesce(extract(epoch FROM max(clock_timestamp()"
            f"::timestamp - t)), 0) FROM ({ages}) AS ages"))

    def in_elasticsearch(self):
        indices = ",".join(table.lower() for table in TABLES)
        newest = {"newest": {"max": {"field": "updatedAt"}}}
        tables = {table: {"term": {"_index": table.lower()}}
                  for table in TABLES}
        _, answer = self.comparison.elasticsearch.ask(
            "POST", f"/{indices}/_search", {"size": 0, "aggs": {
                "tables": {"filters": {"filters": tables}, "aggs": newest}}})
        buckets = json.loads(answer)["aggregations"]["tables"]["buckets"]
        return {table: int(bucket["newest"]["value"])
                for table, bucket in buckets.items()}

    def in_clickhouse(self):
        query = " UNION ALL ".join(
            f"SELECT '{table}', toUnixTimestamp64Milli("
            f'max(assumeNotNull("updatedAt"))) FROM "{DATABASE}"."{table}"'
            for table in TABLES)
        return {table: int(value) for table, value
                in self.comparison.clickhouse.ask(
                    query + " FORMAT TabSeparated")}


def quietly(read, *arguments):
    """None where a target does not answer or has not all tables yet."""
    try:
        return read(*arguments)
    except (KeyError, TypeError, ValueError):
        return None


def comparison(home):
    return compare.Comparison(postgres.url(home), elasticsearch.url(home),
                              clickhouse.url(home))


def show_lag(seconds):
    return "    -" if seconds is None else f"{seconds:4.1f} s"


def run_traffic(home, rate, seconds, seed):
    """Runs the generator in a thread and shows what happens."""
    generator = traffic.Traffic(postgres.url(home), rate, seconds, seed)
    failures = []

    def work():
        try:
            generator.run()
        except say.Failure as failure:
            failures.append(failure)

    say.line("traffic", f"{seconds:g} s at {rate:g} rows/s, seed {seed}")
    thread = threading.Thread(target=work, daemon=True)
    lags = Lags(home)
    thread.start()
    try:
        watch(thread, generator, lags)
    finally:
        generator.stop()
        thread.join(35)
        lags.ended.set()
    if failures:
        raise failures[0]
    print(generator.summary(), flush=True)


def watch(thread, generator, lags):
    """The live line: rewritten on a terminal, else one every two seconds."""
    live = sys.stdout.isatty()
    began = before = time.monotonic()
    rows = 0
    while True:
        thread.join(INTERVAL if live else PLAIN_INTERVAL)
        if not thread.is_alive():
            break
        lag = lags.latest
        now, total = time.monotonic(), generator.counters.rows()
        text = (f"{now - began:3.0f} s  {total:7} rows  "
                f"{(total - rows) / (now - before):6.0f} rows/s   lag: "
                f"Elasticsearch {show_lag(lag['Elasticsearch'])}, "
                f"ClickHouse {show_lag(lag['ClickHouse'])}")
        rows, before = total, now
        if live:
            print(f"\r{'traffic':<9} {text}\x1b[K", end="", flush=True)
        else:
            say.line("traffic", text)
    if live:
        print()


def run(home, cache, options):
    """Exit code 0: every row and column equal everywhere."""
    try:
        lifecycle.up(home, cache)
        run_traffic(home, options.rate or 500.0, options.seconds or 20.0,
                    1 if options.seed is None else options.seed)
        with say.Step("compare", "every row and column, as soon as the "
                      "targets have caught up"):
            result = compare.wait_equal(comparison(home),
                                        options.wait or 300.0)
        if not result.differences:
            with say.Step("measure", "one insert, one update, one delete"):
                measured = latency.measure(
                    postgres.url(home), elasticsearch.url(home),
                    clickhouse.url(home))
            latency.report(measured)
        code = compare.report(result, "demo")
    finally:
        if options.down:
            lifecycle.down(home, cache, False)
    if not options.down:
        print(hints(home))
    return code


def hints(home):
    local = "compose/local"
    if home.path != os.path.realpath(default_path(os.environ)):
        local += f" --home {shlex.quote(home.path)}"
    base = f"http://{service.HOST}:{home.port('monitor')}"
    return f"""
The stack stays up. Try:
  eval "$({local} env)"
  curl -s {base}/api/v1/data-sync/health
  curl -s '{elasticsearch.url(home)}/user/_search?size=1&pretty'
  psql {postgres.url(home)} -c 'SELECT count(*) FROM "User"'
  {local} kill sink-es; {local} start sink-es; {local} compare --wait 30
  {local} down --wipe"""
