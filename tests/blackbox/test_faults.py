# SPDX-License-Identifier: Apache-2.0
"""A full disk, a failing fsync, a broken configuration: senders are told, nothing acknowledged is lost, it recovers by itself."""
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest
from conftest import BUILD, Daemon, track, wait_until, write_config


def exported_ids(daemon):
    return [r["messageId"] for r in map(json.loads, daemon.cli("export").stdout.splitlines()) if "messageId" in r]


def batch(start, count, padding=0):
    return {"batch": [track(i, feature="f", note=os.urandom(padding // 2).hex()) for i in range(start, start + count)]}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB for the state."""
    mount = tmp_path / "small"
    mount.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "none", mount], capture_output=True).returncode != 0:
        pytest.skip("a small tmpfs cannot be mounted here (needs root)")
    yield mount
    subprocess.run(["umount", "-l", mount], check=False)


def test_a_full_disk_is_said_and_passes(tmp_path, small_disk):
    write_config(tmp_path, tick="24h")
    daemon = Daemon(tmp_path)
    daemon.state = small_disk / "state"
    daemon.state.mkdir(mode=0o700)
    acknowledged, refused = [], 0
    try:
        daemon.start()
        for i in range(0, 40000, 100):
            status, _ = daemon.post("/v1/batch", batch(i, 100, padding=1500))
            if status == 200:
                acknowledged += [f"m{k}" for k in range(i, i + 100)]
            else:
                assert status == 503, status
                refused += 1
                if refused == 5:
                    break
        assert refused, "the disk never became full"
        # Room is made from outside; nobody touches the daemon.
        subprocess.run(["mount", "-o", "remount,size=200m", small_disk], check=True)
        wait_until(lambda: daemon.post("/v1/batch", batch(90000, 10))[0] == 200, 60, "recovery")
        wait_until(daemon.idle, 60, "the backlog")
        ids = exported_ids(daemon)
        assert len(ids) == len(set(ids))
        assert set(acknowledged) <= set(ids)
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()


def fill(path):
    """Takes all the room there is, and gives it back when asked."""
    with open(path, "wb", buffering=0) as filler:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while filler.write(bytes(size)):
                    pass
            except OSError:
                pass
    return path


def metric(daemon, name):
    with urllib.request.urlopen(daemon.url + "/metrics", timeout=5) as reply:
        return next(float(line.split()[1]) for line in reply.read().decode().splitlines() if line.startswith(name + " "))


def test_a_full_disk_is_not_announced_as_recovered(tmp_path, small_disk):
    """Nobody sends anything more: an attempt that needs no room proves nothing."""
    write_config(tmp_path, tick="24h", watchers=False, plays=False)
    daemon = Daemon(tmp_path)
    daemon.state = small_disk / "state"
    daemon.state.mkdir(mode=0o700)
    try:
        daemon.start()
        filler = fill(small_disk / "filler")
        i = 0
        while daemon.post("/v1/batch", batch(i, 100, padding=1500))[0] == 200:
            i += 100
        wait_until(lambda: metric(daemon, "basewatch_store_refuses") == 1, 20, "the refusal")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            assert metric(daemon, "basewatch_store_refuses") == 1
            time.sleep(0.1)
        assert [n["code"] for n in daemon.status()["notices"]] == ["store_refuses"]
        filler.unlink()
        wait_until(lambda: metric(daemon, "basewatch_store_refuses") == 0, 10, "recovery")
        assert [n["code"] for n in daemon.status()["notices"]] == ["store_recovered", "store_refuses"]
        assert daemon.post("/v1/batch", batch(i, 100, padding=1500))[0] == 200
    finally:
        daemon.kill_all()


def test_core_stays_while_it_waits_for_room(tmp_path, small_disk):
    """Records are still to be worked off, and there is no room for what they lead to: status and metrics go on saying so."""
    write_config(tmp_path, tick="24h")
    daemon = Daemon(tmp_path)
    daemon.state = small_disk / "state"
    daemon.state.mkdir(mode=0o700)
    try:
        daemon.start()
        assert daemon.post("/v1/track", track(1))[0] == 200
        wait_until(daemon.idle, 30, "the first record")
        [host] = daemon.children()["host"]
        os.kill(host, signal.SIGSTOP)  # so that a tick waits, and what comes behind it
        daemon.json("tick", "2026-03-02T00:00:00Z")
        for i in range(1000, 9000, 500):
            accounts = [{"type": "group", "messageId": f"g{k}", "groupId": f"a{k}", "userId": f"u{k}", "timestamp": "2026-03-02T10:00:00Z",
                         "traits": {"name": os.urandom(200).hex()}} for k in range(i, i + 500)]
            assert daemon.post("/v1/batch", {"batch": accounts})[0] == 200
        filler = fill(small_disk / "filler")
        [core] = daemon.children()["core"]
        os.kill(core, signal.SIGKILL)
        [host] = daemon.children().get("host", [host])
        os.kill(host, signal.SIGKILL)
        wait_until(lambda: (daemon.try_status() or {}).get("notices"), 20, "what core has to say")
        cores, deadline = set(), time.monotonic() + 8
        while time.monotonic() < deadline:
            assert metric(daemon, "basewatch_store_refuses") == 1
            assert [n["code"] for n in daemon.status()["notices"]] == ["store_refuses"]
            cores.add(tuple(daemon.children()["core"]))
            time.sleep(0.2)
        assert len(cores) == 1, cores
        filler.unlink()
        wait_until(lambda: metric(daemon, "basewatch_store_refuses") == 0, 10, "recovery")
        s = wait_until(daemon.idle, 30, "the backlog")
        assert s["book"]["accounts"] == 8000, s["book"]
    finally:
        daemon.kill_all()


def test_a_daemon_starts_on_a_full_disk(tmp_path, small_disk):
    write_config(tmp_path, tick="24h")
    daemon = Daemon(tmp_path)
    daemon.state = small_disk / "state"
    daemon.state.mkdir(mode=0o700)
    try:
        daemon.start()
        assert daemon.post("/v1/batch", batch(0, 10))[0] == 200
        assert daemon.stop() == 0
        filler = fill(small_disk / "filler")
        daemon.start(wait=False)
        s = wait_until(daemon.try_status, 30, "an answer")
        assert [n["code"] for n in s["notices"]] == ["store_refuses"]
        filler.unlink()
        wait_until(lambda: daemon.status()["notices"][0]["code"] == "store_recovered", 10, "recovery")
        wait_until(daemon.idle, 30, "the backlog")
        assert daemon.status()["ingest"]["accepted"] == 0 and len(exported_ids(daemon)) == 10
    finally:
        daemon.kill_all()


def fail_every_sync(*pids):
    """From now on and until the tracer is ended, no fsync of these processes, and of those they start, succeeds."""
    tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO",
                               *(word for pid in pids for word in ("-p", str(pid)))], stderr=subprocess.PIPE, text=True)
    for _ in pids:
        said = tracer.stderr.readline()
        if "attached" not in said:
            tracer.kill()
            pytest.skip(f"strace cannot attach here: {said.strip()}")
    return tracer


