"""Reads whole tables: from PostgreSQL, Elasticsearch and ClickHouse."""

import json
import urllib.parse

from . import http, say
from .psql import unescape
from .values import Column, parse_json, quote

PAGE = 5000
DATABASE = "knowton"
COLUMNS = """
SELECT a.attname, t.typname, a.atttypmod
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = 'public.{table}'::regclass
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""


# -- PostgreSQL --------------------------------------------------------------

def source_columns(session, table):
    return [Column(name, kind, int(typmod)) for name, kind, typmod
            in session.rows(COLUMNS.format(table=quote(table)))]


def source_rows(session, table, columns):
    """Yields the texts of each row, in the order of the columns."""
    expressions = ", ".join(column.expression() for column in columns)
    return session.rows(f"SELECT {expressions} FROM public.{quote(table)}")


# -- Elasticsearch -----------------------------------------------------------

class Elasticsearch:
    title = "Elasticsearch"

    def __init__(self, url):
        self.url = url

    def ask(self, method, path, body=None):
        status, answer = http.request(
            f"{self.url}{path}", json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"}, method=method)
        if status == 0:
            raise say.Failure(f"Elasticsearch does not answer at {self.url}")
        return status, answer

    def rows(self, table):
        """Yields (key, members of _source in order); None: no index."""
        alias = urllib.parse.quote(table.lower())
        status, answer = self.ask("POST", f"/{alias}/_refresh")
        if status == 404:
            return None
        status, answer = self.ask("POST", f"/{alias}/_pit?keep_alive=2m")
        if status != 200:
            raise say.Failure(f"Elasticsearch, {alias}: {status} "
                              f"{answer[:300].decode('utf-8', 'replace')}")
        return self.scan(json.loads(answer)["id"])

    def scan(self, pit):
        query = {"size": PAGE, "sort": ["_shard_doc"], "version": True,
                 "track_total_hits": False,
                 "pit": {"id": pit, "keep_alive": "2m"}}
        try:
            while True:
                status, answer = self.ask("POST", "/_search", query)
                if status != 200:
                    raise say.Failure("Elasticsearch, search: "
                                      f"{status} {answer[:300]!r}")
                hits = members(members(parse_json(answer))["hits"])["hits"]
                for hit in hits:
                    fields = members(hit)
                    yield fields["_id"], fields["_source"][1]
                if len(hits) < PAGE:
                    return
                last = members(hits[-1])["sort"]
                query["search_after"] = [int(last[0][1])]
        finally:
            self.ask("DELETE", "/_pit", {"id": pit})


def members(parsed):
    return dict(parsed[1])


# -- ClickHouse --------------------------------------------------------------

class ClickHouse:
    title = "ClickHouse"

    def __init__(self, url, database=DATABASE):
        self.url = url
        self.database = database

    def ask(self, query):
        """The lines of the answer, split into fields."""
        settings = urllib.parse.urlencode({
            "wait_end_of_query": 1, "output_format_decimal_trailing_zeros": 1,
            "date_time_output_format": "simple"})
        status, answer = http.request(f"{self.url}/?{settings}",
                                      query.encode())
        if status == 0:
            raise say.Failure(f"ClickHouse does not answer at {self.url}")
        if status != 200:
            raise say.Failure(f"ClickHouse: {status} "
                              f"{answer[:300].decode('utf-8', 'replace')}")
        text = answer.decode("utf-8", "surrogateescape")
        for line in text.split("\n")[:-1]:
            yield [unescape(field) for field in line.split("\t")]

    def columns(self, table):
        return [row[0] for row in self.ask(
            "SELECT name FROM system.columns WHERE database = "
            f"'{self.database}' AND table = '{table}_current' "
            "ORDER BY position FORMAT TabSeparated")]

    def rows(self, table, names):
        wanted = ", ".join(quote(name) for name in names)
        return self.ask(f"SELECT {wanted} FROM {quote(self.database)}."
                        f"{quote(table + '_current')} FORMAT TabSeparated")
