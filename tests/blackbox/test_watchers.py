# SPDX-License-Identifier: Apache-2.0
"""A watcher that crashes, hangs, floods or allocates without end: the rest goes on, the poison record is found and set aside."""
import json
import os
import shutil
import signal
import subprocess

import pytest
from conftest import BUILD, Daemon, track, wait_until, write_config

TOYS = BUILD / "src/host/tests"


@pytest.fixture(params=["crash", "hang", "flood", "alloc", "liar", "failing"])
def toy(request):
    path = TOYS / f"{request.param}.so"
    assert path.exists(), "the misbehaving watchers are built by `make check`"
    return request.param


def watcher_status(daemon, name):
    status = daemon.try_status()
    return next(w for w in status["watchers"] if w["name"] == name) if status else None


def test_one_bad_watcher(tmp_path, toy):
    config = write_config(tmp_path, tick="24h", plays=True)
    (config / "watchers/toy.yaml").write_text(
        f"watcher: toy\nplugin: {TOYS}/{toy}.so\ndeadline: 2s\nmemory: 512M\noptions: {{lie: 1}}\n")
    daemon = Daemon(tmp_path, args=["--start-time", "2026-03-01T12:00:00Z"])
    try:
        daemon.start()
        events = [track(i, account=f"a{i % 7}", user=f"u{i % 11}", event="poison" if i == 137 else "Feature Used") for i in range(300)]
        for i in range(0, 300, 50):
            assert daemon.post("/v1/batch", {"batch": events[i:i + 50]})[0] == 200
        wait_until(lambda: (watcher_status(daemon, "toy") or {}).get("dead_letters") == 1, 120, "the poison record's being set aside")
        wait_until(daemon.idle, 60, "the rest to flow on")
        letters = daemon.json("dead-letters")["items"]
        assert [x["record"]["messageId"] for x in letters] == ["m137"]
        assert letters[0]["watcher"] == "toy"
        status = daemon.status()
        assert any(n["code"] == "dead_letter" or "m137" in (n["text"] or "") or "set aside" in (n["text"] or "") for n in status["notices"])
        usage = watcher_status(daemon, "usage")
        assert usage["restarts"] == 0 and usage["lag"] == 0 and usage["dead_letters"] == 0
        daemon.tick("2026-03-01T23:00:00Z")
        counts = {t["key"] or "count": t["value"] for t in daemon.json("account", "a0")["traits"] if t["trait"] == "toy.count"}
        assert counts == {"count": sum(1 for i in range(300) if i % 7 == 0 and i != 137)}
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()


def test_another_plugin_under_the_same_name_waits_for_a_reload(tmp_path):
    """It is started again by chance, and numbers its signals otherwise: none of them may be taken for another."""
    config = write_config(tmp_path)
    plugin = tmp_path / "toy.so"
    shutil.copy(TOYS / "good.so", plugin)
    (config / "watchers/toy.yaml").write_text(f"watcher: toy\nplugin: {plugin}\n")
    daemon = Daemon(tmp_path).start()
    try:
        toy = lambda name="toy": watcher_status(daemon, name) or {"state": None, "last_error": None}  # noqa: E731
        wait_until(lambda: toy()["state"] == "running", 30, "the old one")
        shutil.copy(TOYS / "later.so", tmp_path / "new.so")
        os.rename(tmp_path / "new.so", plugin)
        os.kill(toy()["pid"], signal.SIGKILL)
        wait_until(lambda: "`basewatch reload` takes it up" in (toy()["last_error"] or ""), 30, "the refusal")
        wait_until(lambda: toy("usage")["state"] == "running", 30, "the other one")
        daemon.cli("reload")
        wait_until(lambda: toy()["state"] == "running", 30, "the new one")
    finally:
        daemon.kill_all()


@pytest.mark.parametrize("evil", range(1, 8))
def test_a_plugin_whose_constructor_reaches_out_is_stopped(tmp_path, evil):
    """It tries before main what a sandbox must not allow.  Being refused a file is survivable; anything else ends the process."""
    config = write_config(tmp_path)
    (config / "watchers/toy.yaml").write_text(f"watcher: toy\nplugin: {TOYS}/evil{evil}.so\n")
    done = subprocess.run([BUILD / "basewatchd", "--check", "--config", config, "--plugins", BUILD / "plugins/usage"], capture_output=True,
                          text=True, timeout=60)
    assert "EVIL SUCCEEDED" not in done.stdout + done.stderr
    refused = done.returncode == 1 and "toy" in done.stdout
    assert refused or (evil in (1, 5) and done.returncode == 0), done.stdout + done.stderr
    assert "root:" not in done.stdout + done.stderr


@pytest.mark.parametrize("options,says", [
    ("{usage_decline: {threshold: ^lots}}",
     'watcher usage: option usage_decline.threshold: "lots" was given, a percentage ("30%") or a fraction (0.3) is needed'),
    ("{usage_decline.threshold: ^130 %}", "watcher usage: option usage_decline.threshold:"),
    ("{usage_decline: {^treshold: 30%}}", "watcher usage: option usage_decline.treshold: the plugin has no such option; "
     "did you mean usage_decline.threshold?"),
    ("{signals: [seat_limit, ^usage_near_limt]}", 'watcher usage: option signals[1]: there is no signal "usage_near_limt"; '
     "did you mean usage_near_limit?"),
    ("{traits: [^zzzzzzzz]}", 'watcher usage: option traits[0]: there is no trait "zzzzzzzz"; basewatch-usage(7) lists them'),
    ("{logins: {count: ^visits}}", "watcher usage: option logins.count: events or user_days"),
    ("^[seat_limit]", "watcher usage: the options are not a map"),
])
def test_a_refused_option_is_told_at_its_own_place(tmp_path, options, says):
    """The place is marked with a caret."""
    config = write_config(tmp_path, plays=False)
    line = f"options: {options}"
    (config / "watchers/usage.yaml").write_text("watcher: usage\nplugin: usage.so\n" + line.replace("^", "") + "\n")
    done = subprocess.run([BUILD / "basewatchd", "--check", "--config", config, "--plugins", BUILD / "plugins/usage"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1
    assert f"usage.yaml:3:{line.index('^') + 1}: {says}" in done.stdout
    assert done.stdout.count("watcher usage:") == 1 and "open()" not in done.stdout and "(-" not in done.stdout


def test_a_plugin_that_is_not_there_is_told_at_its_name(tmp_path):
    config = write_config(tmp_path, plays=False)
    (config / "watchers/usage.yaml").write_text("watcher: usage\nplugin: usge.so\n")
    done = subprocess.run([BUILD / "basewatchd", "--check", "--config", config, "--plugins", BUILD / "plugins/usage"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1 and "usage.yaml:2:9: watcher usage: plugin " in done.stdout and "No such file" in done.stdout
