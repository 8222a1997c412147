"""Wrong settings, wrong servers, wrong records: refused with what helps, and
never skipped."""

import concurrent.futures
import re
import time
import zlib

import pytest

from lib import pg
from lib.pipeline import BINARIES, Pipeline
from lib.stack import free_port_base
from lib.wait import holds_for, wait_until

USAGE, UNREACHABLE, CONFIG = 64, 69, 78


@pytest.fixture
def pipeline(stack, tmp_path, request):
    stack.revive()
    name = "bad" + str(zlib.crc32(request.node.name.encode()))
    with Pipeline(stack, name, tmp_path) as made:
        yield made


@pytest.mark.parametrize("role", ["producer", "monitor"])
@pytest.mark.parametrize("value", [None, ""])
def test_missing_database_url(pipeline, role, value):
    code, text = pipeline.run(role, "run", DATABASE_URL=value)
    assert code == CONFIG, text
    assert "DATABASE_URL" in text


@pytest.mark.parametrize("role", list(BINARIES))
def test_usage(pipeline, role):
    code, text = pipeline.run(role, "--no-such-flag")
    assert code == USAGE and "no-such-flag" in text
    code, text = pipeline.run(role, "--version")
    assert code == 0 and re.search(r"\d+\.\d+\.\d+", text)
    code, text = pipeline.run(role, "--help")
    assert code == 0 and "KAFKA_BROKERS" in text


def nowhere():
    """A port at which nobody listens."""
    return free_port_base()


UNREACHABLE_CASES = [
    ("producer", "DATABASE_URL", "postgresql://postgres@127.0.0.1:{}/x"),
    ("producer", "KAFKA_BROKERS", "127.0.0.1:{}"),
    ("sink-es", "ELASTICSEARCH_URL", "http://127.0.0.1:{}"),
    ("sink-es", "KAFKA_BROKERS", "127.0.0.1:{}"),
    ("sink-clickhouse", "CLICKHOUSE_HOST", "http://127.0.0.1:{}"),
    ("sink-clickhouse", "KAFKA_BROKERS", "127.0.0.1:{}"),
]


def side_by_side(function):
    """Calls it with each of the cases at once; each waits for a timeout."""
    with concurrent.futures.ThreadPoolExecutor(len(UNREACHABLE_CASES)) as pool:
        return list(pool.map(lambda case: function(*case),
                             UNREACHABLE_CASES))


def test_check_with_an_unreachable_server(pipeline):
    def check(role, variable, url):
        return pipeline.run(role, "check",
                            **{variable: url.format(nowhere())})

    for case, (code, text) in zip(UNREACHABLE_CASES, side_by_side(check)):
        assert code == UNREACHABLE, f"{case}: {text}"
        assert "127.0.0.1" in text, f"{case}: names where it looked"


def test_run_retries_an_unreachable_server(pipeline):
    """It stays up, is alive and not ready, and does not fill the log."""
    def run(role, variable, url):
        port = nowhere()
        worker = pipeline.start(role, False, f"{role}-{variable}",
                                **{variable: url.format(port)})
        return port, worker

    started = [run(*case) for case in UNREACHABLE_CASES]
    for port, worker in started:
        wait_until(lambda: str(port) in worker.log(), 30,
                   lambda: f"a line that names {port}: {worker.log()}")
    holds_for(lambda: all(w.running() and not w.ready()
                          for _, w in started), 4, "alive and not ready")
    for _, worker in started:
        lines = worker.log().splitlines()
        assert len(lines) < 40, "\n".join(lines)
        began = time.monotonic()
        worker.stop()
        assert time.monotonic() - began < 30


def test_check_when_all_is_well(pipeline):
    pipeline.conn.execute("CREATE TABLE fine (id int PRIMARY KEY)")
    for role in ("producer", "sink-es", "sink-clickhouse"):
        code, text = pipeline.run(role, "check")
        assert code == 0, f"{role}: {text}"


def test_named_table_without_key(pipeline):
    """Refused with the SQL that fixes it, which does fix it."""
    pipeline.conn.execute('CREATE TABLE "No Key" (a int, b text)')
    pipeline.overrides["CDC_TABLES"] = "public.No Key"
    for command in ("check", "run"):
        code, text = pipeline.run("producer", command)
        assert code not in (0, -6), text
        text = text.replace('\\"', '"')  # a quoted value of a log line
        assert "No Key" in text
        assert re.search(r'ALTER TABLE .*"No Key".*'
                         r"(PRIMARY KEY|REPLICA IDENTITY)", text), text
    pipeline.conn.execute('ALTER TABLE "No Key" ADD PRIMARY KEY (a)')
    code, text = pipeline.run("producer", "check")
    assert code == 0, text


