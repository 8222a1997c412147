"""A Redis of a test's own: what it does to it hurts nobody else."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

from .stack import free_port_base
from .wait import wait_until


def find_server():
    """Debian's redis-tools holds the whole server under another name."""
    found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    assert found, "no redis-server"
    return found


class Redis:
    """with Redis(folder) as redis: redis.url"""

    def __init__(self, folder, password=None):
        self.folder = pathlib.Path(folder)
        self.port = free_port_base()
        self.password = password
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exc):
        if self.process is not None:
            self.signal(signal.SIGCONT)
            self.kill()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        argv = ["redis-server", "--bind", "127.0.0.1", "--port",
                str(self.port), "--save", "", "--dir", str(self.folder)]
        if self.password:
            argv += ["--requirepass", self.password]
        with open(self.folder / "redis.log", "ab") as log:
            self.process = subprocess.Popen(
                argv, executable=find_server(), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
        wait_until(self.answers, 20, "Redis answers")

    def answers(self):
        try:
            return self.ask("PING")[:1] in ("+", "-")
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def signal(self, number):
        self.process.send_signal(number)

    def ask(self, *words):
        """One command's answer, as it came: enough for short ones."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as sock:
            sock.settimeout(5)
            if self.password:
                self._send(sock, "AUTH", self.password)
                sock.recv(100)
            self._send(sock, *words)
            return sock.recv(1 << 16).decode()

    @staticmethod
    def _send(sock, *words):
        parts = [f"*{len(words)}\r\n"]
        parts += [f"${len(w.encode())}\r\n{w}\r\n" for w in words]
        sock.sendall("".join(parts).encode())

    def keys(self):
        """Names of all keys."""
        return sorted(line for line in self.ask("KEYS", "*").split("\r\n")
                      if line and line[0] not in "*$")
