# SPDX-License-Identifier: Apache-2.0
"""The configuration that was accepted is the one that runs, whatever becomes of the files and of the processes."""
import os
import signal
import socket
import subprocess
import time

import pytest
from conftest import BUILD, KEY, Daemon, track, wait_until, write_config


def kill_core(daemon):
    (pid,) = daemon.children()["core"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: daemon.children().get("core", [pid]) != [pid], 20, "another core")
    wait_until(lambda: daemon.cli("status", check=False).returncode == 0, 20, "an answer")


def status_of(daemon, key):
    return daemon.post("/v1/track", track(time.monotonic_ns()), key=key)[0]


def test_a_broken_file_does_not_end_what_runs(daemon):
    daemon.start()
    settings = daemon.place / "config/basewatch.yaml"
    sound = settings.read_text()
    settings.write_text(sound + "bogus: 1\n")
    assert daemon.cli("reload", check=False).returncode != 0
    for _ in range(2):
        kill_core(daemon)
        assert status_of(daemon, KEY) == 200
    settings.write_text(sound)
    assert daemon.cli("reload").returncode == 0


def test_an_edit_that_nobody_reloaded_waits(daemon):
    daemon.start()
    play = daemon.place / "config/plays/seat-expansion.yaml"
    play.write_text(play.read_text().replace("mode: live", "mode: shadow"))
    kill_core(daemon)
    mode = lambda: {p["play"]: p["mode"] for p in daemon.json("plays")["plays"]}["seat-expansion"]
    assert mode() == "live"
    assert [p["file"] for p in daemon.json("plays")["plays"] if p["play"] == "seat-expansion"] == [str(play)]  # not our copy's
    daemon.cli("reload")
    assert mode() == "shadow"
    kill_core(daemon)
    assert mode() == "shadow"
    assert oct((daemon.state / "config").stat().st_mode & 0o777) == "0o700"
    assert not (daemon.state / "config.new").exists() and not (daemon.state / "config.old").exists()


def test_status_says_whether_the_files_are_in_use(daemon):
    daemon.start()
    changed = lambda: daemon.status()["configuration"]["changed"]
    assert abs(time.time() - time.mktime(time.strptime(daemon.status()["configuration"]["accepted"][:19], "%Y-%m-%dT%H:%M:%S")) +
               time.timezone) < 120
    plays = daemon.place / "config/plays"
    assert not changed() and "have changed since" not in daemon.cli("status").stdout
    (plays / "notes.md").write_text("no play")
    assert not changed()
    (plays / "mine.yaml").write_text("# to come\n")
    assert changed() and "its files have changed since, and wait for `basewatch reload`" in daemon.cli("status").stdout
    daemon.cli("reload")
    assert not changed()
    (plays / "mine.yaml").unlink()
    assert changed()
    daemon.cli("reload")
    (daemon.place / "config/basewatch.yaml").open("a").write("# an edit\n")
    assert changed()


def test_a_key_is_revoked_by_a_reload(daemon):
    daemon.start()
    assert status_of(daemon, KEY) == 200
    settings = daemon.place / "config/basewatch.yaml"
    settings.write_text(settings.read_text().replace(KEY, "wk_another_key"))
    assert status_of(daemon, KEY) == 200  # nobody said so yet
    daemon.cli("reload")
    wait_until(lambda: status_of(daemon, "wk_another_key") == 200, 20, "the new key")
    assert status_of(daemon, KEY) == 401


def test_web_must_be_sound_to_be_accepted(daemon):
    daemon.start()
    settings = daemon.place / "config/basewatch.yaml"
    sound = settings.read_text()
    pid = daemon.children()["web"]
    settings.write_text(sound.replace(KEY, "short"))
    done = daemon.cli("reload", check=False)
    assert done.returncode != 0 and "basewatch.yaml:" in done.stdout + done.stderr, done
    assert status_of(daemon, KEY) == 200 and daemon.children()["web"] == pid
    assert KEY in (daemon.state / "config/basewatch.yaml").read_text()


