"""Sends transactions to PostgreSQL at a rate, through one psql child.

Statements go ahead without waiting for each answer; a reader thread counts
what psql reports. Only committed rows count. When the connection breaks (the
server was killed) it comes back and goes on until the time is over.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time

from . import psql, say
from .transactions import TABLES, Keys, Maker

IN_FLIGHT = 300
LATE = 0.2
GROUP = 8
LOADED_KEYS = 5000
USAGE = """\
usage: compose/traffic [OPTION...]

Random inserts, updates, deletes, multi-table transactions, rollbacks and
savepoints on the six sample tables. Ends with one line that says what it
did; SIGINT and SIGTERM end it in order.

  --url URL      the database (default: DATABASE_URL)
  --rate R       rows per second (default 500; at least 2000 are reached)
  --seconds S    how long (default 0: until it is stopped)
  --seed N       seed of all choices (default 1)
  -h, --help     this text
"""


class Counters:
    """What was committed so far, and what was not."""

    def __init__(self):
        self.inserts = self.updates = self.deletes = 0
        self.transactions = self.rollbacks = self.savepoints = 0
        self.errors = self.reconnects = 0

    def rows(self):
        return self.inserts + self.updates + self.deletes


class Traffic:
    """run() until the seconds are over or stop() is called."""

    def __init__(self, url, rate, seconds, seed):
        self.url = url
        self.rate = rate
        self.seconds = seconds
        self.seed = seed
        self.counters = Counters()
        self.stopped = threading.Event()
        self.began = self.took = 0.0
        self.sent_rows = 0

    def stop(self):
        self.stopped.set()

    def over(self):
        return self.stopped.is_set() or (
            self.seconds and time.monotonic() - self.began >= self.seconds)

    def behind(self):
        """Seconds since the next row was due; negative when it is early."""
        due = self.began + self.sent_rows / self.rate
        return time.monotonic() - due

    def run(self):
        self.began = time.monotonic()
        first = True
        while not self.over():
            try:
                maker = self.load()
                Connection(self, maker).work()
            except say.Failure:
                if first:
                    raise
            first = False
            if not self.over():
                self.counters.reconnects += 1
                self.stopped.wait(0.2)
        self.took = time.monotonic() - self.began

    def load(self):
        """The ids that exist, and a number for this run."""
        with psql.Session(self.url) as session:
            run = session.value("SELECT nextval('\"trafficRun\"')")
            keys = {table: Keys(
                row[0] for row in session.rows(
                    f'SELECT "id" FROM "{table}" ORDER BY "id" '
                    f"LIMIT {LOADED_KEYS}")) for table in TABLES}
        for table, found in keys.items():
            if not len(found):
                raise say.Failure(f'"{table}" is empty: load the sample '
                                  "rows first")
        rng = random.Random(f"{self.seed}:{run}")
        return Maker(rng, keys, self.seed, run)

    def summary(self):
        c = self.counters
        seconds = self.took or time.monotonic() - self.began
        text = (f"traffic: {seconds:.1f} s, {c.rows()} rows in "
                f"{c.transactions} transactions ({c.inserts} inserts, "
                f"{c.updates} updates, {c.deletes} deletes), "
                f"{c.rollbacks} rolled back, {c.savepoints} with savepoints, "
                f"{c.rows() / max(seconds, 0.001):.0f} rows/s, "
                f"seed {self.seed}")
        if c.errors:
            text += f", {c.errors} failed"
        if c.reconnects:
            text += f", {c.reconnects} reconnects"
        return text


class Connection:
    """One psql child and the transactions that wait for its answer."""

    def __init__(self, traffic, maker):
        self.traffic = traffic
        self.maker = maker
        self.pending = threading.Semaphore(IN_FLIGHT)
        self.ended = threading.Event()
        self.held = None
        self.child = subprocess.Popen(
            psql.command(traffic.url), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=psql.environment(), encoding="utf-8",
            start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)

    def work(self):
        self.reader.start()
        try:
            while not self.traffic.over() and not self.ended.is_set():
                self.send(self.gather())
                self.pace()
            self.child.stdin.close()
        except OSError:
            pass
        self.reader.join(30)
        if self.child.poll() is None and self.reader.is_alive():
            self.child.kill()
            self.reader.join()
        self.child.wait()

    def gather(self):
        """One transaction; several in one while the rate is not reached,
        since a commit takes as long as the disk needs."""
        statements = self.held or self.maker.next()
        self.held = None
        if self.traffic.behind() < LATE or not is_plain(statements):
            return statements
        for _ in range(GROUP - 1):
            more = self.maker.next()
            if not is_plain(more):
                self.held = more
                break
            statements = statements + more
        return statements

    def send(self, statements):
        while not self.pending.acquire(timeout=0.2):
            if self.traffic.over() or self.ended.is_set():
                return
        kind, end = "one", ""
        if len(statements) > 1:
            kind, end = "many", "COMMIT;\n"
            if statements[-1] == "ROLLBACK":
                kind, end = "rollback", "ROLLBACK;\n"
                statements = statements[:-1]
            elif not is_plain(statements):
                kind = "savepoints"
            statements = ["BEGIN"] + statements
        # psql sends what \\; joins as one message. The end goes alone: it
        # ends the transaction also when that message failed half way.
        text = "\\;\n".join(statements)
        self.child.stdin.write(f"{text};\n{end}\\echo @{kind}@\n")
        self.child.stdin.flush()
        if kind != "rollback":
            self.traffic.sent_rows += sum(map(rows_of, statements))

    def pace(self):
        """Sleeps while more was sent than the rate allows."""
        traffic = self.traffic
        ahead = -traffic.behind()
        if ahead > 0:
            traffic.stopped.wait(min(ahead, 1.0))

    def read(self):
        """Command tags up to each @kind@ line."""
        tags = []
        for line in self.child.stdout:
            if line.startswith("@"):
                self.count(line.strip("@\n"), tags)
                self.pending.release()
                tags = []
            else:
                tags.append(line.split())
        self.ended.set()

    def count(self, kind, tags):
        counters = self.traffic.counters
        names = [tag[0] for tag in tags if tag]
        if kind == "rollback":
            counters.rollbacks += 1
        elif (kind == "one" and names) or names[-1:] == ["COMMIT"]:
            counters.transactions += 1
            counters.savepoints += kind == "savepoints"
            self.count_rows(undo_savepoints(tags))
        else:
            counters.errors += 1

    def count_rows(self, tags):
        counters = self.traffic.counters
        for tag in tags:
            if tag[0] == "INSERT":
                counters.inserts += int(tag[2])
            elif tag[0] == "UPDATE":
                counters.updates += int(tag[1])
            elif tag[0] == "DELETE":
                counters.deletes += int(tag[1])


def is_plain(statements):
    """Neither rolled back nor with savepoints: may stand with others."""
    return not any(text.startswith(("ROLLBACK", "SAVEPOINT"))
                   for text in statements)


def rows_of(statement):
    if " IN (" in statement:
        return statement.count("', '") + 1
    return statement.startswith(("INSERT", "UPDATE", "DELETE"))


def undo_savepoints(tags):
    """Without what a ROLLBACK TO SAVEPOINT took back."""
    kept = []
    for tag in tags:
        if tag[0] == "ROLLBACK":
            while kept and kept[-1][0] != "SAVEPOINT":
                kept.pop()
        else:
            kept.append(tag)
    return kept


def parse(arguments):
    parser = argparse.ArgumentParser(prog="compose/traffic", add_help=False,
                                     allow_abbrev=False)
    parser.error = usage_error
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"))
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-h", "--help", action="store_true")
    options = parser.parse_args(arguments)
    if options.help:
        print(USAGE, end="")
        raise SystemExit(0)
    if not options.url:
        usage_error("DATABASE_URL is not set and --url not given")
    if not 0 < options.rate < 1e9 or not 0 <= options.seconds < 1e9:
        usage_error("--rate must be positive, --seconds not negative")
    return options


def usage_error(message):
    print(f"compose/traffic: {message}", file=sys.stderr)
    raise SystemExit(say.EXIT_USAGE)


def main(arguments):
    options = parse(arguments)
    traffic = Traffic(options.url, options.rate, options.seconds,
                      options.seed)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: traffic.stop())
    try:
        traffic.run()
    except say.Failure as failure:
        print(f"compose/traffic: {failure}", file=sys.stderr)
        return failure.code
    print(traffic.summary(), flush=True)
    return 0
