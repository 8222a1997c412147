"""Prometheus' server and promtool for the end-to-end tests, out of Debian's
package: unpacked into the cache and not installed, so that no server starts
on this machine. Tools that are there already are taken."""

import os
import pathlib
import shutil
import tempfile

from .shell import capture, say, tail

TOOLS = ("prometheus", "promtool")
PACKAGE = "prometheus"


def ensure(cache):
    """(folder of the tools, problems); None where PATH has them."""
    if all(shutil.which(tool) for tool in TOOLS):
        return None, None
    folder = cache / "prometheus"
    if not (folder / "complete").exists():
        say(f"unpacking Debian's package {PACKAGE} into {folder}")
        problems = fetch(folder)
        if problems:
            return None, problems
    return folder / "usr/bin", None


def fetch(folder):
    """None, or the lines that say why it failed."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return ["prometheus and promtool are missing; install Debian's "
                f"package {PACKAGE}, or put both on the PATH"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        rc, text = download(scratch)
        packages = list(pathlib.Path(scratch).glob("*.deb"))
        if rc != 0 or len(packages) != 1:
            return tail(text, 20)
        unpacked = pathlib.Path(scratch) / "root"
        rc, text = capture(["dpkg-deb", "-x", packages[0], unpacked],
                           "unpacking prometheus")
        if rc != 0:
            return tail(text, 20)
        (unpacked / "complete").touch()
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(unpacked, folder)
    return None


def download(folder):
    """The package file of the machine's own release, as apt verifies it; a
    machine whose lists are old or missing gets new ones first."""
    argv = ["sh", "-c", f'cd "$1" && exec apt-get download -qq {PACKAGE}',
            "sh", folder]
    rc, text = capture(argv, "downloading prometheus")
    if rc != 0:
        capture(["apt-get", "update", "-qq"], "updating the package lists")
        rc, text = capture(argv, "downloading prometheus")
    return rc, text