def test_table_without_key_under_a_wildcard_is_left_out(pipeline):
    """Its updates must go on working in the application."""
    conn = pipeline.conn
    conn.execute("CREATE TABLE keyless (a int)")
    conn.execute("CREATE TABLE keyful (a int PRIMARY KEY)")
    worker = pipeline.start("producer")
    conn.execute("INSERT INTO keyless VALUES (1)")
    conn.execute("UPDATE keyless SET a = 2")
    conn.execute("DELETE FROM keyless")
    conn.execute("INSERT INTO keyful VALUES (1)")
    pipeline.everywhere.captured()
    assert pipeline.kafka.topics() == [f"{pipeline.name}.public.keyful"]
    assert "keyless" in worker.log(), "skipped visibly"


def test_table_of_another_owner_is_left_out(pipeline):
    """It holds up no other table, and joins once the named SQL was run."""
    conn, role = pipeline.conn, pipeline.name
    conn.execute(f"CREATE ROLE {role} LOGIN REPLICATION")
    conn.execute(f"GRANT CREATE ON DATABASE {pipeline.name} TO {role}")
    conn.execute("CREATE TABLE mine (id int PRIMARY KEY)")
    conn.execute(f"ALTER TABLE mine OWNER TO {role}")
    worker = pipeline.start("producer", DATABASE_URL=pipeline.url.replace(
        "postgres@", f"{role}@", 1))
    conn.execute("CREATE TABLE theirs (id int PRIMARY KEY)")
    conn.execute("INSERT INTO theirs VALUES (1)")
    worker.wait_log("theirs")
    assert "GRANT SELECT ON" in worker.log(), worker.log()
    conn.execute("INSERT INTO mine VALUES (1)")
    pipeline.everywhere.captured()
    assert pipeline.kafka.topics() == [f"{pipeline.name}.public.mine"]
    conn.execute(f"ALTER TABLE theirs OWNER TO {role}")
    pipeline.start("sink-es")
    wait_until(lambda: len(pipeline.kafka.topics()) == 2, 30, "it joins")
    pipeline.everywhere.assert_equal(pipeline.everywhere.table("theirs"),
                                     targets=["es", "topic"])


def test_wal_level_not_logical(pipeline, stack, tmp_path):
    """A server of the test's own: refused with the SQL that fixes it."""
    with ReplicaServer(stack, tmp_path) as url:
        for command in ("check", "run"):
            code, text = pipeline.run("producer", command, DATABASE_URL=url)
            assert code not in (0, -6), text
            assert "wal_level" in text
            assert re.search(r"ALTER SYSTEM SET wal_level\s*=\s*'?logical",
                             text), text


class ReplicaServer:
    """The binaries and user of the stack's PostgreSQL, wal_level replica."""

    def __init__(self, stack, folder):
        self.stack, self.folder = stack, folder

    def __enter__(self):
        import os
        import pathlib
        import pwd
        import shutil
        import subprocess
        import tempfile
        with pg.connect(self.stack.env["DATABASE_URL"]) as conn:
            data = conn.execute("SHOW data_directory").fetchone()[0]
            version = conn.execute("SHOW server_version_num").fetchone()[0]
        found = pathlib.Path(f"/usr/lib/postgresql/{int(version) // 10000}"
                             "/bin")
        bin_dir = found if found.exists() else \
            pathlib.Path(shutil.which("postgres")).parent
        # Beside nothing of root's: the server runs as another user.
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="data-sync-wal-"))
        owner = os.stat(data)
        os.chown(self.home, owner.st_uid, owner.st_gid)
        user = {} if owner.st_uid == os.getuid() else \
            {"user": owner.st_uid, "group": owner.st_gid,
             "extra_groups": []}
        assert pwd.getpwuid(owner.st_uid)
        port = free_port_base()
        subprocess.run([bin_dir / "initdb", "-D", self.home / "data", "-A",
                        "trust", "-U", "postgres", "-N"], check=True,
                       cwd=self.home, stdout=subprocess.DEVNULL, **user)
        self.log = open(self.folder / "replica.log", "wb")
        self.process = subprocess.Popen(
            [bin_dir / "postgres", "-D", self.home / "data", "-p", str(port),
             "-k", self.home, "-c", "listen_addresses=127.0.0.1", "-c",
             "wal_level=replica"], cwd=self.home, stdout=self.log,
            stderr=self.log, **user)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        pg.wait_accepting(url)
        with pg.connect(url) as conn:
            conn.execute("CREATE TABLE t (id int PRIMARY KEY)")
        return url

    def __exit__(self, *_exc):
        import shutil
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


