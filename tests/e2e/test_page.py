"""The status page in a real browser: what it shows in each state, that its
policy lets nothing else in, and what a terminal gets instead."""

import html.parser
import json
import re
import shutil
import subprocess
import urllib.request

import pytest

from lib.wait import wait_until
from stub.stub import Stub

SECONDS = 60
STATUS = "/api/v1/data-sync/status"


def browse(url, folder, *flags):
    """What Chromium makes of the page: its DOM, and its complaints."""
    done = subprocess.run(
        [shutil.which("chromium"), "--headless", "--no-sandbox",
         "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         f"--user-data-dir={folder}", "--enable-logging=stderr", "--v=0",
         "--virtual-time-budget=3000", *flags, "--dump-dom", url],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=SECONDS, check=True)
    complaints = [line for line in done.stderr.splitlines()
                  if "CONSOLE" in line]
    return done.stdout, complaints


def get(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, answer.read().decode()


class TextOf(html.parser.HTMLParser):
    """The text within the element with an id; markup in it is not text."""

    VOID = {"meta", "link", "br", "img"}

    def __init__(self, dom, element):
        super().__init__()
        self.element, self.depth, self.parts = element, 0, []
        self.feed(dom)

    def handle_starttag(self, tag, attrs):
        if self.depth or dict(attrs).get("id") == self.element:
            self.depth += tag not in self.VOID

    def handle_endtag(self, tag):
        self.depth -= self.depth > 0

    def handle_data(self, data):
        if self.depth:
            self.parts.append(data)


def text_of(dom, element):
    return " ".join(TextOf(dom, element).parts)


@pytest.fixture
def monitor(stack, conn):
    url = stack.env["DATA_SYNC_URL"]
    wait_until(lambda: json.loads(get(url + STATUS)[1])["tables"], 30,
               "the monitor knows the tables")
    return url


def test_page_of_a_live_stack(monitor, tmp_path):
    dom, complaints = browse(monitor + "/", tmp_path)
    assert not complaints, complaints
    assert text_of(dom, "state") in ("healthy", "degraded")
    for table in ("User", "Creator", "Content", "NFT", "Transaction"):
        assert table in text_of(dom, "tables")
    assert "producer" in text_of(dom, "workers")
    assert "active" in text_of(dom, "slot")


def test_page_is_small_and_sealed(monitor):
    headers, page = get(monitor + "/", "text/html,*/*;q=0.8")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert len(page) < 60_000
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"https?://", page), "no external resource"
    other = get(monitor + "/", "text/html")[0]["Content-Security-Policy"]
    assert policy != other, "a nonce is used once"


def test_text_for_a_terminal(monitor):
    headers, text = get(monitor + "/")
    assert headers["Content-Type"].startswith("text/plain")
    assert re.match(r"cdc: (healthy|degraded) at ", text)
    for word in ("postgres", "sink-clickhouse", "slot cdc: active", "User"):
        assert word in text, text


def dead_sink(status):
    status["status"] = "degraded"
    status["problems"] = ["no sink-es answers", "lag is above 60 s"]
    status["lag"]["es"].update(seconds=75.5, messages=420, table="User")
    status["metrics"]["syncLag"] = 75.5


def lost_slot(status):
    status["status"] = "unhealthy"
    status["problems"] = ["replication slot cdc is about to be lost"]
    status["slot"].update(active=False, walStatus="unreserved")
    status["slotSafeBytes"] = 1_234_567


def inconsistent(status):
    status["status"] = "degraded"
    status["consistency"] = {
        "timestamp": "2026-01-01T00:00:00.000Z", "consistent": False,
        "issues": [{"table": "User", "count": 5, "issue":
                    "Count mismatch between PostgreSQL and Elasticsearch"}]}


def hostile(status):
    """Names from the source are text, whatever they hold."""
    status["tables"] = [dict(status["tables"][0],
                             table="<img src=x onerror=alert(1)>")]
    status["problems"] = ["</li><script>alert(1)</script>"]


STATES = [
    (dead_sink, "degraded", {"problems": "no sink-es answers",
                             "path": "75.5 s, 420 events"}),
    (lost_slot, "unhealthy", {"problems": "about to be lost",
                              "slot": "1.2 MB"}),
    (inconsistent, "degraded", {
        "consistency": "User: Count mismatch between PostgreSQL and "
                       "Elasticsearch (5)"}),
    (hostile, "healthy", {
        "tables": "<img src=x onerror=alert(1)>",
        "problems": "</li><script>alert(1)</script>"}),
]


@pytest.mark.parametrize("change, state, shown", STATES,
                         ids=[case[0].__name__ for case in STATES])
def test_states(monitor, tmp_path, change, state, shown):
    """The monitor's own page and policy, with a status made up."""
    headers, page = get(monitor + "/", "text/html")
    status = json.loads(get(monitor + STATUS)[1])
    status.update(status="healthy", problems=[])
    change(status)
    with Stub() as stub:
        stub.rule("GET", STATUS, body=status)
        stub.rule("GET", "^/$", body=page, headers={
            name: headers[name] for name in
            ("Content-Type", "Content-Security-Policy")})
        dom, complaints = browse(stub.url + "/", tmp_path)
    assert not complaints, complaints
    assert text_of(dom, "state") == state
    for element, text in shown.items():
        assert text in text_of(dom, element)


def test_monitor_away(monitor, tmp_path):
    """The page says so instead of showing what was."""
    headers, page = get(monitor + "/", "text/html")
    with Stub() as stub:
        stub.rule("GET", STATUS, status=500, body="")
        stub.rule("GET", "^/$", body=page, headers={
            name: headers[name] for name in
            ("Content-Type", "Content-Security-Policy")})
        dom, _ = browse(stub.url + "/", tmp_path)
    assert "no answer from the monitor" in text_of(dom, "state")
