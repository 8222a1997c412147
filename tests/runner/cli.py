"""The command line of tests/run: which parts run, and the summary."""

import argparse
import signal
import sys
import time

from . import e2e, fuzz, lint, packages, unit
from .report import Report
from .shell import say

PARTS = {
    "lint": lint.run,
    "unit": unit.run,
    "fuzz": fuzz.run,
    "e2e": e2e.run,
}

DESCRIPTION = """\
Checks and tests of data-sync. Without a part everything runs, in this order:

  lint   format, layers, lengths, banned calls, scripts
  unit   cmocka programs by ctest, plain and under ASan/UBSan
  fuzz   a million inputs through the decoders that read bytes from outside
  e2e    real PostgreSQL, Kafka, Elasticsearch, ClickHouse; kill -9; outages
"""


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="tests/run", description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=list(PARTS),
                        help="run this part only")
    parser.add_argument("filter", nargs="?", default="",
                        help="only checks whose name contains this "
                             "(unit: ctest -R, e2e: pytest -k)")
    parser.add_argument("--no-install", action="store_true",
                        help="install nothing, say what is missing")
    return parser.parse_args(argv)


def interrupted(_signum, _frame):
    """SIGTERM ends as Ctrl-C does: children are stopped, nothing stays."""
    raise KeyboardInterrupt


def main(argv):
    """Returns the exit code: 0 all passed, 1 a failure, 69 a tool missing."""
    args = parse(argv)
    signal.signal(signal.SIGTERM, interrupted)
    names = [args.part] if args.part else list(PARTS)
    started = time.monotonic()
    report = Report()
    try:
        missing = packages.ensure(names, install=not args.no_install)
        if missing:
            return 69
        for name in names:
            run_part(name, args.filter, report)
    except KeyboardInterrupt:
        say("interrupted")
        report.fail("run", "interrupted", "a signal ended the run")
    say(f"{time.monotonic() - started:.0f} s in all")
    sys.stdout.flush()
    return report.summary()


def run_part(name, wanted, report):
    started = time.monotonic()
    say(f"== {name}")
    before = report.count()
    PARTS[name](report, wanted)
    if report.count() == before:
        what = f"nothing matches {wanted!r}" if wanted else "nothing ran"
        report.fail(name, "any", what)
    say(f"== {name}: {time.monotonic() - started:.0f} s")
