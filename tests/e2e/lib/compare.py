"""Row by row and column by column, in both directions: PostgreSQL against
the topic, Elasticsearch and ClickHouse."""

import hashlib
import json
import re
import time

from . import canon, exact, pg
from .wait import wait_until

SHOWN = 12


def key_columns(table, row):
    return tuple(row[c.name] for c in table.keys)


def elasticsearch_id(table, key):
    """DESIGN 5: the single key column's text; the JSON array of the key's
    values for a composite key or a text that could be mistaken for one."""
    values = [canon.event_value(c, text)
              for c, text in zip(table.keys, key)]
    single = str(values[0]) if not isinstance(values[0], bool) else \
        str(values[0]).lower()
    if len(values) == 1 and single and not single.startswith(("[",
                                                              "sha256:")):
        wanted = single
    else:
        wanted = array_text(values)
    if len(wanted.encode()) <= 512:
        return wanted
    return "sha256:" + hashlib.sha256(array_text(values).encode()).hexdigest()


def array_text(values):
    """Compact JSON, escaped as the events' keys are."""
    return "[" + ",".join(_json(v) for v in values) + "]"


def _json(value):
    if isinstance(value, exact.Num):
        return str(value)
    if isinstance(value, str):
        return string_text(value)
    return json.dumps(value)


def string_text(text):
    """Debezium's escapes: control characters \\u00XX in upper case, above
    the BMP a surrogate pair, everything else raw."""
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t",
             "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    found = []
    for char in text:
        code = ord(char)
        if char in short:
            found.append(short[char])
        elif code < 0x20:
            found.append(f"\\u{code:04X}")
        elif code > 0xffff:
            code -= 0x10000
            found.append(f"\\u{0xd800 + (code >> 10):04X}"
                         f"\\u{0xdc00 + (code & 0x3ff):04X}")
        else:
            found.append(char)
    return '"' + "".join(found) + '"'


def differences(table, wanted, found, where):
    """Lines that say what differs between two {key: {column: value}}."""
    lines = []
    for key in wanted.keys() - found.keys():
        lines.append(f"{where}: {table.label} {key}: missing")
    for key in found.keys() - wanted.keys():
        lines.append(f"{where}: {table.label} {key}: extra")
    for key in wanted.keys() & found.keys():
        for name, value in wanted[key].items():
            other = found[key].get(name, "<no such column>")
            if other != value or type(other) is not type(value):
                lines.append(f"{where}: {table.label} {key} {name}: "
                             f"{value!r} is {other!r}")
        for name in found[key].keys() - wanted[key].keys():
            lines.append(f"{where}: {table.label} {key} {name}: extra column")
    return lines


def compare_es(stack_es, table, rows):
    index = stack_es.index(table)
    if not stack_es.exists(index):
        return [f"elasticsearch: no index {index}"] if rows else []
    wanted = {elasticsearch_id(table, key): canon.event_row(table, row)
              for key, row in rows.items()}
    found = {}
    for doc_id, source in stack_es.documents(index):
        if doc_id in found:
            return [f"elasticsearch: {index}: {doc_id} twice"]
        found[doc_id] = source
    return differences(table, wanted, found, "elasticsearch")


def compare_ch(stack_ch, table, rows):
    name = stack_ch.name(table)
    if not stack_ch.exists(name + "_current"):
        return [f"clickhouse: no view {name}_current"] if rows else []
    types, current = stack_ch.current(table)

    def convert(function, row):
        return {c.name: function(c, types[c.name], row[c.name])
                for c in table.columns}

    lines, wanted, found = [], {}, {}
    for row in rows.values():
        values = convert(canon.clickhouse_wanted, row)
        wanted[key_columns(table, values)] = values
    for row in current:
        values = convert(canon.clickhouse_found, row)
        key = key_columns(table, values)
        if key in found:
            lines.append(f"clickhouse: {table.label} {key}: twice")
        found[key] = values
    return lines + differences(table, wanted, found, "clickhouse")


