"""JSON without floating point: numbers keep the digits they came with."""

import json


class Num(str):
    """A JSON number as its text. Equal only to the same digits."""

    def __repr__(self):
        return f"Num({str(self)})"

    def __eq__(self, other):
        return isinstance(other, Num) and str(self) == str(other)

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def _refuse(text):
    raise ValueError(f"{text} is no JSON")


def _no_duplicates(pairs):
    """An object whose members all arrived, in their order."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        return {"<duplicates>": pairs}
    return dict(pairs)


def loads(text):
    return json.loads(text, parse_int=Num, parse_float=Num,
                      parse_constant=_refuse,
                      object_pairs_hook=_no_duplicates)


def dumps(value):
    """JSON with each Num as its digits."""
    if isinstance(value, Num):
        return str(value)
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}: {dumps(v)}"
                   for name, v in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(dumps(v) for v in value) + "]"
    return json.dumps(value)


def members(text):
    """{name: raw text} of an object's members, cut out as they stand."""
    decoder, found, at = json.JSONDecoder(), {}, 0

    def pass_space():
        nonlocal at
        while text[at] in " \t\r\n":
            at += 1

    assert text[0] == "{"
    while text[at] != "}":
        at += 1
        pass_space()
        name, at = decoder.raw_decode(text, at)
        pass_space()
        assert text[at] == ":", text[at:at + 20]
        start = at = at + 1
        pass_space()
        _, at = decoder.raw_decode(text, at)
        pass_space()
        found[name] = text[start:at]
    return found
