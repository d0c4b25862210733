# SPDX-License-Identifier: Apache-2.0
"""`basewatch verify` reads what a stopped daemon left, and names what is damaged in it."""
import contextlib
import json
import os
import sqlite3

import pytest
from conftest import track


@pytest.fixture
def stopped(daemon):
    """A daemon that has taken two batches, and ended."""
    daemon.start()
    for batch in range(2):
        assert daemon.post("/v1/batch", {"batch": [track(1000 * batch + i) for i in range(200)]})[0] == 200
    daemon.stop()
    return daemon


def database(daemon):
    return contextlib.closing(sqlite3.connect(daemon.state / "basewatch.db"))


def test_a_sound_database(stopped):
    done = stopped.cli("verify")
    assert done.stdout.startswith("The database is sound, and so are the ") and "damage" not in done.stdout and done.stderr == ""
    found = stopped.json("verify")
    assert found["ok"] and found["blocks"] >= 2 and found["damaged"] == found["lost_records"] == 0
    stopped.start()
    assert stopped.status()["journal"]["next"] > 400 and stopped.status()["journal"]["damaged_records"] == 0


def test_a_running_daemon_keeps_its_database(daemon):
    daemon.start()
    done = daemon.cli("verify", check=False)
    assert done.returncode == 1 and "in use by process" in done.stderr and "stop that one first" in done.stderr
    assert daemon.status()["state"] == "running"


def test_a_damaged_block_is_named_and_set_aside(stopped):
    with database(stopped) as db:
        first, last, data = db.execute("SELECT first, last, data FROM journal_block ORDER BY records DESC LIMIT 1").fetchone()
        db.execute("UPDATE journal_block SET data = ? WHERE first = ?", (data[:-9] + b"\0damaged\0", first))
        db.commit()
    done = stopped.cli("verify", "--json", check=False)
    found = json.loads(done.stdout)
    assert done.returncode == 1 and not found["ok"] and found["damaged"] == 1 and found["lost_records"] == last - first + 1
    assert f"first={first} last={last}" in done.stderr
    again = stopped.cli("verify")  # the daemon goes on without it
    assert f"lost to damage, ever: {last - first + 1}." in again.stdout
    stopped.start()
    assert stopped.status()["journal"]["damaged_records"] == last - first + 1


def test_a_damaged_page_is_found(stopped):
    path = stopped.state / "basewatch.db"
    with database(stopped) as db:
        (page,), (size,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'journal_arrival'").fetchone(), \
            db.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[page * size - 16:page * size] = b"\xff" * 16
    path.write_bytes(content)
    done = stopped.cli("verify", check=False)
    assert done.returncode == 1 and "is damaged" in done.stderr and "restore it from a backup" in done.stderr
    stopped.start(wait=False)  # whoever opens it next looks at all of it, and takes nobody for dead
    assert stopped.process.wait(60) != 0 and "is damaged" in stopped.log() and "is not there" not in stopped.log()


def test_what_a_crash_lost_is_told_to_whoever_comes_first(daemon):
    daemon.start()
    assert daemon.post("/v1/track", track(1))[0] == 200
    daemon.kill_all()
    (daemon.state / "basewatch.db-wal").unlink()
    done = daemon.cli("verify", check=False)
    assert done.returncode == 1 and "basewatch.db-wal is not there" in done.stdout
    assert json.loads(daemon.cli("verify", "--json").stdout)["doubt"] is None


def test_nothing_is_made_where_there_is_no_database(daemon):
    daemon.state.mkdir()
    done = daemon.cli("verify", check=False)
    assert done.returncode == 1 and f"{daemon.state}/basewatch.db cannot be verified" in done.stderr
    assert list(daemon.state.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_nobody_else_takes_its_lock(stopped):
    os.chown(stopped.state / "basewatch.db", 65534, 65534)
    done = stopped.cli("verify", check=False)
    assert done.returncode == 1 and "belongs to user nobody (65534): run this as that user" in done.stderr
