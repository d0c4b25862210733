# SPDX-License-Identifier: Apache-2.0
"""History and the clock: the past is scored day by day at whatever pace it comes, and where it comes too late that is said."""
import contextlib
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import BUILD, Daemon, track, wait_until, write_config

DAY = 86400
DAYS = 60
NOON = int(time.time()) // DAY * DAY - 100 * DAY + DAY // 2  # of the first day


def iso(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def tables():
    at = iso(NOON - 30 * DAY)
    yield {"type": "plan", "messageId": "p1", "planId": "team", "timestamp": at, "traits": {"name": "Team", "seat_price": 200}}
    yield {"type": "account", "messageId": "a1", "accountId": "acme", "timestamp": at, "traits": {"name": "Acme", "arr": 24000, "currency": "USD"}}
    yield {"type": "subscription", "messageId": "s1", "subscriptionId": "acme", "accountId": "acme", "timestamp": at,
           "traits": {"plan": "team", "seats": 10, "start_date": at[:10]}}


def usage(first=0, last=DAYS):
    for n in range(first, last):
        for user in range(13):
            yield track(f"u-{n}-{user}", user=f"u{user}", at=iso(NOON + n * DAY + user))


def write(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


@pytest.fixture
def daemon(tmp_path):
    write_config(tmp_path)
    d = Daemon(tmp_path, tests=False).start()
    d.cli("import", write(tmp_path / "tables.jsonl", tables()))
    yield d
    d.kill_all()


def journal(daemon):
    return [json.loads(line) for line in daemon.cli("export").stdout.splitlines()]


def ticks(daemon):
    return [r["timestamp"] for r in journal(daemon) if r["type"] == "tick"]


def days(first, last):
    return [time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(NOON + n * DAY)) for n in range(first, last)]


def signals(daemon):
    wait_until(daemon.idle, 60, "the backlog")
    return sorted((s["signal"], s["opened"][:10]) for s in daemon.json("signals", "--all")["items"])


def as_an_earlier_release_left_it(daemon):
    """One that kept nothing of its ticks."""
    daemon.stop()
    with contextlib.closing(sqlite3.connect(daemon.state / "basewatch.db")) as db:
        db.executescript("DROP TABLE core_ticks; DROP TABLE store_probe; DROP TABLE core_queue;"
                         "UPDATE schema_version SET version = 1 WHERE room = 'core'")
    daemon.start()


@pytest.mark.parametrize("earlier", [False, True])
def test_tables_alone_start_no_clock(daemon, tmp_path, earlier):
    if earlier:
        as_an_earlier_release_left_it(daemon)
    time.sleep(7)  # the clock looks every five seconds
    tick = daemon.status()["tick"]
    assert (tick["last"], tick["next"], tick["waits_for"]) == (None, None, "events")
    assert "they begin with the first event" in daemon.cli("status").stdout
    said = daemon.cli("import", "--history", write(tmp_path / "usage.jsonl", usage())).stdout
    assert "780 records are on disk." in said and "Each of its days is scored as it was." in said
    assert ticks(daemon) == days(1, DAYS)
    assert [kind for kind, _ in signals(daemon)] == ["adoption_high", "seat_limit", "seat_utilization"]


def test_history_may_come_slowly_and_in_two_lives(daemon, tmp_path):
    """Half of it, then nothing for longer than a pause, core dies, then the other half: as in one go."""
    daemon.cli("import", "--history", write(tmp_path / "1.jsonl", usage(0, 30)))
    assert daemon.status()["tick"]["waits_for"] == "history"
    time.sleep(18)
    [core] = daemon.children()["core"]
    os.kill(core, signal.SIGKILL)
    wait_until(lambda: daemon.children().get("core", [core]) != [core] and daemon.try_status(), 30, "another core")
    said = daemon.cli("import", "--history", write(tmp_path / "2.jsonl", usage(30))).stdout
    assert "Each of its days is scored as it was." in said
    assert ticks(daemon) == days(1, DAYS)
    two = signals(daemon)
    daemon.kill_all()
    (tmp_path / "once").mkdir()
    write_config(tmp_path / "once")
    once = Daemon(tmp_path / "once", tests=False).start()
    try:
        once.cli("import", tmp_path / "tables.jsonl")
        once.cli("import", "--history", tmp_path / "1.jsonl", tmp_path / "2.jsonl")
        assert two == signals(once) and two
    finally:
        once.kill_all()


def test_history_behind_what_was_scored_says_so(daemon, tmp_path):
    now = time.time()
    daemon.cli("import", write(tmp_path / "live.jsonl", [track("live", at=iso(now))]))
    last = wait_until(lambda: daemon.status()["tick"]["last"], 30, "the clock's first tick")
    path = write(tmp_path / "usage.jsonl", usage())
    said = daemon.cli("import", "--history", path).stdout
    assert "780 of them are of days that the daemon has scored already, up to " in said and f"{last[11:16]} UTC: what is older than that only teaches" in said
    assert len(ticks(daemon)) == 1 and daemon.json("signals", "--all")["items"] == []
    more = daemon.json("import", "--history", write(tmp_path / "more.jsonl", [track("more", at=iso(NOON))]))
    assert (more["accepted"], more["behind"], more["scored"]) == (1, 1, last)
    again = daemon.json("import", "--history", path)
    assert (again["accepted"], again["behind"], again["scored"]) == (0, 0, None)


def test_live_events_queue_behind_history(daemon, tmp_path):
    """Live events between two files of history: acknowledged and durable, and behind both, also over a crash and a restart."""
    daemon.cli("import", "--history", write(tmp_path / "1.jsonl", usage(0, 30)))
    assert [n["code"] for n in daemon.status()["notices"]] == []
    status, _ = daemon.post("/v1/track", {**track("live-1", user="u1", at=iso(time.time())), "type": "track"})
    assert status == 200
    said = daemon.cli("import", write(tmp_path / "live.jsonl", [track(f"live-{n}", user="u2", at=iso(time.time())) for n in (1, 2)])).stdout
    assert "2 of them wait until history that is being brought in has come to its end" in said
    daemon.cli("import", write(tmp_path / "accounts.jsonl", [{"type": "account", "messageId": "a2", "accountId": "acme", "traits": {"name": "Acme Ltd"}}]))
    wait_until(lambda: daemon.json("account", "acme")["name"] == "Acme Ltd", 20, "the table, which does not wait")
    for end in (signal.SIGKILL, signal.SIGTERM):
        [core] = daemon.children()["core"]
        if end == signal.SIGKILL:
            os.kill(core, end)
            wait_until(lambda: daemon.children().get("core", [core]) != [core] and daemon.try_status(), 30, "another core")
        else:
            daemon.stop()
            daemon.start()
        status = daemon.status()
        assert status["ingest"]["queued"] == 3 and status["tick"]["waits_for"] == "history"
        assert [n["code"] for n in status["notices"]] == []  # the import had come to its end
    assert "and so do 3 live records" in daemon.cli("status").stdout
    said = daemon.cli("import", "--history", write(tmp_path / "2.jsonl", usage(30))).stdout
    assert "Each of its days is scored as it was." in said and ticks(daemon) == days(1, DAYS)
    wait_until(lambda: daemon.status()["ingest"]["queued"] == 0, 90, "the end of the queue")
    ids = [r["messageId"] for r in journal(daemon) if r["type"] == "track"]
    assert ids[-2:] == ["mlive-1", "mlive-2"] and len(ids) == DAYS * 13 + 2  # one was sent twice
    wait_until(lambda: daemon.status()["tick"]["last"], 30, "the clock's ticks")
    assert [kind for kind, _ in signals(daemon)][:1] == ["adoption_high"]


def test_a_queue_is_taken_in_once_whatever_dies(place):
    """Core is killed while it takes in what had queued: each acknowledged event is there once, and behind the history."""
    daemon = Daemon(place).start()
    sent = itertools.count()
    try:
        for round in range(8):
            history = subprocess.Popen([BUILD / "basewatch", "--state", daemon.state, "import", "--history", "-"], stdin=subprocess.PIPE, text=True)
            history.stdin.write("".join(json.dumps(track(f"h-{round}-{n}", at=iso(NOON + round * DAY + n))) + "\n" for n in range(20000)))
            history.stdin.flush()
            wait_until(lambda: daemon.status()["tick"]["waits_for"] == "history", 30, "the import")
            for _ in range(150):
                assert daemon.post("/v1/batch", {"batch": [track(f"live-{next(sent)}", at=iso(time.time())) for _ in range(20)]})[0] == 200
            assert daemon.status()["ingest"]["queued"] == 3000
            history.communicate()
            [core] = daemon.children()["core"]
            time.sleep(0.004 * round)
            os.kill(core, signal.SIGKILL)
            wait_until(lambda: daemon.children().get("core", [core]) != [core] and daemon.try_status(), 30, "another core")
            wait_until(lambda: daemon.status()["ingest"]["queued"] == 0, 30, "the end of the queue")
        ids = [r["messageId"] for r in journal(daemon) if r["type"] == "track" and r["messageId"].startswith("mlive")]
        assert ids == [f"mlive-{n}" for n in range(8 * 3000)]
    finally:
        daemon.kill_all()


def test_the_last_history_says_so(daemon, tmp_path):
    """Nothing waits for more: the clock's ticks come within seconds."""
    said = daemon.cli("import", "--history", "--last", write(tmp_path / "usage.jsonl", usage())).stdout
    assert "The clock's own ticks follow.\n" in said
    wait_until(lambda: daemon.status()["tick"]["last"], 15, "the clock's first tick")
    wrong = daemon.cli("import", "--last", tmp_path / "usage.jsonl", check=False)
    assert wrong.returncode == 2 and "--last goes with --history" in wrong.stderr


def test_an_import_that_breaks_off_is_waited_for(daemon, tmp_path):
    """Ctrl-C, a lost connection: the rest is scored as if nothing had happened."""
    lines = [json.dumps(track(f"h-{n}", user=f"u{n % 13}", at=iso(NOON + n * 200))) + "\n" for n in range(20000)]
    broken = subprocess.Popen([BUILD / "basewatch", "--state", daemon.state, "import", "--history", "-"], stdin=subprocess.PIPE, text=True)
    broken.stdin.write("".join(lines[:15000]))
    broken.stdin.flush()
    wait_until(lambda: daemon.status()["ingest"]["accepted"] > 3000, 30, "some of it")
    broken.kill()
    broken.wait()
    wait_until(lambda: [n["code"] for n in daemon.status()["notices"]] == ["history_interrupted"], 10, "the notice")
    assert daemon.status()["tick"]["waits_for"] == "history"
    (tmp_path / "all.jsonl").write_text("".join(lines))
    said = daemon.cli("import", "--history", tmp_path / "all.jsonl").stdout
    assert "were there already" in said and "Each of its days is scored as it was." in said
    assert ticks(daemon) == days(1, 20000 * 200 // DAY + 1)


def test_contracts_without_a_time_are_as_old_as_they_say(tmp_path):
    """A CSV of today with the contract's start: what its seats say of the past is what a replay of the same files says."""
    write_config(tmp_path)
    start = iso(NOON - 30 * DAY)[:10]
    files = {"plans.csv": "plan_id,name,seat_price\nteam,Team,200\n", "accounts.csv": f"account_id,name,arr,currency,start_date\nacme,Acme,24000,USD,{start}\n",
             "subscriptions.csv": f"account_id,plan,seats,start_date\nacme,team,60,{start}\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    history = write(tmp_path / "usage.jsonl", usage(0, 90))
    d = Daemon(tmp_path, tests=False).start()
    try:
        d.cli("import", *(tmp_path / name for name in files))
        d.cli("import", "--history", history)
        said = signals(d)
    finally:
        d.kill_all()
    done = subprocess.run([BUILD / "basewatch", "replay", "--config", tmp_path / "config", "--plugins", d.plugins, "--only", "signal", "--tick", "1d",
                           *(tmp_path / name for name in files), history], capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((s["signal"], s["at"][:10]) for s in found if s["state"] == "opened") == said and "idle_seats" in dict(said)


def test_the_later_half_first_says_so(daemon, tmp_path):
    daemon.cli("import", "--history", write(tmp_path / "2.jsonl", usage(30)))
    said = daemon.cli("import", "--history", write(tmp_path / "1.jsonl", usage(0, 30))).stdout
    assert "390 of them are of days that the daemon has scored already" in said and ticks(daemon) == days(31, DAYS)


def test_a_clock_that_was_ahead_is_told(tmp_path):
    write_config(tmp_path)
    ahead = Daemon(tmp_path, tests=False, args=["--start-time", iso(time.time() + 90 * DAY)]).start()
    try:
        ahead.cli("import", write(tmp_path / "one.jsonl", [track("ahead", at=iso(time.time()))]))
        last = wait_until(lambda: ahead.status()["tick"]["last"], 30, "a tick")
        ahead.stop()
        right = Daemon(tmp_path, tests=False).start()
        wait_until(lambda: [n["code"] for n in right.status()["notices"]] == ["clock_behind"], 30, "the notice")
        status = right.status()
        assert status["state"] == "degraded" and status["tick"] == {"last": last, "next": None, "waits_for": "clock"}
        assert "nothing is scored until it is there" in right.cli("status").stdout
        (tmp_path / "anew").mkdir()
        export = write(tmp_path / "export.jsonl", journal(right))
        write_config(tmp_path / "anew")
        anew = Daemon(tmp_path / "anew", tests=False).start()
        assert "1 record is on disk" in anew.cli("import", "--history", export).stdout
        assert anew.status()["state"] == "running"
    finally:
        for name in ("ahead", "right", "anew"):
            if name in locals():
                locals()[name].kill_all()


def test_an_event_ahead_of_time_moves_no_clock(daemon, tmp_path):
    now = time.time()
    records = [*usage(DAYS - 3), track("now", at=iso(now - 60)), track("ahead", at=iso(now + DAY * 0.99))]
    daemon.cli("import", "--history", write(tmp_path / "usage.jsonl", records))
    found = ticks(daemon)
    assert found[-1] == time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(now)), found[-1]
