"""cdc-monitor validate: what differs is found, key by key, and nothing else,
with and without traffic; what cannot be checked is no failed check."""

import json
import threading
import time

import pytest

from lib import pg, samples
from lib.pipeline import Pipeline
from lib.stack import http_get
from lib.wait import wait_until
from lib.workload import Workload
from test_types import Columns, prepare

ROWS = 3000
RUNS = 10
HOT_PAUSE_S = 0.1
FIRST_CHECK_S = 60
ALL = {"missing": [], "extra": [], "different": []}


class Checked:
    """A pipeline of its own with a quiet table `calm` of ROWS rows."""

    def __init__(self, pipeline, folder):
        self.pipeline, self.folder = pipeline, folder
        self.conn, self.es, self.ch = (pipeline.conn, pipeline.es,
                                       pipeline.ch)
        self.everywhere = pipeline.everywhere

    def validate(self, *words, **env):
        """(exit code, report or None, output)"""
        folder = self.folder / f"reports-{time.monotonic_ns()}"
        code, text = self.pipeline.run(
            "monitor", "validate", "--json", "--report-dir", str(folder),
            *words, timeout=240, CDC_WORKERS="", **env)
        lines = [line for line in text.splitlines() if line.startswith("{")]
        report = json.loads(lines[0]) if lines else None
        if report is not None:
            (saved,) = folder.glob("data-consistency-*.json")
            assert json.loads(saved.read_text("utf-8")) == report
            assert ":" not in saved.name
        return code, report, text

    def found(self, report, table):
        """{target: {kind: keys}}, and nothing beyond the keys listed"""
        check = self.check(report, f"{table} Consistency")
        targets = check["targets"]
        for target in targets.values():
            assert target["notLookedInto"] == target["rowsOff"] == 0
            for kind, keys in target["keys"].items():
                assert target[kind] == len(keys)
                assert all(key in check["details"] for key in keys)
        return {name: {kind: sorted(keys) for kind, keys
                       in target["keys"].items()}
                for name, target in targets.items()}

    @staticmethod
    def check(report, name):
        (check,) = [c for c in report["checks"] if c["name"] == name]
        return check

    # -- differences by hand -----------------------------------------------

    def es_change(self, table, key):
        self.es.call("POST", f"/{table}/_update/{key}?refresh=true",
                     {"doc": {"v": "changed by hand"}})

    def es_delete(self, table, key):
        self.es.call("DELETE", f"/{table}/_doc/{key}?refresh=true")

    def es_add(self, table, key):
        self.es.call("PUT", f"/{table}/_doc/{key}?refresh=true",
                     {"id": int(key), "v": "ghost"})

    def ch_put(self, table, key, what):
        self.ch.query(
            f"INSERT INTO {table} SELECT * REPLACE({what}, "
            f"_version + 1 AS _version) FROM {table} FINAL WHERE id = {key}")

    def ch_change(self, table, key):
        self.ch_put(table, key, "'changed by hand' AS v")

    def ch_delete(self, table, key):
        self.ch_put(table, key, "1 AS is_deleted")

    def ch_add(self, table, key):
        self.ch.query(f"INSERT INTO {table} (id, v, _version, is_deleted) "
                      f"VALUES ({key}, 'ghost', 5, 0)")

    def heal(self, table):
        """Every row is written again, so both targets get it anew."""
        self.conn.execute(f"UPDATE {table} SET v = v")


@pytest.fixture(scope="module")
def checked(stack, tmp_path_factory):
    stack.revive()
    folder = tmp_path_factory.mktemp("checked")
    with Pipeline(stack, "checked", folder) as made:
        prepare(made.conn)
        made.conn.execute("CREATE TABLE calm (id int PRIMARY KEY, v text, "
                          "n numeric(12,2), at timestamptz DEFAULT now())")
        made.conn.execute("ALTER TABLE calm REPLICA IDENTITY FULL")
        made.conn.execute(
            "INSERT INTO calm SELECT n, 'v' || n, n * 1.10 FROM "
            f"generate_series(1, {ROWS}) n")
        for role in ("producer", "sink-es", "sink-clickhouse"):
            made.start(role)
        checked = Checked(made, folder)
        made.everywhere.assert_equal(made.everywhere.table("calm"))
        yield checked


