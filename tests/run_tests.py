"""tests/run: see docs/TESTING.md and `tests/run --help`."""

import sys

if sys.version_info < (3, 11):
    sys.exit("tests/run: python 3.11 or newer is needed, this is "
             + sys.version.split()[0])

from runner.cli import main  # noqa: E402 - after the version check

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
