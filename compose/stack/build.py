"""Builds the project with CMake's release preset; quiet unless it fails."""

import os

from . import lock, say
from .cache import REPOSITORY


def build(log):
    folder = os.path.join(REPOSITORY, "build")
    os.makedirs(folder, exist_ok=True)
    with lock.held(os.path.join(folder, ".lock"), "build",
                   "waiting for another build"):
        with say.Step("build", "cmake --build --preset release") as step:
            if not is_configured(folder):
                say.run_quiet(["cmake", "--preset", "release"], log, step,
                              cwd=REPOSITORY)
            say.run_quiet(["cmake", "--build", "--preset", "release"], log,
                          step, cwd=REPOSITORY)


def is_configured(folder):
    """Ninja runs CMake again by itself, except for a changed preset."""
    cache = os.path.join(folder, "release", "CMakeCache.txt")
    rules = os.path.join(folder, "release", "build.ninja")
    presets = os.path.join(REPOSITORY, "CMakePresets.json")
    return (os.path.exists(rules) and os.path.exists(cache)
            and os.path.getmtime(cache) >= os.path.getmtime(presets))
