"""Verbs on the whole stack (up, down, status, env, logs) and on one process
(start, stop, kill, restart, pause, resume)."""

import concurrent.futures
import os
import shlex
import subprocess
import time

from . import (build, packages, process, sample, say, service, services,
               workers)
from .home import locked


# -- the whole stack ---------------------------------------------------------

def up(home, cache, servers_only=False, with_sample=True):
    wanted = services.servers(home, cache)
    programs = [] if servers_only else services.workers(home, cache)
    home.create()
    with locked(home, "up", "up", "waiting for another `up` of this home"):
        check_ports(wanted + programs)
        maven, npm = cache.missing()
        packages.ensure(home.log("install"), not servers_only, maven, npm)
        cache.fetch()
        cache.clickhouse_host()
        if programs and not home.binaries:
            build.build(home.log("build"))
        start_all(wanted, "accepts")
        sample.ensure_database(home)
        if with_sample:
            sample.load(home)
        start_all(programs, "healthy")
    say.line("up", f"{len(wanted) + len(programs)} processes run; "
                   f"home {home.path}, ports from {home.base}")


def check_ports(wanted):
    """Before anything starts: no port may belong to somebody else."""
    taken = []
    for item in wanted:
        tree = item.tree()
        if tree.root() is None:
            tree.kill()
            taken += [f"{port} ({purpose})"
                      for purpose, port in item.ports().items()
                      if not service.port_is_free(port)]
    if taken:
        many = len(taken) > 1
        raise say.Failure(
            f"port{'s' if many else ''} {', '.join(taken)} "
            f"{'are' if many else 'is'} in use by another program. Choose "
            "others with --port-base N: the stack takes ports N to N+93.")


def start_all(items, state):
    """Starts them at once and waits until all are in that state."""
    if not items:
        return
    began = time.monotonic()
    with say.Step("start", " ".join(item.name for item in items)) as step:
        with concurrent.futures.ThreadPoolExecutor(len(items)) as pool:
            list(pool.map(spawn, items))
        waiting = list(items)
        while waiting:
            still = []
            for item in waiting:
                if getattr(item, state)():
                    ports = " ".join(str(p) for p in item.ports().values())
                    say.line("ready", f"{item.name:<16} port {ports:<12} "
                             f"{time.monotonic() - began:5.1f} s")
                else:
                    check_alive(item, began)
                    still.append(item)
            waiting = still
            step.beat("waiting for " + ", ".join(i.name for i in waiting))
            if waiting:
                time.sleep(0.05)


def spawn(item):
    if item.state() == "paused":
        item.tree().resume()
    item.spawn()


def check_alive(item, began):
    if item.tree().root() is None:
        raise say.Failure(f"{item.name} died at start" + item.tail())
    if time.monotonic() - began > item.start_seconds:
        raise say.Failure(f"{item.name} runs, but is not ready within "
                          f"{item.start_seconds:.0f} s" + item.tail())


def down(home, cache, wipe):
    """Ends what runs, workers first, and removes the data if asked to."""
    if home.id is None:
        say.line("down", f"no stack in {home.path}")
        return
    with locked(home, "up", "down", "waiting for an `up` of this home"):
        groups = [services.replicas(home, cache)
                  + services.workers(home, cache),
                  services.servers(home, cache)]
        for group in groups:
            stop_all([item for item in group if item.tree().members()])
        for item in groups[0]:
            if item.name not in services.WORKERS:
                os.unlink(item.tree().record_path())
        if wipe:
            home.wipe()
    say.line("down", "nothing runs" + (", data removed" if wipe else ""))


def stop_all(items):
    if not items:
        return
    with say.Step("stop", " ".join(item.name for item in items)):
        with concurrent.futures.ThreadPoolExecutor(len(items)) as pool:
            list(pool.map(lambda item: item.stop(), items))


def status(home, cache):
    row = "{:<16} {:<8} {:>7} {:>6} {:>10} {:>9}"
    print(row.format("process", "state", "pid", "port", "up", "memory"))
    for item in everything(home, cache):
        tree = item.tree() if home.id else None
        root = tree.root() if tree else None
        port = next(iter(item.ports().values()))
        if root is None:
            state = tree.state() if tree else "stopped"
            print(row.format(item.name, state, "-", port, "-", "-"))
        else:
            size = process.memory(tree.members()) / 1048576
            print(row.format(item.name, tree.state(), root.pid, port,
                             span(process.uptime(root)), f"{size:.0f} MB"))


def everything(home, cache):
    found = services.servers(home, cache) + services.workers(home, cache)
    return found + services.replicas(home, cache)


def span(seconds):
    seconds = int(seconds)
    if seconds >= 86400:
        return f"{seconds // 86400}d{seconds % 86400 // 3600:02}h"
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def env(home):
    """Lines for eval in a shell."""
    values = workers.guide_environment(home)
    values["DATA_SYNC_URL"] = f"http://{service.HOST}:{home.port('monitor')}"
    values["DATA_SYNC_HOME"] = home.path
    values["CDC_WORKERS"] = workers.monitored(home)
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")


def logs(home, cache, names, follow):
    names = names or [item.name for item in everything(home, cache)]
    paths = []
    for name in names:
        if not os.path.exists(home.log(name)):
            services.make(home, name, cache)
        else:
            paths.append(home.log(name))
    if not paths:
        raise say.Failure("no log yet", say.EXIT_FAILURE)
    argv = ["tail", "-n", "50"] + (["-F"] if follow else []) + paths
    raise SystemExit(subprocess.call(argv))


# -- one process -------------------------------------------------------------

def start(item):
    if item.state() == "paused":
        item.tree().resume()
        return f"{item.name} was paused, runs again"
    if not item.spawn():
        return f"{item.name} already runs"
    item.await_accepting()
    return f"{item.name} runs, pid {item.tree().record()['pid']}"


def stop(item):
    item.stop()
    return f"{item.name} is stopped"


def kill(item):
    item.kill()
    return f"{item.name} is killed"


def restart(item):
    item.stop()
    return start(item)


def pause(item):
    if item.tree().root() is None:
        raise say.Failure(f"{item.name} does not run")
    item.tree().pause()
    return f"{item.name} is paused"


def resume(item):
    if item.tree().root() is None:
        raise say.Failure(f"{item.name} does not run")
    item.tree().resume()
    return f"{item.name} runs"


ACTIONS = {"start": start, "stop": stop, "kill": kill, "restart": restart,
           "pause": pause, "resume": resume}
