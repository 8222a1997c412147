"""A pipeline of a test's own: another database and name on the session's
servers, so that what it breaks stays its own. Workers are started here, with
every variable a test wants."""

import os
import signal
import subprocess

from . import pg
from .compare import Everywhere
from .kafka import Kafka
from .stack import PROGRAMS, free_port_base, http_get
from .targets import ClickHouse, Elasticsearch
from .wait import wait_until

BINARIES = {role: PROGRAMS / role / f"cdc-{role}"
            for role in ("producer", "sink-es", "sink-clickhouse", "monitor")}
STOP_S = 30


class Worker:
    """One process: its log file, its port, its end."""

    def __init__(self, role, env, log_path, listen_port):
        self.role = role
        self.port = listen_port
        self.log_path = log_path
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(BINARIES[role]), "run"], env=env, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)

    def log(self):
        return self.log_path.read_text("utf-8", "replace")

    def running(self):
        return self.process.poll() is None

    def ready(self):
        return http_get(f"http://127.0.0.1:{self.port}/readyz")[0] == 200

    def wait_ready(self, timeout=60):
        def state():
            assert self.running(), (
                f"{self.role} ended with {self.process.returncode}:\n"
                + self.log()[-3000:])
            return self.ready()

        wait_until(state, timeout, f"{self.role} is ready")
        return self

    def wait_exit(self, timeout=STOP_S):
        """The exit code; the process must end by itself."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.role} still runs after {timeout} s:\n"
                                 + self.log()[-3000:]) from None

    def wait_log(self, text, timeout=30):
        wait_until(lambda: text in self.log(), timeout,
                   lambda: f"{self.role} logs {text!r}; it logged\n"
                           + self.log()[-3000:])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait_exit()

    def end(self):
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.kill()


class Pipeline:
    """with Pipeline(stack, "types", tmp_path) as p: p.start("producer")"""

    def __init__(self, stack, name, folder):
        self.stack, self.name, self.folder = stack, name, folder
        self.url = stack.database_url(name.replace("-", "_"))
        self.workers = []
        self.ports = iter(range(free_port_base(), 65536))
        self.overrides = {}

    def __enter__(self):
        database = self.url.rsplit("/", 1)[1]
        with pg.connect(self.stack.env["DATABASE_URL"]) as conn:
            conn.execute(f'CREATE DATABASE "{database}" '
                         "TEMPLATE template0 ENCODING 'UTF8'")
        self.conn = pg.connect(self.url)
        kafka = Kafka(self.stack.brokers, self.name)
        self.es = Elasticsearch(self.stack.env["ELASTICSEARCH_URL"])
        self.ch = ClickHouse(self.stack.env["CLICKHOUSE_HOST"], self.name)
        self.everywhere = Everywhere(self.conn, kafka, self.es, self.ch)
        self.kafka = kafka
        return self

    def __exit__(self, *_exc):
        for worker in self.workers:
            worker.end()
        self.conn.close()
        database = self.url.rsplit("/", 1)[1]
        with pg.connect(self.stack.env["DATABASE_URL"]) as conn:
            drop_slot(conn, self.everywhere.slot)
            conn.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
        self.es.delete_indices_of(self.name)
        self.ch.database = "default"
        self.ch.query(f"DROP DATABASE IF EXISTS {self.ch.quote(self.name)}")

    def environment(self, port, **extra):
        """The workers' variables; None takes one away."""
        env = {"PATH": os.environ["PATH"], "CDC_NAME": self.name,
               "CDC_LISTEN": f"127.0.0.1:{port}"}
        env.update({k: v for k, v in self.stack.env.items()
                    if not k.startswith(("DATA_SYNC", "CDC_"))})
        env["DATABASE_URL"] = self.url
        env["CLICKHOUSE_DATABASE"] = self.name
        env.update(self.overrides)
        env.update(extra)
        return {k: v for k, v in env.items() if v is not None}

    def start(self, role, ready=True, log=None, **extra):
        """Starts a worker and waits until it is ready. `log` names its log
        where several of a role run."""
        port = next(self.ports)
        worker = Worker(role, self.environment(port, **extra),
                        self.folder / f"{log or role}.log", port)
        self.workers.append(worker)
        return worker.wait_ready() if ready else worker

    def run(self, role, *words, timeout=60, **extra):
        """Runs a command to its end: (exit code, output)."""
        env = self.environment(next(self.ports), **extra)
        done = subprocess.run([str(BINARIES[role]), *words], env=env,
                              timeout=timeout, text=True, check=False,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def logs(self):
        return {f"{self.name} {w.role}": w.log() for w in self.workers}


def drop_slot(conn, slot):
    """Waits for the killed producer's WAL sender to let go of it."""
    def dropped():
        try:
            conn.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM "
                "pg_replication_slots WHERE slot_name = %s", (slot,))
            return True
        except pg.psycopg.errors.ObjectInUse:
            conn.execute(
                "SELECT pg_terminate_backend(active_pid) FROM "
                "pg_replication_slots WHERE slot_name = %s", (slot,))
            return False

    wait_until(dropped, 30, f"slot {slot} is dropped")
