"""Running commands: output kept, progress shown, children never left over."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRESS_S = 15
STOP_GRACE_S = 120


def say(text):
    """One line of progress, on stdout, at once."""
    print(f"tests/run: {text}", flush=True)


def jobs():
    """How many compilers may run side by side."""
    return len(os.sched_getaffinity(0))


def build_dir(preset):
    """Where a preset is built: build/PRESET, or below DATA_SYNC_BUILD."""
    base = os.environ.get("DATA_SYNC_BUILD")
    return (pathlib.Path(base) if base else ROOT / "build") / preset


class Ticker:
    """Says every PROGRESS_S that something is still running."""

    def __init__(self, what):
        self.what = what
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        started = time.monotonic()
        while not self.done.wait(PROGRESS_S):
            say(f"{self.what}: {time.monotonic() - started:.0f} s")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_exc):
        self.done.set()
        self.thread.join()


def stop(process):
    """Asks a child to end and waits; it cleans up behind itself."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def capture(argv, what=None, env=None, timeout=None):
    """Runs a command; returns (exit code, stdout and stderr as text).

    A time-out is exit code 124. `what` names it in progress lines."""
    process = subprocess.Popen(
        [str(a) for a in argv], cwd=ROOT, env=env, text=True,
        errors="replace", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with Ticker(what or argv[0]):
        try:
            text, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            text, _ = process.communicate()
            return 124, text + f"\nstopped after {timeout} s"
        except BaseException:
            stop(process)
            raise
    return process.returncode, text


def stream(argv, env=None):
    """Runs a command whose output is shown as it comes; the exit code."""
    sys.stdout.flush()
    process = subprocess.Popen([str(a) for a in argv], cwd=ROOT, env=env,
                               stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    except BaseException:
        stop(process)
        raise


def tail(text, count=60):
    return text.splitlines()[-count:]
