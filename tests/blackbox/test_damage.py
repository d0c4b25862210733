# SPDX-License-Identifier: Apache-2.0
"""What the state directory lost is said: a damaged block of the journal."""
import contextlib
import sqlite3

import pytest
from conftest import Daemon, track, write_config


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