def test_a_failing_fsync_is_said_and_passes(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    write_config(tmp_path, tick="24h")
    daemon = Daemon(tmp_path)
    acknowledged = []
    try:
        daemon.start()
        for i in range(0, 200, 10):
            assert daemon.post("/v1/batch", batch(i, 10))[0] == 200
            acknowledged += [f"m{k}" for k in range(i, i + 10)]
        [core] = daemon.children()["core"]
        tracer = fail_every_sync(daemon.process.pid, core)  # it starts again from what is durable: its successor fails too
        for i in range(1000, 1200, 10):
            status, _ = daemon.post("/v1/batch", batch(i, 10))
            assert status == 503, "a batch was acknowledged that no disk has" if status == 200 else status
        tracer.terminate()  # and all is well again; nobody touches the daemon
        tracer.wait(30)
        wait_until(lambda: daemon.post("/v1/batch", batch(90000, 10))[0] == 200, 60, "recovery")
        wait_until(daemon.idle, 60, "the backlog")
        ids = exported_ids(daemon)
        assert len(ids) == len(set(ids))
        assert set(acknowledged) | {f"m{k}" for k in range(90000, 90010)} <= set(ids)
    finally:
        daemon.kill_all()


def test_a_broken_configuration_never_replaces_the_running_one(daemon):
    daemon.start()
    before = daemon.status()
    play = next((daemon.config / "plays").glob("*.yaml"))
    sound = play.read_text()
    play.write_text(sound.replace("signals:", "signalz:", 1))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: any(n["code"] == "configuration" for n in daemon.status()["notices"]), 30, "the notice")
    refused = daemon.cli("reload", check=False)
    assert refused.returncode == 1
    assert f"{play.name}:" in refused.stdout + refused.stderr and "signalz" in refused.stdout + refused.stderr
    assert daemon.status()["started"] == before["started"]
    play.write_text(sound)
    assert daemon.cli("reload").returncode == 0


