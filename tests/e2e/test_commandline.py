"""What people type and read: help, the configuration file, completions. The
binaries themselves; what each word means is held by tests/unit/test_conf*.c."""

import json
import re
import shutil
import subprocess

import pytest

from lib.pipeline import BINARIES, Pipeline
from lib.wait import wait_until

USAGE, CONFIG = 64, 78
ROLES = list(BINARIES)


def run(role, *words, **env):
    """(exit code, stdout, stderr) in an environment of these variables."""
    done = subprocess.run([str(BINARIES[role]), *words], check=False,
                          text=True, timeout=60, stdin=subprocess.DEVNULL,
                          capture_output=True, env={"CDC_CONFIG": "", **env})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "data-sync.yaml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("role", ROLES)
def test_help(role):
    code, text, _ = run(role, "--help")
    assert code == 0
    assert text.startswith(f"cdc-{role} - ")
    assert max(len(line) for line in text.splitlines()) <= 80
    for part in ("\nUsage: ", "\nExamples:\n", "\nCommands:\n",
                 "\nExit codes: ", "KAFKA_BROKERS", "--config"):
        assert part in text
    assert text.index("Examples:") < text.index("Commands:") < text.index(
        "KAFKA_BROKERS")


@pytest.mark.parametrize("role", ROLES)
def test_version_names_the_revision(role):
    code, text, _ = run(role, "--version")
    assert code == 0
    assert re.fullmatch(rf"cdc-{role} \d+\.\d+\.\d+ \(\S+\)\n", text)


@pytest.mark.parametrize("role", ROLES)
def test_usage_errors_are_two_lines(role):
    code, out, err = run(role, "chekc")
    assert code == USAGE and out == ""
    assert err == (f"cdc-{role}: unknown command chekc; did you mean check?\n"
                   f"Try 'cdc-{role} --help'.\n")


@pytest.mark.parametrize("text, where", [
    ("name: shop\nkafka:\n  brokrs: a\n",
     ":3:3: unknown key kafka.brokrs; did you mean kafka.brokers?"),
    ("name: [a]\n", ":1:1: name takes one value, not a list"),
    ("name: a\nname: b\n", ":2:1: name is here twice"),
    ("a: &a [b]\n", ":1:4: anchors and aliases are not supported"),
    ("version: 2\n", ":1:1: version must be 1"),
    ("name: ${NOT_SET_HERE}\n", ":1:1: name: NOT_SET_HERE is not set"),
    ("name: a\n---\nname: b\n", ":2:1: a second document"),
    ("kafka:\n\tbrokers: a\n", ":2:1: found character"),
], ids=["unknown", "list", "twice", "anchor", "version", "variable",
        "documents", "tab"])
@pytest.mark.parametrize("role", ROLES)
def test_a_wrong_file_is_refused_with_its_place(role, config, text, where):
    path = config(text)
    code, _, err = run(role, "run", "-c", path)
    assert code == CONFIG
    assert path + where in err


def test_a_file_of_any_bytes_is_refused(tmp_path):
    path = tmp_path / "bytes.yaml"
    for content in (b"\xff\xfe\xff", b"\x00" * 100, b"{" * 500_000,
                    b"a: \"" + b"x" * 2_000_000, b"- [" * 10_000):
        path.write_bytes(content)
        code, _, err = run("producer", "run", "-c", str(path))
        assert code == CONFIG, content[:20]
        assert "bytes.yaml" in err


@pytest.mark.parametrize("role", ROLES)
def test_offline_check_finds_everything(role, config):
    path = config("name: No\nlog: {level: loud}\n")
    code, out, _ = run(role, "check", "--offline", "-c", path,
                       DATABASE_URL="postgresql://localhost/d")
    assert code == CONFIG
    assert f"{path}:2:7: \"loud\" is not one of: debug info warn error" in out
    assert "\"No\" is not a name" in out
    code, out, _ = run(role, "check", "--offline",
                       DATABASE_URL="postgresql://localhost/d")
    assert code == 0 and out.startswith("ok ")


def test_cleartext_is_refused_on_request():
    words = ("check", "--offline", "--kafka-brokers", "far:9092")
    env = {"DATABASE_URL": "postgresql://me:canary@far/d"}
    code, out, _ = run("producer", *words, **env)
    assert code == 0 and out.count("warn ") == 2 and "canary" not in out
    code, out, _ = run("producer", *words, CDC_REQUIRE_TLS="1", **env)
    assert code == CONFIG and out.count("failed ") == 2
    assert "canary" not in out


