# SPDX-License-Identifier: Apache-2.0
"""kill -9 of any process at any moment, under load: what was acknowledged is there once, and the signals are as if nothing had been."""
import json
import os
import random
import signal
import threading
import time

from conftest import LONG, Daemon, track, wait_until, write_config

KILLS = 1500 if LONG else 200
START = "2026-03-01T12:00:00Z"
DAYS = 28


def day(n):
    return f"2026-02-{n + 1:02d}"


def load(n):
    """The events of day n: four accounts, of which one grows and one falls silent half-way."""
    events = []
    for account, users in (("steady", 6), ("growing", 2 + n // 2), ("silent", 6 if n < 14 else 0), ("small", 1)):
        for u in range(users):
            for k in range(3):
                events.append(track(f"{n}-{account}-{u}-{k}", account, f"{account}-u{u}", f"{day(n)}T{8 + k:02d}:{u:02d}:00Z",
                                    feature=f"f{k}"))
    return events


def book():
    """Contracts that the usage soon outgrows."""
    at = "2026-01-01T00:00:00Z"
    records = [{"type": "plan", "messageId": "p1", "timestamp": at, "planId": "pro",
                "traits": {"name": "Pro", "seat_price": 300, "next": "max", "limits": {"api_calls": 100}}}]
    for i, (account, seats) in enumerate((("steady", 6), ("growing", 8), ("silent", 9), ("small", 5))):
        records += [
            {"type": "account", "messageId": f"a{i}", "timestamp": at, "accountId": account,
             "traits": {"name": account.title(), "arr": 20000, "acv": 20000, "currency": "USD", "start": "2024-01-01", "health": "green",
                        "renewal": "2026-06-01", "owner": "ann@vendor.example", "csm": "bob@vendor.example", "stage": "tangible_roi"}},
            {"type": "subscription", "messageId": f"s{i}", "timestamp": at, "accountId": account,
             "traits": {"plan": "pro", "seats": seats, "start": "2024-01-01"}},
            {"type": "contact", "messageId": f"c{i}", "timestamp": at, "contactId": f"c{i}", "accountId": account,
             "traits": {"name": f"Kim {account.title()}", "email": f"kim@{account}.example", "role": "champion"}}]
    return records


def send(daemon, events, acknowledged):
    """As an SDK does: again until it is acknowledged."""
    for i in range(0, len(events), 20):
        batch = events[i:i + 20]
        while True:
            status, _ = daemon.post("/v1/batch", {"batch": batch})
            if status == 200:
                acknowledged.update(e["messageId"] for e in batch)
                break
            assert status in (0, 503), f"the daemon refuses what it should take: {status}"
            time.sleep(0.02)


def killer(daemon, stop, killed, rng):
    while not stop.is_set():
        time.sleep(rng.uniform(0.005, 0.12))
        try:
            roles = daemon.children()
        except OSError:
            continue
        role = rng.choice(["core", "web", "host"])
        if not roles.get(role):
            continue
        try:
            os.kill(rng.choice(roles[role]), signal.SIGKILL)
            killed.append(role)
        except ProcessLookupError:
            pass


def ready_for_tick(daemon):
    return wait_until(lambda: daemon.idle(), 120, "the backlog")


def run(daemon, kills):
    rng = random.Random(20260201)
    acknowledged, killed, stop = set(), [], threading.Event()
    daemon.start()
    contracts = daemon.place / "book.jsonl"
    contracts.write_text("".join(json.dumps(r) + "\n" for r in book()))
    daemon.cli("import", contracts)
    acknowledged.update(r["messageId"] for r in book())
    per_day = kills / DAYS
    for n in range(DAYS):
        stop.clear()
        thread = threading.Thread(target=killer, args=(daemon, stop, killed, rng))
        if kills:
            thread.start()
        send(daemon, load(n), acknowledged)
        while kills and len(killed) < per_day * (n + 1):
            time.sleep(0.02)
        stop.set()
        if kills:
            thread.join()
        wait_until(lambda: daemon.try_status(), 120, "an answer")
        ready_for_tick(daemon)
        daemon.tick(f"{day(n)}T23:59:59Z")
    return acknowledged, killed


def picture(daemon):
    """All that was concluded, without what may differ (when a process was started)."""
    signals = daemon.json("signals", "--all")["items"]
    leads = daemon.json("inbox", "--all")["leads"]
    return ([{k: s[k] for k in ("signal", "account", "key", "state", "opened", "value", "strength", "evidence")} for s in signals],
            [{k: lead[k] for k in ("lead", "account", "play", "state", "score", "estimate", "opened", "subject")} for lead in leads])


def exported_ids(daemon):
    return [r["messageId"] for r in map(json.loads, daemon.cli("export").stdout.splitlines()) if "messageId" in r]


def make(tmp_path, name):
    place = tmp_path / name
    place.mkdir()
    write_config(place, tick="24h")
    return Daemon(place, args=["--start-time", START])


def test_nothing_is_lost_and_nothing_changes(tmp_path):
    calm, stormy = make(tmp_path, "calm"), make(tmp_path, "stormy")
    try:
        acknowledged, _ = run(calm, 0)
        expected = picture(calm)
        assert len(expected[0]) >= 4 and expected[1], "the load must make signals and leads, or this test shows nothing"
        calm.stop()
        stormy_acknowledged, killed = run(stormy, KILLS)
        assert len(killed) >= KILLS
        assert set(killed) == {"core", "web", "host"}
        ids = exported_ids(stormy)
        assert len(ids) == len(set(ids)), "an event is in the journal twice"
        assert set(ids) >= stormy_acknowledged, "an acknowledged event is not in the journal"
        assert set(ids) == acknowledged
        assert picture(stormy) == expected
        assert stormy.stop() == 0
    finally:
        calm.kill_all()
        stormy.kill_all()
