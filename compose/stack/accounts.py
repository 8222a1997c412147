"""The users that servers run as when the stack is root's."""

import os
import pwd
import subprocess

from . import say

SERVER_USER = "data-sync"


def is_root():
    return os.getuid() == 0


def find(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def postgres():
    """Debian's own user; None when we run as an ordinary user ourselves."""
    return find("postgres") or server() if is_root() else None


def server():
    """The user of Elasticsearch, made when it is first needed."""
    if not is_root():
        return None
    account = find(SERVER_USER)
    if account is None:
        done = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--user-group",
             "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin",
             SERVER_USER], capture_output=True, text=True)
        account = find(SERVER_USER)
        if account is None:
            raise say.Failure(f"cannot make the user {SERVER_USER}: "
                              f"{done.stderr.strip()}")
    return account
