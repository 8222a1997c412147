"""Random traffic on tables of its own: inserts, updates, deletes, changed
keys, transactions over several tables, savepoints and rollbacks, and threads
that fight over a few keys. A seed makes each thread's choices repeatable."""

import random
import threading
import time

import psycopg

from . import pg

# FULL identity: an unchanged TOAST value is then in the old tuple.
TABLES_SQL = """
CREATE TABLE {p}_item (
    id bigint PRIMARY KEY, name text NOT NULL, price numeric(20,4),
    seen timestamptz, data jsonb, tags text[], big int8, ok bool);
CREATE TABLE {p}_pair (
    a text, b int, amount numeric, day date, note varchar(200),
    PRIMARY KEY (b, a));
CREATE TABLE {p}_hot (id int PRIMARY KEY, n int8, who text);
ALTER TABLE {p}_item REPLICA IDENTITY FULL;
ALTER TABLE {p}_pair REPLICA IDENTITY FULL;
ALTER TABLE {p}_hot REPLICA IDENTITY FULL;
"""

TEXTS = ("", "plain", 'quote " and \\ backslash', "line\nbreak\ttab",
         "Grüße, 世界", "emoji \U0001f600", "\x01\x1f", "'; DROP TABLE x; --",
         "null", "{}", "x" * 3000)
HOT_KEYS = 3

CONFLICTS = (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected,
             psycopg.errors.SerializationFailure)


class Rollback(Exception):
    """Ends a transaction on purpose."""


class Workload:
    """with Workload(url, 'kill', threads=3, rate=200): ..."""

    def __init__(self, url, prefix, threads=3, rate=200.0, seed=1):
        self.url, self.prefix, self.seed = url, prefix, seed
        self.pause = threads / rate
        self.commits = 0
        self.errors = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(n,),
                                         daemon=True)
                        for n in range(threads)]

    @property
    def tables(self):
        return [f"{self.prefix}_{n}" for n in ("item", "pair", "hot")]

    def create_tables(self, conn):
        for name in self.tables:
            conn.execute(f"DROP TABLE IF EXISTS {name}")
        conn.execute(TABLES_SQL.format(p=self.prefix))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_exc):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        assert not self.errors, self.errors
        assert self.commits > 0, "the workload committed nothing"

    # -- one thread -------------------------------------------------------

    def _run(self, number):
        rng = random.Random(self.seed * 1000 + number)
        try:
            while not self.stopping.is_set():
                try:
                    with pg.connect(self.url, connect_timeout=5) as conn:
                        # the threads lock each other out all the time
                        conn.execute("SET deadlock_timeout = '20ms'")
                        self._serve(conn, rng, number)
                except psycopg.OperationalError:
                    # The server restarts; what was uncertain stays so, for
                    # the comparison reads what PostgreSQL really has.
                    time.sleep(0.1)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(f"thread {number}: {error!r}")

    def _serve(self, conn, rng, number):
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                with conn.transaction():
                    self._transaction(conn, rng, number)
                with self.lock:
                    self.commits += 1
            except (Rollback,) + CONFLICTS:
                pass
            wait = self.pause - (time.monotonic() - began)
            if wait > 0:
                self.stopping.wait(wait)

    def _transaction(self, conn, rng, number):
        choice = rng.random()
        if choice < 0.25:
            self._fight(conn, rng, number)
            return
        for _ in range(rng.choice((1, 1, 1, 2, 5, 20))):
            self._one(conn, rng, number)
        if choice < 0.40:
            self._savepoint(conn, rng, number)
        if choice > 0.92:
            raise Rollback

    def _savepoint(self, conn, rng, number):
        try:
            with conn.transaction():
                self._one(conn, rng, number)
                if rng.random() < 0.5:
                    raise Rollback
                self._one(conn, rng, number)
        except Rollback:
            pass
        self._one(conn, rng, number)

    def _fight(self, conn, rng, number):
        """Plain INSERT and DELETE on three keys: an insert that waits for
        another's delete is in the WAL before it."""
        key = rng.randrange(HOT_KEYS)
        p = self.prefix
        if rng.random() < 0.5:
            conn.execute(f"INSERT INTO {p}_hot VALUES (%s, %s, %s)",
                         (key, rng.randrange(10**15), str(number)))
        else:
            conn.execute(f"DELETE FROM {p}_hot WHERE id = %s", (key,))

    def _one(self, conn, rng, number):
        kind = rng.random()
        if kind < 0.45:
            self._insert(conn, rng, number)
        elif kind < 0.75:
            self._update(conn, rng)
        elif kind < 0.88:
            self._delete(conn, rng)
        else:
            self._change_key(conn, rng, number)

    def _id(self, rng):
        return rng.randrange(400) * 9007199254740993 % (1 << 62)

    def _insert(self, conn, rng, number):
        p = self.prefix
        conn.execute(
            f"INSERT INTO {p}_item VALUES (%s, %s, %s, now(), %s, %s, %s, %s)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " big = excluded.big",
            (self._id(rng), rng.choice(TEXTS), rng.randrange(10**12),
             psycopg.types.json.Jsonb({"n": rng.randrange(1 << 60),
                                       "t": rng.choice(TEXTS)}),
             [rng.choice(TEXTS), None], rng.randrange(-(1 << 62), 1 << 62),
             rng.choice((True, False, None))))
        if rng.random() < 0.5:
            conn.execute(
                f"INSERT INTO {p}_pair VALUES (%s, %s, %s, current_date, %s)"
                " ON CONFLICT (b, a) DO UPDATE SET amount = excluded.amount",
                (rng.choice(TEXTS[:10]), rng.randrange(30),
                 f"{rng.randrange(10**18)}.{rng.randrange(10**9)}",
                 f"thread {number}"))

    def _update(self, conn, rng):
        p = self.prefix
        conn.execute(f"UPDATE {p}_item SET price = price + 0.0001, big = %s "
                     "WHERE id = %s", (rng.randrange(1 << 62), self._id(rng)))
        conn.execute(f"UPDATE {p}_pair SET note = %s WHERE b = %s",
                     (rng.choice(TEXTS[:10]), rng.randrange(30)))

    def _delete(self, conn, rng):
        p = self.prefix
        conn.execute(f"DELETE FROM {p}_item WHERE id = %s", (self._id(rng),))
        conn.execute(f"DELETE FROM {p}_pair WHERE b = %s AND a = %s",
                     (rng.randrange(30), rng.choice(TEXTS[:10])))

    def _change_key(self, conn, rng, number):
        p = self.prefix
        conn.execute(
            f"UPDATE {p}_item SET id = %s WHERE id = %s AND NOT EXISTS "
            f"(SELECT 1 FROM {p}_item WHERE id = %s)",
            (new := self._id(rng), self._id(rng), new))
        conn.execute(
            f"UPDATE {p}_pair SET b = %s WHERE b = %s AND a = %s "
            f"AND NOT EXISTS (SELECT 1 FROM {p}_pair x WHERE x.b = %s)",
            (50 + number, rng.randrange(30), rng.choice(TEXTS[:10]),
             50 + number))
