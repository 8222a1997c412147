"""PostgreSQL: the newest installed server from 14 on, 15 on Debian 12."""

import glob
import os
import shutil
import signal
import socket
import struct
import subprocess

from . import accounts, say, service

DATABASE = "datasync"
SUPERUSER = "postgres"
OLDEST = 14
READY = b"Z\0\0\0\x05I"
TERMINATE = b"X\0\0\0\x04"
SETTINGS = {
    "listen_addresses": service.HOST,
    "wal_level": "logical",
    "max_connections": "200",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "unix_socket_permissions": "0777",
}


def find_binaries():
    """The bin folder of the newest usable server, or None."""
    found = []
    for path in glob.glob("/usr/lib/postgresql/*/bin"):
        version = path.split("/")[-2]
        if (version.isdigit() and int(version) >= OLDEST
                and os.access(f"{path}/postgres", os.X_OK)):
            found.append((int(version), path))
    if not found:
        on_path = shutil.which("postgres")
        return os.path.dirname(on_path) if on_path else None
    return max(found)[1]


class Postgres(service.Service):
    title = "PostgreSQL"
    stop_signal = signal.SIGINT
    program = "postgres"

    def account(self):
        return accounts.postgres()

    def ports(self):
        return {"postgres": self.home.port("postgres")}

    def binaries(self):
        """Those that made the data folder: a newer server installed later
        does not take over old data."""
        try:
            with open(os.path.join(self.data(), "PG_VERSION"),
                      encoding="ascii") as file:
                path = f"/usr/lib/postgresql/{file.read().strip()}/bin"
                if os.access(f"{path}/postgres", os.X_OK):
                    return path
        except OSError:
            pass
        path = find_binaries()
        if path is None:
            raise say.Failure("no PostgreSQL server found (14 or newer)",
                              say.EXIT_UNAVAILABLE)
        return path

    def data(self):
        return os.path.join(self.folder(), "data")

    def tree(self):
        tree = super().tree()
        tree.folder = os.path.realpath(self.data())
        return tree

    def prepare(self):
        if not os.path.isdir(self.data()):
            self.initialise()
        # Nobody of ours is left here (spawn() saw to it), so a pid file is
        # stale; with a reused pid in it the server would refuse to start.
        for path in (os.path.join(self.data(), "postmaster.pid"),
                     self.socket_path() + ".lock", self.socket_path()):
            if os.path.lexists(path):
                os.unlink(path)

    def initialise(self):
        fresh = self.data() + ".new"
        shutil.rmtree(fresh, ignore_errors=True)
        account = self.account()
        options = {}
        if account:
            options = {"user": account.pw_uid, "group": account.pw_gid,
                       "extra_groups": []}
        done = subprocess.run(
            [f"{self.binaries()}/initdb", "-D", fresh, "-A", "trust",
             "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"],
            cwd=self.folder(), env={"PATH": service.PATH, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            **options)
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).splitlines()[-20:]
            raise say.Failure("initdb failed:" + say.indent(lines))
        os.rename(fresh, self.data())

    def socket_path(self):
        return os.path.join(self.home.sockets(self.account()),
                            f".s.PGSQL.{self.home.port('postgres')}")

    def argv(self):
        argv = [f"{self.binaries()}/postgres", "-D", self.data(),
                "-p", str(self.home.port("postgres")),
                "-k", self.home.sockets(self.account())]
        for name, value in SETTINGS.items():
            argv += ["-c", f"{name}={value}"]
        return argv

    def accepts(self):
        """A whole start-up as a client, up to ReadyForQuery."""
        fields = b"user\0postgres\0database\0postgres\0\0"
        packet = struct.pack("!ii", 8 + len(fields), 196608) + fields
        address = (service.HOST, self.home.port("postgres"))
        try:
            with socket.create_connection(address, timeout=2.0) as sock:
                sock.settimeout(2.0)
                sock.sendall(packet)
                answer = b""
                while not answer.endswith(READY):
                    piece = sock.recv(65536)
                    answer += piece
                    if not piece or answer.startswith(b"E"):
                        return False
                sock.sendall(TERMINATE)
                return True
        except OSError:
            return False


def url(home):
    return (f"postgresql://{SUPERUSER}@{service.HOST}:"
            f"{home.port('postgres')}/{DATABASE}")
