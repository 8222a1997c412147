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
    """The age of what each target does not show yet: per table, the newest
    "updatedAt" of PostgreSQL less the newest that the target finds."""

    def __init__(self, home):
        self.session = psql.Session(postgres.url(home))
        self.comparison = comparison(home)

    def close(self):
        self.session.close()

    def read(self):
        """{target: seconds, None when unknown}"""
        shown = {"Elasticsearch": quietly(self.in_elasticsearch),
                 "ClickHouse": quietly(self.in_clickhouse)}
        newest = quietly(self.in_postgres)
        return {target: worst(newest, seen)
                for target, seen in shown.items()}

    def in_postgres(self):
        query = " UNION ALL ".join(
            f"SELECT '{table}', (extract(epoch FROM max(\"updatedAt\")) "
            f'* 1000)::bigint FROM "{table}"' for table in TABLES)
        return {table: int(value) for table, value
                in self.session.rows(query) if value}

    def in_elasticsearch(self):
        found = {}
        query = {"size": 0, "aggs": {"newest": {
            "max": {"field": "updatedAt"}}}}
        for table in TABLES:
            status, answer = self.comparison.elasticsearch.ask(
                "POST", f"/{table.lower()}/_search", query)
            if status == 200:
                value = json.loads(answer)["aggregations"]["newest"]["value"]
                if value:
                    found[table] = int(value)
        return found

    def in_clickhouse(self):
        query = " UNION ALL ".join(
            f"SELECT '{table}', toUnixTimestamp64Milli("
            f'max(assumeNotNull("updatedAt"))) FROM "{DATABASE}"."{table}"'
            for table in TABLES)
        return {table: int(value) for table, value
                in self.comparison.clickhouse.ask(
                    query + " FORMAT TabSeparated") if int(value) > 0}


def quietly(read):
    try:
        return read()
    except (say.Failure, KeyError, ValueError):
        return None


def worst(newest, seen):
    if not newest or not seen or len(seen) < len(newest):
        return None
    return max(max(0, newest[table] - seen[table])
               for table in newest) / 1000.0


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
        lags.close()
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
        lag = lags.read()
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
