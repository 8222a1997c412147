"""The monitor's syncLag is the age of what a sink has not applied."""

import datetime
import time

import pytest

from lib.wait import wait_until
from lib.workload import Workload

PAUSE_S = 5
STALL_S = 6
TRUE_WITHIN_S = 0.5


def test_paused_sink_shows_in_health(stack, conn, everywhere):
    load = Workload(stack.env["DATABASE_URL"], "lag", threads=2, rate=100)
    load.create_tables(conn)
    everywhere.captures(load.tables)
    everywhere.caught_up(120)  # a cold server is not what this is about
    with load:
        wait_until(lambda: load.commits > 100, 30, "load")
        wait_until(lambda: stack.sync_lag() < 2, 30, "a small lag at first")
        stack.pause("sink-es")
        try:
            time.sleep(PAUSE_S)
            wait_until(lambda: stack.sync_lag() >= 4, 3,
                       lambda: f"syncLag >= 4, it is {stack.sync_lag()}")
        finally:
            stack.resume("sink-es")
        wait_until(lambda: stack.sync_lag() < 2, 30,
                   lambda: f"the lag is gone: {stack.health()}")
    everywhere.caught_up()
    wait_until(lambda: stack.sync_lag() == 0, 15,
               lambda: f"syncLag 0 when caught up, it is {stack.sync_lag()}")


def lag_error(stack, since):
    """By how much syncLag misses the age of a change made at `since`."""
    _, health = stack.health()
    at = datetime.datetime.fromisoformat(health["timestamp"]).timestamp()
    return float(health["metrics"]["syncLag"]) - (at - since)


@pytest.mark.parametrize("hop", ["producer", "sink-es", "sink-clickhouse"])
def test_a_stall_of_known_length(stack, conn, everywhere, hop):
    """One change, and a hop that stands still: the lag is its age."""
    everywhere.caught_up()
    wait_until(lambda: stack.sync_lag() == 0, 15, "no lag before")
    stack.pause(hop)
    try:
        conn.execute('UPDATE "Creator" SET "updatedAt" = now() WHERE id = '
                     '(SELECT min(id) FROM "Creator")')
        since = time.time()
        time.sleep(STALL_S)
        errors = []
        for _ in range(8):
            errors.append(lag_error(stack, since))
            time.sleep(0.25)
        assert max(map(abs, errors)) <= TRUE_WITHIN_S, errors
    finally:
        stack.resume(hop)
    wait_until(lambda: stack.sync_lag() == 0, 15,
               lambda: f"syncLag 0 again, it is {stack.sync_lag()}")


def test_dead_sink_shows_in_health(stack, conn, everywhere):
    """The monitor reads the lag itself: no sink has to tell it."""
    stack.kill("sink-clickhouse")
    try:
        conn.execute('UPDATE "User" SET "loginCount" = "loginCount" + 1')
        time.sleep(PAUSE_S)
        wait_until(lambda: stack.sync_lag() >= 4, 10,
                   lambda: f"syncLag >= 4, it is {stack.sync_lag()}")
    finally:
        stack.start("sink-clickhouse")
    everywhere.assert_equal(everywhere.table("User"), timeout=90)
    wait_until(lambda: stack.sync_lag() == 0, 15, "syncLag 0")


def test_health_names_a_dead_service(stack, conn):
    """Within 10 s, and back."""
    stack.stop("elasticsearch")
    try:
        wait_until(lambda: stack.health()[1]["services"]["elasticsearch"]
                   is False, 12, "elasticsearch: false")
        status, health = stack.health()
        assert status == 200 and health["status"] == "degraded"
    finally:
        stack.start("elasticsearch")
    wait_until(lambda: stack.health()[1]["status"] == "healthy", 60,
               lambda: f"healthy again: {stack.health()}")
