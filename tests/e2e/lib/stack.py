"""One stack of servers and workers, through compose/local."""

import os
import pathlib
import random
import shlex
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from . import exact
from .wait import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = pathlib.Path(os.environ.get("DATA_SYNC_PROGRAMS",
                                       ROOT / "build" / "release"))
SERVERS = ("postgres", "kafka", "elasticsearch", "clickhouse", "redis")
WORKERS = ("producer", "sink-es", "sink-clickhouse", "monitor")
PORT_SPAN = 100
WORKER_PORTS = {"monitor": 0, "producer": 50, "sink-es": 60,
                "sink-clickhouse": 70}
API = "/api/v1/data-sync"


def is_free(port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


TAKEN = set()


def free_port_base():
    """A block below the ephemeral ports, none of which is in use. Picked at
    random, so that two runs at the same time do not meet."""
    bases = list(range(20000, 31900, PORT_SPAN))
    random.SystemRandom().shuffle(bases)
    for base in bases:
        if base not in TAKEN and all(is_free(base + n)
                                     for n in range(PORT_SPAN)):
            TAKEN.add(base)
            return base
    raise RuntimeError("no free block of ports")


def http_get(url, timeout=10):
    """(status, body as text); a refused connection is (0, why)."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


class Stack:
    """Started once per session. `home` holds its data and logs."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.base = free_port_base()
        self.env = {}

    # -- verbs of compose/local -------------------------------------------

    def local(self, *args, check=True, timeout=300):
        """Runs compose/local on this home; (exit code, its output)."""
        argv = [ROOT / "compose" / "local", *args, "--home", self.home]
        done = subprocess.run([str(a) for a in argv], check=False, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if check and done.returncode != 0:
            words = " ".join(str(a) for a in args)
            raise AssertionError(f"compose/local {words}: exit "
                                 f"{done.returncode}\n{done.stdout}")
        return done.returncode, done.stdout

    def up(self):
        # Elasticsearch and Kafka answer slower on a machine that also
        # compiles; compose/local waits on their state, so this is a limit.
        self.local("up", "--port-base", str(self.base), "--binaries",
                   PROGRAMS, timeout=1500)
        self.load_env()

    def load_env(self):
        _, text = self.local("env")
        for line in text.splitlines():
            words = shlex.split(line)
            if len(words) == 2 and words[0] == "export":
                name, _, value = words[1].partition("=")
                self.env[name] = value

    def down(self):
        self.local("down", "--wipe", check=False)

    def kill(self, *names):
        self.local("kill", *names)

    def stop(self, *names):
        self.local("stop", *names)

    def start(self, *names):
        self.local("start", *names)

    def pause(self, *names):
        self.local("pause", *names)

    def resume(self, *names):
        self.local("resume", *names)

    def pid(self, name):
        _, text = self.local("status")
        for line in text.splitlines():
            words = line.split()
            if len(words) > 2 and words[0] == name and words[2].isdigit():
                return int(words[2])
        raise AssertionError(f"{name} does not run:\n{text}")

    def kill_soon(self, name, pid, seconds):
        """Lets a paused worker run for so long, then kill -9: by signal,
        for a verb of compose/local takes longer than a worker to finish."""
        os.kill(pid, signal.SIGCONT)
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        self.kill(name)

    # -- where things are -------------------------------------------------

    @property
    def brokers(self):
        return self.env["KAFKA_BROKERS"]

    def url(self, worker, path=""):
        port = self.base + WORKER_PORTS[worker]
        return f"http://127.0.0.1:{port}{path}"

    def database_url(self, database):
        """The same server, another database."""
        return self.env["DATABASE_URL"].rsplit("/", 1)[0] + "/" + database

    def log_text(self, name):
        path = self.home / "logs" / f"{name}.log"
        if not path.exists():
            return ""
        return path.read_bytes().decode("utf-8", "replace")

    # -- what the workers say ---------------------------------------------

    def ready(self, worker):
        return http_get(self.url(worker, API + "/ready"))[0] == 200

    def wait_ready(self, *workers, timeout=60):
        for worker in workers or WORKERS:
            wait_until(lambda: self.ready(worker), timeout,
                       f"{worker} is ready")

    def health(self):
        """(status, the monitor's answer)"""
        status, text = http_get(self.url("monitor", API + "/health"))
        return status, exact.loads(text) if status else text

    def sync_lag(self):
        status, health = self.health()
        assert status, f"the monitor does not answer: {health}"
        return float(health["metrics"]["syncLag"])

    def alive(self, worker):
        return http_get(self.url(worker, API + "/live"), 5)[0] == 200

    def revive(self):
        """Starts what does not run: a test before may have failed midway."""
        self.start(*SERVERS)
        dead = [w for w in WORKERS if not self.alive(w)]
        if dead:
            self.start(*dead)
            self.wait_ready(*dead)
        return dead
