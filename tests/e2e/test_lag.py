"""The monitor's syncLag is the age of what a sink has not applied."""

import time

from lib.wait import wait_until
from lib.workload import Workload

PAUSE_S = 5


def test_paused_sink_shows_in_health(stack, conn, everywhere):
    load = Workload(stack.env["DATABASE_URL"], "lag", threads=2, rate=100)
    load.create_tables(conn)
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
        wait_until(lambda: stack.sync_lag() < 2, 30, "the lag is gone")
    everywhere.caught_up()
    wait_until(lambda: stack.sync_lag() == 0, 15,
               lambda: f"syncLag 0 when caught up, it is {stack.sync_lag()}")


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
