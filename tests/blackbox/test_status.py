# SPDX-License-Identifier: Apache-2.0
"""What `status` and /metrics say about the watchers' processes."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import wait_until


def metrics(daemon):
    with urllib.request.urlopen(daemon.url + "/metrics", timeout=10) as reply:
        text = reply.read().decode()
    return text, {m[1]: float(m[2]) for m in re.finditer(r'^(basewatch_watcher_\w+)\{watcher="usage"\} (\S+)$', text, re.M)}


def usage(daemon):
    return (daemon.try_status() or {"watchers": [None]})["watchers"][0]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGXCPU])  # not SIGSEGV: the sanitizers take that one
def test_a_watchers_process_is_shown(daemon, how):
    daemon.start()
    wait_until(daemon.idle, what="idleness")
    before = usage(daemon)
    assert [before["pid"]] == daemon.children()["host"]
    resident = int(pathlib.Path(f"/proc/{before['pid']}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    assert resident / 2 < before["rss"] < resident * 2
    assert before["restarts"] == 0 and before["last_exit"] is None
    _, first = metrics(daemon)
    assert first["basewatch_watcher_pid"] == before["pid"]
    assert resident / 2 < first["basewatch_watcher_resident_memory_bytes"] < resident * 2
    assert "basewatch_watcher_last_exit_signal" not in first
    table = daemon.cli("status").stdout
    assert re.search(rf"usage +running +{before['pid']} +[\d.,]+ [KM]iB ", table), table
    assert "last ended" not in table

    os.kill(before["pid"], how)
    wait_until(lambda: usage(daemon) and usage(daemon)["pid"] not in (None, before["pid"]) and daemon.idle(), what="the watcher's return")
    after = usage(daemon)
    assert after["restarts"] == 1 and [after["pid"]] == daemon.children()["host"]
    assert after["last_exit"]["signal"] == how and after["last_exit"]["status"] is None
    words = {signal.SIGKILL: "signal 9 (Killed)", signal.SIGXCPU: "signal 24 (CPU time limit exceeded)"}[how]
    assert words in after["last_exit"]["text"]
    table = daemon.cli("status").stdout
    assert re.search(r"^usage last ended (now|\d+s ago): .*" + re.escape(words), table, re.M), table
    text, second = metrics(daemon)
    assert second["basewatch_watcher_restarts_total"] == 1
    assert second["basewatch_watcher_last_exit_signal"] == how and second["basewatch_watcher_last_exit_status"] == 0
    assert second["basewatch_watcher_last_exit_timestamp_seconds"] > 1.7e9
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_web_that_gives_no_sign_is_told(daemon):
    daemon.start()
    assert daemon.status()["web"]["up"] and daemon.status()["state"] == "running"
    (web,) = daemon.children()["web"]
    os.kill(web, signal.SIGSTOP)
    try:
        wait_until(lambda: not daemon.status()["web"]["up"], 30, "web's silence")
        assert daemon.status()["state"] == "degraded"
        assert re.search(r"^Web +no sign of life since \d+s ago; nothing comes in over HTTP", daemon.cli("status").stdout, re.M)
    finally:
        os.kill(web, signal.SIGCONT)
    wait_until(lambda: daemon.status()["web"]["up"], 10, "web's return")
    assert daemon.status()["state"] == "running"


def test_health_does_not_wait_for_the_next_ping(daemon):
    daemon.start()

    def healthy():
        try:
            return urllib.request.urlopen(daemon.url + "/healthz", timeout=10).status == 200
        except urllib.error.HTTPError:
            return False
    wait_until(healthy, 1, "health")  # a ping comes every two seconds
