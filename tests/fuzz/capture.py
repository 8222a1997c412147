#!/usr/bin/env python3
"""Captures the corpora of the producer's fuzz targets from a real server.

Starts a throw-away PostgreSQL (default 15, Debian's path; --bindir for
another), drives it through every type, every kind of message and every
replica identity, and writes

    corpus/pgoutput/   each pgoutput message, as the walsender sends it
    corpus/pgtype/     each value of pgtype.txt, behind two bytes that name
                       its class (see fuzz_pgtype.c)
    corpus/copytext/   each line of COPY, behind a byte with its column count

over what is there. The server and its data are gone afterwards.
"""

import argparse
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "unit"))

import pgtype_golden  # noqa: E402 - found by the line before

PORT = "5999"  # names a Unix socket, no TCP port is opened
START_S = 20
FILES_MAX = 300  # of the three corpora together
BYTES_MAX = 200_000
COLUMNS_A_TABLE = 16
FRAMES_MAX = 3

# How many inputs of one kind a corpus takes.
SAME_KIND_MAX = {"pgoutput": 28, "pgtype": 9, "copytext": 32}

# The order of enum shape_class in common/shape.h.
CLASSES = ("bool int2 int4 int8 oid float4 float8 numeric text enum uuid date "
           "timestamp timestamptz time json bytea bit hstore other").split()
CLASS_OF = {"varchar": "text", "bpchar": "text", "char": "text",
            "name": "text", "citext": "text", "timetz": "time",
            "jsonb": "json", "varbit": "bit"}

TABLES = """
CREATE TABLE public."User" (id text PRIMARY KEY, name text NOT NULL,
    balance numeric(20, 2), tags text[], profile jsonb,
    "createdAt" timestamptz DEFAULT now());
CREATE TABLE public.composite_key (b int, a text, v text, PRIMARY KEY (a, b));
CREATE TABLE public.full_row (id int PRIMARY KEY, v text, big text);
ALTER TABLE public.full_row REPLICA IDENTITY FULL;
CREATE TABLE public.by_index (id int PRIMARY KEY, code text NOT NULL, v text);
CREATE UNIQUE INDEX by_code ON public.by_index (code);
ALTER TABLE public.by_index REPLICA IDENTITY USING INDEX by_code;
CREATE TABLE public.no_identity (v text);
ALTER TABLE public.no_identity REPLICA IDENTITY NOTHING;
CREATE TABLE public.no_columns ();
CREATE TABLE public.toasted (id int PRIMARY KEY, v int, big text);
ALTER TABLE public.toasted ALTER COLUMN big SET STORAGE EXTERNAL;
ALTER TABLE public.full_row ALTER COLUMN big SET STORAGE EXTERNAL;
CREATE TABLE public.typed (id x.positive PRIMARY KEY, mood x.mood,
    pair x.pair, price x.low_price, moods x.mood[], ints x.ints, h x.hstore);
CREATE TABLE public.parted (id int, region text, PRIMARY KEY (id, region))
    PARTITION BY LIST (region);
CREATE TABLE public.parted_eu PARTITION OF public.parted FOR VALUES IN ('eu');
CREATE TABLE public.parted_us PARTITION OF public.parted FOR VALUES IN ('us');
CREATE TABLE public.parent (id int PRIMARY KEY);
CREATE TABLE public.child (id int PRIMARY KEY, parent int REFERENCES parent);
"""

PUBLISH = """
CREATE PUBLICATION p FOR ALL TABLES;
SELECT pg_create_logical_replication_slot('fuzz', 'pgoutput');
"""