def test_equal(checked):
    code, report, text = checked.validate()
    assert code == 0, text
    check = checked.check(report, "calm Consistency")
    assert check["status"] == "PASS"
    assert (check["expected"], check["actual"], check["difference"]) == \
        (ROWS, ROWS, 0)
    assert checked.found(report, "calm") == {"elasticsearch": ALL,
                                             "clickhouse": ALL}
    names = [c["name"] for c in report["checks"]]
    for name in ("CDC Service Health", "Data Consistency", "Sync Lag",
                 "Error Rate", "Throughput"):
        assert name in names
    summary = report["summary"]
    assert summary["totalChecks"] == len(names) == \
        summary["passed"] + summary["failed"] + summary["warnings"]


def test_every_type_is_equal(checked):
    """All that a ClickHouse column can hold, by the copy and the stream:
    no value looks different for how a server prints it."""
    conn = checked.conn
    columns = Columns(conn, samples.TOO_LARGE)
    columns.create(conn, "typed")
    columns.fill(conn, "typed")
    conn.execute("CREATE TABLE many_keys (a text, b numeric, c timestamptz, "
                 "d bytea, v int, PRIMARY KEY (c, a, b, d))")
    conn.execute("ALTER TABLE many_keys REPLICA IDENTITY FULL")
    conn.execute("INSERT INTO many_keys VALUES ('[\"', 1.50, now(), '\\x00', 1), "
                 "('', 0, '1999-01-01', '', 2), "
                 "(repeat('x', 600), 7, '2001-02-03', 'y', NULL)")
    tables = [checked.everywhere.table(t) for t in ("typed", "many_keys")]
    checked.everywhere.assert_equal(*tables)
    conn.execute("UPDATE typed SET id = id")
    conn.execute("UPDATE many_keys SET v = 5")
    checked.everywhere.assert_equal(*tables)
    code, report, text = checked.validate("--table", "typed", "--table",
                                          "public.many_keys")
    assert code == 0, text
    for name in ("typed", "many_keys"):
        assert checked.found(report, name) == {"elasticsearch": ALL,
                                               "clickhouse": ALL}
    assert len(report["checks"]) == 7
    conn.execute("DROP TABLE typed, many_keys")


def plant(checked, table="calm"):
    """3 changed, 2 deleted, 1 ghost in each target; what must be found."""
    for key in (11, 12, 13):
        checked.es_change(table, key)
    for key in (21, 22):
        checked.es_delete(table, key)
    checked.es_add(table, "900001")
    for key in (12, 1500, 3000):
        checked.ch_change(table, key)
    for key in (1, 2):
        checked.ch_delete(table, key)
    checked.ch_add(table, "900002")
    return {"elasticsearch": {"different": ["11", "12", "13"],
                              "missing": ["21", "22"], "extra": ["900001"]},
            "clickhouse": {"different": ["12", "1500", "3000"],
                           "missing": ["1", "2"], "extra": ["900002"]}}


def test_planted_differences_are_found(checked):
    wanted = plant(checked)
    code, report, text = checked.validate()
    assert code == 1, text
    assert report["overallStatus"] == "FAIL"
    assert checked.found(report, "calm") == wanted
    check = checked.check(report, "calm Consistency")
    assert check["status"] == "FAIL" and check["difference"] == 12
    checked.heal("calm")
    checked.es_delete("calm", "900001")
    checked.ch_delete("calm", "900002")
    code, report, text = checked.validate("--table", "calm")
    assert code == 0, text


def test_strays_are_extra(checked):
    """A document that is not where its key belongs, or has none."""
    es = checked.es
    es.call("PUT", "/calm/_doc/astray?refresh=true", {"id": 5, "v": "v5"})
    es.call("PUT", "/calm/_doc/keyless?refresh=true", {"v": "x"})
    code, report, text = checked.validate("--table", "calm")
    assert code == 1, text
    assert checked.found(report, "calm")["elasticsearch"] == \
        {**ALL, "extra": ["astray", "keyless"]}
    for key in ("astray", "keyless"):
        checked.es_delete("calm", key)


