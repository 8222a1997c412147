"""What is fetched: Kafka's jars, Elasticsearch, libchdb; and what is built.

    <cache>/kafka-4.1.1/*.jar
    <cache>/elasticsearch-8.8.2/           (as root: /var/lib/data-sync/...)
    <cache>/libchdb-26.7.3-stable.1/libchdb.so
    <cache>/clickhouse-host-<hash of its source>

Every artefact is fetched into a temporary folder, held against the checksums
that the repository keeps, and only then renamed to its place: what has its
name is whole and verified. A lock lets two stacks come up at once.
"""

import glob
import hashlib
import os
import shutil
import tempfile
import zipfile

from . import accounts, lock, say
from .home import OUTSIDE

COMPOSE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPOSITORY = os.path.dirname(COMPOSE)

KAFKA = "kafka-4.1.1"
KAFKA_PARTS = (("org.apache.kafka", "kafka_2.13", "4.1.1"),
               ("org.apache.kafka", "kafka-tools", "4.1.1"),
               ("org.apache.logging.log4j", "log4j-core", "2.24.3"),
               ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3"))
ELASTICSEARCH = "elasticsearch-8.8.2"
ELASTICSEARCH_PART = ("org.elasticsearch.distribution.integ-test-zip:"
                      "elasticsearch:8.8.2:zip")
LIBCHDB = "libchdb-26.7.3-stable.1"
LIBCHDB_PART = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


def default_path(environ):
    base = environ.get("XDG_CACHE_HOME") or os.path.join(
        environ.get("HOME") or os.path.expanduser("~"), ".cache")
    return os.path.join(base, "data-sync")


def checksums():
    """{name: sha256} of compose/checksums."""
    sums = {}
    with open(os.path.join(COMPOSE, "checksums"), encoding="ascii") as file:
        for text in file:
            if text.strip() and not text.startswith("#"):
                digest, name = text.split()
                sums[name] = digest
    return sums


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def verify(path, name, sums):
    found = digest_of(path)
    if found != sums.get(name):
        raise say.Failure(f"{name}: fetched with sha256 {found}, but "
                          f"compose/checksums says {sums.get(name)}: not used")


class Cache:
    def __init__(self, path):
        self.path = path

    def file(self, *parts):
        return os.path.join(self.path, *parts)

    # -- where things are -------------------------------------------------

    def kafka(self):
        return self.file(KAFKA)

    def elasticsearch(self):
        """Where Elasticsearch's own user can read it."""
        base = OUTSIDE if accounts.is_root() else self.path
        return os.path.join(base, ELASTICSEARCH)

    def libchdb(self):
        return self.file(LIBCHDB, "libchdb.so")

    def built(self):
        return os.path.join(REPOSITORY, "build", "release")

    def clickhouse_host(self):
        """Compiled when its source is new."""
        source = os.path.join(COMPOSE, "clickhouse-host.c")
        target = self.file(f"clickhouse-host-{digest_of(source)[:12]}")
        if os.access(target, os.X_OK):
            return target
        temporary = f"{target}.{os.getpid()}"
        with say.Step("build", "clickhouse-host") as step:
            say.run_quiet(["cc", "-O1", "-o", temporary, source, "-ldl"],
                          self.file("clickhouse-host.log"), step)
        os.rename(temporary, target)
        return target

    # -- fetching ---------------------------------------------------------

    def missing(self):
        """(needs Maven, needs npm)"""
        maven = not (os.path.isdir(self.kafka())
                     and os.path.isdir(self.elasticsearch()))
        return maven, not os.path.exists(self.libchdb())

    def fetch(self):
        if not any(self.missing()):
            return
        os.makedirs(self.path, exist_ok=True)
        with lock.held(self.file("lock"), "fetch",
                       "waiting for another compose/local that fetches"):
            for stale in glob.glob(self.file("fetching-*")):
                shutil.rmtree(stale, ignore_errors=True)
            self.fetch_one(self.kafka(), fetch_kafka,
                           "Kafka 4.1.1 (93 jars, 54 MB)")
            self.fetch_one(self.elasticsearch(), fetch_elasticsearch,
                           "Elasticsearch 8.8.2 (79 MB)")
            self.fetch_one(self.libchdb(), fetch_libchdb,
                           "ClickHouse 26.7 (libchdb, 566 MB unpacked)")

    def fetch_one(self, place, how, title):
        if os.path.exists(place):
            return
        folder = tempfile.mkdtemp(prefix="fetching-", dir=self.path)
        try:
            with say.Step("fetch", title) as step:
                result = how(folder, self.file("fetch.log"), step)
                publish(result, place)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def publish(result, place):
    """Renames to its place, through a copy where that is another disk."""
    parent = os.path.dirname(place)
    os.makedirs(parent, exist_ok=True)
    if parent == OUTSIDE:
        os.chmod(OUTSIDE, 0o755)
    if os.stat(parent).st_dev != os.stat(result).st_dev:
        copy = f"{place}.{os.getpid()}"
        shutil.copytree(result, copy, symlinks=True)
        result = copy
    try:
        os.rename(result, place)
    except OSError:
        if not os.path.isdir(place):
            raise
        shutil.rmtree(result, ignore_errors=True)


def maven(arguments, folder, log, step):
    argv = ["mvn", "-q", "-B", f"-Dmaven.repo.local={folder}/repository"]
    say.run_quiet(argv + arguments, log, step, cwd=folder)


def fetch_kafka(folder, log, step):
    parts = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}"
        f"</artifactId><version>{version}</version></dependency>"
        for group, name, version in KAFKA_PARTS)
    with open(f"{folder}/pom.xml", "w", encoding="ascii") as file:
        file.write('<project xmlns="http://maven.apache.org/POM/4.0.0">'
                   "<modelVersion>4.0.0</modelVersion>"
                   "<groupId>data-sync</groupId><artifactId>kafka"
                   "</artifactId><version>1</version><packaging>pom"
                   f"</packaging><dependencies>{parts}</dependencies>"
                   "</project>\n")
    maven(["-f", "pom.xml", f"{MAVEN_PLUGIN}:copy-dependencies",
           "-DincludeScope=runtime", f"-DoutputDirectory={folder}/jars"],
          folder, log, step)
    sums = checksums()
    wanted = {name for name in sums if name.startswith(KAFKA + "/")}
    found = {f"{KAFKA}/{name}" for name in os.listdir(f"{folder}/jars")}
    if wanted != found:
        odd = ", ".join(sorted(wanted ^ found))
        raise say.Failure(f"Kafka: not the jars of compose/checksums: {odd}")
    for name in sorted(found):
        verify(f"{folder}/jars/{os.path.basename(name)}", name, sums)
    return f"{folder}/jars"


