"""A scripted HTTP server: poses as a target, and misbehaves on demand.

Rules are asked in their order; the first that fits answers, as many times as
it may. What no rule takes goes to the upstream server if there is one, else
it is a 404. A rule can answer with status, headers and body, wait before it,
cut the connection after some bytes of the body, or hand the request to a
function. Everything asked is kept in `requests`.

    with Stub(upstream="http://127.0.0.1:9200") as stub:
        stub.rule("POST", "/_bulk", status=503, times=2)

From a shell: stub.py --port 9999 --rules rules.json [--upstream URL]; the
file holds a list of the arguments of rule().
"""

import argparse
import http.client
import http.server
import json
import re
import socket
import struct
import threading
import time
import urllib.parse

HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Request:
    """One that came in."""

    def __init__(self, method, path, headers, body):
        self.method, self.path = method, path
        self.headers, self.body = headers, body
        self.time = time.monotonic()

    def __repr__(self):
        return f"{self.method} {self.path} ({len(self.body)} bytes)"


class Reply:
    """What goes out. `cut` closes the connection after that many bytes of
    the body, `reset` does it with a RST."""

    def __init__(self, status=200, body="", headers=None, delay=0.0,
                 cut=None, reset=False):
        self.status, self.headers = status, dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            self.headers.setdefault("Content-Type", "application/json")
        self.body = body.encode() if isinstance(body, str) else body
        self.delay, self.cut, self.reset = delay, cut, reset


class Rule:
    def __init__(self, method, path, times, answer):
        self.method, self.path = method, re.compile(path)
        self.left, self.answer = times, answer

    def fits(self, request):
        return (self.left != 0 and self.method in ("*", request.method)
                and self.path.search(request.path))


class Stub:
    """The server, in threads of its own."""

    def __init__(self, port=0, upstream=None):
        self.upstream = upstream
        self.rules, self.requests = [], []
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"stub": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port),
                                                      handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.05,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exc):
        self.server.shutdown()
        self.server.server_close()

    def rule(self, method, path, times=-1, function=None, **reply):
        """`path` is searched as a regular expression, the query included;
        `times` -1 is for ever. `function(request, stub)` returns a Reply, or
        None to let the next rule have it."""
        def scripted(_request, _stub):
            return Reply(**reply)

        with self.lock:
            self.rules.append(Rule(method, path, times,
                                   function or scripted))
        return self

    def clear(self):
        """Forgets the rules: all goes upstream."""
        with self.lock:
            self.rules.clear()

    def answer(self, request):
        with self.lock:
            self.requests.append(request)
            rules = list(self.rules)
        for rule in rules:
            with self.lock:
                if not rule.fits(request):
                    continue
                rule.left -= 1
            reply = rule.answer(request, self)
            if reply is not None:
                return reply
            with self.lock:
                rule.left += 1
        return self.forward(request)

    def forward(self, request):
        """The upstream server's answer, unchanged."""
        if self.upstream is None:
            return Reply(404, {"error": "no rule of the stub"})
        there = urllib.parse.urlsplit(self.upstream)
        conn = http.client.HTTPConnection(there.hostname, there.port,
                                          timeout=60)
        try:
            headers = {k: v for k, v in request.headers.items()
                       if k.lower() not in HOP | {"host"}}
            conn.request(request.method, request.path, request.body or None,
                         headers)
            reply = conn.getresponse()
            body = reply.read()
            kept = {k: v for k, v in reply.getheaders()
                    if k.lower() not in HOP}
            return Reply(reply.status, body, kept)
        except OSError as error:
            return Reply(502, str(error))
        finally:
            conn.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub = None

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.read_chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def read_chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def serve(self):
        request = Request(self.command, self.path, self.headers,
                          self.read_body())
        reply = self.stub.answer(request)
        if reply.delay:
            time.sleep(reply.delay)
        try:
            self.send(reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def send(self, reply):
        if reply.reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       linger)
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            if name.lower() not in ("date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            body = reply.body if reply.cut is None else reply.body[:reply.cut]
            self.wfile.write(body)
        if reply.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

    def log_message(self, *_args):
        """Quiet: `requests` keeps everything."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--upstream")
    parser.add_argument("--rules", help="a JSON list of rules")
    args = parser.parse_args()
    with Stub(args.port, args.upstream) as stub:
        if args.rules:
            with open(args.rules, encoding="utf-8") as file:
                for rule in json.load(file):
                    stub.rule(**rule)
        print(stub.url, flush=True)
        stub.thread.join()


if __name__ == "__main__":
    main()
