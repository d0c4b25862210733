# SPDX-License-Identifier: Apache-2.0
"""What comes of a lead, on a real daemon: outcomes, the opportunity in the journal, the CRM's word, slow deals, crashes, and moving house."""
import json
import os
import re
import shutil
import subprocess
import time

import pytest
from conftest import BUILD, TOP, Daemon, track, wait_until, write_config

DAY0 = "2026-03-02"  # a Monday

WATCHER = "watcher: usage\nplugin: usage.so\nsnapshot: 2s\n"
PLAY = """
play: seats
motion: expansion
type: seat
mode: live
signals: {seat_limit: 80}
gates: [{name: size, require: account.acv >= 1000}]
score: {threshold: 40}
floor: estimate > 0
estimate: (ceil(trait.usage.seats_needed) - account.seats) * plan.seat_price * 12
route: all
sla: 4h
suppress: 30d
angle: More seats
"""
ROUTES = "route: all\nrows:\n  - {to: owner}\n"
ROLES = "roles:\n  owner: [account.owner]\n  csm: [account.csm]\n"
ACCOUNTS = ["acme", "globex", "initech", "umbrella", *(f"crash{i}" for i in range(4))]


def day(n):
    return time.strftime("%Y-%m-%d", time.gmtime(time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, 0)) - 86400 * n))


def book():
    yield {"type": "plan", "messageId": "p1", "planId": "team", "timestamp": "2025-01-01T00:00:00Z",
           "traits": {"name": "Team", "seat_price": 20}}
    for a in ACCOUNTS:
        yield {"type": "account", "messageId": f"a-{a}", "accountId": a, "timestamp": "2025-06-01T00:00:00Z",
               "traits": {"name": f"{a.capitalize()} GmbH", "arr": 24000, "acv": 24000, "currency": "USD", "start_date": "2025-06-01",
                          "renewal_date": "2026-12-01", "health": "green", "owner": "olivia" if a != "umbrella" else "otto", "csm": "carl"}}
        yield {"type": "subscription", "messageId": f"s-{a}", "subscriptionId": a, "accountId": a, "timestamp": "2025-06-01T00:00:00Z",
               "traits": {"plan": "team", "seats": 10, "start_date": "2025-06-01"}}
        yield {"type": "contact", "messageId": f"c-{a}", "contactId": f"c-{a}", "accountId": a, "timestamp": "2025-06-01T00:00:00Z",
               "traits": {"name": "Kim Champion", "role": "champion", "email": f"kim@{a}.example"}}
        yield {"type": "contact", "messageId": f"b-{a}", "contactId": f"b-{a}", "accountId": a, "timestamp": "2025-06-01T00:00:00Z",
               "traits": {"name": "Bo Buyer", "role": "economic_buyer"}}


def usage():
    for n in range(40, 0, -1):
        for a in ACCOUNTS:
            for u in range(13):
                yield track(f"u-{a}-{n}-{u}", a, f"{a}-{u}", f"{day(n)}T09:{u:02d}:00Z", feature="reports")


def write_lines(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))


def start(place, at, **more):
    return Daemon(place, args=["--start-time", at], **more).start()


def make_config(place):
    config = write_config(place, plays=False)
    (config / "watchers/usage.yaml").write_text(WATCHER)
    for part, name, text in (("plays", "seats.yaml", PLAY), ("routes", "10-all.yaml", ROUTES), ("routes", "00-roles.yaml", ROLES)):
        (config / part).mkdir(exist_ok=True)
        (config / part / name).write_text(text)
    return config


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A daemon's directory with an open lead for each account; each test works on a copy."""
    place = tmp_path_factory.mktemp("deals")
    make_config(place)
    write_lines(place / "book.jsonl", book())
    write_lines(place / "usage.jsonl", usage())
    d = start(place, f"{DAY0}T07:59:00Z")
    try:
        d.cli("import", place / "book.jsonl", place / "usage.jsonl")
        d.tick(f"{DAY0}T08:00:00Z")
        assert len(d.json("inbox")["leads"]) == len(ACCOUNTS), d.cli("why-not", "acme").stdout
        assert d.stop() == 0
    finally:
        d.kill_all()
    return place


