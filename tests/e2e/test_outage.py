"""Servers go away and come back; nothing is lost, and what does not depend on
them goes on."""

import re

import pytest

from lib import pg
from lib.wait import wait_until
from lib.workload import Workload

OTHER = {"es": "clickhouse", "clickhouse": "es"}
SERVER = {"es": "elasticsearch", "clickhouse": "clickhouse"}
WORKER = {"es": "sink-es", "clickhouse": "sink-clickhouse"}


@pytest.fixture
def load(stack, conn, everywhere, request):
    """Traffic on tables of the test's own, all through the outage."""
    # Each case has names of its own: a table that is dropped and made again
    # keeps its old rows in the targets until there is a sweep.
    name = "out_" + re.sub(r"\W+", "_", request.node.name[5:]).strip("_")
    work = Workload(stack.env["DATABASE_URL"], name, threads=3, rate=150,
                    seed=3)
    work.create_tables(conn)
    everywhere.captures(work.tables)
    return work


def commits(load, count, timeout=60):
    """Waits for that many commits more."""
    goal = load.commits + count
    wait_until(lambda: load.commits >= goal, timeout, f"{count} commits")


def equal(everywhere, load, timeout=120):
    everywhere.assert_equal(*[everywhere.table(t) for t in load.tables],
                            timeout=timeout)


@pytest.mark.parametrize("down, verb", [("es", "kill"),
                                        ("clickhouse", "kill"),
                                        ("clickhouse", "stop")])
def test_target_down_leaves_the_other_alone(stack, conn, everywhere, load,
                                            down, verb):
    other = OTHER[down]
    with load:
        commits(load, 50)
        getattr(stack, verb)(SERVER[down])
        try:
            commits(load, 300)
            everywhere.caught_up(20, [other])
            assert everywhere.kafka.lag(down) > 0
            assert stack.alive(WORKER[down]), "an outage is no reason to end"
            tables = [everywhere.table(t) for t in load.tables]
        finally:
            stack.start(SERVER[down])
        commits(load, 50)
    assert tables
    equal(everywhere, load)


def test_stalled_target(stack, conn, everywhere, load):
    """SIGSTOP: connections stay open and nothing answers."""
    with load:
        commits(load, 50)
        stack.pause("elasticsearch")
        try:
            commits(load, 200)
            everywhere.caught_up(20, ["clickhouse"])
        finally:
            stack.resume("elasticsearch")
    equal(everywhere, load)


@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_kafka_restarts(stack, conn, everywhere, load, verb):
    with load:
        commits(load, 100)
        getattr(stack, verb)("kafka")
        try:
            commits(load, 200)
        finally:
            stack.start("kafka")
        commits(load, 50)
    equal(everywhere, load)


@pytest.mark.parametrize("verb", ["kill", "stop"])
def test_postgres_restarts(stack, conn, pipes, load, verb):
    """kill -9, and a fast shutdown, which waits for the producer to have
    confirmed everything."""
    from lib.compare import Everywhere
    with load:
        commits(load, 200)
        getattr(stack, verb)("postgres")
        stack.start("postgres")
        pg.wait_accepting(stack.env["DATABASE_URL"])
        commits(load, 200)
    with pg.connect(stack.env["DATABASE_URL"]) as fresh:
        equal(Everywhere(fresh, pipes["kafka"], pipes["es"], pipes["ch"]),
              load)


def test_everything_restarts(stack, conn, pipes, load):
    """All five servers at once, under the workers' feet."""
    from lib.compare import Everywhere
    from lib.stack import SERVERS
    with load:
        commits(load, 100)
        stack.kill(*SERVERS)
        stack.start(*SERVERS)
        pg.wait_accepting(stack.env["DATABASE_URL"])
        commits(load, 100)
    with pg.connect(stack.env["DATABASE_URL"]) as fresh:
        equal(Everywhere(fresh, pipes["kafka"], pipes["es"], pipes["ch"]),
              load)
