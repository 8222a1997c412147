"""Kafka 4.1.1, one KRaft node (broker and controller) in one JVM."""

import base64
import glob
import os
import re
import secrets
import shutil
import struct
import subprocess

from . import say, service
from .home import write_file

DEFAULT_HEAP = "512m"

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
log.cleaner.dedupe.buffer.size=33554432
log.segment.bytes=67108864
"""

LOG4J = """\
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=Console
appender.console.type=Console
appender.console.name=Console
appender.console.target=SYSTEM_ERR
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1} %m%n
"""


def find_java():
    """Java 17: Elasticsearch 8.8 takes no other that Debian still has."""
    for path in sorted(glob.glob("/usr/lib/jvm/java-*/bin/java")):
        if re.search(r"/java-(1\.)?17[.-]", path) and os.access(path, os.X_OK):
            return path
    return None


def java():
    path = find_java()
    if path is None:
        raise say.Failure("no Java 17 below /usr/lib/jvm",
                          say.EXIT_UNAVAILABLE)
    return path


class Kafka(service.Service):
    title = "Kafka"

    def ports(self):
        return {"kafka": self.home.port("kafka"),
                "kafka-controller": self.home.port("kafka-controller")}

    def heap(self):
        return os.environ.get("DATA_SYNC_KAFKA_HEAP") or DEFAULT_HEAP

    def classes(self):
        return os.path.join(self.cache.kafka(), "*")

    def properties(self):
        return self.home.file("conf", "kafka.properties")

    def log4j(self):
        return self.home.file("conf", "kafka-log4j2.properties")

    def data(self):
        return os.path.join(self.folder(), "data")

    def prepare(self):
        write_file(self.properties(), PROPERTIES.format(
            host=service.HOST, data=self.data(),
            port=self.home.port("kafka"),
            controller=self.home.port("kafka-controller")))
        write_file(self.log4j(), LOG4J)
        if not os.path.exists(os.path.join(self.data(), "meta.properties")):
            self.format()

    def format(self):
        shutil.rmtree(self.data(), ignore_errors=True)
        identity = base64.urlsafe_b64encode(
            b"\x10" + secrets.token_bytes(15)).decode().rstrip("=")
        done = subprocess.run(
            [java(), "-Xmx256m", f"-Dlog4j2.configurationFile={self.log4j()}",
             "-cp", self.classes(), "kafka.tools.StorageTool", "format",
             "-t", identity, "-c", self.properties()],
            cwd=self.folder(), env={"PATH": service.PATH, "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(self.data(), ignore_errors=True)
            lines = (done.stdout + done.stderr).splitlines()[-20:]
            raise say.Failure("Kafka's storage format failed:"
                              + say.indent(lines))

    def argv(self):
        temporary = os.path.join(self.folder(), "tmp")
        return [java(), "-Xms256m", f"-Xmx{self.heap()}",
                "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData",
                f"-Djava.io.tmpdir={temporary}",
                f"-Dlog4j2.configurationFile={self.log4j()}",
                "-cp", self.classes(), "kafka.Kafka", self.properties()]

    def accepts(self):
        """Metadata with no topics: the broker lists itself once it is in
        service. It does not answer before it takes requests."""
        name = b"compose-local"
        body = struct.pack("!hhih", 3, 1, 1, len(name)) + name
        body += struct.pack("!i", 0)
        answer = service.exchange(self.home.port("kafka"),
                                  struct.pack("!i", len(body)) + body, 12)
        if not answer or len(answer) < 12:
            return False
        _, correlation, brokers = struct.unpack("!iii", answer[:12])
        return correlation == 1 and brokers == 1


def brokers(home):
    return f"{service.HOST}:{home.port('kafka')}"
