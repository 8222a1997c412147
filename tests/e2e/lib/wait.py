"""Waiting for a state, never for a time."""

import time


def wait_until(predicate, timeout, what, interval=0.05):
    """Calls `predicate` until it returns something true, and returns that.

    `what` says what was waited for, or is a function that does."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {timeout} s: {text}")
        time.sleep(interval)


def holds_for(predicate, seconds, what, interval=0.1):
    """The opposite: `predicate` stays true for that long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), f"did not hold for {seconds} s: {what}"
        time.sleep(interval)
