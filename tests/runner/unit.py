"""The unit part: cmocka programs by ctest, plain and with sanitizers."""

import os
import re
import xml.etree.ElementTree

from .build import build
from .shell import ROOT, capture, jobs

CASES = re.compile(r"\[==========\] (\d+) test\(s\) run\.")
TIMEOUT_S = 600
OUTPUT_BYTES = "4000000"

ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:abort_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": "print_suppressions=0",
}


def run(report, wanted):
    for preset in ("dev", "asan"):
        run_preset(report, preset, wanted)


def run_preset(report, preset, wanted):
    folder, problems = build(preset)
    report.check("unit", f"{preset} builds without a warning", problems)
    if problems:
        return
    junit = folder / "ctest.xml"
    junit.unlink(missing_ok=True)
    argv = ["ctest", "--test-dir", folder, "--output-on-failure",
            "--output-junit", junit, "--parallel", str(jobs()),
            "--test-output-size-passed", OUTPUT_BYTES,
            "--test-output-size-failed", OUTPUT_BYTES]
    if wanted:
        argv += ["-R", wanted]
    env = dict(os.environ, **ENVIRONMENT)
    rc, text = capture(argv, f"unit tests, {preset}", env, TIMEOUT_S)
    if not junit.exists():
        report.fail("unit", f"{preset}: ctest", text or f"exit {rc}")
        return
    suite = xml.etree.ElementTree.parse(junit).getroot()
    for case in suite.iter("testcase"):
        judge(report, preset, case)


def judge(report, preset, case):
    """One program: as many passed tests as cmocka counted, or one failure.

    ctest says "run" for what passed; "fail", "notrun" and "disabled" are
    failures alike: a test that did not run shows nothing."""
    name = f"{preset}: {case.get('name')}"
    output = case.findtext("system-out") or ""
    if case.get("status") == "run":
        cases = sum(int(n) for n in CASES.findall(output)) or 1
        report.ok("unit", name, f"{cases} tests, {case.get('time')} s", cases)
        return
    program = case.get("name")
    where = os.path.relpath(ROOT)
    again = f"again: cd {where} && tests/run unit '^{program}$'"
    report.fail("unit", name, output.splitlines()[-50:] + [again])
