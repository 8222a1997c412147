"""Checks of the Python and shell files, and of JSON."""

import ast
import json
import os
import subprocess
import sys

from .shell import ROOT
from .source import DATA, files, interpreter, read, scripts

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

# The end-to-end tests use packages of their venv; everything else must run
# with a bare python3.
WITH_PACKAGES = "tests/e2e/"


def all_scripts():
    return scripts("python", "bash", "sh")


def long_functions(path, tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            size = node.end_lineno - node.lineno + 1
            if size > FUNCTION_LINES_MAX:
                yield (f"{path}:{node.lineno}: {node.name} has {size} lines, "
                       f"at most {FUNCTION_LINES_MAX}")


def check_python():
    problems = []
    for path in scripts("python"):
        text = read(path)
        size = text.count("\n")
        if size > FILE_LINES_MAX:
            problems.append(f"{path}: {size} lines, at most {FILE_LINES_MAX}")
        try:
            tree = ast.parse(text, path)
        except SyntaxError as error:
            problems.append(f"{path}:{error.lineno}: {error.msg}")
            continue
        problems.extend(long_functions(path, tree))
    return problems


def imported(tree):
    """(line, top-level package) of each absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module.split(".")[0]


def check_imports():
    """compose/ and tests/run* need the standard library only."""
    problems = []
    local = {os.path.splitext(part)[0] for path in scripts("python")
             for part in path.split("/")}
    for path in scripts("python"):
        if path.startswith(WITH_PACKAGES):
            continue
        try:
            found = list(imported(ast.parse(read(path), path)))
        except SyntaxError:
            continue  # the check before this one tells
        for line, name in found:
            if name not in sys.stdlib_module_names and name not in local:
                problems.append(f"{path}:{line}: {name} is no module of the "
                                "standard library")
    return problems


def check_shell():
    problems = []
    for path in scripts("sh", "bash"):
        size = read(path).count("\n")
        if size > FILE_LINES_MAX:
            problems.append(f"{path}: {size} lines, at most {FILE_LINES_MAX}")
        done = subprocess.run([interpreter(path), "-n", path], cwd=ROOT,
                              check=False, text=True, capture_output=True)
        if done.returncode != 0:
            problems.extend(done.stderr.splitlines())
    return problems


def check_json():
    problems = []
    for path in files():
        if path.endswith(".json") and not path.startswith(DATA):
            try:
                json.loads(read(path))
            except ValueError as error:
                problems.append(f"{path}: {error}")
    return problems
