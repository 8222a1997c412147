"""The layers of the C code, and the check that holds includes and the link
graph against them. docs/ARCHITECTURE.md explains them.

Which layer a module of common/ belongs to is said once, by the library in
CMakeLists.txt that compiles it; what a layer may use stands here. A module
may include its own layer, the layers its row names, and the third party
headers listed for it. No program includes another, `common` includes no
program, and only C and POSIX headers are free.
"""

import functools
import os
import re

from .source import PRODUCT, c_files, code_only, files, read

# common/ modules that are a header alone: no library compiles them
HEADERS_ONLY = {"xalloc": "cdc_base", "decimal": "cdc_base",
                "scan": "cdc_base"}

# layer or program -> the other layers it may include
MAY_USE = {
    "cdc_base": "",
    "cdc_event": "cdc_base",
    "cdc_kafka": "cdc_base",
    "cdc_http": "cdc_base",
    "cdc_sink": "cdc_base cdc_event cdc_kafka",
    "producer": "cdc_base cdc_event cdc_kafka",
    "sink-es": "cdc_base cdc_event cdc_kafka cdc_sink cdc_http",
    "sink-clickhouse": "cdc_base cdc_event cdc_kafka cdc_sink cdc_http",
    "monitor": "cdc_base cdc_event cdc_kafka cdc_http",
}

# third party header -> who may include it ("module" or "layer or program")
THIRD_PARTY = {
    "yaml.h": "confyaml",
    "microhttpd.h": "server",
    "hiredis/hiredis.h": "registryredis",
    "cjson/cJSON.h": "shape producer sink-es sink-clickhouse monitor",
    "xxhash.h": "shape rowversion canonrow producer sink-es",
    "openssl/evp.h": "sink-es",
    "librdkafka/rdkafka.h":
        "cdc_kafka cdc_sink producer sink-es sink-clickhouse monitor",
    "curl/curl.h": "cdc_http",
    "libpq-fe.h": "producer monitor",
    "emmintrin.h": "scan",
    "postgres_ext.h": "producer monitor",
}

# program -> what its CMake target may link
MAY_LINK = {
    "producer": "cdc_base cdc_event cdc_kafka PkgConfig::LIBPQ "
                "PkgConfig::CJSON",
    "sink-es": "cdc_sink cdc_http PkgConfig::CJSON PkgConfig::CRYPTO",
    "sink-clickhouse": "cdc_sink cdc_http PkgConfig::CJSON",
    "monitor": "cdc_base cdc_event cdc_kafka cdc_http PkgConfig::LIBPQ "
               "PkgConfig::CJSON",
}

C_AND_POSIX = set("""
    assert ctype dirent endian errno fcntl fnmatch float getopt glob grp
    inttypes iso646 limits locale math netdb poll pthread pwd regex sched semaphore
    setjmp signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib
    stdnoreturn string strings syslog tgmath threads time unistd wchar
    sys/epoll sys/eventfd sys/file sys/mman sys/prctl sys/random sys/resource
    sys/select sys/signalfd sys/socket sys/stat sys/statvfs sys/time
    sys/timerfd sys/types sys/uio sys/un sys/utsname sys/wait netinet/in
    netinet/tcp arpa/inet
""".split())

LIBRARY = re.compile(r"cdc_library\((cdc_\w+)\s+SOURCES([^)]*?)LINK([^)]*)\)")
PROGRAM = re.compile(r"cdc_program\(cdc-[\w-]+\s+([\w-]+)\s+LINK([^)]*)\)")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


@functools.cache
def layer_of():
    """{module of common/: its layer}"""
    found = dict(HEADERS_ONLY)
    for name, sources, _ in LIBRARY.findall(read("CMakeLists.txt")):
        for source in sources.split():
            found[os.path.splitext(os.path.basename(source))[0]] = name
    return found


def owner(path):
    """(module, layer or program) of a file below a product folder."""
    folder, name = path.split("/", 1)
    module = os.path.splitext(name)[0]
    if folder != "common":
        return module, folder
    return module, layer_of().get(module)


def include_problem(path, quote, target):
    module, layer = owner(path)
    if quote == '"':
        return our_include_problem(module, layer, target)
    if target in THIRD_PARTY:
        allowed = THIRD_PARTY[target].split()
        if module in allowed or layer in allowed:
            return None
        return f"<{target}> belongs to {THIRD_PARTY[target]}"
    if target.endswith(".h") and target[:-2] in C_AND_POSIX:
        return None
    return f"<{target}> is in no list of tests/runner/layers.py"


def our_include_problem(module, layer, target):
    if "/" not in target or target.startswith("."):
        return f'"{target}" is not written from the root of the repository'
    if target not in files():
        return f'"{target}" does not exist'
    other_module, other = owner(target)
    if other is None:
        return f'"{target}" has no layer'
    if other == layer or other in MAY_USE[layer].split():
        return None
    return f'{module} ({layer}) may not include "{target}" ({other})'


def includes():
    """One line per include that breaks the table."""
    problems = []
    for path in c_files(PRODUCT):
        if owner(path)[1] is None:
            problems.append(f"{path}: no library of CMakeLists.txt has it")
            continue
        text = code_only(path)
        for match in INCLUDE.finditer(text):
            problem = include_problem(path, match.group(1), match.group(2))
            if problem:
                line = text.count("\n", 0, match.start()) + 1
                problems.append(f"{path}:{line}: {problem}")
    return problems


def link_graph():
    """CMakeLists.txt links no more than the tables allow."""
    problems = []
    text = read("CMakeLists.txt")
    for name, _, links in LIBRARY.findall(text):
        allowed = MAY_USE.get(name)
        if allowed is None:
            problems.append(f"CMakeLists.txt: {name} is in no table")
            continue
        for link in links.split():
            if link.startswith("cdc_") and link not in allowed.split():
                problems.append(f"CMakeLists.txt: {name} may not link {link}")
    for folder, links in PROGRAM.findall(text):
        for link in links.split():
            if link not in MAY_LINK[folder].split():
                problems.append(f"CMakeLists.txt: {folder} may not link "
                                f"{link}")
    return problems


def run():
    return includes() + link_graph()
