"""One server or worker as a tree of processes of this machine.

A record (run/NAME.json) holds the pid together with its start time and the
boot, so that a reused pid is never taken for ours. A tree is found anew by
walking /proc at each verb: descendants of the recorded pid, its session,
every process that carries our mark in its environment, and PostgreSQL's
backends (each a session of its own, title over its environment) by program
and working folder. So children of a parent that died are found too.
"""

import json
import os
import signal
import time

from . import say
from .home import write_file

MARK = "DATA_SYNC_PROCESS"
KILL_SECONDS = 30.0


class Proc:
    """A line of /proc: pid, parent, session, state letter, start time."""

    __slots__ = ("pid", "state", "parent", "session", "start")

    def __init__(self, pid, fields):
        self.pid = pid
        self.state = fields[0]
        self.parent = int(fields[1])
        self.session = int(fields[3])
        self.start = int(fields[19])


def read_proc(pid):
    """None when there is no such process. A zombie is returned."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8",
                  errors="replace") as file:
            text = file.read()
    except OSError:
        return None
    return Proc(pid, text[text.rindex(")") + 2:].split())


def is_running(proc):
    return proc is not None and proc.state not in "ZX"


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def all_procs():
    procs = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            proc = read_proc(int(name))
            if is_running(proc):
                procs[proc.pid] = proc
    return procs


def has_mark(pid, mark):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def works_in(pid, program, folder):
    """Whether the process runs `program` with its working folder there."""
    try:
        exe = os.readlink(f"/proc/{pid}/exe")
        cwd = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False
    return (os.path.basename(exe.removesuffix(" (deleted)")) == program
            and cwd == folder)


def send(proc, number):
    """Signals exactly this process, never one that got its pid since."""
    try:
        fd = os.pidfd_open(proc.pid)
    except ProcessLookupError:
        return
    except (OSError, AttributeError):
        fd = None
    try:
        now = read_proc(proc.pid)
        if now is None or now.start != proc.start:
            return
        if fd is None:
            os.kill(proc.pid, number)
        else:
            signal.pidfd_send_signal(fd, number)
    except ProcessLookupError:
        pass
    finally:
        if fd is not None:
            os.close(fd)


class Tree:
    """The processes of one service, as /proc shows them at each call."""

    def __init__(self, home, name, program=None, folder=None):
        self.home = home
        self.name = name
        self.mark = f"{MARK}={home.id}/{name}".encode()
        self.program = program
        self.folder = folder

    # -- the record -------------------------------------------------------

    def record_path(self):
        return self.home.file("run", f"{self.name}.json")

    def record(self):
        try:
            with open(self.record_path(), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def write_record(self, **fields):
        write_file(self.record_path(), json.dumps(fields) + "\n")

    def note(self, ended):
        """Remembers how the process ended, for `status`."""
        record = self.record()
        record["ended"] = ended
        self.write_record(**record)

    def root(self):
        """The recorded process while it runs, else None."""
        record = self.record()
        if "pid" not in record or record.get("boot") != boot_id():
            return None
        proc = read_proc(record["pid"])
        if is_running(proc) and proc.start == record["start"]:
            return proc
        return None

    # -- the tree ---------------------------------------------------------

    def members(self):
        """Every running process of the tree, the root first."""
        procs = all_procs()
        root = self.root()
        found = {pid for pid, proc in procs.items() if self.owns(proc, root)}
        grown = True
        while grown:
            more = {pid for pid, proc in procs.items()
                    if proc.parent in found and pid not in found}
            found |= more
            grown = bool(more)
        found.discard(os.getpid())
        first = root.pid if root else 0
        return [procs[pid] for pid in
                sorted(found, key=lambda pid: (pid != first, pid))]

    def owns(self, proc, root):
        if root and (proc.pid == root.pid or proc.session == root.pid):
            return True
        if has_mark(proc.pid, self.mark):
            return True
        return bool(self.program) and works_in(proc.pid, self.program,
                                               self.folder)

    def state(self):
        """running, paused, stopped (by us, or never started) or dead."""
        root = self.root()
        if root:
            return "paused" if root.state in "Tt" else "running"
        ended = self.record().get("ended")
        if ended is None and self.record():
            return "dead"
        return ended or "stopped"

    # -- signals ----------------------------------------------------------

    def freeze(self):
        """SIGSTOP to all, again until no new child appears."""
        frozen = {}
        while True:
            fresh = [proc for proc in self.members()
                     if proc.pid not in frozen]
            if not fresh:
                return list(frozen.values())
            for proc in fresh:
                send(proc, signal.SIGSTOP)
                frozen[proc.pid] = proc

    def kill(self):
        """SIGKILL to the whole tree; returns once it is gone."""
        for _ in range(20):
            procs = self.freeze()
            if not procs:
                return
            for proc in procs:
                send(proc, signal.SIGKILL)
            say.wait_until(lambda: all_gone(procs), KILL_SECONDS, pause=0.01)
        raise say.Failure(f"{self.name} does not die")

    def pause(self):
        procs = self.freeze()
        say.wait_until(lambda: all(is_stopped(proc) for proc in procs), 10.0,
                       pause=0.01)

    def resume(self):
        """SIGCONT, the children first: a parent never waits for a child
        that still stands."""
        procs = self.members()
        for proc in reversed(procs):
            send(proc, signal.SIGCONT)
        say.wait_until(lambda: not any(is_stopped(proc, gone=False)
                                       for proc in procs), 10.0, pause=0.01)

    def stop(self, number, seconds):
        """Asks the root to end, kills what is left after `seconds`.
        False when it had to kill."""
        root = self.root()
        if root is None:
            self.kill()
            return True
        send(root, number)
        self.resume()
        done = say.wait_until(
            lambda: not is_same(root) and not self.members(), seconds,
            pause=0.02)
        self.kill()
        return done


def is_same(proc):
    now = read_proc(proc.pid)
    return is_running(now) and now.start == proc.start


def is_stopped(proc, gone=True):
    """Whether it stands still; `gone` is the answer for one that ended."""
    now = read_proc(proc.pid)
    if not is_running(now) or now.start != proc.start:
        return gone
    return now.state in "Tt"


def all_gone(procs):
    return not any(is_same(proc) for proc in procs)


def uptime(proc):
    with open("/proc/uptime", encoding="ascii") as file:
        now = float(file.read().split()[0])
    return now - proc.start / os.sysconf("SC_CLK_TCK")


def memory(procs):
    """Resident bytes of a tree; shared pages count once per process."""
    total = 0
    for proc in procs:
        try:
            with open(f"/proc/{proc.pid}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1])
        except (OSError, IndexError):
            continue
    return total * os.sysconf("SC_PAGE_SIZE")


def stamp(pid):
    """What a record says of a process that was just started."""
    proc = read_proc(pid)
    return {"pid": pid, "start": proc.start if proc else 0,
            "boot": boot_id(), "time": time.time()}
