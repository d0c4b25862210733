# SPDX-License-Identifier: Apache-2.0
"""A stand-in daemon that speaks frames over a Unix socket, for tests of the command line alone."""
import json
import os
import pathlib
import socket
import struct
import subprocess
import threading

import pytest

BUILD = pathlib.Path(os.environ.get("BASEWATCH_BUILD") or os.environ.get("BW_BUILDDIR") or "build").resolve()
PROGRAM = BUILD / "src/cli/tests/cli_main"
INGEST, CONTROL, REJECT, INGESTED, REPLY, ERROR = 1, 2, 3, 16, 17, 18


class Refuse(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


class Daemon:
    """Answers commands from a table: name -> reply, or a function of the arguments."""

    def __init__(self, state):
        self.state = state
        self.replies = {}
        self.asked = []
        self.batches = []
        self.rejects = []
        self.on_ingest = None
        self.silent = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(state / "control.sock"))
        self.listener.listen()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def read(self, conn, n):
        data = b""
        while len(data) < n:
            more = conn.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def serve(self, conn):
        try:
            while True:
                length, kind, flags, request = struct.unpack("<IHHI", self.read(conn, 12))
                payload = self.read(conn, length)
                assert flags == 0
                if self.silent:
                    continue
                try:
                    answer, reply = self.handle(kind, payload)
                except Refuse as no:
                    answer, reply = ERROR, {"code": no.code, "class": "permanent", "message": no.message}
                raw = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                conn.sendall(struct.pack("<IHHI", len(raw), answer, 0, request) + raw)
        except (EOFError, OSError):
            pass

    def handle(self, kind, payload):
        if kind == CONTROL:
            args = json.loads(payload)
            self.asked.append(args)
            reply = self.replies.get(args["command"])
            if reply is None:
                raise Refuse(-7, "no such thing here")
            return REPLY, reply(args) if callable(reply) else reply
        if kind == REJECT:
            self.rejects += json.loads(payload)
            return INGESTED, {"accepted": 0, "duplicates": 0, "rejected": len(json.loads(payload))}
        if kind == INGEST:
            arrival, = struct.unpack("<Q", payload[:8])
            n = payload[8]
            source, batch = payload[9:9 + n].decode(), payload[9 + n:]
            assert batch[0] == 1
            count, at = 0, 1
            shift = 0
            while True:
                count |= (batch[at] & 0x7F) << shift
                shift += 7
                at += 1
                if not batch[at - 1] & 0x80:
                    break
            if self.on_ingest:
                self.on_ingest(count)
            self.batches.append((source, count, batch))
            return INGESTED, {"accepted": count, "duplicates": 0, "rejected": 0}
        raise AssertionError(kind)


# Fixtures; the test modules import them by name (a conftest.py here would hide the one of tests/blackbox).

@pytest.fixture
def daemon(tmp_path):
    d = Daemon(tmp_path)
    yield d
    d.listener.close()


@pytest.fixture
def cli(tmp_path):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not built: run ./bootstrap build")

    def run(*args, env=None, input=None, timeout=60):
        clean = {k: v for k, v in os.environ.items() if k not in ("SUDO_USER", "COLUMNS", "BASEWATCH_STATE")}
        return subprocess.run([str(PROGRAM), *map(str, args)], capture_output=True, text=True, timeout=timeout, input=input,
                              env={**clean, "BASEWATCH_STATE": str(tmp_path), **(env or {})})

    return run
