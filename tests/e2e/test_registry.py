"""The registry in Redis: replicas come and go by themselves, and nothing
depends on it."""

import json
import signal
import time

import pytest

from lib.pipeline import Pipeline
from lib.redis import Redis
from lib.stack import API, http_get
from lib.wait import holds_for, wait_until

AWAY = "the registry is away"
BACK = "the registry is back"
APPEARS_S = 5
VANISHES_S = 15


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def redis(folder):
    with Redis(folder) as running:
        yield running


@pytest.fixture(scope="module")
def pipe(stack, folder, redis):
    """Producer, both sinks, and a monitor that is told of no worker."""
    stack.revive()
    with Pipeline(stack, "registry", folder) as made:
        made.overrides["REDIS_URL"] = redis.url
        made.overrides["CDC_WORKERS"] = ""
        made.conn.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        made.conn.execute("ALTER TABLE t REPLICA IDENTITY FULL")
        for role in ("producer", "sink-es", "sink-clickhouse", "monitor"):
            made.start(role)
        yield made


def health(pipe):
    (monitor,) = [w for w in pipe.workers if w.role == "monitor"]
    status, text = http_get(f"http://127.0.0.1:{monitor.port}{API}/health")
    assert status == 200, text
    return json.loads(text)


def replicas(pipe, role):
    """Addresses of those that answer."""
    return sorted(w["instance"] for w in health(pipe)["workers"]
                  if w["role"] == role and w["up"])


def flows(pipe, key):
    """A row travels to both targets."""
    pipe.conn.execute("INSERT INTO t VALUES (%s, 'x')", (key,))
    pipe.everywhere.assert_equal(pipe.everywhere.table("t"), timeout=60)


def lines(pipe, text):
    """{role: how often its log says so}, of the workers that run."""
    return {w.role: w.log().count(text) for w in pipe.workers if w.running()}


def test_all_are_found_without_being_configured(pipe):
    for role in ("producer", "sink-es", "sink-clickhouse"):
        wait_until(lambda: len(replicas(pipe, role)) == 1, 10,
                   lambda: f"one {role} in {health(pipe)}")
    flows(pipe, 1)


def entries(redis):
    return [k for k in redis.keys() if ":proc:" in k]


def test_entries_say_what_they_should(pipe, redis):
    keys = wait_until(lambda: len(entries(redis)) == 4 and entries(redis), 10,
                      lambda: f"four entries in {redis.keys()}")
    (key,) = [k for k in keys if ":proc:sink-es:" in k]
    assert key.startswith("cdc:registry:proc:sink-es:")
    (worker,) = [w for w in pipe.workers if w.role == "sink-es"]

    def entry():
        return json.loads(redis.ask("GET", key).split("\r\n", 1)[1])

    found = wait_until(lambda: entry()["progress"]["events"] and entry(), 15,
                       lambda: f"events in {entry()}")
    assert found["role"] == "sink-es" and found["ready"] is True
    assert found["url"] == f"http://127.0.0.1:{worker.port}"
    assert found["pid"] == worker.process.pid
    assert found["errors"] == 0 and found["version"]
    assert found["progress"]["lastEventTime"] and found["started"]
    ttl = int(redis.ask("PTTL", key)[1:])
    assert 8000 < ttl <= 15000


def test_the_last_comparison_is_cached(pipe, redis):
    """What /consistency answers lies in Redis, too."""
    key = "cdc:registry:consistency"
    wait_until(lambda: key in redis.keys(), 90,
               lambda: f"{key} in {redis.keys()}")
    found = json.loads(redis.ask("GET", key).split("\r\n", 1)[1])
    assert found["timestamp"] and isinstance(found["issues"], list)
    assert isinstance(found["consistent"], bool)


