# SPDX-License-Identifier: Apache-2.0
"""What is old goes and what is small becomes large, in the background of a daemon that runs."""
import contextlib
import os
import signal
import sqlite3
import time

from conftest import Daemon, track, wait_until, write_config


def day(n, hour=0):
    return f"2026-03-{n:02d}T{hour:02d}:30:00Z"


def run_at(tmp_path, at):
    """A daemon whose clock starts there."""
    return Daemon(tmp_path, args=["--start-time", at])


def fill(tmp_path, events):
    """A quiet day: single events, each a commit of its own, and a tick."""
    daemon = run_at(tmp_path, day(1, 1))
    try:
        daemon.start()
        for i in range(events):
            assert daemon.post("/v1/track", track(i, at=day(1, 1)))[0] == 200
        daemon.tick("2026-03-01T02:00:00Z")
        wait_until(daemon.idle, what="idleness")
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()


def database(tmp_path, sql):
    """Of a daemon that is stopped."""
    with contextlib.closing(sqlite3.connect(tmp_path / "state/basewatch.db")) as db:
        return db.execute(sql).fetchall()


def used_bytes(tmp_path):
    pages, free, size = (database(tmp_path, f"PRAGMA {p}")[0][0] for p in ("page_count", "freelist_count", "page_size"))
    return (pages - free) * size


def test_small_blocks_become_large(tmp_path):
    write_config(tmp_path, plays=False)
    fill(tmp_path, 300)
    blocks_before = database(tmp_path, "SELECT count(*) FROM journal_block")[0][0]
    bytes_before = used_bytes(tmp_path)
    # Killed in the middle of it, more than once: what is exported is the same.
    exported = None
    for kill_after in (0.0, 0.55, 0.6, None):
        daemon = run_at(tmp_path, day(9))
        try:
            daemon.start()
            before = daemon.cli("export").stdout
            exported = exported or before
            assert before == exported and before.count("\n") >= 300
            if kill_after is None:
                wait_until(lambda: daemon.try_status()["journal"]["blocks"] <= 4, what="the blocks' being merged")
                assert daemon.cli("export").stdout == exported
                assert daemon.stop() == 0
            else:
                time.sleep(kill_after)
                os.kill(daemon.children()["core"][0], signal.SIGKILL)
        finally:
            daemon.kill_all()
    assert blocks_before > 300
    blocks = database(tmp_path, "SELECT count(*) FROM journal_block")[0][0]
    assert blocks <= 4
    print(f"{blocks_before} blocks became {blocks}; {bytes_before} bytes of the database in use became {used_bytes(tmp_path)}")
    assert used_bytes(tmp_path) < bytes_before
    daemon = run_at(tmp_path, day(9, 2))
    try:
        daemon.start()
        wait_until(daemon.idle, what="idleness")
        assert daemon.cli("export").stdout == exported
        assert daemon.status()["journal"]["damaged_records"] == 0
    finally:
        daemon.kill_all()


def test_what_a_field_was_is_kept_as_long_as_the_records(tmp_path):
    config = write_config(tmp_path, plays=False)
    main = config / "basewatch.yaml"
    main.write_text(main.read_text() + "journal:\n  retention: 60d\n")
    accounts = tmp_path / "accounts.jsonl"
    accounts.write_text("".join(
        '{"type":"account","accountId":"acme","messageId":"%d","timestamp":"2026-01-%02dT00:00:00Z","traits":{"name":"Acme","health":"%s"}}\n'
        % (i, i, "red" if i % 2 else "green") for i in range(1, 9)))

    def times():
        return [row[0] for row in database(tmp_path, "SELECT strftime('%d', time / 1000, 'unixepoch') FROM book_history ORDER BY offset")]

    for at, kept in (("2026-01-20T00:00:00Z", 8), ("2026-03-06T12:00:00Z", 4), ("2026-09-01T00:00:00Z", 1)):
        daemon = run_at(tmp_path, at)
        try:
            daemon.start()
            daemon.cli("import", accounts)
            wait_until(daemon.idle, what="idleness")
            assert daemon.stop() == 0
            daemon.start()  # upkeep comes soon after a start
            wait_until(lambda: at.startswith("2026-01") or "earlier_values_deleted=" in daemon.log(), what="upkeep")
            wait_until(daemon.idle, what="idleness")
            assert daemon.stop() == 0
        finally:
            daemon.kill_all()
        assert times() == ["%02d" % i for i in range(9 - kept, 9)], at
        daemon.log_path.unlink()
