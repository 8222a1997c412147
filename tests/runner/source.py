"""The files of the checkout, and C text without comments and strings."""

import functools
import os
import re

from .shell import ROOT

# Folders that hold nothing of ours.
SKIP = {".git", "build", "reports", "__pycache__", ".venv", ".pytest_cache",
        "node_modules"}

# Folders of C files. What the programs are made of, and what tests them.
PRODUCT = ("common", "producer", "sink-es", "sink-clickhouse", "monitor")
TESTS = ("tests/unit", "tests/fuzz")

# Bytes a test needs as they are: no style rules.
DATA = ("tests/fuzz/corpus/", "tests/unit/data/")


@functools.cache
def files():
    """All files of the checkout as paths relative to its root, sorted."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in SKIP)
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                found.append(os.path.relpath(path, ROOT))
    return sorted(found)


@functools.cache
def read(path):
    """A file's text; bytes that are no UTF-8 stay visible as escapes."""
    data = (ROOT / path).read_bytes()
    return data.decode("utf-8", "backslashreplace")


@functools.cache
def is_text(path):
    return b"\0" not in (ROOT / path).read_bytes()


def below(path, folders):
    return any(path.startswith(f + "/") for f in folders)


def c_files(folders=PRODUCT + TESTS, endings=(".c", ".h")):
    return [p for p in files() if p.endswith(endings) and below(p, folders)]


def all_c_files():
    """Every C file, the stack's own one in compose/ included."""
    return [p for p in files()
            if p.endswith((".c", ".h")) and not p.startswith(DATA)]


@functools.cache
def interpreter(path):
    """'python', 'sh', 'bash' or '' - by ending, else by the first line."""
    if path.endswith(".py"):
        return "python"
    if path.endswith(".sh"):
        first = read(path).split("\n", 1)[0]
        return "bash" if "bash" in first else "sh"
    if "." in os.path.basename(path) or not is_text(path):
        return ""
    first = read(path).split("\n", 1)[0]
    if not first.startswith("#!"):
        return ""
    for name in ("python", "bash", "sh"):
        if re.search(rf"\b{name}[0-9.]*\b", first):
            return name
    return ""


def scripts(*kinds):
    return [p for p in files()
            if not p.startswith(DATA) and interpreter(p) in kinds]


PIECES = re.compile(r"""
      (?P<block>/\*.*?\*/)
    | (?P<line>//[^\n]*)
    | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    """, re.X | re.S)


def blank(text):
    """The same number of lines and columns, all blanks."""
    return re.sub(r"[^\n]", " ", text)


@functools.cache
def code_only(path):
    """C text with comments, strings and character constants blanked out,
    lines and columns kept. Included names stay."""
    def replace(match):
        piece = match.group(0)
        if match.group("text"):
            start = match.string.rfind("\n", 0, match.start()) + 1
            if match.string[start:match.start()].strip() == "#include":
                return piece
            return piece[0] + blank(piece[1:-1]) + piece[-1]
        return blank(piece)

    return PIECES.sub(replace, read(path))


def line_comments(path):
    """Numbers of the lines that hold a // comment."""
    text = read(path)
    return [text.count("\n", 0, m.start()) + 1
            for m in PIECES.finditer(text) if m.group("line")]


def functions(path):
    """(name, first line, lines) of each function of a C file.

    The house style makes this simple: a function's braces stand alone in
    column 0, and what comes before is its signature."""
    found, start, signature = [], None, []
    for number, line in enumerate(code_only(path).split("\n"), 1):
        if start is not None:
            if line.startswith("}"):
                found.append((name_of(signature), start, number - start + 1))
                start, signature = None, []
        elif line.startswith("{"):
            start = number - len(signature)
        elif not line.strip() or line[0] in "#}" or line.rstrip()[-1] in ";,{":
            keep = line.rstrip().endswith(",") and signature_like(line)
            signature = signature + [line] if keep else []
        else:
            signature.append(line)
    return found


def signature_like(line):
    return "(" in line or line.startswith(" ")


def name_of(signature):
    """The first word before a parenthesis that is no attribute."""
    words = re.findall(r"(\w+)\s*\(", " ".join(signature))
    words = [w for w in words if "attribute" not in w and w != w.upper()]
    return next((w for w in words if w not in ("noreturn", "format")), "?")
