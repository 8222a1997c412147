"""What the parts need on the machine, and installing it (Debian, as root).

A need is probed by what it gives (a command, a pkg-config module, a Python
module), so tools from elsewhere count as well. The servers of the end-to-end
tests are not here: compose/local installs those.
"""

import os
import shutil
import subprocess
import sys

from .shell import say, tail

# (probe, Debian package, parts that need it)
BUILD = ("unit", "fuzz", "e2e", "lint")
NEEDS = [
    ("cmd:gcc", "build-essential", BUILD),
    ("cmd:make", "build-essential", BUILD),
    ("cmd:cmake", "cmake", BUILD),
    ("cmd:ninja", "ninja-build", BUILD),
    ("cmd:pkg-config", "pkg-config", BUILD),
    ("pc:libpq", "libpq-dev", BUILD),
    ("pc:rdkafka", "librdkafka-dev", BUILD),
    ("pc:libcurl", "libcurl4-openssl-dev", BUILD),
    ("pc:libcjson", "libcjson-dev", BUILD),
    ("pc:yaml-0.1", "libyaml-dev", BUILD),
    ("pc:libmicrohttpd", "libmicrohttpd-dev", BUILD),
    ("pc:hiredis", "libhiredis-dev", BUILD),
    ("pc:libxxhash", "libxxhash-dev", BUILD),
    ("pc:cmocka", "libcmocka-dev", ("unit", "lint")),
    ("cmd:clang-format-14", "clang-format-14", ("lint",)),
    ("cmd:clang-tidy-14", "clang-tidy-14", ("lint",)),
    ("cmd:clang", "clang", ("fuzz",)),
    ("fuzzer:", "libclang-rt-14-dev", ("fuzz",)),
    ("cmd:llvm-symbolizer", "llvm", ("fuzz",)),
    ("py:ensurepip", "python3-venv", ("e2e",)),
    ("cmd:ps", "procps", ("e2e",)),
    ("cmd:chromium", "chromium", ("e2e",)),
    ("cmd:curl", "curl", ("e2e",)),
    ("cmd:jq", "jq", ("e2e",)),
    ("file:/etc/ssl/certs/ca-certificates.crt", "ca-certificates", ("e2e",)),
]


def quiet(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def has_fuzzer():
    """Can this clang link a libFuzzer program?"""
    if not shutil.which("clang"):
        return False
    done = subprocess.run(
        ["clang", "-fsanitize=fuzzer,address", "-x", "c", "-", "-o",
         "/dev/null"], check=False, text=True, capture_output=True,
        input="int LLVMFuzzerTestOneInput(const char *p, unsigned long n)"
              "{ (void)p; (void)n; return 0; }")
    return done.returncode == 0


def present(probe):
    kind, _, name = probe.partition(":")
    if kind == "cmd":
        return shutil.which(name) is not None
    if kind == "pc":
        return (shutil.which("pkg-config") is not None
                and quiet(["pkg-config", "--exists", name]))
    if kind == "py":
        return quiet([sys.executable, "-c", f"import {name}"])
    if kind == "fuzzer":
        return has_fuzzer()
    return os.path.exists(name)


def wanted(parts):
    """The packages still missing for these parts, in order, once each."""
    found = []
    for probe, package, needed_by in NEEDS:
        if set(parts) & set(needed_by) and not present(probe):
            if package not in found:
                found.append(package)
    return found


def ensure(parts, install=True):
    """Installs what is missing. Returns what still is: names of packages."""
    missing = wanted(parts)
    if missing and install and can_install():
        apt_install(missing)
        missing = wanted(parts)
    if missing:
        print("tests/run: these packages are missing; as root, run\n"
              "  apt-get install " + " ".join(missing), file=sys.stderr)
    return missing


def can_install():
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(names):
    """One call; none of these packages brings a server."""
    say("installing " + " ".join(names))
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for argv in (["apt-get", "update", "-qq"],
                 ["apt-get", "install", "-y", "-qq",
                  "-o", "DPkg::Lock::Timeout=600",
                  "--no-install-recommends", *names]):
        done = subprocess.run(argv, env=env, check=False, text=True,
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            print("\n".join(tail(done.stdout, 20)), file=sys.stderr)
            return
