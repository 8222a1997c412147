"""The lint part: one check per rule, in the order one would mend them."""

import concurrent.futures
import functools
import re
import shutil
import subprocess

from . import layers, scripts
from .shell import ROOT, jobs
from .source import (DATA, PRODUCT, all_c_files, c_files, code_only, files,
                     functions, is_text, line_comments, read)

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
TOP = 10


def lines_of(text, pattern):
    """Numbers of the lines in which the pattern occurs."""
    return [text.count("\n", 0, m.start()) + 1
            for m in re.finditer(pattern, text, re.M)]


def check_format():
    """clang-format 14, the version of Debian 12: others differ in detail."""
    tool = shutil.which("clang-format-14")
    paths = all_c_files()
    if not paths:
        return []
    done = subprocess.run([tool, "--dry-run", "--Werror", *paths], cwd=ROOT,
                          check=False, text=True, capture_output=True)
    if done.returncode == 0:
        return []
    bad = sorted({line.split(":")[0] for line in done.stderr.splitlines()
                  if ": error:" in line})
    if not bad:
        return done.stderr.splitlines()
    return [f"{path}: run clang-format-14 -i {path}" for path in bad]


def check_whitespace():
    problems = []
    for path in files():
        if path.startswith(DATA) or not is_text(path):
            continue
        text = read(path)
        for number in lines_of(text, r"[ \t\r]+$"):
            problems.append(f"{path}:{number}: blanks at the end of the line")
        if text and not text.endswith("\n"):
            problems.append(f"{path}: no newline at the end")
        if text.endswith("\n\n"):
            problems.append(f"{path}: empty lines at the end")
    return problems


def check_tabs():
    paths = all_c_files() + scripts.all_scripts()
    return [f"{path}:{number}: a tab"
            for path in paths for number in lines_of(read(path), "\t")]


def check_comments():
    return [f"{path}:{number}: // marks unfinished code; write /* */"
            for path in all_c_files() for number in line_comments(path)]


OPEN_MARKS = "|".join(["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"])


def check_marks():
    """Nothing is left open in the code."""
    problems = []
    for path in all_c_files() + scripts.all_scripts():
        for number in lines_of(read(path), rf"\b({OPEN_MARKS})\b"):
            problems.append(f"{path}:{number}: left open")
    return problems


@functools.cache
def compile_flags():
    libraries = subprocess.run(
        ["pkg-config", "--cflags", "libpq", "rdkafka", "libcurl", "libcjson",
         "libmicrohttpd", "libxxhash"],
        check=True, text=True, capture_output=True).stdout.split()
    return ["-std=c17", "-D_GNU_SOURCE", '-DCDC_VERSION="0"',
            '-DUNIT_DATA="."', "-I", ".", *libraries]


def header_problem(path):
    done = subprocess.run(
        ["gcc", *compile_flags(), "-fsyntax-only", "-Wall", "-Wextra",
         "-Wpedantic", "-Werror", "-include", path, "-x", "c", "/dev/null"],
        cwd=ROOT, check=False, text=True, capture_output=True)
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    return f"{path}: does not compile alone: " + (errors or [done.stderr])[0]


def check_headers():
    paths = c_files(endings=(".h",))
    with concurrent.futures.ThreadPoolExecutor(jobs()) as pool:
        return [p for p in pool.map(header_problem, paths) if p]


def tidy_problems(path):
    done = subprocess.run(
        ["clang-tidy-14", "--quiet", path, "--", *compile_flags()], cwd=ROOT,
        check=False, text=True, capture_output=True)
    if done.returncode == 0:
        return []
    lines = [line.removeprefix(f"{ROOT}/") for line in
             done.stdout.splitlines() if ": error:" in line]
    return lines or [f"{path}: clang-tidy failed: {done.stderr[-300:]}"]


def check_tidy():
    """The short list of .clang-tidy."""
    paths = c_files(endings=(".c",))
    with concurrent.futures.ThreadPoolExecutor(jobs()) as pool:
        return [line for found in pool.map(tidy_problems, paths)
                for line in found]


def check_header_comments():
    """Each header opens with what it does, does not, and guarantees."""
    return [f"{path}: does not open with a comment that says what it is"
            for path in c_files(PRODUCT, (".h",))
            if not read(path).startswith("/*\n * ")]


def all_functions():
    return [(size, f"{path}:{line}", name) for path in all_c_files()
            for name, line, size in functions(path)]


def check_lengths():
    problems = []
    found = sorted(all_functions(), reverse=True)
    if found:
        print(f"       the {min(TOP, len(found))} longest functions:")
    for size, where, name in found[:TOP]:
        print(f"       {size:4} lines  {name}  {where}")
    for size, where, name in found:
        if size > FUNCTION_LINES_MAX:
            problems.append(f"{where}: {name} has {size} lines, at most "
                            f"{FUNCTION_LINES_MAX}")
    for path in all_c_files():
        size = read(path).count("\n")
        if size > FILE_LINES_MAX:
            problems.append(f"{path}: {size} lines, at most {FILE_LINES_MAX}")
    return problems


BANNED = ("sprintf vsprintf strcpy strcat strncpy strncat strtok atoi atol "
          "strtol gmtime localtime system alloca gets").split()
ALLOCATION = "malloc calloc realloc free strdup strndup".split()
ALLOCATORS = ("common/xalloc.h", "common/buf.c")


def calls(path, names):
    """(line, name) of each call; members and declarations of ours aside."""
    pattern = rf"(?<![\w.>])({'|'.join(names)})\s*\("
    text = code_only(path)
    return [(text.count("\n", 0, m.start()) + 1, m.group(1))
            for m in re.finditer(pattern, text)]


def check_banned():
    problems = []
    for path in c_files():
        for line, name in calls(path, BANNED):
            problems.append(f"{path}:{line}: {name} is banned")
    for path in c_files(PRODUCT):
        if path not in ALLOCATORS:
            for line, name in calls(path, ALLOCATION):
                problems.append(f"{path}:{line}: {name}: use xalloc.h")
        if not path.endswith("/main.c"):
            for line, name in calls(path, ["exit"]):
                problems.append(f"{path}:{line}: exit only in main.c")
        for number in lines_of(code_only(path), r"\btypedef\s+(struct|enum)"):
            problems.append(f"{path}:{number}: no typedef of a struct or enum")
    return problems


# Folders that exist on one machine only.
MACHINE = (r"""(?:^|[\s"'=(`:])/(?:home|Users|root|work)/[\w.]"""
           r"|/tmp/b" r"rief|\.py" r"env/")


def check_paths():
    return [f"{path}:{number}: a path of one machine"
            for path in files() if is_text(path) and not path.startswith(DATA)
            for number in lines_of(read(path), MACHINE)]


CHECKS = {
    "format": check_format,
    "whitespace": check_whitespace,
    "tabs": check_tabs,
    "comments": check_comments,
    "open marks": check_marks,
    "layers": layers.run,
    "headers compile alone": check_headers,
    "headers say what they are": check_header_comments,
    "clang-tidy": check_tidy,
    "lengths": check_lengths,
    "banned calls": check_banned,
    "paths": check_paths,
    "python": scripts.check_python,
    "python imports": scripts.check_imports,
    "shell": scripts.check_shell,
    "json": scripts.check_json,
}


def run(report, wanted):
    for name, check in CHECKS.items():
        if wanted in name:
            report.check("lint", name, check())