def test_a_lost_column_value(checked):
    """A type that _source may not have, a null, a missing table."""
    es = checked.es
    es.call("POST", "/calm/_update/7?refresh=true", {"doc": {"n": 7.7}})
    es.call("POST", "/calm/_update/8?refresh=true", {"doc": {"v": None}})
    code, report, text = checked.validate("--table", "calm")
    assert code == 1, text
    assert checked.found(report, "calm")["elasticsearch"] == \
        {**ALL, "different": ["7", "8"]}
    checked.conn.execute("UPDATE calm SET v = v WHERE id IN (7, 8)")
    code, report, text = checked.validate("--table", "calm")
    assert code == 0, text


class Hot:
    """One key of `hot` is updated ten times a second, another inserted and
    deleted."""

    def __init__(self, url):
        self.url, self.stopping = url, threading.Event()
        self.updates, self.error = 0, None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            with pg.connect(self.url) as conn:
                while not self.stopping.wait(HOT_PAUSE_S):
                    conn.execute("UPDATE hot SET v = v || '' , n = n + 1 "
                                 "WHERE id = 1")
                    if self.updates % 2:
                        conn.execute("DELETE FROM hot WHERE id = 2")
                    else:
                        conn.execute("INSERT INTO hot VALUES (2, 'two', 0)")
                    self.updates += 1
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exc):
        self.stopping.set()
        self.thread.join(10)
        assert self.error is None, self.error
        assert self.updates > 0


class TestTraffic:
    """Heavy traffic on four tables, one key updated ten times a second."""

    @pytest.fixture(scope="class")
    def busy(self, checked):
        conn = checked.conn
        conn.execute("CREATE TABLE hot (id int PRIMARY KEY, v text, "
                     "n bigint)")
        conn.execute("ALTER TABLE hot REPLICA IDENTITY FULL")
        conn.execute("INSERT INTO hot SELECT k, 'v', 0 FROM "
                     "generate_series(3, 500) k")
        conn.execute("INSERT INTO hot VALUES (1, 'one', 0)")
        load = Workload(checked.pipeline.url, "vload", threads=4, rate=300)
        load.create_tables(conn)
        checked.everywhere.assert_equal(checked.everywhere.table("hot"),
                                        *map(checked.everywhere.table,
                                             load.tables))
        with Hot(checked.pipeline.url), load:
            wait_until(lambda: load.commits > 300, 60, "traffic")
            yield load.tables
        conn.execute("UPDATE hot SET n = n WHERE id IN (77, 78)")

    @pytest.mark.parametrize("run", range(RUNS))
    def test_no_alarm(self, checked, busy, run):
        code, report, text = checked.validate()
        assert code == 0, f"run {run}: {text}"
        for table in ("calm", "hot", *busy):
            assert checked.found(report, table) == {"elasticsearch": ALL,
                                                    "clickhouse": ALL}

    def test_nothing_is_hidden(self, checked, busy):
        checked.es_change("hot", "77")
        checked.ch_delete("hot", "78")
        code, report, text = checked.validate()
        assert code == 1, text
        assert checked.found(report, "hot") == {
            "elasticsearch": {**ALL, "different": ["77"]},
            "clickhouse": {**ALL, "missing": ["78"]}}
        for table in ("calm", *busy):
            assert checked.found(report, table) == {"elasticsearch": ALL,
                                                    "clickhouse": ALL}


def test_sample_and_warning(checked):
    """A sample compares some keys, and counts all rows."""
    code, report, text = checked.validate("--table", "calm", "--sample",
                                          "10")
    assert code == 0, text
    assert checked.check(report, "calm Consistency")["expected"] == ROWS
    assert report["overallStatus"] == "WARNING"  # no worker is named
    code, report, text = checked.validate("--table", "calm", "--fail-on",
                                          "warning")
    assert code == 1, text
    assert report["overallStatus"] == "WARNING"