def compare_topic(kafka, table, rows):
    """The record with the highest version of each key is its final state,
    and so is the last one."""
    topic = f"{kafka.name}.{table.schema}.{topic_part(table.name)}"
    last, highest = {}, {}
    if topic not in kafka.topics():
        return [f"topic: no topic {topic}"] if rows else []
    for record in kafka.records(topic):
        if record.key in (b'{"__cdc":"sweep"}', b'{"__cdc":"truncate"}'):
            continue
        # A tombstone repeats its delete, which came right before it.
        last[record.key] = record
        best = highest.get(record.key)
        if best is None or record.version >= best.version:
            highest[record.key] = record
    wanted = {event_key(table, key): canon.event_row(table, row)
              for key, row in rows.items()}
    lines = topic_differences(table, wanted, last, "topic, last record")
    if any(highest[key] is not record for key, record in last.items()):
        lines += topic_differences(table, wanted, highest,
                                   "topic, highest version")
    return lines


def topic_differences(table, wanted, records, where):
    found = {}
    for key, record in records.items():
        if record.value is not None and record.op != "d":
            after = exact.loads(record.value.decode())["after"]
            found[key.decode()] = after
    return differences(table, wanted, found, where)


def topic_part(name):
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


def event_key(table, key):
    members = ",".join(
        f"{string_text(c.name)}:{_json(canon.event_value(c, text))}"
        for c, text in zip(table.keys, key))
    return "{" + members + "}"


class Everywhere:
    """The whole pipeline of one database, looked at from all its ends."""

    def __init__(self, conn, kafka, es, ch):
        self.conn, self.kafka, self.es, self.ch = conn, kafka, es, ch

    @property
    def slot(self):
        return self.kafka.name.replace("-", "_")

    def captured(self, timeout=60):
        """Everything committed until now is in Kafka and confirmed."""
        lsn = pg.marker(self.conn)
        wait_until(lambda: pg.confirmed_past(self.conn, self.slot, lsn),
                   timeout, f"slot {self.slot} confirmed {lsn}", 0.02)

    def captures(self, names, timeout=30):
        """Waits until new tables are captured: before that, nothing of them
        can be late."""
        topics = {f"{self.kafka.name}.public.{name}" for name in names}
        wait_until(lambda: topics <= set(self.kafka.topics()), timeout,
                   "the new tables are captured")

    def caught_up(self, timeout=60, sinks=("es", "clickhouse")):
        """... and both groups have committed all of it (what comes later
        does not matter: traffic may go on)."""
        started = time.monotonic()
        self.captured(timeout)
        topics = wait_until(self.kafka.topics, timeout, "a table's topic")
        ends = self.kafka.ends(topics)
        for sink in sinks:
            left = max(1.0, timeout - (time.monotonic() - started))
            wait_until(lambda: self.kafka.lag(sink, ends) == 0, left,
                       lambda: f"group {self.kafka.group(sink)} caught up; "
                               f"{self.kafka.lag(sink, ends)} records behind")

    def table(self, name, schema="public"):
        return pg.table(self.conn, name, schema)

    def differences(self, table, targets=("es", "clickhouse", "topic")):
        rows = pg.rows(self.conn, table)
        lines = []
        if "es" in targets:
            lines += compare_es(self.es, table, rows)
        if "clickhouse" in targets:
            lines += compare_ch(self.ch, table, rows)
        if "topic" in targets:
            lines += compare_topic(self.kafka, table, rows)
        return lines

    def assert_equal(self, *tables, timeout=60,
                     targets=("es", "clickhouse", "topic")):
        """Waits until caught up (a copy may still be under way), then every
        row and column must be equal."""
        deadline = time.monotonic() + timeout
        sinks = [t for t in targets if t != "topic"]
        while True:
            self.caught_up(max(1.0, deadline - time.monotonic()), sinks)
            lines = []
            for table in tables:
                lines += self.differences(table, targets)
            if not lines:
                return
            if time.monotonic() > deadline:
                more = f"\n... {len(lines)} in all" \
                    if len(lines) > SHOWN else ""
                raise AssertionError("\n".join(lines[:SHOWN]) + more)
            time.sleep(0.3)
