"""The database and the six sample tables with their rows."""

import glob
import os
import subprocess

from . import postgres, say, service
from .cache import COMPOSE
from .home import write_file


def psql(home, arguments, database=postgres.DATABASE, check=True):
    """Runs psql as the superuser over TCP; its output, fails with its
    errors."""
    argv = ["psql", "-X", "-q", "-h", service.HOST,
            "-p", str(home.port("postgres")), "-U", postgres.SUPERUSER,
            "-d", database, "-v", "ON_ERROR_STOP=1", "-A", "-t"]
    try:
        done = subprocess.run(
            argv + arguments, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, env={"PATH": service.PATH, "LANG": "C.UTF-8",
                            "PGCLIENTENCODING": "UTF8"})
    except OSError as error:
        raise say.Failure(f"cannot run psql: {error.strerror}",
                          say.EXIT_UNAVAILABLE)
    if check and done.returncode != 0:
        raise say.Failure("psql failed:"
                          + say.indent(done.stderr.splitlines()[-20:]))
    return done.stdout


def ensure_database(home):
    query = ("SELECT 1 FROM pg_database WHERE datname = "
             f"'{postgres.DATABASE}'")
    if not psql(home, ["-c", query], "postgres").strip():
        psql(home, ["-c", f"CREATE DATABASE {postgres.DATABASE}"],
             "postgres")


def load(home):
    """Once per home, in one transaction; never into tables that exist."""
    marker = home.file("sample.loaded")
    if os.path.exists(marker):
        return
    exists = psql(home, ["-c", "SELECT to_regclass('public.\"User\"') "
                         "IS NOT NULL"]).strip() == "t"
    if not exists:
        files = sorted(glob.glob(os.path.join(COMPOSE, "postgres", "*.sql")))
        arguments = ["-1"]
        for path in files:
            arguments += ["-f", path]
        with say.Step("load", "the six sample tables") as step:
            psql(home, arguments)
            count = psql(home, ["-c", COUNT]).strip()
            step.note = f"{count} rows"
    write_file(marker, "")


COUNT = """
SELECT (SELECT count(*) FROM "User") + (SELECT count(*) FROM "Creator")
     + (SELECT count(*) FROM "Content") + (SELECT count(*) FROM "NFT")
     + (SELECT count(*) FROM "Transaction")
     + (SELECT count(*) FROM "RoyaltyPayment")
"""
