# SPDX-License-Identifier: Apache-2.0
"""What the daemon tells systemd, as a fake systemd hears it: a datagram socket named by NOTIFY_SOCKET."""
import os
import re
import signal
import shutil
import socket
import subprocess
import time

import pytest
from conftest import BUILD, TOP, Daemon, wait_until


class Systemd:
    """Listens; every message is kept with the time of its arrival."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        self.socket.setblocking(False)
        self.address = address
        self.heard = []

    def listen(self):
        while True:
            try:
                self.heard.append((time.monotonic(), self.socket.recv(4096).decode()))
            except BlockingIOError:
                return self.heard

    def times(self, word):
        return [at for at, text in self.listen() if word in text.split("\n")]

    def words(self):
        return [text.split("\n")[0] for _, text in self.listen() if not text.startswith("WATCHDOG")]


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    s = Systemd(str(tmp_path / "notify") if request.param == "path" else f"@basewatch-test-{os.getpid()}-{time.monotonic_ns()}")
    yield s
    s.socket.close()


@pytest.fixture
def start(place, systemd, monkeypatch):
    daemons = []

    def begin(watchdog_usec=None, *args):
        monkeypatch.setenv("NOTIFY_SOCKET", systemd.address)
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
        if watchdog_usec:
            monkeypatch.setenv("WATCHDOG_USEC", str(watchdog_usec))
        daemons.append(Daemon(place, args=args))
        return daemons[-1].start()
    yield begin
    for daemon in daemons:
        daemon.kill_all()


def test_ready_reloading_stopping(start, systemd):
    daemon = start()
    wait_until(lambda: systemd.times("READY=1"), what="READY")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(systemd.times("READY=1")) == 2, what="READY after the reload")
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    reloading = next(text for _, text in systemd.heard if text.startswith("RELOADING=1"))
    said = int(re.search(r"^MONOTONIC_USEC=(\d+)$", reloading, re.M)[1])
    assert before <= said <= after
    # A configuration with an error is refused, and the reload is over none the less.
    play = next((daemon.config / "plays").glob("*.yaml"))
    play.write_text(play.read_text().replace("signals:", "signalz:", 1))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(systemd.times("READY=1")) == 3, what="READY after the refused reload")
    assert any(n["code"] == "configuration" for n in daemon.status()["notices"])
    assert daemon.stop() == 0
    assert systemd.words() == ["READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    assert not systemd.times("WATCHDOG=1")


def test_a_reload_ends_even_if_core_dies_in_it(start, systemd):
    daemon = start()
    core = daemon.children()["core"][0]
    os.kill(core, signal.SIGSTOP)
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: systemd.times("RELOADING=1"), what="RELOADING")
    assert len(systemd.times("READY=1")) == 1
    os.kill(core, signal.SIGKILL)
    wait_until(lambda: len(systemd.times("READY=1")) == 2, what="READY of the next core")
    assert daemon.stop() == 0


def test_the_watchdog_is_fed_while_all_is_well(start, systemd):
    """And not while core hangs, which the parent ends at its deadline."""
    start_ms = 8000
    daemon = start(400000, "--hang-deadline", f"{start_ms // 1000}s")
    wait_until(lambda: len(systemd.times("WATCHDOG=1")) >= 12, what="the watchdog's being fed")
    fed = systemd.times("WATCHDOG=1")
    gaps = sorted(b - a for a, b in zip(fed, fed[1:]))
    assert 0.19 < gaps[len(gaps) // 2] < 0.3, gaps  # half of WATCHDOG_USEC
    core = daemon.children()["core"][0]
    stopped = time.monotonic()
    os.kill(core, signal.SIGSTOP)
    wait_until(lambda: systemd.listen() and daemon.children().get("core", [core]) != [core], 60, "core's being started again")
    killed = time.monotonic()
    assert killed - stopped < 30
    wait_until(daemon.try_status, what="an answer of the new core")
    wait_until(lambda: systemd.times("WATCHDOG=1")[-1] > killed, what="the watchdog's being fed again")
    fed = [stopped, *(t for t in systemd.times("WATCHDOG=1") if t > stopped)]
    silence = max(b - a for a, b in zip(fed, fed[1:]))
    assert silence > start_ms / 1000 / 4, silence  # it was not fed from half of the deadline on
    assert "a process hangs and is killed" in daemon.log()
    assert systemd.words() == ["READY=1"]
    assert daemon.stop() == 0


def test_the_deadline_fits_the_watchdog(start, systemd):
    """A short WatchdogSec alone is enough for core to be ended before systemd would end everything; even if systemd does not read."""
    daemon = start(6000000)
    core = daemon.children()["core"][0]
    stopped = time.monotonic()
    os.kill(core, signal.SIGSTOP)
    wait_until(lambda: daemon.children().get("core", [core]) != [core], 30, "core's being started again")
    assert time.monotonic() - stopped < 20
    wait_until(daemon.try_status, what="an answer of the new core")
    assert daemon.stop() == 0


def test_the_installed_unit_can_start(tmp_path):
    """What `make install` puts down, with the directories that docs/sysadmin.md configures: no variable is left in it."""
    made = BUILD / "etc/systemd/basewatchd.service"
    command = ["make", "-s", "-C", BUILD, "etc/systemd/basewatchd.service"]
    made.unlink(missing_ok=True)
    subprocess.run([*command, "prefix=/usr", "sysconfdir=/etc"], check=True, capture_output=True)
    unit = made.read_text()
    made.unlink()
    subprocess.run(command, check=True, capture_output=True)
    assert "@" not in re.sub(r"man:\S+", "", unit) and "${" not in unit
    assert "ExecStart=/usr/sbin/basewatchd --config /etc/basewatch --state /var/lib/basewatch" in unit
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed; the unit's text was looked at")
    program = next(p for p in (BUILD / "basewatchd", TOP / "basewatchd") if p.exists())
    (tmp_path / "basewatchd.service").write_text(unit.replace("/usr/sbin/basewatchd", str(program)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "basewatchd.service"], capture_output=True, text=True)
    about = [line for line in (done.stdout + done.stderr).splitlines() if "basewatchd" in line]
    assert done.returncode == 0 and not about, about
