"""Metrics: valid, documented, and every query of the guide has an answer from
a real Prometheus, whether it scrapes the monitor or the workers."""

import math
import re
import time

import pytest

from lib.pipeline import Pipeline
from lib.prometheus import Prometheus, check_metrics
from lib.stack import ROOT, http_get
from lib.wait import wait_until
from lib.workload import Workload
from stub.stub import Stub

WRITES = "cdc_elasticsearch_writes_total"
ROLES = ("producer", "sink-es", "sink-clickhouse", "monitor")

# The guide's, as they stand there: (query, least value of the largest
# result). All but the error ratio are of something that happens.
QUERIES = [
    ("rate(cdc_sync_events_total[5m])", 1e-9),
    ("sum(rate(cdc_sync_errors_total[5m])) / "
     "sum(rate(cdc_sync_events_total[5m]))", 0),
    ("histogram_quantile(0.95, rate(cdc_sync_latency_seconds_bucket[5m]))",
     1e-9),
    ("cdc_sync_lag_seconds", 0),
    ("rate(cdc_kafka_messages_published_total[5m])", 1e-9),
    ("rate(cdc_clickhouse_writes_total[5m])", 1e-9),
    ("rate(cdc_elasticsearch_writes_total[5m])", 1e-9),
]

# Known from the start, in which processes.
EVERYWHERE = ("cdc_build_info", "cdc_log_messages_total",
              "process_cpu_seconds_total", "process_resident_memory_bytes",
              "process_virtual_memory_bytes", "process_open_fds",
              "process_max_fds", "process_start_time_seconds",
              "cdc_registry_connected")
SINKS = ("cdc_sync_events_total", "cdc_sync_errors_total",
         "cdc_sync_latency_seconds", "cdc_sync_lag_seconds",
         "cdc_dead_letters_total", "cdc_batch_events",
         "cdc_sink_request_duration_seconds", "cdc_sink_retries_total",
         "cdc_source_last_commit_timestamp_seconds")
OWN = {
    "producer": ("cdc_kafka_messages_published_total",
                 "cdc_capture_events_total", "cdc_capture_streaming",
                 "cdc_snapshot_running", "cdc_snapshot_tables_remaining",
                 "cdc_kafka_producer_queue_messages",
                 "cdc_kafka_producer_queue_bytes",
                 "cdc_source_last_commit_timestamp_seconds",
                 "cdc_heartbeat_last_received_timestamp_seconds"),
    "sink-es": SINKS + ("cdc_elasticsearch_writes_total",),
    "sink-clickhouse": SINKS + ("cdc_clickhouse_writes_total",),
    "monitor": ("cdc_replication_slot_active",
                "cdc_replication_slot_lag_bytes",
                "cdc_replication_slot_retained_bytes",
                "cdc_replication_slot_wal_status",
                "cdc_kafka_consumer_lag_messages", "cdc_component_health",
                "cdc_monitor_sync_lag_seconds", "cdc_monitor_worker_up"),
}


@pytest.fixture(scope="module")
def stub(stack):
    with Stub(upstream=stack.env["ELASTICSEARCH_URL"]) as made:
        yield made


@pytest.fixture(scope="module")
def pipe(stack, stub, tmp_path_factory):
    stack.revive()
    with Pipeline(stack, "metrics", tmp_path_factory.mktemp("metrics")) as p:
        p.overrides["CDC_HEARTBEAT_INTERVAL"] = "2s"
        p.overrides["ELASTICSEARCH_URL"] = stub.url
        load = Workload(p.url, "load", threads=2, rate=50)
        load.create_tables(p.conn)
        places = {role: p.start(role) for role in ROLES[:3]}
        p.overrides["CDC_WORKERS"] = ",".join(
            f"{role}=127.0.0.1:{w.port}" for role, w in places.items())
        p.start("monitor")
        with load:
            wait_until(lambda: load.commits > 20, 30, "traffic")
            yield p


def port(pipe, role):
    return next(w.port for w in pipe.workers if w.role == role)


