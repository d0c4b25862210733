# SPDX-License-Identifier: Apache-2.0
"""A kernel without Landlock or seccomp: no plugin is loaded, and the message says what is missing and what to do."""
import re
import shutil
import subprocess

import pytest
from conftest import BUILD, Daemon, wait_until, write_config

STRACE = shutil.which("strace")
pytestmark = pytest.mark.skipif(not STRACE, reason="strace is not installed")

MISSING = [
    ("landlock_create_ruleset:error=ENOSYS", "this kernel has no Landlock", "/sys/kernel/security/lsm"),
    ("landlock_create_ruleset:error=EOPNOTSUPP", "this kernel has no Landlock", "lsm="),
    ("landlock_restrict_self:error=EPERM", "cannot enter the Landlock ruleset", "container"),
    ("seccomp:error=ENOSYS", "takes no seccomp filter", "CONFIG_SECCOMP_FILTER"),
    ("seccomp:error=EPERM", "takes no seccomp filter", "container"),
]


def traced(trace, inject=None):
    """A wrapper; the trace shows which files were really opened, not only named (O_PATH)."""
    return [STRACE, "-f", "-qq", "-o", trace, "-e", "trace=openat,landlock_create_ruleset,landlock_restrict_self,seccomp", *(["-e", f"inject={inject}"] if inject else [])]


def loads(trace):
    return [line for line in trace.read_text().splitlines() if re.search(r'openat\(.*/usage\.so"', line) and "O_PATH" not in line and "= -1" not in line]


@pytest.fixture(autouse=True)
def no_leak_check(monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")  # which cannot run under strace


@pytest.mark.parametrize("inject,missing,what_to_do", MISSING)
def test_the_daemon_refuses(tmp_path, inject, missing, what_to_do):
    write_config(tmp_path, plays=False)
    trace = tmp_path / "trace"
    daemon = Daemon(tmp_path, wrapper=traced(trace, inject))
    try:
        daemon.start(wait=False)
        assert daemon.process.wait(30) == 78
        assert missing in daemon.log() and what_to_do in daemon.log(), daemon.log()
        assert "watcher usage" in daemon.log()
        assert trace.read_text() and not loads(trace)
    finally:
        daemon.kill_all()


@pytest.mark.parametrize("inject,missing,what_to_do", MISSING)
def test_so_does_the_check(tmp_path, inject, missing, what_to_do):
    write_config(tmp_path, plays=False)
    trace = tmp_path / "trace"
    done = subprocess.run([*traced(trace, inject), BUILD / "basewatchd", "--check", "--config", tmp_path / "config", "--plugins",
                           BUILD / "plugins/usage"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert missing in done.stdout and what_to_do in done.stdout and "usage.yaml:1:1:" in done.stdout
    assert not loads(trace)


def test_with_both_it_is_loaded(tmp_path):
    """The same trace of a kernel that has both, so that the tests above could fail."""
    write_config(tmp_path, plays=False)
    trace = tmp_path / "trace"
    daemon = Daemon(tmp_path, wrapper=traced(trace))
    try:
        daemon.start()
        wait_until(daemon.idle, what="idleness")
        assert loads(trace)
        daemons = open(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read().split()  # of strace
        host = next(pid for pid in open(f"/proc/{daemons[0]}/task/{daemons[0]}/children").read().split()
                    if b"host" in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0"))
        status = open(f"/proc/{host}/status").read()
        assert re.search(r"^Seccomp:\t2$", status, re.M) and re.search(r"^NoNewPrivs:\t1$", status, re.M)
    finally:
        daemon.kill_all()