TRAFFIC = r"""
INSERT INTO "User" (id, name, balance, tags, profile) VALUES
    ('u1', 'Ada', 12.50, '{a,"b c"}', '{"k": [1, 2]}'),
    ('u2', E'tab\there', NULL, NULL, NULL), ('', 'é😀', 'NaN', '{}', '1');
UPDATE "User" SET balance = balance + 1 WHERE id = 'u1';
UPDATE "User" SET id = 'u3' WHERE id = 'u2';
DELETE FROM "User" WHERE id = '';
BEGIN;
INSERT INTO composite_key VALUES (1, 'x', 'one'), (2, 'y', NULL);
SAVEPOINT s;
INSERT INTO composite_key VALUES (3, 'z', 'rolled back');
ROLLBACK TO s;
UPDATE composite_key SET v = 'two' WHERE b = 1;
UPDATE composite_key SET b = 9 WHERE b = 1;
DELETE FROM composite_key;
COMMIT;
BEGIN;
INSERT INTO "User" (id, name) VALUES ('never', 'never');
ROLLBACK;
INSERT INTO full_row VALUES (1, 'a', repeat('long ', 600)), (2, NULL, NULL);
UPDATE full_row SET v = 'b';
DELETE FROM full_row;
INSERT INTO by_index VALUES (1, 'c1', 'a'), (2, 'c2', 'b');
UPDATE by_index SET v = 'c' WHERE id = 1;
UPDATE by_index SET code = 'c3' WHERE id = 1;
DELETE FROM by_index;
INSERT INTO no_identity VALUES ('x'), (NULL);
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO toasted VALUES (1, 1, repeat('0123456789', 300));
UPDATE toasted SET v = 2;
UPDATE toasted SET id = 2;
UPDATE toasted SET big = 'short';
INSERT INTO typed VALUES (1, 'sad', ROW(1, 'a "b"'), 9.99, '{sad,"so, so"}',
    '{1,NULL}', 'a=>1, b=>NULL');
UPDATE typed SET mood = 'null', h = h || 'c=>"q\"q"';
INSERT INTO parted VALUES (1, 'eu'), (2, 'us');
UPDATE parted SET region = 'us' WHERE id = 1;
SELECT pg_logical_emit_message(true, 'cdc', 'watermark');
SELECT pg_logical_emit_message(false, 'cdc', '{"heartbeat": 1}');
SELECT pg_logical_emit_message(true, '', ''::bytea);
SELECT pg_logical_emit_message(false, 'binary', '\x00ff0a'::bytea);
BEGIN;
INSERT INTO toasted VALUES (7, 7, 'before');
ALTER TABLE toasted ADD COLUMN added int DEFAULT 5;
INSERT INTO toasted VALUES (8, 8, 'after', 6);
ALTER TABLE toasted RENAME COLUMN added TO "re""named";
UPDATE toasted SET v = 9 WHERE id = 8;
ALTER TABLE toasted DROP COLUMN v;
DELETE FROM toasted WHERE id = 8;
COMMIT;
TRUNCATE full_row;
TRUNCATE "User", composite_key RESTART IDENTITY;
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1, 1);
TRUNCATE parent RESTART IDENTITY CASCADE;
TRUNCATE parted;
SELECT pg_replication_origin_create('elsewhere');
SELECT pg_replication_origin_session_setup('elsewhere');
BEGIN;
SELECT pg_replication_origin_xact_setup('0/1234', now());
INSERT INTO parent VALUES (2);
COMMIT;
"""

PEEK = """
SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('fuzz',
    NULL, NULL, 'proto_version', '1', 'publication_names', 'p',
    'messages', 'true');
"""


class Server:
    """A PostgreSQL in a folder of its own, on a Unix socket."""

    def __init__(self, bindir):
        self.bindir = pathlib.Path(bindir)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="fuzz-capture-"))
        self.process = None
        self.as_user = []
        if os.geteuid() == 0:  # the server refuses root
            user = pwd.getpwnam("postgres")
            os.chown(self.home, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", "--reuid", "postgres", "--regid",
                            "postgres", "--init-groups"]

    def __enter__(self):
        data = str(self.home / "data")
        subprocess.run([*self.as_user, self.bindir / "initdb", "-D", data,
                        "-A", "trust", "-U", "postgres", "-E", "UTF8",
                        "--locale=C.UTF-8"], check=True, cwd="/",
                       stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [*self.as_user, self.bindir / "postgres", "-D", data, "-k",
             str(self.home), "-p", PORT, "-c", "listen_addresses=", "-c",
             "wal_level=logical", "-c", "fsync=off", "-c",
             "log_min_messages=fatal"], cwd="/", stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while not self.answers():
            if time.monotonic() > deadline:
                sys.exit(f"the server did not start within {START_S} s")
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.home)

    def options(self):
        return ["-h", str(self.home), "-p", PORT, "-U", "postgres"]

    def answers(self):
        done = subprocess.run(["psql", "-Xc", "", *self.options()],
                              stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    def run(self, script):
        """The output's bytes; stops at the first error."""
        return subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *self.options()],
            input=script.encode(), stdout=subprocess.PIPE, check=True).stdout


def typed_tables(expressions):
    """SQL that makes tables of a few golden values each, and their names."""
    script, names = [], []
    for start in range(0, len(expressions), COLUMNS_A_TABLE):
        some = expressions[start:start + COLUMNS_A_TABLE]
        name = f"public.t{len(names)}"
        columns = ", ".join(f"{expr} AS c{n}" for n, expr in enumerate(some))
        script.append(f"CREATE TABLE {name} AS SELECT {columns} WHERE false;")
        script.append(f"ALTER TABLE {name} REPLICA IDENTITY FULL;")
        names.append((name, columns))
    return "\n".join(script), names