def test_check_names_file_line_and_column(place):
    play = next((place / "config/plays").glob("*.yaml"))
    play.write_text(play.read_text().replace("signals:", "signalz:", 1))
    line = next(i for i, text in enumerate(play.read_text().splitlines(), 1) if "signalz" in text)
    done = subprocess.run([BUILD / "basewatchd", "--check", "--config", place / "config", "--plugins", BUILD / "plugins/usage"],
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{play}:{line}:1:" in done.stdout
    assert "signals" in done.stdout  # what would be right


def test_a_second_daemon_leaves_the_first_alone(daemon):
    daemon.start()
    address = (daemon.state / "web.address").read_text()
    second = subprocess.run([BUILD / "basewatchd", "--config", daemon.config, "--state", daemon.state, "--plugins", daemon.plugins],
                            capture_output=True, text=True, timeout=60)
    assert second.returncode == 78
    assert "another basewatchd uses this state directory" in second.stderr and "listening" not in second.stderr
    assert (daemon.state / "web.address").read_text() == address
    assert daemon.post("/v1/track", track(1))[0] == 200
    daemon.kill_all()  # nothing of it stays behind
    daemon.start()


def check(config):
    done = subprocess.run([BUILD / "basewatchd", "--check", "--config", config, "--plugins", BUILD / "plugins/usage"], capture_output=True,
                          text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("yaml, says", [
    ("delivery: {maildir: ''}\n", '1:21: "delivery.maildir" should be a folder of the state directory'),
    ("delivery: {maildir: ../../etc}\n", '1:21: "delivery.maildir" should be'),
    ("delivery: {maildir: a/..}\n", '1:21: "delivery.maildir" should be'),
    ("delivery: {maildir: /var/mail/out}\n", None),
    ("delivery: {maildir: a/..b}\n", None),
    ("web: {listen: 'nowhere.invalid:80'}\n", "1:15: nowhere.invalid:80: "),
    ("web: {listen: 'localhost'}\n", "1:15: 'localhost' is no address to listen at"),
    ("web: {listen: 'localhost:80'}\n", None),
    ("ingest: {free_mail: isp.example}\n", '1:21: "ingest.free_mail" should be a list of mail domains, such as [isp.example]; this is text'),
    ("ingest: {free_mail: {a: b}}\n", '1:21: "ingest.free_mail" should be a list of mail domains'),
    ("ingest: {free_mail: [{a: b}]}\n", '1:22: an item of "ingest.free_mail" should be a mail domain, such as isp.example; this is a map'),
    ("ingest: {free_mail: [isp.example, ~]}\n", '1:35: an item of "ingest.free_mail" should be a mail domain'),
    ("ingest: {free_mail: ['@x.org']}\n", '1:22: "@x.org" is no mail domain; write what stands behind the @ of an address'),
    ("ingest: {free_mail: ['']}\n", '1:22: "" is no mail domain'),
    ("ingest: {free_mail: [co.uk]}\n", '1:22: "co.uk" is no mail domain'),
    ("ingest: {free_mail: [isp.example, Mail.ISP.example]}\n", None),
    ("ingest: {free_mail: }\n", None),
])
def test_check_sees_what_cannot_be(place, yaml, says):
    (place / "config/basewatch.yaml").write_text(yaml)
    code, said = check(place / "config")
    assert code == (1 if says else 0) and (not says or f"basewatch.yaml:{says}" in said), said


def test_check_knows_a_configuration_when_it_sees_one(tmp_path):
    code, said = check(tmp_path)
    assert code == 1 and f"{tmp_path}/basewatch.yaml: is not there" in said
    (tmp_path / "basewatch.yaml").write_text("")
    assert check(tmp_path)[0] == 0
    code, said = check(tmp_path / "basewatch.yaml")
    assert code == 1 and "is a file; name the configuration's directory" in said


def test_two_watchers_have_two_names(place):
    watchers = place / "config/watchers"
    first = sorted(watchers.glob("*.yaml"))[0]
    (watchers / "zz.yaml").write_text(first.read_text())
    code, said = check(place / "config")
    assert code == 1 and "watchers/zz.yaml:" in said and 'there is a watcher "usage" already' in said


def test_a_broken_configuration_does_not_start(place):
    (place / "config/basewatch.yaml").write_text("tick: soon\n")
    done = subprocess.run([BUILD / "basewatchd", "--config", place / "config", "--state", place / "state"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 78
    assert "basewatch.yaml:1:7:" in done.stderr