CORRUPT = {
    "no json": b"not json at all",
    "cut": b'{"before":null,"after":{"id":1,"v":"x"',
    "no after": b'{"before":null,"op":"c"}',
    "empty": b"",
    "binary": b"\x00\x01\xff\xfe",
}


@pytest.mark.parametrize("role, case", [
    *(("sink-es", case) for case in CORRUPT), ("sink-clickhouse", "cut")])
def test_corrupt_record_stops_the_sink_with_its_position(pipeline, role,
                                                         case):
    """Until there are dead letters: it ends, names topic, partition and
    offset, and the group's offset does not pass the record, however often it
    is started."""
    conn, kafka = pipeline.conn, pipeline.kafka
    conn.execute("CREATE TABLE spoiled (id int PRIMARY KEY, v text)")
    conn.execute("INSERT INTO spoiled VALUES (1, 'x')")
    pipeline.start("producer")
    pipeline.everywhere.captured()
    topic = f"{pipeline.name}.public.spoiled"
    wait_until(lambda: kafka.end(topic) > 0, 30, "the row is copied")
    good = next(r for r in kafka.records(topic) if r.op == "r")
    kafka.produce(topic, good.key, CORRUPT[case], good.headers,
                  good.partition)
    offset = kafka.ends([topic])[(topic, good.partition)] - 1
    for _ in range(2):
        worker = pipeline.start(role, ready=False)
        code = worker.wait_exit(60)
        assert code not in (0, -6, -11), worker.log()
        log = worker.log()
        assert topic in log and re.search(rf"\b{offset}\b", log), log
        sink = role.removeprefix("sink-")
        committed = kafka.committed(kafka.group(sink))
        assert committed.get((topic, good.partition), 0) <= offset


def test_record_without_headers(pipeline):
    """Foreign records in our topic: stopped at, not guessed at."""
    conn, kafka = pipeline.conn, pipeline.kafka
    conn.execute("CREATE TABLE foreigner (id int PRIMARY KEY)")
    pipeline.start("producer")
    conn.execute("INSERT INTO foreigner VALUES (1)")
    pipeline.everywhere.captured()
    topic = f"{pipeline.name}.public.foreigner"
    kafka.produce(topic, b'{"id":2}', b'{"id":2}', {}, 0)
    worker = pipeline.start("sink-es", ready=False)
    assert worker.wait_exit(60) not in (0, -6, -11)
    assert topic in worker.log()


def test_value_that_clickhouse_cannot_hold(pipeline):
    """Never altered: the sink stops and says where; Elasticsearch, which can
    hold it, goes on."""
    conn = pipeline.conn
    conn.execute("CREATE TABLE late (id int PRIMARY KEY, d date)")
    pipeline.start("producer")
    pipeline.start("sink-es")
    worker = pipeline.start("sink-clickhouse")
    conn.execute("INSERT INTO late VALUES (1, '2024-01-01')")
    pipeline.everywhere.assert_equal(pipeline.everywhere.table("late"))
    conn.execute("INSERT INTO late VALUES (2, '5874897-12-31')")
    assert worker.wait_exit(60) not in (0, -6, -11)
    assert f"{pipeline.name}.public.late" in worker.log()
    pipeline.everywhere.assert_equal(pipeline.everywhere.table("late"),
                                     targets=["es", "topic"])
    assert pipeline.ch.count("late") == 1


def test_truncate_stops_the_sinks(pipeline):
    """Nothing of it may be skipped until it is applied."""
    conn = pipeline.conn
    conn.execute("CREATE TABLE emptied (id int PRIMARY KEY)")
    conn.execute("INSERT INTO emptied SELECT generate_series(1, 10)")
    producer = pipeline.start("producer")
    sinks = [pipeline.start("sink-es"), pipeline.start("sink-clickhouse")]
    pipeline.everywhere.assert_equal(pipeline.everywhere.table("emptied"))
    conn.execute("TRUNCATE emptied")

    def somebody_stopped():
        return not producer.running() or not any(s.running() for s in sinks)

    wait_until(somebody_stopped, 60, "the truncate stops the pipeline")
    stopped = [w for w in [producer] + sinks if not w.running()]
    for worker in stopped:
        assert worker.process.returncode not in (0, -6, -11)
        assert "truncate" in worker.log().lower()
        assert "emptied" in worker.log()