def fetch_elasticsearch(folder, log, step):
    maven([f"{MAVEN_PLUGIN}:copy", f"-Dartifact={ELASTICSEARCH_PART}",
           f"-DoutputDirectory={folder}"], folder, log, step)
    archive = f"{folder}/{ELASTICSEARCH}.zip"
    verify(archive, f"{ELASTICSEARCH}.zip", checksums())
    unpack(archive, folder)
    return f"{folder}/{ELASTICSEARCH}"


def unpack(archive, folder):
    """Unzips readable for everybody, programs executable."""
    with zipfile.ZipFile(archive) as file:
        for item in file.infolist():
            path = file.extract(item, folder)
            if item.is_dir():
                os.chmod(path, 0o755)
            else:
                executable = (item.external_attr >> 16) & 0o100
                os.chmod(path, 0o755 if executable else 0o644)


def fetch_libchdb(folder, log, step):
    if os.uname().machine != "x86_64":
        raise say.Failure("ClickHouse (libchdb) is pinned for x86-64 only, "
                          f"this machine is {os.uname().machine}",
                          say.EXIT_UNAVAILABLE)
    say.run_quiet(["npm", "install", "--prefix", folder, "--cache",
                   f"{folder}/npm-cache", "--ignore-scripts", "--no-audit",
                   "--no-fund", "--no-save", LIBCHDB_PART],
                  log, step, cwd=folder)
    name = f"{LIBCHDB}/libchdb.so"
    package = LIBCHDB_PART.rpartition("@")[0]
    library = f"{folder}/node_modules/{package}/libchdb.so"
    verify(library, name, checksums())
    os.chmod(library, 0o755)
    return library