@pytest.mark.parametrize("role", ROLES)
def test_config_show_hides_secrets(role, config):
    path = config("name: shop\nsinks.clickhouse.password: canary\n")
    code, out, err = run(
        role, "config", "show", "-c", path, "--log-level", "warn",
        DATABASE_URL="postgresql://me:canary@h/d?sslpassword=canary",
        REDIS_URL="redis://:canary@h", ELASTICSEARCH_API_KEY="canary",
        ELASTICSEARCH_URL="http://me:canary@h", CLICKHOUSE_HOST="")
    if role == "sink-clickhouse":
        assert code == CONFIG and "CLICKHOUSE_HOST is empty" in err
        return
    assert code == 0 and "canary" not in out + err
    assert re.search(rf"^name: shop +# {path}:1:1$", out, re.M)
    assert re.search(r"^  level: warn +# --log-level$", out, re.M)
    assert re.search(r"^  format: logfmt +# default$", out, re.M)
    assert re.search(r"^  url: .*:\*\*\*@h.* +# REDIS_URL$", out, re.M)


def test_pages_are_made():
    schema = json.loads(run("monitor", "config", "schema")[1])
    assert schema["properties"]["kafka"]["properties"]["brokers"]
    for role in ROLES:
        page = run(role, "config", "man")[1]
        assert page.startswith(f"cdc-{role}(1)\n")
        if shutil.which("scdoc"):
            subprocess.run(["scdoc"], input=page, text=True, check=True,
                           stdout=subprocess.DEVNULL)
        for shell in ("bash", "zsh", "fish"):
            code, text, _ = run(role, "config", f"completion-{shell}")
            assert code == 0 and f"cdc-{role}" in text
            if shutil.which(shell):
                subprocess.run([shell, "-n"], input=text, text=True,
                               check=True)


def completions(role, *words):
    script = run(role, "config", "completion-bash")[1] + (
        "compopt() { :; }\n"
        "COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n"
        f"_cdc-{role}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n")
    return subprocess.run(["bash", "-c", script, "bash", f"cdc-{role}",
                           *words], text=True, check=True,
                          capture_output=True).stdout.split()


def test_bash_completes():
    assert completions("producer", "ch") == ["check"]
    assert completions("producer", "--log-l") == ["--log-level="]
    assert completions("producer", "--log-level", "=", "w") == ["warn"]
    assert completions("producer", "--log-format", "") == ["logfmt", "json"]
    assert "schema" in completions("monitor", "config", "")


@pytest.fixture
def pipeline(stack, tmp_path):
    stack.revive()
    with Pipeline(stack, "onefile", tmp_path) as made:
        yield made


def test_one_file_for_all(pipeline, config, tmp_path):
    """The four programs with one file and nothing in the environment but
    where each listens."""
    env = pipeline.environment(0)
    secret = tmp_path / "database-url"
    secret.write_text(env["DATABASE_URL"] + "\n")
    path = config(f"""
version: 1
name: {pipeline.name}
source:
  url: {{file: {secret}}}
  tables: {{include: ["public.*"]}}
  polling_interval: 1s
kafka: {{brokers: ["{env['KAFKA_BROKERS']}"]}}
sinks:
  elasticsearch: {{url: "{env['ELASTICSEARCH_URL']}"}}
  clickhouse:
    url: {env['CLICKHOUSE_HOST']}
    database: {pipeline.name}
    batch: {{max_delay: 20ms, max_bytes: 1MiB}}
monitor: {{workers: []}}
redis: {{url: ""}}
""")
    nothing = dict.fromkeys(env)
    for kept in ("PATH", "CDC_LISTEN"):
        nothing.pop(kept)
    pipeline.conn.execute('CREATE TABLE "One" (id int PRIMARY KEY, t text)')
    pipeline.conn.execute("INSERT INTO \"One\" VALUES (1, 'a'), (2, 'b')")
    for role in ROLES:
        code, text = pipeline.run(role, "check", CDC_CONFIG=path, **nothing)
        assert code == 0, text
    for role in ROLES:
        pipeline.start(role, CDC_CONFIG=path, **nothing)
    pipeline.conn.execute("INSERT INTO \"One\" VALUES (3, 'c')")
    wait_until(lambda: pipeline.es.exists("one")
               and pipeline.es.count("one") == 3, 60, "Elasticsearch has it")
    wait_until(lambda: pipeline.ch.exists("One_current")
               and pipeline.ch.count("One") == 3, 60, "ClickHouse has it")
    pipeline.everywhere.assert_equal(pipeline.everywhere.table("One"))
