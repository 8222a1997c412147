"""What servers and workers have in common: how one is started, checked and
ended. A subclass says what to run; nothing here knows a program by name."""

import os
import pwd
import shutil
import signal
import socket
import subprocess

from . import process, say
from .home import locked

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LOG_LIMIT = 64 * 1024 * 1024
LOG_LINES = 20
HOST = "127.0.0.1"


class Service:
    """One process tree of the stack.

    Subclasses set `title`, `stop_seconds`, `stop_signal`, `start_seconds`
    and give argv(), and where needed prepare(), environment(), account(),
    ports() and accepts().
    """

    title = "process"
    stop_signal = signal.SIGTERM
    stop_seconds = 60.0
    start_seconds = 300.0
    program = None

    def __init__(self, home, name, cache):
        self.home = home
        self.name = name
        self.cache = cache

    # -- what a subclass says ---------------------------------------------

    def account(self):
        """The user it runs as; None for the current one."""
        return None

    def folder(self):
        """Its data and working folder."""
        return self.home.folder(self.name, self.account())

    def prepare(self):
        """Writes configuration, makes the data folder. Idempotent."""

    def argv(self):
        raise NotImplementedError

    def executable(self):
        """The file to run where argv()[0] is only a title."""
        return None

    def environment(self):
        return {}

    def ports(self):
        """{what it is for: number}"""
        return {}

    def accepts(self):
        """Whether it answers in its own protocol."""
        return True

    def healthy(self):
        """Whether it does its work; what `up` waits for."""
        return self.accepts()

    # -- the tree ---------------------------------------------------------

    def tree(self):
        folder = os.path.realpath(self.folder()) if self.program else None
        return process.Tree(self.home, self.name, self.program, folder)

    def state(self):
        return self.tree().state()

    def log(self):
        return self.home.log(self.name)

    def clean_environment(self):
        """Nothing of the caller's environment reaches a server or worker."""
        account = self.account() or pwd.getpwuid(os.getuid())
        temporary = os.path.join(self.folder(), "tmp")
        env = {"PATH": PATH, "HOME": account.pw_dir, "USER": account.pw_name,
               "LANG": "C.UTF-8", "TMPDIR": temporary,
               process.MARK: f"{self.home.id}/{self.name}"}
        env.update(self.environment())
        return env

    def spawn(self):
        """Starts it unless it runs; returns whether it was started here."""
        with locked(self.home, self.name):
            tree = self.tree()
            if tree.root():
                return False
            tree.kill()
            self.prepare()
            self.make_temporary()
            child = self.launch()
            tree.write_record(log_start=self.log_start,
                              **process.stamp(child.pid))
            self.child = child
            return True

    def launch(self):
        rotate(self.log())
        account = self.account()
        options = {}
        if account:
            groups = os.getgrouplist(account.pw_name, account.pw_gid)
            options = {"user": account.pw_uid, "group": account.pw_gid,
                       "extra_groups": groups}
        with open(self.log(), "ab") as out:
            self.log_start = out.tell()
            try:
                return subprocess.Popen(
                    self.argv(), executable=self.executable(),
                    stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                    env=self.clean_environment(), cwd=self.folder(),
                    start_new_session=True, umask=0o022, **options)
            except OSError as error:
                raise say.Failure(f"cannot start {self.name}: {error}")

    def make_temporary(self):
        path = os.path.join(self.folder(), "tmp")
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path, 0o700)
        account = self.account()
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)

    def await_state(self, check, what, step):
        """Waits until check() holds; fails when the process dies first."""
        tree = self.tree()

        def settled():
            return check() or tree.root() is None

        in_time = say.wait_until(settled, self.start_seconds, step)
        if tree.root() is None:
            raise say.Failure(f"{self.name} died at start" + self.tail())
        if not in_time:
            raise say.Failure(f"{self.name} runs, but {what} not within "
                              f"{self.start_seconds:.0f} s" + self.tail())

    def await_accepting(self, step=None):
        self.await_state(self.accepts, "accepts connections", step)

    def await_healthy(self, step=None):
        self.await_state(self.healthy, "is ready", step)

    def tail(self):
        """The last lines it logged since it was started, for a failure."""
        start = self.tree().record().get("log_start", 0)
        lines = say.last_lines(self.log(), LOG_LINES, start)
        if not lines:
            return f"; it logged nothing ({self.log()})"
        return f"; the end of {self.log()}:" + say.indent(lines)

    def stop(self):
        """Ends it in order; says so when it had to be killed."""
        tree = self.tree()
        if not tree.stop(self.stop_signal, self.stop_seconds):
            say.line("stop", f"{self.name} did not end within "
                             f"{self.stop_seconds:.0f} s: killed")
        tree.note("stopped")

    def kill(self):
        tree = self.tree()
        tree.kill()
        tree.note("dead")


def rotate(path):
    try:
        if os.path.getsize(path) > LOG_LIMIT:
            os.replace(path, path + ".1")
    except FileNotFoundError:
        pass


def port_is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, port))
        except OSError:
            return False
    return True


def exchange(port, request, size, seconds=1.0):
    """Sends bytes to a local port and returns the first `size` bytes of the
    answer, fewer when it ends before, None when there is no answer."""
    try:
        with socket.create_connection((HOST, port), timeout=seconds) as sock:
            sock.settimeout(seconds)
            sock.sendall(request)
            answer = b""
            while len(answer) < size:
                piece = sock.recv(65536)
                if not piece:
                    break
                answer += piece
            return answer
    except OSError:
        return None
