"""Configures and builds a CMake preset, warnings being errors."""

import shutil

from .shell import build_dir, capture, jobs, tail

# A compiler's error is what one wants to see, not the last lines of ninja.
ERROR_MARKS = ("error:", "warning:", "CMake Error", "undefined reference")


def build(preset, targets=()):
    """Returns (folder, problems): problems is None when it is built."""
    folder = build_dir(preset)
    argv = ["cmake", "--preset", preset, "-B", folder, "-DCDC_WERROR=ON"]
    rc, text = capture(argv, f"configuring {preset}")
    if rc != 0 and "CMakeCache.txt" in text:
        # A cache that was made in another folder, or by another compiler.
        shutil.rmtree(folder, ignore_errors=True)
        rc, text = capture(argv, f"configuring {preset}")
    if rc == 0:
        argv = ["cmake", "--build", folder, "--parallel", str(jobs())]
        for target in targets:
            argv += ["--target", target]
        rc, text = capture(argv, f"building {preset}")
    return folder, None if rc == 0 else problems_of(text)


def problems_of(text):
    lines = text.splitlines()
    marked = [n for n, line in enumerate(lines)
              if any(mark in line for mark in ERROR_MARKS)]
    if not marked:
        return tail(text)
    return lines[max(0, marked[0] - 2):][:40]