@pytest.fixture
def daemon(built, tmp_path):
    for part in ("config", "state"):
        shutil.copytree(built / part, tmp_path / part, ignore=shutil.ignore_patterns("*.sock", "web.address"))
    d = start(tmp_path, f"{DAY0}T08:30:00Z")
    yield d
    d.kill_all()


def lead_of(daemon, account):
    return next(x["lead"] for x in daemon.json("inbox", "--all")["leads"] if x["account"] == account)


def outcome(daemon, lead, *args, who="olivia"):
    return json.loads(daemon.cli("--who", who, "outcome", lead, *args, "--json").stdout)


def refused(daemon, *args):
    done = daemon.cli(*args, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def exported(daemon, kind="opportunity"):
    return [r for r in map(json.loads, daemon.cli("export").stdout.splitlines()) if r["type"] == kind]


def crm(daemon, number, account, opportunity, at, **traits):
    path = daemon.place / f"crm{number}.jsonl"
    write_lines(path, [{"type": "opportunity", "messageId": f"crm-{number}", "accountId": account, "opportunityId": opportunity,
                        "timestamp": at, "traits": traits}])
    daemon.cli("import", path)
    wait_until(daemon.idle, 30, "the CRM's row")


# ---- from the lead to the end ----

def test_from_a_lead_to_won(daemon):
    lead = lead_of(daemon, "acme")
    estimate = daemon.json("show", lead)["estimate"]
    first = outcome(daemon, lead, "conversation", "--note", "Kim wants ten more")
    assert first["deal"] is None and not first["made"] and first["state"] == "open"
    assert exported(daemon) == [] and "There are no open deals" in daemon.cli("deals").stdout
    offered = outcome(daemon, lead, "proposal")
    deal = offered["deal"]
    assert offered["made"] and deal["stage"] == "Proposed" and deal["amount"] == estimate
    assert deal["name"] == f"Acme GmbH - Expansion - Seat - ${estimate:,.0f}"
    assert deal["pipeline"] == "Expansion" and deal["owner"] == "olivia" and deal["source"] == "seat_limit" and deal["lead"] == lead
    assert deal["champion"] == {"contact": "c-acme", "name": "Kim Champion"} and deal["economic_buyer"]["name"] == "Bo Buyer"
    assert deal["close_date"] in ("2026-04-01", "2026-04-16")  # 30 or 45 days
    text = daemon.cli("--who", "olivia", "outcome", lead, "won", "--amount", "5,000", "--split", "ae=70,csm=30").stdout
    assert "Closed Won" in text and "The lead is closed." in text and "silent for this account until" in text and "csm (carl) 30 %" in text
    shown = daemon.json("show", lead)
    assert shown["state"] == "closed" and shown["deal"]["state"] == "won" and shown["deal"]["amount"] == 5000
    assert [o["outcome"] for o in shown["outcomes"]] == ["conversation", "proposal", "won"]
    assert [s["stage"] for s in shown["deal"]["stages"]] == ["Proposed", "Closed Won"]
    assert [(p["who"], p["percent"], p["person"]) for p in shown["deal"]["split"]][1] == ("csm", 30, "carl")
    text = daemon.cli("show", lead).stdout
    assert "What came of it" in text and "Kim wants ten more" in text and "Acme GmbH - Expansion - Seat - $5,000" in text
    audit = daemon.json("audit", "verify")
    assert audit["ok"] and [i["what"] for i in audit["items"][:3]] == ["outcome: won", "outcome: proposal", "outcome: conversation"]
    assert audit["items"][0]["detail"]["split"] == "ae=70,csm=30" and audit["items"][0]["who"] == "olivia"
    rows = exported(daemon)
    assert [r["traits"]["stage"] for r in rows] == ["Proposed", "Closed Won"] and {r["opportunityId"] for r in rows} == {deal["opportunity"]}
    assert rows[0]["traits"]["created_by"] == "basewatch" and rows[0]["traits"]["basewatch_lead"] == lead
    wait_until(daemon.idle, 30, "the book")
    (known,) = daemon.json("account", "acme")["opportunities"]
    assert known["outcome"] == "won" and known["amount"] == 5000


def test_an_end_suppresses_for_thirty_days(daemon):
    lead = lead_of(daemon, "acme")
    done = outcome(daemon, lead, "nothing", "--note", "no answer")
    assert done["closed"] and done["deal"] is None and done["suppressed_until"].startswith("2026-04-01")
    daemon.tick(f"{DAY0}T12:00:00Z")
    (play,) = daemon.json("why-not", "acme")["plays"]
    assert play["blocked_by"] == "suppressed"
    assert exported(daemon) == []


def test_what_is_refused_says_what_to_do(daemon):
    lead = lead_of(daemon, "acme")
    assert "--reason timing, budget" in refused(daemon, "outcome", lead, "lost")
    assert "is no reason" in refused(daemon, "outcome", lead, "lost", "--reason", "mood")
    assert "is no outcome" in refused(daemon, "outcome", lead, "victory")
    assert "sum to 90" in refused(daemon, "outcome", lead, "won", "--split", "ae=60,csm=30")
    assert "future" in refused(daemon, "outcome", lead, "won", "--at", "2027-01-01")
    assert "was opened at" in refused(daemon, "outcome", lead, "won", "--at", "2026-03-01")
    assert "is no lead" in refused(daemon, "outcome", "L999", "won") or "there is no lead" in refused(daemon, "outcome", "L999", "won")
    for bad in ("12,34", "1e9", "-5", "5 USD", "1.234", "", "1,2345", ",5"):
        assert daemon.cli("outcome", lead, "won", "--amount", bad, check=False).returncode == 1, bad
    assert daemon.json("show", lead)["outcomes"] == [] and daemon.json("deals", "--all")["deals"] == []


def test_a_correction_is_a_new_entry(daemon):
    lead = lead_of(daemon, "globex")
    outcome(daemon, lead, "lost", "--reason", "budget")
    fixed = outcome(daemon, lead, "won", "--amount", "100", "--note", "they found it", who="carl")
    assert fixed["deal"]["state"] == "won" and fixed["deal"]["loss_reason"] is None and not fixed["closed"]
    said = daemon.json("show", lead)["outcomes"]
    assert [(o["outcome"], o["who"], o["reason"]) for o in said] == [("lost", "olivia", "budget"), ("won", "carl", "")]
    assert len({r["opportunityId"] for r in exported(daemon)}) == 1


# ---- the table ----

def test_the_table_of_deals(daemon):
    for account, amount in (("acme", 100), ("globex", 200), ("umbrella", 400)):
        outcome(daemon, lead_of(daemon, account), "opportunity" if account == "acme" else "proposal", "--amount", amount)
    deals = daemon.json("deals")
    assert len(deals["deals"]) == 3 == deals["total"]
    assert {(t["stage"], t["deals"], t["amount"]) for t in deals["totals"]} == {("Identified", 1, 100), ("Proposed", 2, 600)}
    assert [d["account"] for d in daemon.json("deals", "--owner", "otto")["deals"]] == ["umbrella"]
    assert [d["account"] for d in daemon.json("deals", "--owner", "OTTO")["deals"]] == ["umbrella"]
    done = daemon.cli("deals", "--owner", "priya", check=False)
    assert done.returncode != 0 and 'nobody is called "priya"; there are: ' in done.stderr and "otto" in done.stderr, done.stderr
    assert daemon.json("deals", "--stale")["deals"] == []
    text = daemon.cli("deals").stdout
    for word in ("NAME", "STAGE", "DAYS", "CLOSE", "Acme GmbH - Expansion - Seat - $100", "Proposed: 2 worth $600"):
        assert word in text
    outcome(daemon, lead_of(daemon, "acme"), "lost", "--reason", "timing")
    assert len(daemon.json("deals")["deals"]) == 2 and len(daemon.json("deals", "--all")["deals"]) == 3
    assert daemon.status()["deals"] == {"open": 2, "flagged": 0, "won": 0, "lost": 1}
    assert "2 open, 0 flagged, 0 won, 1 lost" in daemon.cli("status").stdout


def test_slow_deals_are_flagged_once(daemon):
    lead = lead_of(daemon, "acme")
    outcome(daemon, lead, "proposal")
    for at in ("2026-03-16T07:00:00Z", "2026-03-17T09:00:00Z", "2026-03-18T09:00:00Z", "2026-06-01T09:00:00Z", "2026-06-02T09:00:00Z"):
        daemon.tick(at)
    (deal,) = daemon.json("deals", "--stale")["deals"]
    assert deal["flags"] == ["slow", "stale"] and "slow, stale" in daemon.cli("deals").stdout
    codes = [n["code"] for n in daemon.status()["notices"]]
    assert codes.count("deal_slow") == 1 and codes.count("deal_stale") == 1
    assert daemon.status()["deals"]["flagged"] == 1
    assert daemon.json("show", lead)["state"] == "open"  # a lead whose deal is open does not expire


# ---- the CRM's word ----

def test_the_crm_moves_the_deal_and_ends_the_lead(daemon):
    lead = lead_of(daemon, "acme")
    outcome(daemon, lead, "proposal")
    crm(daemon, 1, "acme", "006A", f"{DAY0}T09:00:00Z", basewatch_lead=lead, stage="Negotiation/Review", amount=7000)
    assert daemon.json("show", lead)["deal"]["stage"] == "Negotiation"
    crm(daemon, 2, "acme", "006A", f"{DAY0}T10:00:00Z", stage="Closed Lost", loss_reason="timing")
    shown = daemon.json("show", lead)
    assert shown["state"] == "closed" and shown["deal"]["state"] == "lost" and shown["deal"]["amount"] == 7000
    assert shown["deal"]["crm"] == "006A" and shown["deal"]["loss_reason"] == "timing"
    assert [(s["stage"], s["entered"][11:16]) for s in shown["deal"]["stages"]][1:] == [("Negotiation", "09:00"), ("Closed Lost", "10:00")]
    table = daemon.place / "opportunities.csv"
    table.write_text(f"opportunity_id,account_id,stage,amount,timestamp,basewatch_lead\n006A,acme,Proposal,1,{DAY0}T09:30:00Z,{lead}\n")
    daemon.cli("import", table)
    wait_until(daemon.idle, 30, "the CSV row")
    assert daemon.json("show", lead)["deal"]["state"] == "lost"
    crm(daemon, 4, "globex", "006B", f"{DAY0}T10:00:00Z", lead=lead, stage="Closed Won")
    assert daemon.json("show", lead)["deal"]["state"] == "lost"
    assert any(n["code"] == "opportunity_lead" for n in daemon.status()["notices"])
    audit = daemon.json("audit", "verify")
    assert audit["ok"] and audit["items"][0]["what"] == "outcome: lost" and audit["items"][0]["detail"]["by_record"] is True


def test_a_csv_of_the_crm_names_the_lead(daemon):
    lead = lead_of(daemon, "initech")
    table = daemon.place / "opportunities.csv"
    table.write_text(f"opportunity_id,account_id,stage,amount,timestamp,basewatch_lead\n"
                     f"006C,initech,Qualification,900,{DAY0}T08:20:00Z,{lead}\n")
    daemon.cli("import", table)
    deal = wait_until(lambda: daemon.json("show", lead)["deal"], 30, "the deal")
    assert deal["stage"] == "Qualified" and deal["amount"] == 900 and deal["crm"] == "006C"
    outcome(daemon, lead, "proposal")
    wait_until(daemon.idle, 30, "the book")
    (known,) = daemon.json("account", "initech")["opportunities"]  # theirs is ours: there is no second one
    assert known["opportunity"] == "006C" and known["stage"] == "Proposed"


# ---- crashes ----

def state_of(daemon, lead):
    shown = daemon.json("show", lead)
    return shown["state"], shown["outcomes"], shown["deal"]


def test_kill_between_command_and_commit(daemon):
    """Whatever was answered is there after kill -9; whatever was not, is there as a whole or not at all, and never twice."""
    for i in range(4):
        lead = lead_of(daemon, f"crash{i}")
        answers = [outcome(daemon, lead, "proposal", "--amount", "100")] if i % 2 else []
        pending = [subprocess.Popen([BUILD / "basewatch", "--state", daemon.state, "--who", "olivia", "outcome", lead, "won", "--amount",
                                     "200"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)]
        time.sleep(0.012 * i)
        daemon.kill_all()
        answered = [p.wait() == 0 for p in pending]
        daemon.start()
        wait_until(daemon.idle, 30, "recovery")
        state, outcomes, deal = state_of(daemon, lead)
        words = [o["outcome"] for o in outcomes]
        assert words == ["proposal"] * len(answers) + ["won"] * words.count("won") and words.count("won") <= 1
        assert not answered[0] or words.count("won") == 1
        rows = [r for r in exported(daemon) if r["accountId"] == f"crash{i}"]
        assert len(rows) == len(words) and len({r["opportunityId"] for r in rows}) <= 1
        assert (state == "closed") == ("won" in words)
        assert (deal["state"] if deal else None) == ("won" if "won" in words else "open" if words else None)
        audit = daemon.json("audit", "verify")
        assert audit["ok"] and sum(x["lead"] == lead for x in audit["items"]) == len(words)
        again = daemon.cli("--who", "olivia", "outcome", lead, "won", "--amount", "200", "--note", "once more", check=False)
        assert again.returncode == 0 and len([r for r in daemon.json("deals", "--all")["deals"] if r["lead"] == lead]) == 1


def test_a_restart_changes_nothing(daemon):
    lead = lead_of(daemon, "acme")
    outcome(daemon, lead, "proposal", "--amount", "123.45")
    done = daemon.cli("outcome", lead, "won", "--split", "owner=60,csn=40", check=False)
    assert done.returncode != 0 and 'the split credits "csn"' in done.stderr and "did you mean csm?" in done.stderr, done.stderr
    outcome(daemon, lead, "won", "--split", "owner=60,csm=40")
    before = state_of(daemon, lead), daemon.json("deals", "--all")["deals"]
    assert daemon.stop() == 0
    daemon.start()
    assert (state_of(daemon, lead), daemon.json("deals", "--all")["deals"]) == before


def test_a_full_disk_refuses_an_outcome_as_a_whole(built, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "none", small], capture_output=True).returncode != 0:
        pytest.skip("a small tmpfs cannot be mounted here (needs root)")
    shutil.copytree(built / "config", tmp_path / "config")
    shutil.copytree(built / "state", small / "state", ignore=shutil.ignore_patterns("*.sock", "web.address"))
    d = Daemon(tmp_path, args=["--start-time", f"{DAY0}T08:30:00Z"])
    d.state = small / "state"
    try:
        d.start()
        with open(small / "fill", "wb", buffering=0) as fill:
            try:
                while fill.write(b"x" * 65536):
                    pass
            except OSError:
                pass
        full = 0
        for account in ACCOUNTS:  # the log of the store may have room for the first
            done = d.cli("outcome", lead_of(d, account), "won", "--note", "x" * 1900, check=False)
            if done.returncode:
                full += 1
                break
            wait_until(d.try_status, 30, "an answer")
        assert full, "the disk never became full"
        (small / "fill").unlink()
        wait_until(d.idle, 60, "recovery")
        lead = lead_of(d, account)
        state, outcomes, deal = state_of(d, lead)
        assert (state, outcomes, deal) == ("open", [], None)
        assert wait_until(lambda: d.cli("outcome", lead, "won", check=False).returncode == 0, 30, "the outcome")
        assert [o["outcome"] for o in state_of(d, lead)[1]] == ["won"] and d.json("audit", "verify")["ok"]
        assert len([r for r in exported(d) if r["accountId"] == account]) == 1
    finally:
        d.kill_all()
        subprocess.run(["umount", "-l", small], check=False)


# ---- moving house ----

def test_export_and_import_bring_the_deals(daemon, tmp_path_factory):
    acme, globex = lead_of(daemon, "acme"), lead_of(daemon, "globex")
    outcome(daemon, acme, "proposal", "--amount", "300")
    outcome(daemon, acme, "won", "--split", "ae=50,csm=50")
    outcome(daemon, globex, "opportunity")
    crm(daemon, 1, "globex", "006", f"{DAY0}T09:00:00Z", basewatch_lead=globex, stage="Proposal", amount=77)
    daemon.cli("import", daemon.place / "crm1.jsonl")  # again: a duplicate
    path = daemon.place / "journal.jsonl"
    path.write_text(daemon.cli("export").stdout)
    assert any(json.loads(line)["type"] == "tick" for line in path.read_text().splitlines())
    count = len(exported(daemon))
    reply = daemon.json("import", path)
    assert len(exported(daemon)) == count, reply  # our own records are known here, too
    replayed = subprocess.run([BUILD / "basewatch", "replay", "--config", daemon.config, "--plugins", BUILD / "plugins/usage", path],
                              capture_output=True, text=True, timeout=60)
    assert replayed.returncode == 0 and "reserved" not in replayed.stderr and "record_refused" not in replayed.stdout
    other_place = tmp_path_factory.mktemp("moved")
    make_config(other_place)
    other = start(other_place, f"{DAY0}T12:00:00Z")
    try:
        other.cli("import", path)
        wait_until(other.idle, 60, "the import")
        keys = ("opportunity", "crm", "lead", "account", "name", "pipeline", "owner", "stage", "amount", "currency", "state", "close_date",
                "closed", "stage_entered", "created", "split", "champion", "source")
        ours = [{k: d[k] for k in keys} for d in daemon.json("deals", "--all")["deals"]]
        theirs = [{k: d[k] for k in keys} for d in other.json("deals", "--all")["deals"]]
        assert theirs == ours and len(ours) == 2
        assert [s["stage"] for s in other.json("deals", "--all")["deals"][1]["stages"]] == ["Proposed", "Closed Won"]
    finally:
        other.kill_all()


# ---- settings ----

def test_a_wrong_pipeline_is_refused_and_a_new_one_taken(daemon):
    settings = daemon.config / "basewatch.yaml"
    good = settings.read_text()
    settings.write_text(good + "opportunities:\n  splits:\n    expansion: {ae: 70, csm: 20}\n")
    done = daemon.cli("check", check=False)
    assert re.search(r"basewatch.yaml:\d+:\d+: .*sum to 90", done.stdout + done.stderr)
    settings.write_text(good + "opportunities:\n  pipeline: Growth\n  splits:\n    expansion: {ae: 70, csm: 30}\n")
    daemon.cli("reload")
    done = outcome(daemon, lead_of(daemon, "acme"), "won")
    assert done["deal"]["pipeline"] == "Growth" and [p["percent"] for p in done["deal"]["split"]] == [70, 30]


@pytest.mark.parametrize("number", [0, 1])
def test_the_settings_in_the_guide_are_sound(built, tmp_path, number):
    blocks = re.findall(r"```yaml\n(.*?)```", (TOP / "docs/deals.md").read_text(), re.S)
    assert len(blocks) == 2
    shutil.copytree(built / "config", tmp_path / "config")
    with open(tmp_path / "config/basewatch.yaml", "a") as settings:
        settings.write(blocks[number])
    done = subprocess.run([BUILD / "basewatchd", "--check", "--config", tmp_path / "config", "--plugins", BUILD / "plugins/usage"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "warning" not in done.stdout + done.stderr, done.stdout + done.stderr