def test_an_address_that_is_taken_is_refused(daemon):
    daemon.start()
    settings = daemon.place / "config/basewatch.yaml"
    sound = settings.read_text()
    pid = daemon.children()["web"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings.write_text(sound.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        done = daemon.cli("reload", check=False)
        line = next(i for i, text in enumerate(settings.read_text().splitlines(), 1) if "listen" in text)
        assert done.returncode != 0 and f"basewatch.yaml:{line}:" in done.stdout + done.stderr, done
        assert f"cannot listen at 127.0.0.1:{port}" in done.stdout + done.stderr
        assert status_of(daemon, KEY) == 200 and daemon.children()["web"] == pid
    assert daemon.cli("reload").returncode == 0  # it is free now
    wait_until(lambda: (daemon.state / "web.address").read_text().strip() == f"127.0.0.1:{port}" and status_of(daemon, KEY) == 200, 30,
               "the new address")
    settings.write_text(sound.replace("127.0.0.1:0", f"0.0.0.0:{port}"))  # the port is our own
    assert daemon.cli("reload").returncode == 0
    wait_until(lambda: (daemon.state / "web.address").read_text().strip() == f"0.0.0.0:{port}" and status_of(daemon, KEY) == 200, 30,
               "all addresses")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as any_port:
        return any_port.getsockname()[1]


@pytest.mark.parametrize("one,other", [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0"), ("127.0.0.1", "127.0.0.1"),
                                       ("[::]", "[::1]")])
def test_addresses_that_collide_are_refused(daemon, one, other):
    """Each alone could be listened at; web, which wants both, would die for ever."""
    settings = daemon.place / "config/basewatch.yaml"
    sound = settings.read_text()
    port = free_port()
    says = f'basewatch.yaml:4:{len(one) + len(str(port)) + 17}: {other}:{port} is listened at already, by {one}:{port} (line 4, column 12)'
    both = sound.replace("listen: 127.0.0.1:0", f'listen: ["{one}:{port}", "{other}:{port}"]')

    def check():
        return subprocess.run([BUILD / "basewatchd", "--config", daemon.config, "--plugins", daemon.plugins, "--check"],
                              capture_output=True, text=True)
    settings.write_text(both)
    done = check()
    assert done.returncode == 1 and says in done.stdout + done.stderr, done
    settings.write_text(sound.replace("127.0.0.1:0", f'"{one}:{port}"') if one != "[::]" else sound)
    daemon.start()
    pid = daemon.children()["web"]
    settings.write_text(both)  # where web runs it has the port itself
    done = daemon.cli("reload", check=False)
    assert done.returncode != 0 and says in done.stdout + done.stderr, done
    assert daemon.children()["web"] == pid


@pytest.mark.parametrize("other", ["127.0.0.2", "0.0.0.0"])
def test_our_port_at_an_address_of_another_program_is_refused(daemon, other):
    """Ours at 127.0.0.1, another program's at 127.0.0.2: neither that nor all addresses can be had."""
    port = free_port()
    settings = daemon.place / "config/basewatch.yaml"
    settings.write_text(settings.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    daemon.start()
    pid = daemon.children()["web"]
    settings.write_text(settings.read_text().replace("127.0.0.1", other))
    with socket.create_server(("127.0.0.2", port)):
        done = daemon.cli("reload", check=False)
        assert done.returncode != 0 and f"cannot listen at {other}:{port}" in done.stdout + done.stderr, done
        assert status_of(daemon, KEY) == 200 and daemon.children()["web"] == pid
    assert daemon.cli("reload").returncode == 0
    wait_until(lambda: (daemon.state / "web.address").read_text().strip() == f"{other}:{port}", 30, "the new address")


def test_an_address_of_another_machine_is_refused_with_our_port(daemon):
    port = free_port()
    settings = daemon.place / "config/basewatch.yaml"
    settings.write_text(settings.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    daemon.start()
    settings.write_text(settings.read_text().replace("127.0.0.1", "192.0.2.1"))
    done = daemon.cli("reload", check=False)
    assert done.returncode != 0 and f"cannot listen at 192.0.2.1:{port}" in done.stdout + done.stderr, done


def test_what_is_no_configuration_is_let_alone(daemon):
    (daemon.place / "config/export.csv").write_bytes(b"x" * (5 << 20))
    (daemon.place / "config/plays/seat.yaml.bak").write_text("not read")
    daemon.start()
    assert daemon.cli("reload").returncode == 0
    assert sorted(p.name for p in (daemon.state / "config").iterdir()) == sorted(
        p.name for p in (daemon.place / "config").iterdir() if p.name != "export.csv")
    assert not (daemon.state / "config/plays/seat.yaml.bak").exists()


def test_what_cannot_start_ends(tmp_path):
    """Before it was ever ready the daemon does not try for ever: systemd would wait for it."""
    write_config(tmp_path)
    (tmp_path / "state").write_text("a file, not a directory")
    done = subprocess.run([BUILD / "basewatchd", "--config", tmp_path / "config", "--state", tmp_path / "state", "--plugins",
                           BUILD / "plugins/usage", "--tests"], capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 78), done.stderr
    assert "core cannot start" in done.stderr and "state" in done.stderr
    (tmp_path / "state").unlink()
    first = Daemon(tmp_path).start()
    try:
        settings = tmp_path / "config/basewatch.yaml"
        settings.write_text(settings.read_text().replace("127.0.0.1:0", first.url.removeprefix("http://")))
        done = subprocess.run([BUILD / "basewatchd", "--config", tmp_path / "config", "--state", tmp_path / "other", "--plugins",
                               BUILD / "plugins/usage", "--tests"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, done.stderr
        assert "the daemon cannot start" in done.stderr and "in use" in done.stderr
    finally:
        first.kill_all()
