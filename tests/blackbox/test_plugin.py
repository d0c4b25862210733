# SPDX-License-Identifier: Apache-2.0
"""`basewatch plugin new | check | run`, as a plugin's author uses them: out of tree, against an installed basewatch."""
import json
import os
import re
import subprocess

import pytest
from conftest import BUILD

TOYS = BUILD / "src/host/tests"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An installation in a directory of its own: (program, environment for building against it)."""
    root = tmp_path_factory.mktemp("installed")
    done = subprocess.run(["make", "-s", "-C", BUILD, "install", f"DESTDIR={root}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    program = next(root.rglob("bin/basewatch"))
    pkgconfig = next(root.rglob("basewatch-plugin.pc")).parent
    env = {**os.environ, "PKG_CONFIG_PATH": str(pkgconfig), "PKG_CONFIG_SYSROOT_DIR": str(root), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    return program, env


def basewatch(installed, *args, cwd=None, timeout=200):
    return subprocess.run([installed[0], *map(str, args)], capture_output=True, text=True, env=installed[1], cwd=cwd, timeout=timeout)


def make(installed, where, *args):
    return subprocess.run(["make", *args], capture_output=True, text=True, env=installed[1], cwd=where, timeout=300)


@pytest.fixture
def scaffold(installed, tmp_path):
    done = basewatch(installed, "plugin", "new", "quiet_return", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "make check" in done.stdout
    return tmp_path / "quiet_return"


def failures(done):
    """{check: what is wrong}; each line is one check."""
    lines = done.stdout.splitlines()
    assert lines and all(re.match(r"(ok    |FAILED)  \S", line) for line in lines), done.stdout + done.stderr
    assert done.returncode == (1 if any(line.startswith("FAILED") for line in lines) else 0)
    return {line[8:22].strip(): line[22:].strip() for line in lines if line.startswith("FAILED")}


def test_a_new_plugin_builds_and_passes_at_once(installed, scaffold):
    source = (scaffold / "quiet_return.c").read_text()
    assert "comeback" not in source + (scaffold / "Makefile").read_text() + (scaffold / "README.md").read_text()
    done = make(installed, scaffold, "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr
    assert done.stdout.count("\nok ") >= 8 and "FAILED" not in done.stdout
    said = [json.loads(line) for line in (scaffold / "said.jsonl").read_text().splitlines()]
    assert [(s["account"], s["signal"], s["state"]) for s in said] == [
        ("acme", "quiet_return", "opened"), ("acme", "quiet_return", "cleared"), ("globex", "quiet_return", "opened")]
    # Options: another value, an unknown one, a wrong one.
    plugin, events = scaffold / "quiet_return.so", scaffold / "events.jsonl"
    done = basewatch(installed, "plugin", "run", plugin, "--option", "away=52d", events)
    assert [json.loads(line)["account"] for line in done.stdout.splitlines()] == ["acme", "acme"]
    done = basewatch(installed, "plugin", "run", plugin, "--option", "awey=52d", events)
    assert done.returncode == 1 and "awey" in done.stderr and not done.stdout
    done = basewatch(installed, "plugin", "check", plugin, "--option", "away=soon")
    assert "away" in failures(done)["options"]
    # Installed, it is where the daemon looks.
    stage = scaffold / "stage"
    assert make(installed, scaffold, "install", f"DESTDIR={stage}").returncode == 0
    assert list(stage.rglob("basewatch/watchers/quiet_return.so"))


def test_the_sdk_is_found_and_linked(installed, tmp_path):
    """As docs/plugins.md says: one header or all, with what pkg-config gives."""
    (tmp_path / "x.c").write_text("#include <basewatch/sdk/index.h>\n#include <basewatch/sdk.h>\n#include <basewatch/base/hash.h>\n"
                                  "uint32_t f(struct bw_keyed *k, struct bw_str s, uint64_t seed)\n{\n"
                                  "  return bw_keyed_find(k, bw_hash_fold(bw_hash_str(s, seed)), s);\n}\n")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "basewatch-plugin"], capture_output=True, text=True, env=installed[1], check=True).stdout.split()
    done = subprocess.run(["cc", "-Wall", "-Werror", "-fPIC", "-shared", "-Wl,-z,defs", "-Wl,--exclude-libs,ALL", "-o", tmp_path / "x.so", tmp_path / "x.c", *flags],
                          capture_output=True, text=True, env=installed[1])
    assert done.returncode == 0, done.stderr


def test_what_new_refuses(installed, scaffold):
    for args, why in ((("quiet_return",), "is there already"), (("Quiet",), "made of a-z"), (("../x",), "made of a-z"), ((), "usage")):
        done = basewatch(installed, "plugin", "new", *args, cwd=scaffold.parent)
        assert done.returncode != 0 and why in done.stderr, args
    assert sorted(p.name for p in scaffold.parent.iterdir()) == ["quiet_return"]


# A line of the template, what a mistaken author writes instead, and the check that must notice.
MISTAKES = [
    ("forgets to save", "{(int64_t)a->len, a->last, a->opened, a->gap}", "{(int64_t)a->len, a->last, 0, a->gap}", "save and load"),
    ("uses addresses", "s.value = (double)a->gap / (double)DAY;", "s.value = (double)((uintptr_t)&s >> 4 & 0xffffff);", "determinism"),
    ("shows a hash", "  a->gap = gap;", "  a->gap = gap + (int64_t)(r->account_hash % 1000) * DAY;", "hash seed"),
    ("speaks by the batch", "  return rc;\n}\n\n/* The state", """  if (rc == 0 && ((struct quiet_return_state *)self)->n)
    rc = say(self, &((struct quiet_return_state *)self)->accounts[0], BW_UPDATED, bw_batch_at(batch, batch->count - 1)->time_ms);
  return rc;
}

