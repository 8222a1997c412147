"""Fixtures: one stack for the whole session, and what is read from it."""

import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from lib import pg  # noqa: E402
from lib.compare import Everywhere  # noqa: E402
from lib.kafka import Kafka  # noqa: E402
from lib.pipeline import Pipeline  # noqa: E402
from lib.stack import SERVERS, WORKERS, Stack  # noqa: E402
from lib.targets import ClickHouse, Elasticsearch  # noqa: E402

TEST_SECONDS_MAX = 300
LOG_LINES = 20

# What servers say when nothing is wrong.
CHATTER = re.compile(r"<Trace>|<Debug>|UTC \[\d+\] (LOG|DETAIL|STATEMENT):|"
                     r"Redis|\* |overcommit|BootstrapChecks")

# Promises first: when the first row does not arrive, nothing else matters.
ORDER = ("first_row", "changes", "demo", "types", "hostile", "bulk_partial",
         "bad_input", "lost_target", "copy", "throughput", "api", "page",
         "guide", "validate", "lag", "outage", "kill")


def pytest_configure():
    """SIGTERM ends as Ctrl-C does: the fixtures clean up."""
    def interrupt(_signum, _frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def pytest_collection_modifyitems(items):
    def place(item):
        name = pathlib.Path(item.fspath).stem.removeprefix("test_")
        return ORDER.index(name) if name in ORDER else len(ORDER)

    items.sort(key=place)


@pytest.fixture(scope="session")
def stack():
    given = os.environ.get("DATA_SYNC_TEST_HOME")
    home = pathlib.Path(given or tempfile.mkdtemp(prefix="data-sync-e2e-"))
    running = Stack(home)
    try:
        running.up()
        yield running
    finally:
        # Ended by Ctrl-C or SIGTERM too: no server of ours stays behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        running.down()
        if not given:
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def pipes(stack):
    """What tests hold of the session's pipeline, beside the stack."""
    return {
        "kafka": Kafka(stack.brokers),
        "es": Elasticsearch(stack.env["ELASTICSEARCH_URL"]),
        "ch": ClickHouse(stack.env["CLICKHOUSE_HOST"],
                         stack.env["CLICKHOUSE_DATABASE"]),
    }


@pytest.fixture
def conn(stack):
    stack.revive()
    with pg.connect(stack.env["DATABASE_URL"]) as connection:
        yield connection


@pytest.fixture
def everywhere(conn, pipes):
    return Everywhere(conn, pipes["kafka"], pipes["es"], pipes["ch"])


@pytest.fixture(autouse=True)
def deadline():
    """A test that hangs fails, and says where it stood."""
    def late(_signum, _frame):
        raise AssertionError(f"still running after {TEST_SECONDS_MAX} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_SECONDS_MAX)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of each process's log."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    logs = {}
    for value in item.funcargs.values():
        if isinstance(value, Pipeline):
            logs.update(value.logs())
    running = item.funcargs.get("stack")
    if running is not None:
        for name in WORKERS + SERVERS:
            logs.setdefault(name, running.log_text(name))
    for name, text in logs.items():
        lines = [line[:500] for line in text.splitlines()
                 if not CHATTER.search(line)][-LOG_LINES:]
        if lines:
            report.sections.append((f"log of {name}", "\n".join(lines)))
