"""What a guide tells people to type, as they would type it: in a shell, with
curl, jq and grep, against a stack that runs."""

import json
import os
import re
import subprocess

import pytest

from lib.pipeline import BINARIES
from lib.stack import ROOT, http_get
from lib.wait import wait_until

API = "$DATA_SYNC_URL/api/v1/data-sync"


@pytest.fixture
def shell(stack, conn, tmp_path):
    """shell(command): what it prints; it must succeed."""
    env = {**os.environ, **stack.env,
           "PATH": f"{BINARIES['monitor'].parent}:{os.environ['PATH']}"}

    def run(command):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-euc", command], env=env,
            cwd=tmp_path, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0, \
            f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    url = stack.env["DATA_SYNC_URL"]
    wait_until(lambda: http_get(f"{url}/readyz")[0] == 200, 60, "ready")
    return run


def test_health(shell):
    health = json.loads(shell(f"curl -sf {API}/health"))
    assert health["status"] in ("healthy", "degraded")
    assert shell(f"curl -sf {API}/health | jq -r .status").strip() == \
        health["status"]
    assert shell(f"curl -s {API}/health | jq -c '.services'").strip() == (
        '{"kafka":true,"clickhouse":true,"elasticsearch":true,'
        '"postgres":true}')
    lag = shell(f"curl -s {API}/health | jq .metrics.syncLag")
    assert 0 <= float(lag) < 60
    assert float(shell(f"curl -s {API}/health | "
                       "jq '.metrics.errorRate * 100'")) == 0
    shell(f"curl -s {API}/health | jq -e '.metrics | has(\"throughput\")'")


def test_probes(shell):
    assert shell(f"curl -sf {API}/ready | jq -r .message") == \
        "Service is ready\n"
    assert shell(f"curl -sf {API}/live | jq -r .message") == \
        "Service is alive\n"


def test_metrics(shell, conn):
    """Each of the guide's series is there for a table that has one."""
    conn.execute("UPDATE \"User\" SET \"updatedAt\" = \"updatedAt\" "
                 "WHERE id = (SELECT min(id) FROM \"User\")")
    for name, label in [("cdc_sync_events_total", "table"),
                        ("cdc_sync_errors_total", "table"),
                        ("cdc_sync_latency_seconds_bucket", "table"),
                        ("cdc_sync_lag_seconds", "table"),
                        ("cdc_clickhouse_writes_total", "table")]:
        found = shell(f"curl -s {API}/metrics | grep ^{name}")
        assert f'{label}="User"' in found, name
    found = shell(f"curl -s {API}/metrics | grep ^cdc_elasticsearch_writes")
    assert 'index="user"' in found
    found = shell(f"curl -s {API}/metrics | grep ^cdc_kafka_messages_publ")
    assert 'topic="cdc.public.User"' in found


def test_consistency(shell):
    def checked():
        answer = json.loads(shell(f"curl -sf {API}/consistency"))
        return answer if "not checked yet" not in str(answer) else None

    answer = wait_until(checked, 90, "the first comparison")
    assert answer["consistent"] is True, answer
    assert shell(f"curl -s {API}/consistency | jq '.issues | length'") == "0\n"


def test_validate(shell, tmp_path):
    shell("cdc-monitor validate --table User")
    (report,) = (tmp_path / "reports").glob("data-consistency-*.json")
    assert re.fullmatch(r"data-consistency-\d{4}-\d\d-\d\dT[\dT-]+.*\.json",
                        report.name)
    summary = shell("jq -c .summary reports/data-consistency-*.json")
    assert json.loads(summary)["failed"] == 0
    status = shell("jq -r .overallStatus reports/data-consistency-*.json")
    assert status.strip() in ("PASS", "WARNING")


@pytest.mark.parametrize("name", ["producer", "sink-es", "sink-clickhouse",
                                  "monitor"])
def test_restart(shell, stack, everywhere, name):
    """A worker that is restarted goes on where it was."""
    shell(f"{ROOT}/compose/local restart {name} --home {stack.home}")
    everywhere.conn.execute("UPDATE \"Creator\" SET \"updatedAt\" = now() "
                            "WHERE id = (SELECT min(id) FROM \"Creator\")")
    everywhere.assert_equal(everywhere.table("Creator"))


def test_status(shell):
    assert re.match(r"cdc: \w+ at ", shell(
        "cdc-monitor status --listen ${DATA_SYNC_URL#http://}"))
    assert json.loads(shell("cdc-monitor status --json --listen "
                            "${DATA_SYNC_URL#http://}"))["name"] == "cdc"