/* The state""", "batches"),
    ("trusts a torn state", "    if (head[0] <= 0 || head[0] > (int64_t)sizeof name || read_all(args, name, (uint64_t)head[0]) != 1)\n      return -1;",
     "    if (read_all(args, name, (uint64_t)head[0]) != 1)\n      abort();", "torn state"),
    ("trusts a clock", "  if (!a || r->time_ms <= a->last)\n    return 0;", "  if (r->time_ms > INT64_C(253402300799998))\n    abort();\n  if (!a || r->time_ms <= a->last)\n    return 0;",
     "hostile input"),
    ("opens a file", "  struct quiet_return_state *c = calloc(1, sizeof *c);", "  struct quiet_return_state *c = calloc(1, sizeof *c);\n  if (!fopen(\"/etc/hostname\", \"r\"))\n    return -1;",
     "options"),
    ("is of another ABI", ".abi_major = BW_ABI_MAJOR", ".abi_major = BW_ABI_MAJOR + 1", "descriptor"),
    ("has a bad default", '"30d", 86400000.0', '"30 cows", 86400000.0', "descriptor"),
]


@pytest.mark.parametrize("before,after,noticed_by", [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_noticed(installed, scaffold, before, after, noticed_by):
    source = scaffold / "quiet_return.c"
    text = source.read_text()
    assert text.count(before) == 1
    source.write_text(text.replace(before, after))
    done = make(installed, scaffold)
    assert done.returncode == 0, done.stderr
    wrong = failures(basewatch(installed, "plugin", "check", scaffold / "quiet_return.so"))
    assert noticed_by in wrong, wrong
    assert len(wrong[noticed_by]) > 40  # what, and how to mend it


@pytest.mark.parametrize("toy,words", [("crash", "gone"), ("hang", "did not answer within 2000 ms"), ("flood", "said more than"),
                                       ("alloc", ""), ("liar", "signal: size"), ("failing", "records() failed (-7)")])
def test_the_misbehaving_toys(installed, tmp_path, toy, words):
    records = tmp_path / "poison.jsonl"
    records.write_text('{"type":"track","messageId":"1","timestamp":"2026-01-05T10:00:00Z","userId":"u1","context":{"groupId":"acme"},"event":"poison"}\n')
    done = basewatch(installed, "plugin", "check", "--deadline", "2s", "--memory", "512", "--option", "lie=1", TOYS / f"{toy}.so", records)
    wrong = failures(done)
    assert list(wrong) == ["your records"] and words in wrong["your records"] and wrong["your records"].startswith("records 1 to 2: ")


@pytest.mark.parametrize("evil", range(1, 8))
def test_the_evil_toys(installed, evil):
    done = basewatch(installed, "plugin", "check", TOYS / f"evil{evil}.so")
    assert "EVIL SUCCEEDED" not in done.stdout + done.stderr
    wrong = failures(done)
    if evil == 1:  # a file that is refused: it went on without
        assert not wrong
    else:
        assert list(wrong) == ["descriptor"] and "did what the sandbox does not allow" in wrong["descriptor"]


def test_our_own_watcher_passes(installed):
    for seed in (1, 7):
        done = basewatch(installed, "plugin", "check", "--seed", seed, BUILD / "plugins/usage/usage.so")
        assert not failures(done)


def test_what_is_no_plugin(installed, tmp_path):
    text = tmp_path / "text.so"
    text.write_text("hello\n")
    assert "descriptor" in failures(basewatch(installed, "plugin", "check", text))
    done = basewatch(installed, "plugin", "check", tmp_path / "missing.so")
    assert done.returncode == 1 and "missing.so: No such file" in done.stderr
    assert basewatch(installed, "plugin", "frobnicate").returncode == 2
    done = basewatch(installed, "help", "plugin")
    assert done.returncode == 0 and "plugin check FILE.so" in done.stdout
