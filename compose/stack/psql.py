"""A psql child that stays: queries one after the other over one session.

Rows travel in COPY's text format, so that every byte of a value arrives as
PostgreSQL printed it. The session sees the settings that the sink profile
names (UTC, ISO dates, shortest floats), never those of the caller.
"""

import os
import subprocess
import tempfile
import urllib.parse

from . import say, service

SETTINGS = """\
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
"""
END = "\\echo @end@\n"
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# What ORMs add to a URL and libpq does not know.
FOREIGN = ("schema", "connection_limit", "pool_timeout", "pgbouncer",
           "socket_timeout", "statement_cache_size")


def plain_url(url):
    """The URL without parameters that only an ORM understands."""
    parts = urllib.parse.urlsplit(url)
    kept = [(name, value) for name, value
            in urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
            if name not in FOREIGN]
    return urllib.parse.urlunsplit(
        parts._replace(query=urllib.parse.urlencode(kept)))


def command(url, *options):
    return ["psql", "-X", "-A", "-t", *options, "-d", plain_url(url)]


def environment():
    return {"PATH": service.PATH, "LANG": "C.UTF-8",
            "PGCLIENTENCODING": "UTF8", "PGAPPNAME": "compose-local"}


def unescape(text):
    """One field of COPY's text format; None for NULL."""
    if text == "\\N":
        return None
    if "\\" not in text:
        return text
    out, at = [], 0
    while (mark := text.find("\\", at)) >= 0:
        out.append(text[at:mark])
        letter = text[mark + 1]
        out.append(ESCAPES.get(letter, letter))
        at = mark + 2
    return "".join(out) + text[at:]


def literal(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


class Session:
    """One connection. A query that fails ends it with say.Failure."""

    def __init__(self, url):
        self.errors = tempfile.TemporaryFile()
        try:
            self.child = subprocess.Popen(
                command(url, "-q", "-v", "ON_ERROR_STOP=1"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self.errors, env=environment(), encoding="utf-8")
        except OSError as error:
            raise say.Failure(f"cannot run psql: {error.strerror}",
                              say.EXIT_UNAVAILABLE)
        self.run(SETTINGS)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def close(self):
        try:
            self.child.stdin.close()
        except OSError:
            pass
        self.child.stdout.close()
        self.child.wait()
        self.errors.close()

    def fail(self):
        self.child.kill()
        self.child.wait()
        self.errors.seek(0)
        text = self.errors.read().decode("utf-8", "replace").strip()
        raise say.Failure(f"psql: {text or 'the connection ended'}")

    def lines(self, sql):
        """Sends statements, yields the lines they print."""
        try:
            self.child.stdin.write(sql + END)
            self.child.stdin.flush()
        except OSError:
            self.fail()
        for line in self.child.stdout:
            if line == "@end@\n":
                return
            yield line[:-1]
        self.fail()

    def run(self, sql):
        return list(self.lines(sql + "\n"))

    def rows(self, query):
        """Yields each row of a query as a list of text values or None."""
        for line in self.lines(f"COPY ({query}) TO STDOUT;\n"):
            yield [unescape(field) for field in line.split("\t")]

    def value(self, query):
        """The only value of the first row."""
        return next(iter(list(self.rows(query))))[0]


def find_url(environ=os.environ):
    return environ.get("DATABASE_URL")
