"""The monitor's API: every answer is as docs/openapi.yaml describes it, and
no client, slow, hostile or many, keeps it from answering the others."""

import http.client
import json
import socket
import time
import urllib.parse

import jsonschema
import pytest
import yaml

from lib.stack import ROOT
from lib.wait import wait_until

API = "/api/v1/data-sync"
OPENAPI = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
PATHS = sorted(OPENAPI["paths"])
FIXED = ["status", "timestamp", "services", "metrics"]
CONNECTIONS = 64


@pytest.fixture
def address(stack, conn):
    url = urllib.parse.urlsplit(stack.env["DATA_SYNC_URL"])
    at = url.hostname, url.port
    wait_until(lambda: ask(at, f"{API}/ready")[0] == 200, 60, "ready")
    return at


def ask(address, path, method="GET", **headers):
    """(status, headers, body) of one request on a connection of its own."""
    client = http.client.HTTPConnection(*address, timeout=10)
    try:
        client.request(method, path, headers=headers)
        answer = client.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        client.close()


def schema_of(path, status):
    content = OPENAPI["paths"][path]["get"]["responses"][str(status)][
        "content"]
    return content.get("application/json", {}).get("schema")


@pytest.mark.parametrize("path", PATHS)
def test_answers_are_as_described(address, path):
    status, headers, body = ask(address, path)
    schema = schema_of(path, status)
    if schema is None:
        assert headers["Content-Type"].startswith("text/plain")
        return
    assert headers["Content-Type"] == "application/json"
    jsonschema.validate(json.loads(body), {
        **schema, "components": OPENAPI["components"]})


def test_members_of_health_come_in_their_order(address):
    """What the original service gave, then what was added."""
    health = json.loads(ask(address, f"{API}/health")[2])
    assert list(health)[:4] == FIXED
    assert list(health["services"]) == ["kafka", "clickhouse",
                                        "elasticsearch", "postgres"]
    assert list(health["metrics"]) == ["syncLag", "errorRate", "throughput"]


def test_messages_of_the_probes(address):
    assert json.loads(ask(address, f"{API}/live")[2]) == {
        "alive": True, "message": "Service is alive"}
    assert json.loads(ask(address, f"{API}/ready")[2]) == {
        "ready": True, "message": "Service is ready"}


def test_head_is_get_without_a_body(address):
    for path in PATHS:
        status, headers, body = ask(address, path, "HEAD")
        assert (status, body) == (200, ""), path
        assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH",
                                    "OPTIONS", "BREW"])
def test_nothing_is_changed_over_http(address, method):
    status, headers, _ = ask(address, f"{API}/health", method)
    assert status == 405 and headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/nothing", API, f"{API}/", "//", "/..%2f",
                                  f"{API}/health/", "/status/", "/%00"])
def test_other_paths_are_404(address, path):
    assert ask(address, path)[0] == 404


HOSTILE = {
    "no http": b"\x16\x03\x01\x02\x00\x01\x00\x01",
    "endless line": b"GET /" + b"a" * 100_000,
    "endless head": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    "large body": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999"
                  b"\r\n\r\n" + b"z" * 1000,
    "bad length": b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_requests_are_ended(address, case):
    with socket.create_connection(address, timeout=20) as client:
        try:
            client.sendall(HOSTILE[case])
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass  # cut off while it spoke
    assert ask(address, f"{API}/live")[0] == 200


def test_slow_clients_are_harmless(address):
    """As many as may connect say nothing: they are dropped, and whoever asks
    meanwhile is answered within the time a probe has."""
    slow = [socket.create_connection(address, timeout=30)
            for _ in range(CONNECTIONS)]
    try:
        for client in slow[::2]:
            client.sendall(b"GET / HTTP/1.1\r\nHos")
        wait_until(lambda: ask_quietly(address), 25, "an answer beside them")
    finally:
        for client in slow:
            client.close()
    began = time.monotonic()
    assert ask(address, f"{API}/health")[0] in (200, 503)
    assert time.monotonic() - began < 2


def ask_quietly(address):
    try:
        return ask(address, f"{API}/live")[0] == 200
    except OSError:
        return False