def capture(server, expressions):
    """(messages of pgoutput, lines of COPY with their column counts)."""
    creates, tables = typed_tables(expressions)
    server.run(pgtype_golden.SETUP + TABLES + creates + PUBLISH)
    server.run("SET search_path = public, x;" + TRAFFIC)
    inserts = "".join(f"INSERT INTO {name} SELECT {columns};\n"
                      for name, columns in tables)
    server.run(pgtype_golden.SETTINGS + inserts
               + "".join(f"DELETE FROM {name};\n" for name, _ in tables[:3]))
    settings = pgtype_golden.SETTINGS.replace(
        "SET search_path = '';", "SET search_path = pg_catalog;")
    answer = server.run(settings + PEEK)
    messages = [bytes.fromhex(line) for line in answer.decode().split()]
    return messages, copy_lines(server, settings + inserts, tables)


def copy_lines(server, refill, tables):
    server.run(refill)
    lines = []
    for name, columns in tables:
        out = server.run(pgtype_golden.SETTINGS
                         + f"COPY (SELECT {columns}) TO STDOUT;")
        count = min(COLUMNS_A_TABLE, len(re.findall(r" AS c\d+", columns)))
        lines += [bytes([count]) + line + b"\n"
                  for line in out.split(b"\n") if line]
    return lines


def golden_inputs(cases):
    """The values of pgtype.txt in the form fuzz_pgtype takes."""
    for _, kind, text, _ in cases:
        name = re.sub(r".*\.", "", kind.split(" ")[0])
        typtype = kind.split(" ")[1]
        known = CLASS_OF.get(name, name)
        if typtype == "e":
            known = "enum"
        elif typtype != "b" or known not in CLASSES:
            known = "other"
        delimiter = kind[-2] if kind.endswith("]") else "\0"
        raw = re.sub(rb"%([0-9A-F]{2})",
                     lambda m: bytes([int(m.group(1), 16)]), text.encode())
        yield bytes([CLASSES.index(known)]) + delimiter.encode() + raw


def write_corpus(name, inputs, label):
    """One file per input, replacing the folder. Returns (files, bytes)."""
    folder = HERE / "corpus" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seen, per_label, size = set(), {}, 0
    for data in inputs:
        kind = label(data)
        number = per_label.get(kind, 0) + 1
        if data in seen or number > SAME_KIND_MAX[name]:
            continue
        seen.add(data)
        per_label[kind] = number
        (folder / f"{kind}-{number:03}").write_bytes(data)
        size += len(data)
    print(f"{name}: {len(seen)} files, {size} bytes; " + ", ".join(
        f"{kind} {number}" for kind, number in sorted(per_label.items())))
    return len(seen), size


PGOUTPUT_KINDS = {"B": "begin", "C": "commit", "O": "origin", "R": "relation",
                  "Y": "type", "I": "insert", "U": "update", "D": "delete",
                  "T": "truncate", "M": "message"}


def worth_keeping(messages):
    """A few begins and commits, which are all alike, and all the others."""
    frame = {"B": 0, "C": 0}
    kept = []
    for message in messages:
        letter = chr(message[0])
        if letter in frame:
            frame[letter] += 1
            if frame[letter] > FRAMES_MAX:
                continue
        kept.append(message)
    missing = set(PGOUTPUT_KINDS) - {chr(message[0]) for message in kept}
    if missing:
        sys.exit(f"no message of the types {sorted(missing)} was seen")
    return kept


def main():
    parser = argparse.ArgumentParser(
        description="Captures the fuzz corpora from a real PostgreSQL.")
    parser.add_argument("--bindir", default="/usr/lib/postgresql/15/bin")
    args = parser.parse_args()
    _, cases = pgtype_golden.read_cases()
    cases = list(cases.values())
    with Server(args.bindir) as server:
        messages, lines = capture(server, [case[0] for case in cases])
    kept = worth_keeping(messages)
    totals = [
        write_corpus("pgoutput", kept,
                     lambda data: PGOUTPUT_KINDS[chr(data[0])]),
        write_corpus("pgtype", golden_inputs(cases),
                     lambda data: CLASSES[data[0]]
                     + ("-array" if data[1] else "")),
        write_corpus("copytext", lines, lambda data: "line"),
    ]
    if (sum(files for files, _ in totals) > FILES_MAX
            or sum(size for _, size in totals) > BYTES_MAX):
        sys.exit("the corpora are larger than they should be")


if __name__ == "__main__":
    main()
