"""The command line of compose/local: verbs, options, exit codes."""

import argparse
import os
import re
import signal
import sys

from stack import cache, compare, demo, home, lifecycle, say, services

USAGE = """\
usage: compose/local VERB [NAME...] [OPTION...]

The whole stack on this machine, without Docker: PostgreSQL, Kafka,
Elasticsearch, ClickHouse, Redis, cdc-producer, cdc-sink-es,
cdc-sink-clickhouse and cdc-monitor, with six sample tables.

the stack
  up          install, fetch and build what is missing, start everything and
              wait until all is ready
  demo        up, 20 s of traffic, then compare every row of every table
  compare     only the comparison: PostgreSQL = Elasticsearch = ClickHouse?
  status      one line per process
  env         export lines: eval "$(compose/local env)"
  logs        the end of the logs, of one NAME or of all; -f follows
  down        end what up started; --wipe removes the data, too

one process or several: postgres kafka elasticsearch clickhouse redis
producer sink-es sink-clickhouse monitor, further replicas sink-es-2 ...
  kill        SIGKILL to its whole process tree
  stop        SIGTERM (PostgreSQL: a fast shutdown); SIGKILL after 27 s
              (a server: 60 s)
  start       start it; starting sink-es-2 adds a replica
  restart     stop and start
  pause       SIGSTOP to its whole process tree
  resume      SIGCONT

options, before or after the verb
  --home DIR        data, logs, pid files (DATA_SYNC_HOME, default
                    ~/.local/state/data-sync/default)
  --port-base N     ports N to N+93 (default 3000); a home remembers it:
                    monitor N, elasticsearch N+20, clickhouse N+23,
                    postgres N+32, producer N+50, redis N+79, kafka N+92
  --servers-only    up: the five servers, neither build nor workers
  --no-sample       up: leave the database empty
  --binaries DIR    up, start: take the programs from this build folder and
                    do not build; remembered ("" forgets)
  --env NAME=VALUE  up, start: a variable of the workers; remembered
                    (NAME= sets it empty, NAME alone forgets it)
  --wipe            down: remove the data
  -f, --follow      logs: go on
  --seconds S       demo: length of the traffic (default 20)
  --rate R          demo: rows per second (default 500)
  --seed N          demo: seed of the traffic (default 1)
  --wait S          demo, compare: how long to wait for the targets
                    (default 300, compare 0)
  --down            demo: end the stack afterwards
  -h, --help        this text

environment: DATA_SYNC_KAFKA_HEAP, DATA_SYNC_ES_HEAP (default 512m each)

examples
  compose/local demo
  compose/local up --home /tmp/b --port-base 21000
  eval "$(compose/local env)"; psql "$DATABASE_URL" -c '\\dt'
  compose/local kill sink-es; compose/local start sink-es
  compose/local start sink-clickhouse-2
  compose/local logs producer -f
  compose/local down --wipe

exit codes: 0 done, 1 failed or different, 64 usage, 69 something is missing
on this machine, 77 permission
"""

STACK_VERBS = ("up", "demo", "compare", "status", "env", "logs", "down")
OPTIONS_OF = {
    "servers_only": ("up",), "no_sample": ("up",),
    "binaries": ("up", "demo", "start", "restart"),
    "env": ("up", "demo", "start", "restart"),
    "wipe": ("down",), "follow": ("logs",), "seconds": ("demo",),
    "rate": ("demo",), "seed": ("demo",), "wait": ("demo", "compare"),
    "down": ("demo",),
}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise say.Failure(f"{message}\nTry compose/local --help",
                          say.EXIT_USAGE)


def positive(kind):
    def convert(text):
        value = kind(text)
        if not 0 < value < 1e9:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value
    convert.__name__ = "number"
    return convert