def test_replicas_appear_and_vanish(pipe):
    first = replicas(pipe, "sink-es")
    second = pipe.start("sink-es", log="sink-es-2")
    wait_until(lambda: len(replicas(pipe, "sink-es")) == 2, APPEARS_S,
               lambda: f"the second sink-es in {health(pipe)}")
    second.kill()
    wait_until(lambda: replicas(pipe, "sink-es") == first, VANISHES_S,
               lambda: f"only {first} in {health(pipe)}")
    wait_until(lambda: [w["instance"] for w in health(pipe)["workers"]
                        if w["role"] == "sink-es"] == first, VANISHES_S + 3,
               lambda: f"nothing of the dead one in {health(pipe)}")
    third = pipe.start("sink-es", log="sink-es-3")
    wait_until(lambda: len(replicas(pipe, "sink-es")) == 2, APPEARS_S,
               lambda: f"the third sink-es in {health(pipe)}")
    assert third.stop() == 0
    wait_until(lambda: replicas(pipe, "sink-es") == first, 5,
               lambda: f"only {first} in {health(pipe)}")
    flows(pipe, 2)


def outage(pipe, key, begin, end):
    """Whatever happens to Redis: data flows, one line at the beginning and
    one at the end."""
    away, back = lines(pipe, AWAY), lines(pipe, BACK)
    begin()
    wait_until(lambda: health(pipe)["components"]["redis"] == "down", 10,
               lambda: f"redis is down in {health(pipe)}")
    flows(pipe, key)
    holds_for(lambda: replicas(pipe, "sink-es"), 16, "the sink is still known")
    assert health(pipe)["status"] == "healthy"
    flows(pipe, key + 1)
    end()
    wait_until(lambda: health(pipe)["components"]["redis"] == "up", 10,
               lambda: f"redis is up in {health(pipe)}")
    once = {role: n + 1 for role, n in back.items()}
    wait_until(lambda: lines(pipe, BACK) == once, 15,
               lambda: f"one line at the end, {lines(pipe, BACK)}")
    time.sleep(3)
    assert lines(pipe, AWAY) == {role: n + 1 for role, n in away.items()}
    assert lines(pipe, BACK) == once
    wait_until(lambda: len(replicas(pipe, "sink-es")) == 1, 10, "found again")


def test_redis_dies_and_comes_back(pipe, redis):
    outage(pipe, 10, redis.kill, redis.start)


def test_redis_hangs(pipe, redis):
    """Stopped as a process: connections open, and nothing answers."""
    outage(pipe, 20, lambda: redis.signal(signal.SIGSTOP),
           lambda: redis.signal(signal.SIGCONT))


def test_throughput_is_that_of_all_replicas(pipe):
    """A process that is configured and in the registry counts once."""
    (sink,) = [w for w in pipe.workers
               if w.role == "sink-es" and w.running()]
    monitor = pipe.start("monitor", log="monitor-2",
                         CDC_WORKERS=f"sink-es=localhost:{sink.port}")
    status, text = http_get(f"http://127.0.0.1:{monitor.port}{API}/health")
    found = wait_until(
        lambda: [w for w in json.loads(
            http_get(f"http://127.0.0.1:{monitor.port}{API}/health")[1])
            ["workers"] if w["role"] == "sink-es"], 10, text)
    holds_for(lambda: len(found) == 1, 5, found)
    monitor.stop()


def test_wrong_password(pipe, folder):
    """An outage of its own kind: one warning that names it, no password."""
    (folder / "locked").mkdir()
    with Redis(folder / "locked", password="right-one") as locked:
        url = f"redis://:wr0ng-one@127.0.0.1:{locked.port}/1"
        sink = pipe.start("sink-es", log="sink-es-locked", REDIS_URL=url)
        sink.wait_log("Redis refuses the password of REDIS_URL")
        time.sleep(3)
        assert sink.log().count(AWAY) == 1
        assert "wr0ng-one" not in sink.log()
        flows(pipe, 30)
        assert sink.stop() == 0


def test_tls_is_refused(pipe):
    code, text = pipe.run("sink-es", "run", REDIS_URL="rediss://127.0.0.1")
    assert code == 78 and "TLS" in text


def test_empty_switches_it_off(pipe):
    monitor = pipe.start("monitor", log="monitor-off", REDIS_URL="")
    _, text = http_get(f"http://127.0.0.1:{monitor.port}{API}/health")
    assert json.loads(text)["components"]["redis"] == "disabled"
    assert monitor.stop() == 0
    assert AWAY not in monitor.log()