@pytest.mark.parametrize("words, env, code", [
    (("--table", "nothing"), {}, 64),
    (("--sample", "0"), {}, 64),
    (("--sample", "101"), {}, 64),
    (("--bogus",), {}, 64),
    ((), {"ELASTICSEARCH_URL": "http://127.0.0.1:1"}, 69),
    ((), {"CLICKHOUSE_HOST": "http://127.0.0.1:1"}, 69),
    ((), {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/x"}, 69),
    ((), {"DATABASE_URL": None}, 78),
    (("--timeout", "2s"), {"CDC_NAME": "checked-not"}, 69),
])
def test_what_cannot_be_checked(checked, words, env, code):
    found, report, text = checked.validate(*words, **env)
    assert (found, report) == (code, None), text


def test_sink_that_is_behind(checked):
    """Not a difference: it could not be checked."""
    (sink,) = [w for w in checked.pipeline.workers if w.role == "sink-es"]
    sink.stop()
    checked.conn.execute("UPDATE calm SET v = v WHERE id < 100")
    code, report, text = checked.validate("--timeout", "3s")
    assert (code, report) == (75, None), text
    assert "checked-es" in text
    checked.pipeline.workers.remove(sink)
    checked.pipeline.start("sink-es", log="sink-es-again")
    code, report, text = checked.validate("--table", "calm")
    assert code == 0, text


def consistency(monitor):
    """The answer of /consistency, which is always 200."""
    status, text = http_get(f"http://127.0.0.1:{monitor.port}"
                            "/api/v1/data-sync/consistency")
    assert status == 200, text
    found = json.loads(text)
    assert list(found)[:3] == ["timestamp", "consistent", "issues"]
    return found


def test_large_tables_are_counted_in_the_background(checked):
    """A row that is off shows as soon as the table stands still."""
    monitor = checked.pipeline.start(
        "monitor", log="monitor-counting", CDC_WORKERS="",
        CDC_CONSISTENCY_INTERVAL="2s", CDC_CONSISTENCY_ROWS_MAX="10")
    wait_until(lambda: consistency(monitor)["consistent"], FIRST_CHECK_S,
               lambda: f"consistent: {consistency(monitor)}")
    checked.ch_delete("calm", "500")
    wanted = [{"table": "calm", "issue": "Count mismatch between PostgreSQL "
               "and ClickHouse", "count": 1}]
    wait_until(lambda: consistency(monitor)["issues"] == wanted,
               FIRST_CHECK_S, lambda: f"an issue: {consistency(monitor)}")
    assert monitor.stop() == 0
    checked.conn.execute("UPDATE calm SET v = v WHERE id = 500")


def test_monitor_checks_in_the_background(checked):
    """/consistency: not checked yet, then equal, then what is wrong."""
    monitor = checked.pipeline.start("monitor", CDC_WORKERS="",
                                     CDC_CONSISTENCY_INTERVAL="2s")

    def answer():
        return consistency(monitor)

    first = answer()
    assert first["consistent"] or \
        first["issues"][0]["issue"] == "not checked yet"
    wait_until(lambda: answer()["consistent"], FIRST_CHECK_S,
               lambda: f"consistent: {answer()}")
    checked.es_delete("calm", "400")
    checked.ch_change("calm", "401")
    wanted = [{"table": "calm", "issue": "Count mismatch between PostgreSQL "
               "and Elasticsearch", "count": 1},
              {"table": "calm", "issue": "Row mismatch between PostgreSQL "
               "and ClickHouse", "count": 1}]
    wait_until(lambda: answer()["issues"] == wanted, FIRST_CHECK_S,
               lambda: f"two issues: {answer()}")
    assert answer()["consistent"] is False
    _, metrics = http_get(f"http://127.0.0.1:{monitor.port}/metrics")
    for target, kind in (("elasticsearch", "missing"),
                         ("clickhouse", "different")):
        lines = [line for line in metrics.splitlines() if line.startswith(
            "cdc_consistency_mismatched_rows{") and 'table="calm"' in line
            and f'target="{target}"' in line and f'kind="{kind}"' in line]
        assert len(lines) == 1 and lines[0].endswith(" 1"), lines
    checked.conn.execute("UPDATE calm SET v = v WHERE id IN (400, 401)")
    wait_until(lambda: answer()["consistent"], FIRST_CHECK_S,
               lambda: f"consistent again: {answer()}")
    assert monitor.stop() == 0
