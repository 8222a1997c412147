"""ClickHouse 26.7: the engine and its HTTP and TCP servers out of libchdb,
which clickhouse-host.c loads."""

from . import http, service
from .home import write_file

import os

CONFIG = """\
<clickhouse>
    <logger><level>warning</level><console>1</console></logger>
    <mark_cache_size>268435456</mark_cache_size>
</clickhouse>
"""


class ClickHouse(service.Service):
    title = "ClickHouse"

    def ports(self):
        return {"clickhouse": self.home.port("clickhouse"),
                "clickhouse-tcp": self.home.port("clickhouse-tcp")}

    def config(self):
        return self.home.file("conf", "clickhouse.xml")

    def prepare(self):
        write_file(self.config(), CONFIG)
        self.cache.clickhouse_host()

    def environment(self):
        return {"LIBCHDB": self.cache.libchdb()}

    def argv(self):
        return [self.cache.clickhouse_host(),
                "--path", os.path.join(self.folder(), "data"),
                "--listen_host", service.HOST,
                "--http_port", str(self.home.port("clickhouse")),
                "--tcp_port", str(self.home.port("clickhouse-tcp")),
                "--config-file", self.config()]

    def accepts(self):
        return http.request(f"{url(self.home)}/?query=SELECT%201",
                            seconds=2.0) == (200, b"1\n")


def url(home):
    return f"http://{service.HOST}:{home.port('clickhouse')}"