def parse(arguments):
    parser = Parser(prog="compose/local", add_help=False,
                    allow_abbrev=False)
    parser.add_argument("verb", nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--home")
    parser.add_argument("--port-base", type=int)
    for flag in ("--servers-only", "--no-sample", "--wipe", "--down"):
        parser.add_argument(flag, action="store_true")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.add_argument("--binaries")
    parser.add_argument("--env", action="append")
    parser.add_argument("--seconds", type=positive(float))
    parser.add_argument("--rate", type=positive(float))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--wait", type=positive(float))
    options = parser.parse_intermixed_args(arguments)
    if not options.help:
        check(parser, options)
    return options


def check(parser, options):
    verb = options.verb
    if verb is None:
        parser.error("which verb?")
    if verb not in STACK_VERBS and verb not in lifecycle.ACTIONS:
        parser.error(f"unknown verb {verb!r}")
    if verb in lifecycle.ACTIONS and not options.names:
        parser.error(f"{verb}: which process?")
    if verb in STACK_VERBS and verb != "logs" and options.names:
        parser.error(f"{verb} takes no name")
    for name, verbs in OPTIONS_OF.items():
        if getattr(options, name) not in (None, False) and verb not in verbs:
            flag = "--" + name.replace("_", "-")
            parser.error(f"{flag} does not go with {verb}")


def open_home(options):
    """The home with its settings; --port-base is checked against them."""
    path = options.home or os.environ.get("DATA_SYNC_HOME") \
        or home.default_path(os.environ)
    if not re.fullmatch(r"[\w ./@+~-]+", path, re.ASCII):
        raise say.Failure(f"home {path!r}: only letters, digits, spaces and "
                          "./@+~_- can stand in the servers' configuration",
                          say.EXIT_USAGE)
    stack = home.Home(path)
    known = stack.load()
    if options.port_base is not None and options.port_base != stack.base:
        if known and options.verb not in ("up", "demo"):
            raise say.Failure(f"{stack.path} has ports from {stack.base}",
                              say.EXIT_USAGE)
        if known and is_any_running(stack):
            raise say.Failure(f"{stack.path} runs with ports from "
                              f"{stack.base}: `compose/local down` first")
        stack.use_base(options.port_base)
    return stack, known


def is_any_running(stack):
    store = cache.Cache(cache.default_path(os.environ))
    return any(item.tree().root()
               for item in lifecycle.everything(stack, store))


def remember(stack, options):
    """--env and --binaries change the settings of the home."""
    for text in options.env or ():
        name, equals, value = text.partition("=")
        if not name:
            raise say.Failure(f"--env {text}: NAME=VALUE", say.EXIT_USAGE)
        if equals:
            stack.worker_env[name] = value
        else:
            stack.worker_env.pop(name, None)
    if options.binaries is not None:
        stack.binaries = os.path.abspath(options.binaries) \
            if options.binaries else None


def act(stack, store, options):
    """A verb on named processes, one after the other."""
    items = [services.make(stack, name, store) for name in options.names]
    if options.verb in ("start", "restart"):
        stack.save()
    for item in items:
        say.line(options.verb, lifecycle.ACTIONS[options.verb](item))


def run(options):
    if options.help:
        print(USAGE, end="")
        return 0
    stack, known = open_home(options)
    if options.verb in ("up", "demo") or not stack.cache:
        stack.cache = cache.default_path(os.environ)
    store = cache.Cache(stack.cache)
    if options.verb in lifecycle.ACTIONS:
        for name in options.names:
            services.make(stack, name, store)
        if not known:
            raise say.Failure(f"no stack in {stack.path}: run "
                              "`compose/local up` first")
    remember(stack, options)
    if options.verb == "up":
        lifecycle.up(stack, store, options.servers_only,
                     not options.no_sample)
    elif options.verb == "demo":
        return demo.run(stack, store, options)
    elif options.verb == "compare":
        result = compare.wait_equal(demo.comparison(stack),
                                    options.wait or 0.0)
        return compare.report(result, "demo")
    elif options.verb == "down":
        lifecycle.down(stack, store, options.wipe)
    elif options.verb == "status":
        lifecycle.status(stack, store)
    elif options.verb == "env":
        lifecycle.env(stack)
    elif options.verb == "logs":
        lifecycle.logs(stack, store, options.names, options.follow)
    elif options.verb in lifecycle.ACTIONS:
        act(stack, store, options)
    return 0


def end_in_order(number, frame):
    """Lets `finally` run: nothing half done stays behind."""
    raise SystemExit(128 + number)


def main(arguments):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_in_order)
    try:
        return run(parse(arguments))
    except say.Failure as failure:
        sys.stdout.flush()
        say.warn(str(failure))
        return failure.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        say.warn(str(error))
        return say.EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
