# SPDX-License-Identifier: Apache-2.0
"""Starts the web role with a stand-in for core (src/web/tests/web_main.c), and talks raw HTTP to it."""
import base64
import json
import os
import pathlib
import select
import socket
import subprocess

import pytest

BUILD = pathlib.Path(os.environ.get("BASEWATCH_BUILD") or os.environ.get("BW_BUILDDIR") or "build").resolve()
MAIN = BUILD / "src/web/tests/web_main"
KEY = "wk_testkey_1"


def basic(key=KEY):
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def event(i=0, **more):
    return {"type": "track", "userId": "u1", "event": "Feature Used", "messageId": f"m{i}",
            "timestamp": "2026-11-22T01:00:00Z", "properties": {"n": i}, "context": {"groupId": "acme"}, **more}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Connection:
    """A socket that speaks HTTP/1.1 by hand, so that what is malformed can be sent too."""

    def __init__(self, port, timeout=20):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.data = b""

    def send(self, raw):
        self.sock.sendall(raw)

    def request(self, method, path, body=b"", headers=None, version="1.1"):
        head = {"Host": "test", "Content-Length": str(len(body)), **(headers or {})}
        lines = [f"{method} {path} HTTP/{version}"] + [f"{k}: {v}" for k, v in head.items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def fill(self):
        more = self.sock.recv(65536)
        self.data += more
        return bool(more)

    def answer(self, body=True):
        while b"\r\n\r\n" not in self.data:
            if not self.fill():
                raise EOFError(self.data)
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
        length = int(headers.get("content-length", 0)) if body else 0
        while len(self.data) < length:
            if not self.fill():
                raise EOFError(self.data)
        content, self.data = self.data[:length], self.data[length:]
        return Answer(int(lines[0].split()[1]), headers, content)

    def closed(self):
        """Reads to the end of the stream; False where it stays open for the socket's timeout."""
        try:
            while self.fill():
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.sock.close()


class Web:
    def __init__(self, tmp, *options):
        self.dump = tmp / "dump.jsonl"
        self.process = subprocess.Popen([str(MAIN), "--key", f"app={KEY}", "--key", "site=wk_testkey_2", "--dump", str(self.dump),
                                         *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        line = self.line()
        assert line.startswith("listening "), line
        self.port = int(line.rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def line(self, timeout=30):
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        assert ready, "web_main says nothing"
        return self.process.stdout.readline().strip()

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self.line() == f"now {word}"

    def connect(self, timeout=20):
        return Connection(self.port, timeout)

    def request(self, method, path, body=b"", headers=None):
        conn = self.connect()
        try:
            conn.request(method, path, body, {"Connection": "close", **(headers or {})})
            return conn.answer()
        finally:
            conn.close()

    def post(self, path, body, headers=None):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, raw, basic() if headers is None else headers)

    def dumped(self):
        return [json.loads(line) for line in self.dump.read_text().splitlines()]

    def records(self):
        return [d for d in self.dumped() if "record" in d]

    def rejects(self):
        return [d for d in self.dumped() if "reject" in d]

    def stop(self):
        """The program ends by itself, and cleanly: its sanitizers have looked for leaks and worse."""
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        assert self.process.returncode == 0


# Fixtures; the test modules import them by name (a conftest.py here would hide the one of tests/blackbox).

@pytest.fixture
def start(tmp_path):
    running = []

    def starter(*options):
        if not MAIN.exists():
            pytest.fail(f"{MAIN} is not built: run ./bootstrap build")
        web = Web(tmp_path, *options)
        running.append(web)
        return web

    yield starter
    for web in running:
        web.stop()


@pytest.fixture
def web(start):
    return start()
