"""Locks between several runs of compose/local: flock on a file."""

import contextlib
import fcntl
import os

from . import say


@contextlib.contextmanager
def held(path, topic=None, waiting=None):
    """Holds the lock; says `waiting` once if somebody else has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                say.line(topic, waiting)
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
