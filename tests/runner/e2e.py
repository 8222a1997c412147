"""The e2e part: pytest in a venv of pinned packages, on real servers."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import sys
import xml.etree.ElementTree

from . import prometheus
from .build import build
from .shell import ROOT, build_dir, capture, say, stream, tail

REQUIREMENTS = "tests/e2e/requirements.txt"


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME")
    home = pathlib.Path(base) if base else pathlib.Path.home() / ".cache"
    return home / "data-sync"


def venv_dir():
    """One venv per set of packages and interpreter."""
    pinned = (ROOT / REQUIREMENTS).read_bytes()
    pinned += f"{sys.version_info[:3]} {sys.base_prefix}".encode()
    return cache_dir() / f"venv-{hashlib.sha256(pinned).hexdigest()[:16]}"


def make_venv(folder):
    """None, or the lines that say why it failed."""
    shutil.rmtree(folder, ignore_errors=True)
    rc, text = capture([sys.executable, "-m", "venv", folder],
                       "making the venv")
    if rc == 0:
        rc, text = capture(
            [folder / "bin/python", "-m", "pip", "install", "--quiet",
             "--disable-pip-version-check", "--require-hashes",
             "--only-binary", ":all:", "-r", REQUIREMENTS],
            "installing the pinned packages")
    if rc != 0:
        return tail(text, 20)
    (folder / "complete").touch()
    return None


def ensure_venv():
    """(folder, problems); made once, safely when two runs start at once."""
    folder = venv_dir()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "complete").exists():
            return folder, None
        say(f"making {folder}")
        return folder, make_venv(folder)


def run(report, wanted):
    venv, problems = ensure_venv()
    report.check("e2e", "pinned packages", problems)
    if problems:
        return
    tools, problems = prometheus.ensure(cache_dir())
    report.check("e2e", "prometheus and promtool", problems)
    if problems:
        return
    folder, problems = build("release")
    report.check("e2e", "release builds without a warning", problems)
    if problems:
        return
    junit = build_dir("e2e") / "pytest.xml"
    junit.parent.mkdir(parents=True, exist_ok=True)
    junit.unlink(missing_ok=True)
    argv = [venv / "bin/python", "-m", "pytest", "tests/e2e",
            f"--junitxml={junit}", "-p", "no:cacheprovider"]
    if wanted:
        argv += ["-k", wanted]
    env = dict(os.environ, DATA_SYNC_PROGRAMS=str(folder),
               PYTHONDONTWRITEBYTECODE="1")
    if tools:
        env["PATH"] = f"{tools}:{env['PATH']}"
    rc = stream(argv, env)
    judge(report, junit, rc)


def judge(report, junit, rc):
    """Counts pytest's cases. A skipped test shows nothing: it failed."""
    if not junit.exists():
        report.fail("e2e", "pytest", f"exit {rc} without a result")
        return
    passed = 0
    root = xml.etree.ElementTree.parse(junit).getroot()
    for case in root.iter("testcase"):
        bad = [child.tag for child in case
               if child.tag in ("failure", "error", "skipped")]
        if bad:
            name = f"{case.get('classname', '')}::{case.get('name')}"
            report.fail("e2e", name.replace("tests.e2e.", ""), bad[0])
        else:
            passed += 1
    if passed:
        report.ok("e2e", "pytest", f"{passed} tests", passed)
    if rc not in (0, 1, 5) or (rc == 1 and not report.failures):
        report.fail("e2e", "pytest", f"exit {rc}")
