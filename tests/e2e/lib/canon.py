"""What a PostgreSQL value must look like in an event, in Elasticsearch and in
ClickHouse: DESIGN's table of values, written a second time, in Python.

Values come in as the text PostgreSQL prints. Nothing here is a float.
"""

import base64
import re
import struct
from decimal import Decimal

from . import exact
from .exact import Num

INTEGERS = ("int2", "int4", "int8", "oid")
FLOATS = ("float4", "float8")
JSON = ("json", "jsonb")
NOT_NUMBERS = ("NaN", "Infinity", "-Infinity")


def one_line(text):
    """Line breaks between tokens become spaces (inside strings JSON has no
    raw ones)."""
    return text.replace("\r", " ").replace("\n", " ").replace("\t", " ")


def iso_year(text):
    """'0044-03-15 BC' -> '-0043-03-15': astronomical years."""
    if not text.endswith(" BC"):
        return text
    year, rest = text[:-3].split("-", 1)
    number = 1 - int(year)
    sign = "-" if number < 0 else ""
    return f"{sign}{abs(number):04d}-{rest}"


def timestamp(text):
    return iso_year(text).replace(" ", "T", 1)


def timestamptz(text):
    if text in ("infinity", "-infinity"):
        return text
    return timestamp(re.sub(r"\+00(?= BC$|$)", "", text)) + "Z"


def hstore(text):
    """'"a"=>"1", "b"=>NULL' -> {"a": "1", "b": None}"""
    found = {}
    pattern = re.compile(r'"((?:\\.|[^"\\])*)"=>(?:"((?:\\.|[^"\\])*)"|NULL)',
                         re.S)
    for match in pattern.finditer(text):
        key, value = (None if g is None else re.sub(r"\\(.)", r"\1", g,
                                                    flags=re.S)
                      for g in match.groups())
        found[key] = value
    return found


SCALARS = {
    "bool": lambda text: text == "t",
    "bytea": lambda text: base64.b64encode(bytes.fromhex(text[2:])).decode(),
    "date": iso_year,
    "timestamp": timestamp,
    "timestamptz": timestamptz,
    "hstore": hstore,
    "json": exact.loads,
    "jsonb": exact.loads,
}


def scalar(kind, text):
    """The JSON value of one that is not NULL."""
    if kind in INTEGERS:
        return Num(text)
    if kind in FLOATS:
        return text if text in NOT_NUMBERS else Num(text)
    return SCALARS.get(kind, str)(text)


def parse_array(text, delimiter=","):
    """'{1,NULL,"a b"}' -> ['1', None, 'a b'], nested as deep as it is. The
    bounds '[0:1]={...}' are no part of the value."""
    body = text[text.index("="):][1:] if text.startswith("[") else text
    stack, item, quoted, was_quoted = [[]], "", False, False
    pos = 0

    def flush():
        nonlocal item, was_quoted
        if was_quoted or item:
            value = None if item == "NULL" and not was_quoted else item
            stack[-1].append(value)
        item, was_quoted = "", False

    while pos < len(body):
        char = body[pos]
        if quoted:
            if char == "\\":
                pos += 1
                item += body[pos]
            elif char == '"':
                quoted = False
            else:
                item += char
        elif char == '"':
            quoted = was_quoted = True
        elif char == "{":
            stack.append([])
        elif char == "}":
            flush()
            stack[-2].append(stack.pop())
        elif char == delimiter:
            flush()
        elif char == "\\":
            pos += 1
            item += body[pos]
        else:
            item += char
        pos += 1
    return stack[0][0]


def map_nested(function, value):
    if isinstance(value, list):
        return [map_nested(function, v) for v in value]
    return None if value is None else function(value)


def event_value(column, text):
    """What stands in `after`, and so in Elasticsearch's _source."""
    if text is None:
        return None
    if column.array:
        nested = parse_array(text, column.delimiter)
        return map_nested(lambda t: scalar(column.type, t), nested)
    return scalar(column.type, text)


def event_row(table, row):
    return {c.name: event_value(c, row[c.name]) for c in table.columns}


# -- ClickHouse ---------------------------------------------------------------

def float_bits(kind, text):
    """Two texts of the same number have the same bits."""
    text = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(
        str(text), str(text))
    return struct.pack(">f" if kind == "float4" else ">d", float(text))


def six_digits(text):
    """'... 02:28:57.12' -> '... 02:28:57.120000'"""
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction:0<6}"


def base_type(ch_type):
    """Without Nullable and LowCardinality."""
    while True:
        match = re.fullmatch(r"(?:Nullable|LowCardinality)\((.*)\)", ch_type)
        if not match:
            return ch_type
        ch_type = match.group(1)


def clickhouse_wanted(column, ch_type, text):
    """A value of PostgreSQL in the form of clickhouse_found."""
    base = base_type(ch_type)
    if text is None:
        return None
    if column.array or column.type == "hstore":
        return event_value(column, text)
    if base == "Bool":
        return text == "t"
    if re.fullmatch(r"U?Int\d+", base):
        return int(text)
    if base.startswith("Float"):
        return float_bits(column.type, text)
    if base.startswith("Decimal"):
        return Decimal(text)
    if base.startswith("DateTime64"):
        return six_digits(text.removesuffix("+00"))
    if column.type in JSON:
        # An event does not tell a json null from a NULL: both are null. The
        # blanks around a value are the event's, not the value's.
        value = one_line(text).strip(" ")
        return None if value == "null" else value
    return str(event_value(column, text))


def clickhouse_found(column, ch_type, value):
    """A value of ClickHouse's JSON in a form that is equal when it means
    the same: no float is compared as text, no decimal as float."""
    base = base_type(ch_type)
    if value is None:
        return None
    if column.array or column.type == "hstore":
        return exact.loads(value)
    if re.fullmatch(r"U?Int\d+", base):
        return int(value)
    if base.startswith("Float"):
        return float_bits(column.type, value)
    if base.startswith("Decimal"):
        return Decimal(value)
    if base.startswith("DateTime64"):
        return six_digits(value)
    return value


CLICKHOUSE_TYPES = {
    "bool": "Bool", "int2": "Int16", "int4": "Int32", "int8": "Int64",
    "oid": "UInt32", "float4": "Float32", "float8": "Float64",
    "uuid": "UUID", "date": "Date32", "timestamp": "DateTime64(6, 'UTC')",
    "timestamptz": "DateTime64(6, 'UTC')",
}


def clickhouse_type(column):
    """What the target must have made of a column, without Nullable."""
    if column.array:
        return "String"
    if column.kind == "e":
        return "LowCardinality(String)"
    if column.type == "numeric" and column.typmod >= 4:
        precision = ((column.typmod - 4) >> 16) & 0xffff
        scale = (((column.typmod - 4) & 0x7ff) ^ 1024) - 1024
        if scale < 0:  # 12300 of numeric(3,-2) has five digits
            precision, scale = precision - scale, 0
        if scale <= precision <= 76:
            return f"Decimal({precision}, {scale})"
        return "String"
    return CLICKHOUSE_TYPES.get(column.type, "String")
