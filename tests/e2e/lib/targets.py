"""Elasticsearch and ClickHouse by plain HTTP: rows and counts."""

import base64
import re
import urllib.error
import urllib.parse
import urllib.request

from . import exact

PAGE = 5000


class HttpError(AssertionError):
    def __init__(self, status, text):
        super().__init__(f"HTTP {status}: {text[:2000]}")
        self.status = status


def request(method, url, body=None, headers=None, timeout=60):
    """The body of a 2xx answer as text; HttpError for any other."""
    data = body.encode() if isinstance(body, str) else body
    asked = urllib.request.Request(url, data=data, method=method,
                                   headers=headers or {})
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as reply:
            return reply.read().decode()
    except urllib.error.HTTPError as error:
        raise HttpError(error.code, error.read().decode()) from None


class Elasticsearch:
    def __init__(self, url):
        self.url = url.rstrip("/")

    @staticmethod
    def index(table):
        """The alias of a table: lower case, illegal characters as '_', an
        x before a beginning that Elasticsearch refuses or hides."""
        name = re.sub(r'[\\/*?"<>| ,#:]', "_", table.label.lower())
        return "x" + name if name[0] in "-_+." else name

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        text = request(method, self.url + path,
                       exact.dumps(body) if body is not None else None,
                       headers)
        return exact.loads(text) if text else None

    def path(self, index, rest=""):
        return "/" + urllib.parse.quote(index, safe="") + rest

    def refresh(self, index):
        self.call("POST", self.path(index, "/_refresh"))

    def exists(self, index):
        try:
            request("HEAD", self.url + self.path(index))
            return True
        except HttpError as error:
            if error.status == 404:
                return False
            raise

    def count(self, index):
        self.refresh(index)
        return int(self.call("GET", self.path(index, "/_count"))["count"])

    def get(self, index, doc_id):
        """The document (with _version), or None."""
        path = self.path(index, "/_doc/") + urllib.parse.quote(doc_id,
                                                               safe="")
        try:
            return self.call("GET", path)
        except HttpError as error:
            if error.status == 404:
                return None
            raise

    def delete_indices_of(self, pipeline):
        """Index names are not the pipeline's own: another one's table of
        the same name would be refused."""
        for name, body in self.call("GET", "/_mapping").items():
            meta = body["mappings"].get("_meta", {}).get("data-sync", {})
            if meta.get("pipeline") == pipeline:
                self.call("DELETE", self.path(name))

    def documents(self, index):
        """All of an index: [(id, _source with exact numbers)]"""
        self.refresh(index)
        opened = self.call("POST", self.path(index,
                                             "/_pit?keep_alive=1m"))
        found, after = [], None
        try:
            while True:
                body = {"size": PAGE, "sort": [{"_shard_doc": "asc"}],
                        "pit": {"id": opened["id"], "keep_alive": "1m"},
                        "track_total_hits": False}
                if after is not None:
                    body["search_after"] = after
                hits = self.call("POST", "/_search", body)["hits"]["hits"]
                found += [(h["_id"], h["_source"]) for h in hits]
                if len(hits) < PAGE:
                    return found
                after = [int(n) for n in hits[-1]["sort"]]
        finally:
            self.call("DELETE", "/_pit", {"id": opened["id"]})


CLICKHOUSE_SETTINGS = {
    "output_format_json_quote_64bit_integers": "1",
    "output_format_json_quote_decimals": "1",
    "output_format_decimal_trailing_zeros": "1",
    "output_format_json_quote_denormals": "1",
    "output_format_json_escape_forward_slashes": "0",
}


class ClickHouse:
    def __init__(self, url, database="knowton", user="default", password=""):
        self.url = url.rstrip("/")
        self.database = database
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {login}"}

    @staticmethod
    def name(table):
        """schema_table; the bare name for schema public."""
        if table.schema == "public":
            return table.name
        return f"{table.schema}_{table.name}"

    @staticmethod
    def quote(name):
        return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"

    def query(self, text, **settings):
        """The answer as text. A 200 can still carry an exception."""
        values = {"database": self.database, "wait_end_of_query": "1",
                  **CLICKHOUSE_SETTINGS, **settings}
        if not values["database"]:
            del values["database"]
        url = f"{self.url}/?{urllib.parse.urlencode(values)}"
        answer = request("POST", url, text, self.headers)
        assert "DB::Exception" not in answer[-1000:], answer[-1000:]
        return answer

    def rows(self, text):
        """Lists of exact values, one per row."""
        answer = self.query(text + " FORMAT JSONCompactEachRow")
        return [exact.loads(line) for line in answer.split("\n") if line]

    def exists(self, name):
        found = self.query(
            "SELECT count() FROM system.tables WHERE database = "
            f"{self.literal(self.database)} AND name = {self.literal(name)}",
            database="")
        return found.strip() == "1"

    @staticmethod
    def literal(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def types(self, name):
        """{column: type}"""
        return dict(self.rows(
            "SELECT name, type FROM system.columns WHERE database = "
            f"{self.literal(self.database)} AND table = "
            f"{self.literal(name)}"))

    def count(self, name):
        view = self.quote(name + "_current")
        return int(self.query(f"SELECT count() FROM {view}"))

    def current(self, table):
        """(column types, rows as dicts) of the table's view."""
        name = self.name(table)
        columns = [c.name for c in table.columns]
        listed = ", ".join(self.quote(c) for c in columns)
        view = self.quote(name + "_current")
        values = self.rows(f"SELECT {listed} FROM {view}")
        return self.types(name), [dict(zip(columns, v)) for v in values]
