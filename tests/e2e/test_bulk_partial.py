"""A bulk reply is judged item by item. The stub stands between the sink and
the real Elasticsearch and answers bulk requests as it is told."""

import json
import zlib

import pytest

from lib import exact
from lib.pipeline import Pipeline
from lib.wait import wait_until
from stub.stub import Reply, Stub

REASON = {
    409: ("version_conflict_engine_exception",
          "[k]: version conflict, current version [9223372036854775807] is"
          " higher or equal to the one provided [1]"),
    429: ("es_rejected_execution_exception", "queue is full"),
    400: ("document_parsing_exception", "failed to parse"),
    503: ("unavailable_shards_exception", "primary shard is not active"),
}


@pytest.fixture
def stub(stack):
    with Stub(upstream=stack.env["ELASTICSEARCH_URL"]) as made:
        yield made


@pytest.fixture
def pipeline(stack, stub, tmp_path, request):
    stack.revive()
    name = "bulk" + str(zlib.crc32(request.node.name.encode()))
    with Pipeline(stack, name, tmp_path) as made:
        made.overrides["ELASTICSEARCH_URL"] = stub.url
        made.conn.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, v text)")
        made.start("producer")
        yield made


def actions(request):
    """[(operation, id)] of a bulk body, in its order."""
    lines = iter(request.body.decode().split("\n"))
    found = []
    for line in lines:
        if line:
            (operation, meta), = json.loads(line).items()
            found.append((operation, meta["_id"]))
            if operation != "delete":
                next(lines)
    return found


def item(operation, doc_id, status):
    body = {"_index": "x", "_id": doc_id, "status": status}
    if status >= 300:
        kind, reason = REASON[status]
        body["error"] = {"type": kind, "reason": reason}
    return {operation: body}


class Judge:
    """Scripts the status of single ids; the others go through, each of them
    in a request of its own to the real server."""

    def __init__(self, statuses):
        self.statuses = statuses  # id -> list of statuses, then pass
        self.sent = []            # [ids] of each bulk request

    def __call__(self, request, stub):
        asked = actions(request)
        self.sent.append([doc_id for _, doc_id in asked])
        scripted = {d: self.statuses[d].pop(0) for _, d in asked
                    if self.statuses.get(d)}
        if not scripted:
            return None
        passed = self.forward(request, stub, scripted)
        items = [item(op, d, scripted[d]) if d in scripted
                 else passed.pop(0) for op, d in asked]
        return Reply(200, {"took": 1, "errors": True, "items": items})

    @staticmethod
    def forward(request, stub, scripted):
        """The items of the reply to what is not scripted."""
        kept, lines = [], iter(request.body.decode().split("\n"))
        for line in lines:
            if not line:
                continue
            (operation, meta), = json.loads(line).items()
            pair = [line] if operation == "delete" else [line, next(lines)]
            if meta["_id"] not in scripted:
                kept += pair
        if not kept:
            return []
        request.body = ("\n".join(kept) + "\n").encode()
        reply = stub.forward(request)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)["items"]


def rows(pipeline, first, last):
    """One transaction, so that one batch may hold them all."""
    pipeline.conn.execute(
        f"INSERT INTO {pipeline.name} SELECT n, 'v' || n FROM "
        f"generate_series({first}, {last}) n")
    pipeline.everywhere.captured()


def offset_of(pipeline, key):
    topic = f"{pipeline.name}.public.{pipeline.name}"
    return next((r.topic, r.partition, r.offset)
                for r in pipeline.kafka.records(topic)
                if r.key == f'{{"id":{key}}}'.encode())


def assert_equal(pipeline):
    pipeline.everywhere.assert_equal(
        pipeline.everywhere.table(pipeline.name), targets=["es", "topic"],
        timeout=60)


def test_only_429_is_sent_again(pipeline, stub):
    """Successes, conflicts and throttled items in one reply: the throttled
    ones, and no others, are sent until they are taken."""
    rows(pipeline, 1, 30)
    judge = Judge({"3": [409], "5": [429, 429, 429], "7": [429]})
    stub.rule("POST", r"/_bulk", function=judge)
    pipeline.start("sink-es")
    pipeline.everywhere.caught_up(60, ["es"])
    count = {}
    for ids in judge.sent:
        for doc_id in ids:
            count[doc_id] = count.get(doc_id, 0) + 1
    assert count == {str(n): {5: 4, 7: 2}.get(n, 1) for n in range(1, 31)}
    # 3 was answered "you have something newer": done, so it is not there.
    es = pipeline.es
    assert es.get(pipeline.name, "3") is None
    assert es.count(pipeline.name) == 29
    pipeline.conn.execute(f"UPDATE {pipeline.name} SET v = 'new'")
    assert_equal(pipeline)


