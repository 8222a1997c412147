"""The Debian packages that the stack needs, and how they are installed.

A package counts as present when what we use of it is there, however it came.
Only root installs; others get the command to run. Debian starts a server
right when its package is installed: policy-rc.d forbids it meanwhile, and
postgresql-common is told not to make a cluster where it is new.
"""

import contextlib
import os
import re
import shutil
import subprocess

from . import accounts, lock, say
from .home import OUTSIDE
from .kafka import find_java
from .postgres import find_binaries
from .redis import find_server

POLICY = "/usr/sbin/policy-rc.d"
SAVED_POLICY = POLICY + ".data-sync-saved"
POLICY_TEXT = """\
#!/bin/sh
# Put here by data-sync's compose/local while it installs packages.
exit 101
"""
CREATECLUSTER = "/etc/postgresql-common/createcluster.conf"
APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=600"]


def command(name):
    return lambda: shutil.which(name) is not None


def library(module):
    def present():
        try:
            return subprocess.run(["pkg-config", "--exists", module],
                                  capture_output=True).returncode == 0
        except OSError:
            return False
    return present


def compiler():
    return bool(shutil.which("cc")) and os.path.exists("/usr/include/stdio.h")


SERVERS = (
    ("build-essential", compiler),
    ("postgresql", find_binaries),
    ("postgresql-client", command("psql")),
    ("redis-tools", find_server),
    ("openjdk-17-jre-headless", find_java),
)
BUILD = (
    ("cmake", command("cmake")),
    ("ninja-build", command("ninja")),
    ("pkg-config", command("pkg-config")),
    ("libpq-dev", library("libpq")),
    ("librdkafka-dev", library("rdkafka")),
    ("libcurl4-openssl-dev", library("libcurl")),
    ("libcjson-dev", library("libcjson")),
    ("libyaml-dev", library("yaml-0.1")),
    ("libmicrohttpd-dev", library("libmicrohttpd")),
    ("libhiredis-dev", library("hiredis")),
    ("libxxhash-dev", library("libxxhash")),
)
MAVEN = ("maven", command("mvn"))
NPM = ("npm", command("npm"))


def missing(build, maven, npm):
    wanted = list(SERVERS)
    wanted += BUILD if build else ()
    wanted += [MAVEN] if maven else []
    wanted += [NPM] if npm else []
    return [name for name, present in wanted if not present()]


def ensure(log, build, maven, npm):
    """Installs what is missing, or fails with the command that would."""
    names = missing(build, maven, npm)
    if not names:
        return
    if not shutil.which("apt-get"):
        raise say.Failure("these Debian packages (or what they hold) are "
                          "missing: " + " ".join(names),
                          say.EXIT_UNAVAILABLE)
    if not accounts.is_root():
        raise say.Failure(
            "packages are missing. Install them (without letting their "
            "servers start), then run this again:\n"
            "    sudo apt-get install -y --no-install-recommends "
            + " ".join(names), say.EXIT_UNAVAILABLE)
    os.makedirs(OUTSIDE, exist_ok=True)
    with lock.held(os.path.join(OUTSIDE, "apt.lock"), "install",
                   "waiting for another compose/local that installs"):
        names = missing(build, maven, npm)
        if names:
            install(names, log)
    still = missing(build, maven, npm)
    if still:
        raise say.Failure("installed, but still not found: "
                          + " ".join(still), say.EXIT_UNAVAILABLE)


def install(names, log):
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive",
               UCF_FORCE_CONFFOLD="1")
    get = APT + ["-o", "Dpkg::Options::=--force-confold", "install",
                 "--no-install-recommends"]
    title = f"{len(names)} packages: {' '.join(names)}"
    with say.Step("install", title) as step, servers_kept_down():
        say.run_quiet(APT + ["update"], log, step, env)
        if "postgresql" in names and not is_installed("postgresql-common"):
            say.run_quiet(get + ["postgresql-common"], log, step, env)
            forbid_cluster()
        say.run_quiet(get + names, log, step, env)


def is_installed(name):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}",
                           name], capture_output=True, text=True)
    return done.stdout == "installed"


def forbid_cluster():
    """No server `main` on port 5432, now or at the next boot."""
    try:
        with open(CREATECLUSTER, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return
    changed = re.sub(r"(?m)^#?\s*create_main_cluster\s*=.*$",
                     "create_main_cluster = false", text)
    if changed != text:
        with open(CREATECLUSTER, "w", encoding="utf-8") as file:
            file.write(changed)


@contextlib.contextmanager
def servers_kept_down():
    """policy-rc.d that forbids every start; the old one comes back, also
    after a run that was killed in between."""
    restore_policy()
    if os.path.lexists(POLICY):
        os.rename(POLICY, SAVED_POLICY)
    try:
        with open(POLICY, "w", encoding="ascii") as file:
            file.write(POLICY_TEXT)
        os.chmod(POLICY, 0o755)
        yield
    finally:
        restore_policy()


def restore_policy():
    try:
        with open(POLICY, encoding="utf-8", errors="replace") as file:
            ours = file.read() == POLICY_TEXT
    except OSError:
        ours = False
    if ours:
        os.unlink(POLICY)
    if os.path.lexists(SAVED_POLICY) and not os.path.lexists(POLICY):
        os.rename(SAVED_POLICY, POLICY)
