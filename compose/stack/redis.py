"""Redis 7, in memory only: what it holds may always be lost."""

import shutil

from . import say, service

# Debian's redis-tools holds the whole server under this name, and the
# program goes by the name it is called with. Without Debian's redis-server
# there is no service that would start by itself at the next boot.
TOOLS = "redis-check-rdb"


def find_server():
    return shutil.which("redis-server", path=service.PATH) or \
        shutil.which(TOOLS, path=service.PATH)


class Redis(service.Service):
    title = "Redis"

    def ports(self):
        return {"redis": self.home.port("redis")}

    def executable(self):
        path = find_server()
        if path is None:
            raise say.Failure("no redis-server found", say.EXIT_UNAVAILABLE)
        return path

    def argv(self):
        return ["redis-server", "--bind", service.HOST,
                "--port", str(self.home.port("redis")),
                "--dir", self.folder(), "--save", "", "--appendonly", "no",
                "--daemonize", "no"]

    def accepts(self):
        answer = service.exchange(self.home.port("redis"), b"PING\r\n", 7)
        return answer == b"+PONG\r\n"


def url(home):
    return f"redis://{service.HOST}:{home.port('redis')}"
