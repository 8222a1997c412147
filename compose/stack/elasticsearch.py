"""Elasticsearch 8.8.2, single node. As root it runs as a user of its own.

The unpacked distribution is shared and never written to; configuration
(with the keystore that the first start makes), data and temporary files are
the stack's own.
"""

import os
import shutil

from . import accounts, http, kafka, service
from .home import write_file

DEFAULT_HEAP = "512m"

SETTINGS = """\
cluster.name: data-sync
node.name: node-1
http.host: {host}
http.port: {port}
transport.host: {host}
transport.port: {transport}
discovery.type: single-node
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
node.store.allow_mmap: false
path.data: {folder}/data
path.logs: {folder}/logs
"""

JVM = """\
-XX:+UseG1GC
-XX:+ExitOnOutOfMemoryError
-XX:-UsePerfData
-Djava.io.tmpdir=${ES_TMPDIR}
-XX:ErrorFile=%s/logs/hs_err_pid%%p.log
"""

LOG4J = """\
status = error
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1} %m%n
"""


class Elasticsearch(service.Service):
    title = "Elasticsearch"

    def account(self):
        return accounts.server()

    def ports(self):
        return {"elasticsearch": self.home.port("elasticsearch"),
                "elasticsearch-transport":
                self.home.port("elasticsearch-transport")}

    def heap(self):
        return os.environ.get("DATA_SYNC_ES_HEAP") or DEFAULT_HEAP

    def config(self):
        return os.path.join(self.folder(), "config")

    def prepare(self):
        folder, account = self.folder(), self.account()
        for name in ("config", "config/jvm.options.d", "data", "logs"):
            path = os.path.join(folder, name)
            os.makedirs(path, exist_ok=True)
            if account:
                os.chown(path, account.pw_uid, account.pw_gid)
        files = {
            "elasticsearch.yml": SETTINGS.format(
                host=service.HOST, folder=folder,
                port=self.home.port("elasticsearch"),
                transport=self.home.port("elasticsearch-transport")),
            "jvm.options": JVM % folder,
            "log4j2.properties": LOG4J,
        }
        for name, text in files.items():
            write_file(os.path.join(self.config(), name), text, 0o640,
                       account)
        for name in ("role_mapping.yml", "roles.yml", "users", "users_roles"):
            self.copy_config(name)

    def copy_config(self, name):
        source = os.path.join(self.cache.elasticsearch(), "config", name)
        target = os.path.join(self.config(), name)
        if os.path.exists(source) and not os.path.exists(target):
            shutil.copyfile(source, target)
            account = self.account()
            if account:
                os.chown(target, account.pw_uid, account.pw_gid)

    def argv(self):
        return [os.path.join(self.cache.elasticsearch(), "bin",
                             "elasticsearch")]

    def environment(self):
        # The first compiler alone: a server that lives for minutes on a few
        # cores spends them on indexing, not on compiling itself.
        heap = self.heap()
        java = os.path.dirname(os.path.dirname(kafka.java()))
        return {"ES_JAVA_HOME": java, "ES_PATH_CONF": self.config(),
                "ES_TMPDIR": os.path.join(self.folder(), "tmp"),
                "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap} "
                                "-XX:TieredStopAtLevel=1"}

    def accepts(self):
        health = http.get_json(f"{url(self.home)}/_cluster/health", 2.0)
        return bool(health) and health.get("status") in ("yellow", "green")


def url(home):
    return f"http://{service.HOST}:{home.port('elasticsearch')}"
