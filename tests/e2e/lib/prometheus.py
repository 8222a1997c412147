"""A real Prometheus that scrapes what a test names, and promtool."""

import json
import os
import subprocess
import urllib.parse

from .stack import free_port_base, http_get
from .wait import wait_until

CONFIG = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
scrape_configs:
"""
JOB = """\
  - job_name: {name}
    honor_labels: {honor}
    static_configs:
      - targets: [{targets}]
"""


def check_metrics(text):
    """What promtool finds wrong with an exposition: "" when nothing."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text,
                          check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0 and not done.stdout:
        return f"promtool: exit {done.returncode}"
    return done.stdout


class Prometheus:
    """with Prometheus(folder, {"job": ["127.0.0.1:3000"]}) as p: p.ask(...)

    `honor`: labels of the scraped series win over those of the target."""

    def __init__(self, folder, jobs, honor=False):
        self.folder, self.port = folder, free_port_base()
        self.count = sum(len(targets) for targets in jobs.values())
        text = CONFIG
        for name, targets in jobs.items():
            text += JOB.format(name=name, honor=str(honor).lower(),
                               targets=", ".join(f'"{t}"' for t in targets))
        self.folder.mkdir(exist_ok=True)
        (self.folder / "prometheus.yml").write_text(text)

    def __enter__(self):
        argv = ["prometheus", f"--config.file={self.folder}/prometheus.yml",
                f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}"]
        with open(self.folder / "prometheus.log", "ab") as log:
            self.process = subprocess.Popen(
                argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"]})
        wait_until(lambda: len([r for r in self.ask("up")
                                if r["value"][1] == "1"]) == self.count, 60,
                   lambda: f"{self.count} targets are up: {self.ask('up')}")
        return self

    def __exit__(self, *_exc):
        self.process.kill()
        self.process.wait()

    def ask(self, query):
        """The result of an instant query; [] while it has none, or does not
        answer yet."""
        url = (f"http://127.0.0.1:{self.port}/api/v1/query?"
               + urllib.parse.urlencode({"query": query}))
        status, text = http_get(url)
        if status != 200:
            assert status in (0, 503), f"{query}: {status} {text}"
            return []
        return json.loads(text)["data"]["result"]