def test_400_stops_and_the_offset_stays(pipeline, stub):
    """One item that never will be accepted, between others: the process ends
    with its position, the others are not lost, and it starts again where it
    stood."""
    rows(pipeline, 1, 30)
    topic, partition, offset = offset_of(pipeline, 9)
    judge = Judge({"9": [400] * 100, "4": [429]})
    stub.rule("POST", r"/_bulk", function=judge)
    for _ in range(2):
        worker = pipeline.start("sink-es", ready=False)
        assert worker.wait_exit(60) not in (0, -6, -11)
        log = worker.log()
        assert topic in log and str(offset) in log, log
        assert "document_parsing_exception" in log or "failed to parse" in log
        committed = pipeline.kafka.committed(pipeline.kafka.group("es"))
        assert committed.get((topic, partition), 0) <= offset
    stub.clear()
    pipeline.start("sink-es")
    assert_equal(pipeline)


FAILED_REQUESTS = [
    {"status": 503, "body": "no shard"},
    {"status": 429, "body": {"error": {"type": "x"}, "status": 429}},
    {"status": 401, "body": {"error": "security_exception"}},
    {"status": 500, "body": ""},
    {"status": 200, "body": "<html>a proxy's page</html>"},
    {"status": 200, "body": {"took": 1, "errors": False, "items": []}},
    {"status": 200, "body": {"took": 1}},
    {"status": 200, "body": {"took": 1, "errors": False, "items": []},
     "cut": 10},
    {"reset": True},
    {"status": 413, "body": ""},
]


def test_a_failed_request_is_sent_again(pipeline, stub):
    """Nothing of a whole request that failed, or whose answer says nothing,
    counts as done; the same items come again. A body that is too large is
    cut."""
    worker = pipeline.start("sink-es")
    for number, reply in enumerate(FAILED_REQUESTS):
        stub.clear()
        stub.rule("POST", r"/_bulk", times=2, **reply)
        before = len(stub.requests)
        rows(pipeline, 100 * number, 100 * number + 29)
        wait_until(lambda: pipeline.kafka.lag("es") == 0 or
                   not worker.running(), 60, f"caught up after {reply}")
        assert len(stub.requests) >= before + 3, reply
        if not worker.running():
            # An answer that makes no sense may stop it, but loses nothing.
            assert worker.process.returncode not in (0, -6, -11), \
                worker.log()
            stub.clear()
            worker = pipeline.start("sink-es")
        assert_equal(pipeline)


def test_deletes_in_a_mixed_reply(pipeline, stub):
    """A delete answered 404 is done, one answered 429 comes again."""
    rows(pipeline, 1, 10)
    pipeline.start("sink-es")
    assert_equal(pipeline)
    judge = Judge({"2": [429], "3": [503]})
    stub.rule("POST", r"/_bulk", function=judge)
    pipeline.conn.execute(f"DELETE FROM {pipeline.name} WHERE id <= 5")
    pipeline.everywhere.caught_up(60, ["es"])
    assert_equal(pipeline)
    sent = [d for ids in judge.sent for d in ids]
    assert sent.count("2") > sent.count("1")


def test_slow_answer(pipeline, stub):
    """An answer after 5 s is an answer: nothing is sent twice meanwhile."""
    rows(pipeline, 1, 10)
    stub.rule("POST", r"/_bulk", times=1, function=lambda request, s:
              Reply(**slow(s.forward(request))))
    pipeline.start("sink-es", ready=False)
    pipeline.everywhere.caught_up(60, ["es"])
    assert_equal(pipeline)
    sent = [d for r in stub.requests if "/_bulk" in r.path
            for _, d in actions(r)]
    assert len(sent) == len(set(sent)), "sent once"


def slow(reply):
    return {"status": reply.status, "body": reply.body,
            "headers": reply.headers, "delay": 5.0}


def test_the_stub_itself(stub):
    """Scripts can be trusted: rules in order, counted, and the rest passes."""
    from lib.targets import HttpError, request
    stub.rule("GET", "^/once$", times=1, status=201, body="a",
              headers={"X-B": "c"})
    stub.rule("GET", "^/once$", status=418, body="b")
    assert request("GET", stub.url + "/once") == "a"
    with pytest.raises(HttpError, match="418"):
        request("GET", stub.url + "/once")
    version = exact.loads(request("GET", stub.url + "/"))["version"]
    assert version["number"].startswith("8.")