def metrics(pipe, role):
    status, text = http_get(f"http://127.0.0.1:{port(pipe, role)}/metrics")
    assert status == 200, text
    return text


def families(text):
    return set(re.findall(r"^# TYPE (\S+)", text, re.M))


def value(text, name, **labels):
    """The first series of that name with these labels, or None."""
    for line in text.splitlines():
        if line.startswith(name) and line[len(name)] in "{ " and all(
                f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return None


def ask(prometheus, query, least):
    """Waits until the query has a result of at least that value."""
    def best():
        found = [float(r["value"][1]) for r in prometheus.ask(query)]
        found = [v for v in found if not math.isnan(v)]
        return found and max(found) >= least and found

    wait_until(best, 40, lambda: f"{query}: {prometheus.ask(query)}", 0.5)


def test_queries_when_the_workers_are_scraped(pipe, tmp_path):
    jobs = {f"cdc-{role}": [f"127.0.0.1:{port(pipe, role)}"]
            for role in ROLES[:3]}
    with Prometheus(tmp_path / "workers", jobs) as prometheus:
        for query, least in QUERIES:
            ask(prometheus, query, least)


def test_queries_when_the_monitor_is_scraped(pipe, tmp_path):
    jobs = {"cdc-monitor": [f"127.0.0.1:{port(pipe, 'monitor')}"]}
    with Prometheus(tmp_path / "monitor", jobs, honor=True) as prometheus:
        for query, least in QUERIES:
            ask(prometheus, query, least)
        for component in ROLES:
            ask(prometheus, f'cdc_build_info{{component="{component}"}}', 1)


@pytest.mark.parametrize("role", ROLES)
def test_promtool_finds_nothing(pipe, role):
    assert check_metrics(metrics(pipe, role)) == ""


@pytest.mark.parametrize("role", ROLES)
def test_the_series_are_there(pipe, role):
    wanted = set(EVERYWHERE + OWN[role])
    wait_until(lambda: wanted <= families(metrics(pipe, role)), 20,
               lambda: f"missing: {wanted - families(metrics(pipe, role))}")


@pytest.mark.parametrize("role", ROLES)
def test_every_series_is_documented(pipe, role):
    page = (ROOT / "docs" / "METRICS.md").read_text()
    missing = [name for name in sorted(families(metrics(pipe, role)))
               if f"`{name}" not in page]
    assert not missing, f"not in docs/METRICS.md: {missing}"


def test_heartbeats_come_through(pipe):
    """Through every stage, and per group at the monitor."""
    name = "cdc_heartbeat_last_received_timestamp_seconds"

    def age(role, **labels):
        at = value(metrics(pipe, role), name, **labels)
        return time.time() - at if at else math.inf

    for role in ROLES[:3]:
        wait_until(lambda: age(role) < 10, 30, lambda: f"{role}: {age(role)}")
    for group in ("metrics-es", "metrics-clickhouse"):
        wait_until(lambda: age("monitor", consumer_group=group) < 10, 30,
                   lambda: f"{group}: {age('monitor', consumer_group=group)}")
    assert pipe.kafka.end("metrics.heartbeat") > 0


def test_an_outage_shows_in_the_writes(pipe, stub):
    """Failed attempts count; what was not rejected is no error."""
    requests = "cdc_sink_request_duration_seconds_count"
    stub.rule("POST", "/_bulk", cut=0, times=3)
    wait_until(lambda: sum_of(metrics(pipe, "sink-es"),
                              "cdc_sink_retries_total") >= 3, 30,
               lambda: f"three retries: {metrics(pipe, 'sink-es')}")
    text = metrics(pipe, "sink-es")
    assert sum_of(text, WRITES, 'status="error"') >= 3
    assert sum_of(text, "cdc_sync_errors_total") == 0
    assert sum_of(text, requests) - value(text, requests,
                                          outcome="success") >= 3
    pipe.everywhere.caught_up(60, ["es"])


def sum_of(text, name, part=""):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name + "{") and part in line)
