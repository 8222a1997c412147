"""What passed and what failed, said as it happens and summed at the end."""

import sys
import time

DETAIL_LINES_MAX = 60


class Report:
    """Counts checks. A check is one line of output; failures add details."""

    def __init__(self):
        self.passed = 0
        self.failures = []

    def count(self):
        return self.passed + len(self.failures)

    def ok(self, part, name, note="", cases=1):
        """`cases` tests passed under this name."""
        self.passed += cases
        say_line("ok  ", part, name, note)

    def fail(self, part, name, detail, cases=1):
        """`cases` tests failed; `detail` is text or a list of lines."""
        lines = detail.splitlines() if isinstance(detail, str) else detail
        self.failures.extend([f"{part}: {name}"] * cases)
        say_line("FAIL", part, name, "")
        for line in lines[:DETAIL_LINES_MAX]:
            print("       " + line, flush=True)
        if len(lines) > DETAIL_LINES_MAX:
            print(f"       ... and {len(lines) - DETAIL_LINES_MAX} lines more",
                  flush=True)

    def check(self, part, name, problems, note=""):
        """One check with a list of problems; none means it passed."""
        if problems:
            self.fail(part, name, problems)
        else:
            self.ok(part, name, note)

    def summary(self):
        """Prints the failures and the last line; returns the exit code."""
        for name in dict.fromkeys(self.failures):
            print(f"failed: {name}")
        print(f"{self.passed} passed, {len(self.failures)} failed")
        sys.stdout.flush()
        return 1 if self.failures else 0


STARTED = time.monotonic()


def say_line(mark, part, name, note):
    seconds = time.monotonic() - STARTED
    note = f"  ({note})" if note else ""
    print(f"{seconds:6.1f} {mark} {part}: {name}{note}", flush=True)
