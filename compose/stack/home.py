"""The home of one stack: its folder, its settings, its ports.

    stack.json   id, port base and options, remembered for later verbs
    run/         one record per process (process.py), locks
    logs/        NAME.log
    conf/        generated configuration
    data/NAME/   the servers' data

The home may be closed to everybody but root (0700, below /root). PostgreSQL
and Elasticsearch refuse to run as root, so what these two must reach lies in
/var/lib/data-sync/<id>/NAME, a folder of their own user, and data/NAME in
the home is a link to it. The id is random and kept in stack.json: a home
that was deleted and made again never finds the data of its predecessor.
"""

import contextlib
import hashlib
import json
import os
import pwd
import secrets
import shutil
import stat

from . import lock, say

OUTSIDE = "/var/lib/data-sync"
DEFAULT_PORT_BASE = 3000
PORT_SPAN = 94
REPLICAS = 9
ENTRIES = ("run", "logs", "conf", "data", "sample.loaded", "stack.json")

PORTS = {
    "monitor": 0,
    "elasticsearch": 20,
    "elasticsearch-transport": 21,
    "clickhouse": 23,
    "clickhouse-tcp": 24,
    "postgres": 32,
    "producer": 50,
    "sink-es": 60,
    "sink-clickhouse": 70,
    "redis": 79,
    "kafka": 92,
    "kafka-controller": 93,
}


def default_path(environ):
    state = environ.get("XDG_STATE_HOME") or os.path.join(
        environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir,
        ".local", "state")
    return os.path.join(state, "data-sync", "default")


class Home:
    """Paths and settings of one stack. Made by Home(), filled by load()."""

    def __init__(self, path):
        self.path = os.path.realpath(path)
        self.id = None
        self.base = DEFAULT_PORT_BASE
        self.worker_env = {}
        self.binaries = None
        self.cache = None
        self.made = False

    # -- settings ---------------------------------------------------------

    def settings_path(self):
        return os.path.join(self.path, "stack.json")

    def load(self):
        """Reads the settings; False where this home has none yet."""
        try:
            with open(self.settings_path(), encoding="utf-8") as file:
                settings = json.load(file)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except PermissionError:
            raise say.Failure(f"{self.path}: not readable by this user",
                              say.EXIT_PERMISSION)
        except ValueError:
            raise say.Failure(f"{self.settings_path()} is damaged: remove "
                              "this home and start again")
        self.id = settings["id"]
        self.base = settings["port_base"]
        self.worker_env = settings.get("worker_env", {})
        self.binaries = settings.get("binaries")
        self.cache = settings.get("cache")
        self.made = settings.get("made", False)
        return True

    def save(self):
        settings = {"id": self.id, "port_base": self.base, "made": self.made,
                    "worker_env": self.worker_env, "binaries": self.binaries,
                    "cache": self.cache}
        write_file(self.settings_path(),
                   json.dumps(settings, indent=1) + "\n", 0o600)

    def create(self):
        """Makes the folders; gives a new home its id. Keeps what is there."""
        try:
            self.made = self.made or not os.path.isdir(self.path)
            os.makedirs(self.path, exist_ok=True)
            for name in ("run", "logs", "conf", "data"):
                os.makedirs(os.path.join(self.path, name), exist_ok=True)
            if self.id is None:
                self.id = secrets.token_hex(6)
                self.forget_predecessors()
            self.save()
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            raise say.Failure(f"home {self.path}: {error.strerror}",
                              say.EXIT_PERMISSION)

    # -- paths ------------------------------------------------------------

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    def log(self, name):
        return self.file("logs", f"{name}.log")

    def outside(self):
        return os.path.join(OUTSIDE, self.id or "none")

    def folder(self, name, user=None):
        """data/NAME, made if need be; outside of the home for another user.

        user: an entry of the password database, None for the current user.
        """
        link = self.file("data", name)
        if user is None:
            os.makedirs(link, exist_ok=True)
            return link
        make_outside(self.outside(), self.path)
        path = os.path.join(self.outside(), name)
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chown(path, user.pw_uid, user.pw_gid)
        with contextlib.suppress(FileExistsError):
            os.symlink(path, link)
        return path

    def sockets(self, user=None):
        """The folder of PostgreSQL's Unix socket: a short path (107 bytes),
        open to clients."""
        if user is not None:
            path = os.path.join(self.folder("postgres", user), "..", "socket")
            path = os.path.normpath(path)
            os.makedirs(path, exist_ok=True)
            os.chown(path, user.pw_uid, user.pw_gid)
            return path
        path = self.file("run", "socket")
        if len(path) > 80:
            digest = hashlib.sha256(self.path.encode()).hexdigest()[:12]
            path = f"/tmp/data-sync-{os.getuid()}-{digest}"
        os.makedirs(path, mode=0o700, exist_ok=True)
        owner = os.stat(path, follow_symlinks=False)
        if owner.st_uid != os.getuid() or not stat.S_ISDIR(owner.st_mode):
            raise say.Failure(f"{path} belongs to somebody else")
        return path

    # -- ports ------------------------------------------------------------

    def port(self, name, replica=1):
        return self.base + PORTS[name] + replica - 1

    def use_base(self, base):
        if not 1024 <= base <= 65535 - PORT_SPAN:
            raise say.Failure(f"--port-base {base}: must be between 1024 and "
                              f"{65535 - PORT_SPAN}", say.EXIT_USAGE)
        self.base = base

    # -- end --------------------------------------------------------------

    def wipe(self):
        """Removes what this stack made, and the home if it made that."""
        shutil.rmtree(self.outside(), ignore_errors=True)
        digest = hashlib.sha256(self.path.encode()).hexdigest()[:12]
        shutil.rmtree(f"/tmp/data-sync-{os.getuid()}-{digest}",
                      ignore_errors=True)
        for name in ENTRIES:
            path = self.file(name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            elif os.path.lexists(path):
                os.unlink(path)
        if self.made:
            try:
                os.rmdir(self.path)
            except OSError:
                pass

    def forget_predecessors(self):
        """Removes outside data of an earlier home of this path, unless a
        server still uses it."""
        if os.getuid() != 0 or not os.path.isdir(OUTSIDE):
            return
        for name in os.listdir(OUTSIDE):
            folder = os.path.join(OUTSIDE, name)
            try:
                with open(os.path.join(folder, "home"),
                          encoding="utf-8") as file:
                    path = file.read()
            except OSError:
                continue
            if path == self.path and not in_use(folder):
                shutil.rmtree(folder, ignore_errors=True)


def in_use(folder):
    """Whether a process works inside the folder."""
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                cwd = os.readlink(f"/proc/{pid}/cwd")
            except OSError:
                continue
            if cwd.startswith(folder + "/"):
                return True
    return False


def make_outside(path, home):
    """/var/lib/data-sync/<id>: passable, not listable by others."""
    os.makedirs(OUTSIDE, exist_ok=True)
    os.chmod(OUTSIDE, 0o755)
    os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o711)
    note = os.path.join(path, "home")
    if not os.path.exists(note):
        write_file(note, home, 0o600)


def write_file(path, text, mode=0o644, user=None):
    """Writes a file atomically: a reader sees the old or the new text."""
    temporary = f"{path}.{secrets.token_hex(4)}.new"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
        if user is not None:
            os.fchown(file.fileno(), user.pw_uid, user.pw_gid)
    os.replace(temporary, path)


def locked(home, name, topic=None, waiting=None):
    return lock.held(home.file("run", f"{name}.lock"), topic, waiting)
