# SPDX-License-Identifier: Apache-2.0
"""What the state directory lost is said: a damaged block of the journal, a write-ahead log or a database that is gone or damaged."""
import contextlib
import os
import sqlite3
import subprocess

import pytest
from conftest import BUILD, Daemon, track, write_config


def database(daemon, sql, *args):
    """Of a daemon that is stopped."""
    with contextlib.closing(sqlite3.connect(daemon.state / "basewatch.db")) as db, db:
        return db.execute(sql, args).fetchall()


@pytest.fixture
def daemon(tmp_path):
    write_config(tmp_path, tick="24h", watchers=False, plays=False)
    d = Daemon(tmp_path).start()
    yield d
    d.kill_all()


def damage(daemon, first):
    [(data,)] = database(daemon, "SELECT data FROM journal_block WHERE first = ?", first)
    broken = data[:len(data) // 2] + bytes([data[len(data) // 2] ^ 255]) + data[len(data) // 2 + 1:]
    database(daemon, "UPDATE journal_block SET data = ?, max_arrival = 0 WHERE first = ?", broken, first)  # nobody needs it at the start


@pytest.mark.parametrize("place", ["middle", "end"])
def test_an_export_says_what_is_missing(daemon, place):
    for block in range(3):
        assert daemon.post("/v1/batch", {"batch": [track(f"{block}-{i}") for i in range(10)]})[0] == 200
    assert daemon.stop() == 0
    firsts = [row[0] for row in database(daemon, "SELECT first FROM journal_block ORDER BY first")]
    assert firsts == [1, 11, 21]
    damage(daemon, 11 if place == "middle" else 21)
    daemon.start()
    for _ in range(2):  # found, and known
        done = daemon.cli("export", check=False)
        assert done.returncode == 1 and "10 records are missing here" in done.stderr
        assert len(done.stdout.splitlines()) == 20
    s = daemon.status()
    assert [n["code"] for n in s["notices"]] == ["journal_damaged"] and s["journal"]["damaged_records"] == 10
    assert "code=journal_damaged" in daemon.log()
    done = daemon.cli("export", "--from", 1, "--limit", 10)
    assert len(done.stdout.splitlines()) == 10 and done.stderr == ""


def killed(daemon):
    """Dead in the middle of its life, with thirty batches in the write-ahead log."""
    for i in range(30):
        assert daemon.post("/v1/track", track(i))[0] == 200
    daemon.kill_all()
    return daemon.state / "basewatch.db-wal"


def codes(daemon):
    return [n["code"] for n in daemon.start().status()["notices"]]


def test_a_crash_alone_is_nothing_to_tell_of(daemon):
    killed(daemon)
    assert codes(daemon) == [] and len(daemon.cli("export").stdout.splitlines()) == 30


def test_a_log_that_is_gone_is_told_of(daemon):
    killed(daemon).unlink()
    assert codes(daemon) == ["store_damaged"]
    assert "basewatch.db-wal is not there" in daemon.status()["notices"][0]["text"] and "code=store_damaged" in daemon.log()
    assert daemon.stop() == 0
    assert codes(daemon) == []


def test_a_log_that_is_damaged_in_the_middle_is_told_of(daemon):
    log = killed(daemon)
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    assert codes(daemon) == ["store_damaged"]
    assert (daemon.state / "basewatch.db-wal-damaged").read_bytes() == data
    assert "is damaged behind its " in daemon.status()["notices"][0]["text"]


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize("lose", [os.unlink, lambda path: os.truncate(path, 0)])
def test_an_emptied_database_is_not_begun_anew(daemon, stopped, lose):
    log = killed(daemon)
    if stopped:
        daemon.start().stop()
    lose(daemon.state / "basewatch.db")
    before = log.read_bytes() if log.exists() else None
    done = subprocess.run([BUILD / "basewatchd", "--config", daemon.config, "--state", daemon.state], capture_output=True, text=True, timeout=60)
    assert done.returncode == 78 and "basewatch.db is empty or missing, though a daemon has run here" in done.stderr
    assert "restore it" in done.stderr
    assert before == (log.read_bytes() if log.exists() else None)
