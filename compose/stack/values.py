"""What each PostgreSQL value must look like in the two targets.

Written from the table "values in the sink profile" of the documents, not
from the programs. All comparison is of text: numbers stay the digits that
were printed, JSON is compared member by member in order, with its numbers
as text. Nothing becomes a floating-point number.
"""

import decimal
import json

INTEGERS = ("int2", "int4", "int8", "oid")
FLOATS = ("float4", "float8")
JSONS = ("json", "jsonb")
# Their array elements are printed by to_json as the profile wants them.
PLAIN_ELEMENTS = ("bool", "text", "varchar", *INTEGERS)
CLICKHOUSE_DIGITS = 76


class Column:
    """One column of a source table.

    type: base type name ("int4", "_text" for an array, "enum" kept as its
    own name); precision and scale only for numeric(p,s), else None.
    """

    def __init__(self, name, type_name, typmod):
        self.name = name
        self.type = type_name
        self.precision = self.scale = None
        if type_name == "numeric" and typmod >= 4:
            self.precision = (typmod - 4) >> 16
            self.scale = (typmod - 4) & 0x7ff

    def is_array(self):
        return self.type.startswith("_")

    def expression(self):
        """What to select so that COPY prints the value unambiguously."""
        quoted = quote(self.name)
        if self.type == "bytea":
            return f"translate(encode({quoted}, 'base64'), E'\\n', '')"
        if self.is_array():
            if self.type[1:] in PLAIN_ELEMENTS:
                return f"to_json({quoted})"
            return f"to_json({quoted}::text[])"
        return quoted


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def parse_json(text):
    """Numbers as ("n", digits), objects as ("o", pairs in order)."""
    def number(digits):
        return ("n", digits)

    return json.loads(text, parse_float=number, parse_int=number,
                      parse_constant=number,
                      object_pairs_hook=lambda pairs: ("o", pairs))


def iso_time(text, zone):
    """2019-07-09 02:28:57.1+00 as 2019-07-09T02:28:57.1Z; BC years as ISO
    counts them, 44 BC being -0043."""
    if text in ("infinity", "-infinity"):
        return text
    text, bc, _ = text.partition(" BC")
    text = text.replace(" ", "T")
    if zone:
        text = text.removesuffix("+00") + "Z"
    if bc:
        year, dash, rest = text.partition("-")
        text = f"-{int(year) - 1:04}{dash}{rest}"
    return text


# -- Elasticsearch: the value of a _source member, as parse_json gives it ----

def source_bool(text):
    return text == "t"


def source_number(text):
    return ("n", text)


def source_float(text):
    return text if text in ("NaN", "Infinity", "-Infinity") else ("n", text)


def in_elasticsearch(column):
    """A function from PostgreSQL's text to the expected member."""
    if column.type == "bool":
        return source_bool
    if column.type in INTEGERS:
        return source_number
    if column.type in FLOATS:
        return source_float
    if column.type in JSONS or column.is_array():
        return parse_json
    if column.type in ("timestamp", "date"):
        return lambda text: iso_time(text, False)
    if column.type == "timestamptz":
        return lambda text: iso_time(text, True)
    return str


# -- ClickHouse: pairs of functions, for PostgreSQL's text and for the text --
# -- that ClickHouse prints; the results must be equal -----------------------

def to_bool(text):
    return "true" if text == "t" else "false"


def to_finite(text):
    names = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    text = names.get(text, text)
    return text if text.lstrip("-").isalpha() else decimal.Decimal(text)


def to_micros(text):
    """Six fraction digits, no zone: as DateTime64(6, 'UTC') prints."""
    whole, _, fraction = text.removesuffix("+00").partition(".")
    return f"{whole}.{fraction.ljust(6, '0')}"


def to_one_line(text):
    return text.replace("\r", " ").replace("\n", " ")


def in_clickhouse(column):
    """(expected, found): converters for both sides."""
    if column.type == "bool":
        return to_bool, str
    if column.type in FLOATS:
        return to_finite, to_finite
    if column.type in ("timestamp", "timestamptz"):
        return to_micros, str
    if column.type in JSONS:
        return to_one_line, str
    if column.is_array():
        return parse_json, parse_json
    return str, str
