"""One HTTP request to a local server, without proxies."""

import http.client
import json
import urllib.error
import urllib.request

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def request(url, body=None, seconds=60.0, headers=None, method=None):
    """(status, bytes); status 0 when there is no answer."""
    call = urllib.request.Request(url, data=body, headers=headers or {},
                                  method=method)
    try:
        with OPENER.open(call, timeout=seconds) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            try:
                return error.code, error.read()
            except (OSError, http.client.HTTPException):
                return 0, b""
    except (OSError, ValueError, http.client.HTTPException):
        return 0, b""


def get_json(url, seconds=5.0):
    """The parsed body of a 200, else None."""
    status, body = request(url, seconds=seconds)
    if status != 200:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None
