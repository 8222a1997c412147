"""The fuzz part: at least INPUTS_MIN inputs through the decoders that read
bytes from outside, each from its captured corpus.

Targets are tests/fuzz/fuzz_NAME.c with fuzz_NAME.dict (optional) and
corpus/NAME/. What a run finds stays in the build folder; a crash is printed
with the command that repeats it.
"""

import concurrent.futures
import os
import re
import shutil
import time

from .build import build
from .shell import ROOT, capture, jobs, say, tail
from .source import files

INPUTS_MIN = 1_000_000

# The decoders whose inputs count towards INPUTS_MIN: the pgoutput decoder,
# the event slicer and the event reader. Others get INPUTS_OTHER each.
CORE = ("pgoutput", "slice", "event")
INPUTS_OTHER = 100_000
TIMEOUT_S = 600

EXECUTED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
ARTIFACT = re.compile(r"Test unit written to (\S+)")


def targets():
    return [os.path.basename(path)[len("fuzz_"):-2] for path in files()
            if re.fullmatch(r"tests/fuzz/fuzz_\w+\.c", path)]


def run(report, wanted):
    names = [n for n in targets() if wanted in n]
    folder, problems = build("fuzz")
    report.check("fuzz", "fuzz builds without a warning", problems)
    if problems:
        return
    seed = os.environ.get("DATA_SYNC_SEED") or str(int(time.time()))
    say(f"fuzz seed {seed} (DATA_SYNC_SEED repeats it)")
    core = [n for n in names if n in CORE]
    inputs = {n: -(-INPUTS_MIN // len(core)) if n in CORE else INPUTS_OTHER
              for n in names}
    with concurrent.futures.ThreadPoolExecutor(jobs()) as pool:
        results = list(pool.map(
            lambda n: run_target(folder, n, inputs[n], seed), names))
    for name, (problems, note, _) in zip(names, results):
        report.check("fuzz", name, problems, note)
    if not wanted:
        report.check("fuzz", f"{INPUTS_MIN} inputs", enough(names, results))


def enough(names, results):
    """The sum over the core decoders; all of them must be there."""
    problems = [f"no target tests/fuzz/fuzz_{n}.c"
                for n in CORE if n not in names]
    done = sum(executed for name, (_, _, executed) in zip(names, results)
               if name in CORE)
    if done < INPUTS_MIN:
        problems.append(f"{done} inputs reached {', '.join(CORE)}")
    return problems


def find_program(folder, name):
    for candidate in (folder / "tests/fuzz", folder):
        if (candidate / f"fuzz_{name}").exists():
            return candidate / f"fuzz_{name}"
    return None


def run_target(folder, name, inputs, seed):
    """(problems, note, inputs executed) of one target."""
    program = find_program(folder, name)
    if program is None:
        return [f"fuzz_{name} was not built"], "", 0
    corpus = ROOT / "tests/fuzz/corpus" / name
    if not corpus.is_dir() or not any(corpus.iterdir()):
        return [f"tests/fuzz/corpus/{name} is empty"], "", 0
    found = folder / "found" / name
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    argv = [program, found, corpus, f"-runs={inputs}", f"-seed={seed}",
            f"-artifact_prefix={found}/", "-timeout=10", "-max_len=65536",
            "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1"]
    dictionary = ROOT / f"tests/fuzz/fuzz_{name}.dict"
    if dictionary.exists():
        argv.append(f"-dict={dictionary}")
    started = time.monotonic()
    rc, text = capture(argv, f"fuzzing {name}", timeout=TIMEOUT_S)
    seconds = time.monotonic() - started
    return judge(program, inputs, rc, text) + (executed_of(text),) \
        if rc else ([], f"{executed_of(text)} inputs, {seconds:.0f} s",
                    executed_of(text))


def executed_of(text):
    match = EXECUTED.search(text)
    return int(match.group(1)) if match else 0


def judge(program, inputs, rc, text):
    """What to print of a run that failed."""
    if rc == 124:
        return ([f"{inputs} inputs not done within {TIMEOUT_S} s"]
                + tail(text, 5), "")
    lines = [line for line in text.splitlines()
             if not line.startswith(("#", "NEW_FUNC", "\tNEW_FUNC"))]
    match = ARTIFACT.search(text)
    again = [f"again: {program} {match.group(1)}"] if match else []
    return lines[-50:] + again, ""
