"""All services of a stack by name."""

import os

from . import say
from .clickhouse import ClickHouse
from .elasticsearch import Elasticsearch
from .home import REPLICAS
from .kafka import Kafka
from .postgres import Postgres
from .redis import Redis
from .workers import SCALABLE, Worker

SERVERS = {"postgres": Postgres, "kafka": Kafka,
           "elasticsearch": Elasticsearch, "clickhouse": ClickHouse,
           "redis": Redis}
WORKERS = ("producer", "sink-es", "sink-clickhouse", "monitor")


def replica_of(name):
    """("sink-es", 2) of sink-es-2; (name, 1) of a plain name."""
    for role in SCALABLE:
        number = name.removeprefix(role + "-")
        if number != name and number.isdigit():
            if number == str(int(number)) and 2 <= int(number) <= REPLICAS:
                return role, int(number)
    return name, 1


def make(home, name, cache):
    """The service of that name; a usage error lists the names."""
    if name in SERVERS:
        return SERVERS[name](home, name, cache)
    role, replica = replica_of(name)
    if role in WORKERS:
        return Worker(home, name, cache, role, replica)
    raise say.Failure(
        f"no process is called {name!r}. The names are: "
        f"{' '.join(SERVERS)} {' '.join(WORKERS)}, and "
        f"sink-es-N, sink-clickhouse-N with N from 2 to {REPLICAS} "
        "for a further replica.", say.EXIT_USAGE)


def servers(home, cache):
    return [make(home, name, cache) for name in SERVERS]


def workers(home, cache):
    return [make(home, name, cache) for name in WORKERS]


def replicas(home, cache):
    """Further replicas that were ever started in this home."""
    found = []
    try:
        entries = sorted(os.listdir(home.file("run")))
    except OSError:
        return found
    for entry in entries:
        name = entry.removesuffix(".json")
        if name != entry and replica_of(name)[1] > 1:
            found.append(make(home, name, cache))
    return found
