"""What the user sees: progress lines, failures, output of quiet children.

A long step prints one line when it begins, one every ten seconds while it
lasts and one with the seconds it took. Nothing here decides anything.
"""

import os
import subprocess
import sys
import time

EXIT_FAILURE = 1
EXIT_USAGE = 64
EXIT_UNAVAILABLE = 69
EXIT_PERMISSION = 77

HEARTBEAT = 10.0


class Failure(Exception):
    """Ends the command with a message on stderr and an exit code."""

    def __init__(self, message, code=EXIT_FAILURE):
        super().__init__(message)
        self.code = code


def line(topic, text):
    """One progress line: what kind of step, and what happens in it."""
    print(f"{topic:<9} {text}", flush=True)


def warn(text):
    print(f"compose/local: {text}", file=sys.stderr, flush=True)


class Step:
    """A step that may take long: `with Step("fetch", "Kafka") as step:`.

    step.beat() is called from every waiting loop and prints a sign of life
    when it is due.
    """

    def __init__(self, topic, text):
        self.topic = topic
        self.text = text
        self.note = ""

    def __enter__(self):
        self.began = self.beaten = time.monotonic()
        line(self.topic, f"{self.text} ...")
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            note = f" ({self.note})" if self.note else ""
            line(self.topic, f"{self.text}: {self.seconds():.1f} s{note}")

    def seconds(self):
        return time.monotonic() - self.began

    def beat(self, note=""):
        now = time.monotonic()
        if now - self.beaten >= HEARTBEAT:
            self.beaten = now
            tail = f", {note}" if note else ""
            line(self.topic, f"{self.text}: {self.seconds():.0f} s{tail} ...")


def last_lines(path, count, start=0):
    """The last lines of a log, only what was written behind `start`."""
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start, size - 65536))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-count:]


def indent(lines):
    return "".join(f"\n    {text}" for text in lines)


def run_quiet(argv, log, step, env=None, cwd=None):
    """Runs a child with its output in `log`; its last lines if it fails."""
    with open(log, "ab") as out:
        start = out.tell()
        try:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=out, env=env, cwd=cwd)
        except OSError as error:
            raise Failure(f"cannot run {argv[0]}: {error.strerror}")
    try:
        while True:
            try:
                child.wait(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                step.beat()
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    if child.returncode != 0:
        tail = indent(last_lines(log, 25, start))
        raise Failure(f"{step.text}: {os.path.basename(argv[0])} ended with "
                      f"{child.returncode}; the end of {log}:{tail}")


def wait_until(check, seconds, step=None, pause=0.05):
    """Polls check() until it holds; False when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        if check():
            return True
        if time.monotonic() >= deadline:
            return False
        if step:
            step.beat()
        time.sleep(pause)
