# SPDX-License-Identifier: Apache-2.0
"""What the black-box tests share: the built programs, a private daemon, made-up customers."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import urllib.request

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BASEWATCH_BUILD", TOP / "build"))
LONG = os.environ.get("BASEWATCH_LONG") == "1"
KEY = "test-write-key"

BASEWATCH_YAML = f"""
tick: {{tick}}
web:
  listen: 127.0.0.1:0
  keys: {{{{app: {KEY}}}}}
plays:
  lateness: 30d   # ticks are forced for days gone by
delivery:
  maildir: outbox
  sender: basewatch <basewatch@vendor.example>
"""


def wait_until(condition, seconds=30, what="the condition"):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come true in {seconds} s")


class Daemon:
    """A daemon in a directory of its own; survives being stopped, killed and started again."""

    def __init__(self, place, plugins=None, args=(), wrapper=(), tests=True):
        self.place = place
        self.config = place / "config"
        self.state = place / "state"
        self.log_path = place / "daemon.log"
        self.plugins = plugins or BUILD / "plugins/usage"
        self.args = [*args, *(["--tests"] if tests else [])]  # without: the clock makes the ticks
        self.wrapper = list(wrapper)
        self.process = None

    def start(self, wait=True):
        (self.state / "web.address").unlink(missing_ok=True)
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.wrapper, BUILD / "basewatchd", "--config", self.config, "--state", self.state, "--plugins", self.plugins, *self.args], stdout=log, stderr=log, start_new_session=True)
        log.close()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds=60):
        wait_until(lambda: (self.state / "web.address").exists() and self.try_status(), seconds, f"readiness ({self.log_path})")

    def try_status(self):
        done = self.cli("status", "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def status(self):
        return self.json("status")

    def cli(self, *args, check=True, input=None, timeout=120):
        done = subprocess.run([BUILD / "basewatch", "--state", self.state, *map(str, args)], capture_output=True, text=True, input=input,
                              timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"basewatch {args}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *args):
        return json.loads(self.cli(*args, "--json").stdout)

    @property
    def url(self):
        return "http://" + (self.state / "web.address").read_text().strip()

    def post(self, path, body, key=KEY, headers=None, timeout=30):
        """(status, parsed body) of one POST; a refused connection is status 0."""
        import base64
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"Content-Type": "application/json", **(headers or {})}
        if key:
            head["Authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        try:
            request = urllib.request.Request(self.url + path, data=data, headers=head, method="POST")
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode(errors="replace")
        except (OSError, ValueError):
            return 0, None

    def tick(self, at):
        """Forces a tick and waits until it has been evaluated."""
        reply = self.json("tick", at)
        wait_until(lambda: self.idle(reply["offset"]), 120, f"tick {at}")

    def idle(self, offset=0):
        s = self.try_status()
        return s and s["projected"] >= offset and s["journal"]["next"] - 1 == s["projected"] and all(
            w["lag"] == 0 and w["state"] == "running" for w in s["watchers"]) and s

    def children(self):
        """{role: [pid]} of the running processes."""
        found = {}
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in children:
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--role" in words:
                found.setdefault(words[words.index(b"--role") + 1].decode(), []).append(int(pid))
        return found

    def stop(self, seconds=60):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(seconds)
        return self.process.returncode if self.process else None

    def kill_all(self):
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
            wait_until(lambda: not running(self.process.pid), 20, "the end of every process")  # a dying core still holds its lock

    def journal_ids(self):
        """Every message id in the journal, in order (the daemon must be stopped)."""
        return [r["messageId"] for r in self.journal() if "messageId" in r]

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""


def running(group):
    """Processes of a group that are not dead yet; zombies are: they hold nothing any more."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, pgrp = stat.read_text().rsplit(")", 1)[1].split()[:3]
        except (OSError, ValueError):
            continue
        if int(pgrp) == group and state not in "ZX":
            found.append(stat.parent.name)
    return found


def write_config(place, tick="1h", watchers=True, plays=True):
    config = place / "config"
    config.mkdir(parents=True)
    (config / "basewatch.yaml").write_text(BASEWATCH_YAML.format(tick=tick))
    (config / "basewatch.yaml").chmod(0o640)  # it holds keys
    (config / "watchers").mkdir()
    if watchers:
        (config / "watchers/usage.yaml").write_text("watcher: usage\nplugin: usage.so\nsnapshot: 2s\n")
    if plays:
        for part in ("plays", "routes", "templates"):
            shutil.copytree(TOP / "etc" / part, config / part)
    return config


@pytest.fixture
def place(tmp_path):
    write_config(tmp_path)
    return tmp_path


@pytest.fixture
def daemon(place):
    d = Daemon(place)
    yield d
    d.kill_all()


def track(i, account="acme", user="u1", at="2026-03-01T10:00:00Z", event="Feature Used", **properties):
    return {"type": "track", "messageId": f"m{i}", "timestamp": at, "userId": user, "context": {"groupId": account}, "event": event,
            "properties": properties or {"feature": "reports"}}
