"""The four programs of this project."""

import os

from . import (clickhouse, elasticsearch, http, kafka, postgres, redis, say,
               service)
from .home import REPLICAS

NAME = "cdc"
PROGRAMS = {
    "producer": "producer/cdc-producer",
    "sink-es": "sink-es/cdc-sink-es",
    "sink-clickhouse": "sink-clickhouse/cdc-sink-clickhouse",
    "monitor": "monitor/cdc-monitor",
}
SCALABLE = ("sink-es", "sink-clickhouse")


def guide_environment(home):
    """The variables of the guide, for workers and for `env`."""
    return {
        "DATABASE_URL": postgres.url(home),
        "KAFKA_BROKERS": kafka.brokers(home),
        "CLICKHOUSE_HOST": clickhouse.url(home),
        "CLICKHOUSE_DATABASE": "knowton",
        "CLICKHOUSE_USER": "default",
        "CLICKHOUSE_PASSWORD": "",
        "ELASTICSEARCH_URL": elasticsearch.url(home),
        "REDIS_URL": redis.url(home),
    }


def monitored(home):
    """CDC_WORKERS: every place where a worker may listen."""
    places = [("producer", home.port("producer"))]
    for role in SCALABLE:
        places += [(role, home.port(role, replica))
                   for replica in range(1, REPLICAS + 1)]
    return ",".join(f"{role}={service.HOST}:{port}" for role, port in places)


class Worker(service.Service):
    """role: a key of PROGRAMS; replica: from 1."""

    title = "worker"
    stop_seconds = 27.0
    accept_seconds = 10.0

    def __init__(self, home, name, cache, role, replica):
        super().__init__(home, name, cache)
        self.role = role
        self.replica = replica

    def ports(self):
        return {self.name: self.home.port(self.role, self.replica)}

    def binary(self):
        return os.path.join(self.home.binaries or self.cache.built(),
                            PROGRAMS[self.role])

    def prepare(self):
        if not os.access(self.binary(), os.X_OK):
            raise say.Failure(f"{self.binary()} is missing: "
                              "run `compose/local up`")

    def argv(self):
        return [self.binary(), "run"]

    def environment(self):
        (port,) = self.ports().values()
        env = guide_environment(self.home)
        env["CDC_NAME"] = NAME
        env["CDC_LISTEN"] = f"{service.HOST}:{port}"
        if self.role == "monitor":
            env["CDC_WORKERS"] = monitored(self.home)
        env.update(self.home.worker_env)
        return env

    def url(self, path):
        (port,) = self.ports().values()
        return f"http://{service.HOST}:{port}{path}"

    def accepts(self):
        return http.request(self.url("/api/v1/data-sync/live"),
                            seconds=2.0)[0] != 0

    def await_accepting(self, step=None):
        """It runs: either it already answers, or it is still alive after
        some time. Its readiness is not waited for."""
        tree = self.tree()
        say.wait_until(lambda: self.accepts() or tree.root() is None,
                       self.accept_seconds, step)
        if tree.root() is None:
            raise say.Failure(f"{self.name} died at start" + self.tail())

    def healthy(self):
        path = "/api/v1/data-sync/ready" if self.role == "monitor" \
            else "/readyz"
        return http.request(self.url(path), seconds=5.0)[0] == 200
