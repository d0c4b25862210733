# SPDX-License-Identifier: Apache-2.0
"""What an owner and an operator do on the command line, on a real daemon: from the inbox to the message in the Maildir."""
import email
import email.policy
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import BUILD, Daemon, track, wait_until, write_config

DAY0 = "2026-03-02"  # a Monday
HISTORY_DAYS = 70
EVIL = 'Evil {{account.arr}} <b onclick="x()">Corp</b>\r\nBcc: everyone@evil.example\nEnd'

WATCHER = """
watcher: usage
plugin: usage.so
snapshot: 2s
options:
  meters: [{resource: api_calls, event: API Called}]
"""

# account, name, acv, seats, users a day, calls in the last four weeks (limit: 1,000), champion's e-mail
BOOK = [
    ("acme", "Acme GmbH", 24000, 10, 13, 0, "ann@acme.example"),
    ("globex", "Globex", 30000, 9, 5, 1100, "gus@globex.example"),
    ("initech", "Initech", 60000, 9, 5, 950, "ina@initech.example"),  # not at the limit yet: the CSM looks at it first
    ("umbrella", "Umbrella", 24000, 10, 13, 0, ""),  # nobody knows the champion's address
    ("evil", EVIL, 24000, 10, 13, 0, "eve@evil.example"),
    ("past", "Past", 24000, 10, 3, 0, "pat@past.example"),  # had more people once: see usage_records()
    *((f"crash{i}", f"Crash {i}", 24000, 10, 13, 0, f"c{i}@crash{i}.example") for i in range(5)),
]


def day(n):
    """The n-th day before DAY0."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, 0)) - 86400 * n))


def book_records():
    yield {"type": "plan", "messageId": "p1", "planId": "team", "timestamp": "2025-01-01T00:00:00Z",
           "traits": {"name": "Team", "seat_price": 200, "limits": {"api_calls": 1000}, "next": "business"}}
    yield {"type": "plan", "messageId": "p2", "planId": "business", "timestamp": "2025-01-01T00:00:00Z",
           "traits": {"name": "Business", "seat_price": 300, "limits": {"api_calls": 5000}}}
    for account, name, acv, seats, _, _, address in BOOK:
        yield {"type": "account", "messageId": f"a-{account}", "accountId": account, "timestamp": "2025-06-01T00:00:00Z",
               "traits": {"name": name, "arr": acv, "acv": acv, "currency": "USD", "start_date": "2025-06-01", "renewal_date": "2026-12-01",
                          "health": "green", "stage": "tangible_roi", "owner": "olivia", "csm": "carl"}}
        yield {"type": "subscription", "messageId": f"s-{account}", "subscriptionId": account, "accountId": account,
               "timestamp": "2025-06-01T00:00:00Z", "traits": {"plan": "team", "seats": seats, "start_date": "2025-06-01"}}
        yield {"type": "contact", "messageId": f"c-{account}", "contactId": f"c-{account}", "accountId": account,
               "timestamp": "2025-06-01T00:00:00Z",
               "traits": {"name": "Kim Champion", "role": "champion", **({"email": address} if address else {})}}


def usage_records():
    for n in range(HISTORY_DAYS, 0, -1):
        at = day(n)
        for account, _, _, _, users, calls, _ in BOOK:
            for u in range(13 if account == "past" and n > 40 else users):
                yield track(f"u-{account}-{n}-{u}", account, f"{account}-{u}", f"{at}T09:{u:02d}:00Z", feature="reports")
            per_day = calls // 28 + (1 if n <= calls % 28 else 0)
            for k in range(per_day):
                yield track(f"k-{account}-{n}-{k}", account, f"{account}-{k % users}", f"{at}T10:{k // 60:02d}:{k % 60:02d}Z",
                            event="API Called")


def write_lines(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in sorted(records, key=lambda r: r["timestamp"])))


def start(place, at):
    return Daemon(place, args=["--start-time", at]).start()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A daemon's directory after ten weeks of history and the first live tick; each test works on a copy."""
    place = tmp_path_factory.mktemp("owner")
    config = write_config(place)
    settings = config / "basewatch.yaml"
    settings.write_text(re.sub("lateness: .*", "lateness: 6h", settings.read_text()))  # the past only teaches, as it does by default
    (config / "watchers/usage.yaml").write_text(WATCHER)
    play = config / "plays/usage-expansion.yaml"
    play.write_text(play.read_text().replace("score: {threshold: 45}", "score: {threshold: 40}"))
    write_lines(place / "book.jsonl", book_records())
    write_lines(place / "usage.jsonl", usage_records())
    daemon = start(place, f"{DAY0}T07:59:00Z")
    try:
        daemon.cli("import", place / "book.jsonl")
        daemon.cli("import", "--history", place / "usage.jsonl")
        wait_until(daemon.idle, 60, "the backlog")
        daemon.tick(f"{DAY0}T08:00:00Z")
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()
    return place


@pytest.fixture
def daemon(built, tmp_path):
    for part in ("config", "state"):
        shutil.copytree(built / part, tmp_path / part, ignore=shutil.ignore_patterns("*.sock", "web.address"))
    d = start(tmp_path, f"{DAY0}T08:30:00Z")
    yield d
    d.kill_all()


def lead_of(daemon, account, *args):
    return next(x for x in daemon.json("inbox", *args)["leads"] if x["account"] == account)


def refused(daemon, *args):
    done = daemon.cli(*args, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def messages(daemon):
    return sorted(p for part in ("new", "cur") for p in (daemon.state / "outbox" / part).glob("*"))


def wait_sent(daemon, lead):
    return wait_until(lambda: daemon.json("show", lead)["state"] == "delivered" and messages(daemon), 8, f"delivery of {lead}")


def parsed(path):
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


# ---- the way from the inbox to the Maildir ----

def test_both_motions_are_there(daemon):
    plays = {x["account"]: x["play"] for x in daemon.json("inbox")["leads"]}
    assert plays["acme"] == "seat-expansion" and plays["globex"] == "usage-expansion"
    text = daemon.cli("inbox").stdout
    assert "Acme GmbH" in text and "Globex" in text and "ready" in text


def test_what_is_shown_is_approved_and_delivered_once(daemon):
    lead = lead_of(daemon, "globex")["lead"]
    shown = daemon.json("show", lead)
    draft = shown["draft"]
    assert shown["ready"] and not draft["missing"]
    text = daemon.cli("show", lead).stdout
    for line in filter(None, draft["body"].split("\n")):
        assert f"│ {line}\n" in text
    assert f"basewatch approve {lead} --hash {draft['hash'][:16]}" in text
    approved = json.loads(daemon.cli("--who", "olivia", "approve", lead, "--hash", draft["hash"][:16], "--json").stdout)
    assert approved["state"] == "approved" and approved["hash"] == draft["hash"] and approved["who"] == "olivia"
    (path,) = wait_sent(daemon, lead)
    message = parsed(path)
    assert message.get_content() == (draft["body"] if draft["body"].endswith("\n") else draft["body"] + "\n")
    assert message["Subject"] == draft["subject"] and message["From"] == draft["from"]
    assert [a.addr_spec for a in message["To"].addresses] == draft["to"] and "Bcc" not in message and "Cc" not in message
    assert draft["hash"][:16] in message["Message-ID"]
    row = next(x for x in daemon.json("outbox")["items"] if x["lead"] == lead)
    assert row["state"] == "sent" and row["hash"] == draft["hash"]
    assert daemon.status()["leads"]["delivered"] == 1
    history = [h["what"] for h in daemon.json("show", lead)["history"]]
    assert history[:2] == ["opened", "approved"]
    assert daemon.cli("audit", "verify").returncode == 0
    assert not any(x["lead"] == lead for x in daemon.json("inbox")["leads"])
    assert any(x["lead"] == lead and x["state"] == "delivered" for x in daemon.json("inbox", "--all")["leads"])


def test_no_decision_can_follow_an_approval(daemon):
    lead = lead_of(daemon, "globex")["lead"]
    daemon.cli("--who", "olivia", "approve", lead)
    wait_sent(daemon, lead)
    for args in (["approve", lead], ["reject", lead, "--reason", "late"], ["snooze", lead, "--for", "1d"],
                 ["edit", lead, "--subject", "x"], ["fill", lead, "a", "b"]):
        said = refused(daemon, *args)
        assert "approved by olivia" in said and "delivered" in said
    assert len(messages(daemon)) == 1


def test_a_wrong_hash_is_refused(daemon):
    lead = lead_of(daemon, "globex")["lead"]
    assert "read it again" in refused(daemon, "approve", lead, "--hash", "0123456789abcdef")
    assert "no version" in refused(daemon, "approve", lead, "--hash", "0" * 64)
    assert messages(daemon) == [] and daemon.json("show", lead)["state"] == "open"


# ---- drafts that need a person ----

def test_a_contact_without_address(daemon):
    lead = lead_of(daemon, "umbrella")
    assert not lead["ready"] and lead["missing"] == 1
    lead = lead["lead"]
    before = daemon.json("show", lead)
    assert [m["name"] for m in before["draft"]["missing"]] == ["champion.email"]
    assert f"basewatch fill {lead} champion.email" in daemon.cli("show", lead).stdout
    assert "champion.email" in refused(daemon, "approve", lead)
    assert "champion.email" in refused(daemon, "fill", lead, "champion.phone", "1")
    assert "one line" in refused(daemon, "fill", lead, "champion.email", "uma@umbrella.example\nBcc: x@y.example")
    wrong = json.loads(daemon.cli("fill", lead, "champion.email", "nobody", "--json").stdout)
    assert [m["name"] for m in wrong["missing"]] == ["to"] and "e-mail" in wrong["missing"][0]["why"]
    assert f"edit {lead} --to" in daemon.cli("show", lead).stdout
    edited = json.loads(daemon.cli("--who", "olivia", "edit", lead, "--to", "uma@umbrella.example", "--json").stdout)
    assert edited["missing"] == [] and edited["version"] == 3 and edited["hash"] != before["draft"]["hash"]
    said = refused(daemon, "approve", lead, "--hash", before["draft"]["hash"])
    assert "version 1" in said and "olivia" in said and "version 3" in said
    daemon.cli("approve", lead, "--hash", edited["hash"])
    (path,) = wait_sent(daemon, lead)
    assert [a.addr_spec for a in parsed(path)["To"].addresses] == ["uma@umbrella.example"]
    assert [h["what"] for h in daemon.json("show", lead)["history"]][:4] == ["opened", "filled", "edited", "approved"]


def test_fill_makes_a_draft_complete(daemon):
    lead = lead_of(daemon, "umbrella")["lead"]
    filled = json.loads(daemon.cli("--who", "olivia", "fill", lead, "champion.email", "uma@umbrella.example", "--json").stdout)
    assert filled["version"] == 2 and filled["missing"] == []
    draft = daemon.json("show", lead)["draft"]
    assert draft["hash"] == filled["hash"] and draft["to"] == ["uma@umbrella.example"] and draft["by"] == "olivia"
    assert any(p["from"].get("kind") == "human" for p in draft["provenance"])
    daemon.cli("approve", lead, "--hash", filled["hash"])
    wait_sent(daemon, lead)


def contact(daemon, account, number, **traits):
    path = daemon.place / f"contact-{account}-{number}.jsonl"
    write_lines(path, [{"type": "contact", "messageId": f"dnc-{account}-{number}", "contactId": f"c-{account}", "accountId": account,
                        "timestamp": f"{DAY0}T08:3{number}:00Z", "traits": traits}])
    daemon.cli("import", path)
    wait_until(daemon.idle, 30, "the contact")


def test_who_must_not_be_contacted_is_not(daemon):
    """Neither the draft that was ready when the word came, nor one that a person addresses to them."""
    lead = lead_of(daemon, "acme")["lead"]
    assert daemon.json("show", lead)["ready"]
    contact(daemon, "acme", 1, do_not_contact="Yes")
    why = refused(daemon, "approve", lead, "--hash", daemon.json("show", lead)["draft"]["hash"])
    assert "contact c-acme says do_not_contact" in why and "--to ADDRESS" in why
    assert not daemon.json("show", lead)["ready"] and messages(daemon) == []
    daemon.cli("edit", lead, "--to", "Else@acme.example")
    assert daemon.json("show", lead)["ready"]
    daemon.cli("edit", lead, "--to", "ANN@acme.example")
    assert "is not to be written to" in refused(daemon, "approve", lead, "--hash", daemon.json("show", lead)["draft"]["hash"])
    contact(daemon, "acme", 2, do_not_contact="no")
    daemon.cli("approve", lead, "--hash", daemon.json("show", lead)["draft"]["hash"])
    wait_sent(daemon, lead)


def test_a_word_that_no_rule_knows_is_told_of(daemon):
    path = daemon.place / "words.jsonl"
    write_lines(path, [{"type": "account", "messageId": f"w{i}", "accountId": account, "timestamp": f"{DAY0}T08:31:00Z",
                        "traits": {"health": word, **({"seats": "lots"} if account == "acme" else {})}} for i, (account, word) in enumerate((("acme", "At Risk"), ("globex", " RED")))])
    daemon.cli("import", path)
    wait_until(daemon.idle, 30, "the words")
    (notice,) = [n for n in daemon.status()["notices"] if n["code"] == "value_unknown"]
    assert notice["account"] == "acme" and 'health is "At Risk", which is none of green, yellow or red' in notice["text"]
    assert '; seats is "lots", which is no number' in notice["text"]
    assert [f["value"] for f in daemon.json("account", "globex")["fields"] if f["name"] == "health"] == ["red"]
    for account in ("acme", "globex"):  # neither is sold to
        daemon.cli("reject", lead_of(daemon, account)["lead"], "--reason", "test")
        plays = {p["play"]: p for p in daemon.json("why-not", account)["plays"]}
        assert [g for g in plays["seat-expansion"]["gates"] if g["name"] == "health"][0]["result"] == "fail"


def test_signals_of_nobody(daemon):
    said = refused(daemon, "signals", "acmee")
    assert 'no record has named the account "acmee"; did you mean acme?' in said
    assert daemon.json("signals", "acme")["items"] and "no record has named" in refused(daemon, "signals", "--all", "nosuch")


def test_a_body_is_rewritten_from_a_file(daemon, tmp_path):
    lead = lead_of(daemon, "acme")["lead"]
    body = "Grüße,\n\n.\nFrom here on: zwölf Plätze.\n" + "x" * 1200 + "\n=41 {account.arr}\n"
    (tmp_path / "body").write_bytes(body.replace("\n", "\r\n").encode())
    hash_before = daemon.json("show", lead)["draft"]["hash"]
    daemon.cli("edit", lead, "--body-file", tmp_path / "body")
    assert "read it again" in refused(daemon, "edit", lead, "--subject", "Late", "--hash", hash_before)
    daemon.cli("edit", lead, "--subject", "Zwölf Plätze")
    assert daemon.json("show", lead)["draft"]["body"] == body
    daemon.cli("approve", lead)
    (path,) = wait_sent(daemon, lead)
    assert parsed(path).get_content() == body and parsed(path)["Subject"] == "Zwölf Plätze"
    for bad in (["edit", lead], ["edit", lead, "--to", "a@b.example", "--subject", "x"]):
        assert daemon.cli(*bad, check=False).returncode == 2


def test_a_name_in_braces_is_an_open_place(daemon, tmp_path):
    lead = lead_of(daemon, "acme")["lead"]
    body = tmp_path / "body.txt"
    body.write_text("Hi {{account.name}},\n\nall the best\n")
    daemon.cli("edit", lead, "--body-file", body)
    shown = daemon.json("show", lead)
    assert not shown["ready"] and [g["name"] for g in shown["draft"]["missing"]] == ["account.name"]
    assert "only templates fill names in" in shown["draft"]["missing"][0]["why"]
    daemon.cli("fill", lead, "account.name", "Acme")
    shown = daemon.json("show", lead)
    assert shown["ready"] and shown["draft"]["body"].startswith("Hi Acme,")


def test_a_hostile_name_does_no_harm(daemon):
    lead = lead_of(daemon, "evil")["lead"]
    draft = daemon.json("show", lead)["draft"]
    assert "24000" not in draft["subject"] and "24,000" not in draft["subject"] and "\n" not in draft["subject"]
    if draft["missing"]:  # a name that cannot stand in a subject waits for a person; or it was cleaned
        return
    daemon.cli("approve", lead, "--hash", draft["hash"])
    (path,) = wait_sent(daemon, lead)
    message = parsed(path)
    assert set(message.keys()) & {"Bcc", "Cc"} == set() and message["Subject"] == draft["subject"]
    assert message.get_content_type() == "text/plain" and [a.addr_spec for a in message["To"].addresses] == ["eve@evil.example"]
    assert b"\nBcc:" not in path.read_bytes().split(b"\n\n", 1)[0]


# ---- the other decisions ----

def test_only_the_csm_may_approve_before_the_review_ends(daemon):
    lead = lead_of(daemon, "initech")
    assert lead["state"] == "review" and not lead["ready"] and lead["csm"] == "carl" and lead["owner"] == "olivia"
    lead = lead["lead"]
    said = refused(daemon, "--who", "mallory", "approve", lead)
    assert "carl" in said and "3 Mar 2026" in said
    assert "carl" in refused(daemon, "--who", "olivia", "approve", lead)
    assert "carl" in daemon.cli("show", lead).stdout
    daemon.cli("--who", "carl", "approve", lead)
    wait_sent(daemon, lead)


def test_the_csm_tells_the_owner_what_no_record_says(daemon):
    lead = lead_of(daemon, "initech")["lead"]
    assert "initech has" not in daemon.cli("show", lead).stdout
    said = daemon.cli("--who", "carl", "note", lead, "Ina is on leave until Monday; write to her deputy").stdout
    assert f"{lead} has a note by carl" in said
    note = daemon.json("show", lead)["history"][-1]
    assert (note["who"], note["what"], note["note"]) == ("carl", "note", "Ina is on leave until Monday; write to her deputy")
    assert "write to her deputy" in daemon.cli("show", lead).stdout
    audit = daemon.json("audit", "verify")
    assert audit["ok"] and audit["items"][0]["what"] == "note"
    assert "there is no lead L999" in refused(daemon, "note", "L999", "x")


def test_an_owner_is_found_by_any_of_their_names(daemon):
    mine = daemon.json("inbox", "--owner", "olivia")
    assert mine["leads"] and mine["owner"] == "olivia"
    assert daemon.json("inbox", "--owner", "Olivia")["leads"] == mine["leads"]
    said = refused(daemon, "inbox", "--owner", "priya")
    assert 'nobody is called "priya"; there are: ' in said and "olivia" in said and "carl" in said, said


def test_a_rejection_silences_the_play(daemon):
    lead = lead_of(daemon, "acme")["lead"]
    assert daemon.cli("reject", lead, check=False).returncode == 2
    said = daemon.cli("--who", "olivia", "reject", lead, "--reason", "They have just bought seats elsewhere").stdout
    assert "silent for this account until" in said and "Apr 2026" in said
    shown = daemon.json("show", lead)
    assert shown["state"] == "rejected" and shown["history"][-1]["note"] == "They have just bought seats elsewhere"
    assert "did you mean seat-expansion?" in refused(daemon, "why-not", "acme", "seat-expantion")
    assert 'no record has named the account "acmme"; did you mean acme?' in refused(daemon, "why-not", "acmme")
    (play,) = daemon.json("why-not", "acme", "seat-expansion")["plays"]
    assert not play["fires"] and play["blocked_by"] == "suppressed" and play["suppressed_until"].startswith("2026-04-01")
    assert any(x["lead"] == lead and x["state"] == "rejected" for x in daemon.json("inbox", "--all")["leads"])
    assert "rejected by olivia" in refused(daemon, "approve", lead)
    daemon.tick("2026-03-03T00:00:00Z")
    assert not any(x["account"] == "acme" for x in daemon.json("inbox")["leads"])
    assert messages(daemon) == []


def test_a_snoozed_lead_comes_back(daemon):
    lead = lead_of(daemon, "acme")["lead"]
    reply = json.loads(daemon.cli("snooze", lead, "--for", "2d", "--json").stdout)
    assert reply["snoozed_until"].startswith("2026-03-04T08:3")
    assert not any(x["lead"] == lead for x in daemon.json("inbox")["leads"])
    daemon.tick("2026-03-04T08:00:00Z")
    assert lead_of(daemon, "acme", "--all")["state"] == "snoozed"
    daemon.tick("2026-03-04T09:00:00Z")
    assert lead_of(daemon, "acme")["state"] == "open"


# ---- nothing is sent twice, nothing approved is lost ----

@pytest.mark.parametrize("i,delay", enumerate([0.0, 0.003, 0.006, 0.012, 0.03]))
def test_core_is_killed_around_an_approval(daemon, i, delay):
    lead = lead_of(daemon, f"crash{i}")["lead"]
    digest = daemon.json("show", lead)["draft"]["hash"]
    (core,) = daemon.children()["core"]
    args = [BUILD / "basewatch", "--state", daemon.state, "approve", lead, "--hash", digest]
    cli = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(delay)
    os.kill(core, signal.SIGKILL)
    said = cli.communicate(timeout=20)
    wait_until(lambda: daemon.children().get("core", [core]) != [core] and daemon.try_status(), 20, "core's return")
    if cli.returncode != 0 and daemon.json("show", lead)["state"] == "open":  # it had not been taken
        assert messages(daemon) == [], said
        daemon.cli("approve", lead, "--hash", digest)
    (path,) = wait_sent(daemon, lead)
    assert digest[:16] in parsed(path)["Message-ID"]
    daemon.stop()
    daemon.args = ["--start-time", f"{DAY0}T10:00:00Z"]
    daemon.start()
    time.sleep(0.3)
    assert messages(daemon) == [path]


def test_approved_but_not_yet_delivered_survives_a_kill(daemon):
    lead = lead_of(daemon, "globex")["lead"]
    outbox = daemon.state / "outbox"
    if outbox.exists():
        shutil.rmtree(outbox)
    outbox.write_text("in the way")
    daemon.cli("approve", lead)
    row = wait_until(lambda: next((x for x in daemon.json("outbox")["items"] if x["error"]), None), 5, "a failed delivery")
    assert row["state"] == "pending" and daemon.json("show", lead)["state"] == "approved"
    daemon.kill_all()
    outbox.unlink()
    daemon.args = ["--start-time", f"{DAY0}T09:30:00Z"]
    daemon.start()
    wait_sent(daemon, lead)
    assert len(messages(daemon)) == 1


def rewrite(daemon, sql, *values):
    """Somebody else's hands in the database, while the daemon is not running."""
    db = sqlite3.connect(daemon.state / "basewatch.db")
    db.execute(sql, values)
    db.commit()
    db.close()


def test_a_text_that_was_changed_behind_an_approval_is_not_sent(daemon):
    lead = lead_of(daemon, "globex")["lead"]
    body = daemon.json("show", lead)["draft"]["body"]
    shutil.rmtree(daemon.state / "outbox", ignore_errors=True)
    (daemon.state / "outbox").write_text("in the way")
    daemon.cli("--who", "olivia", "approve", lead)
    wait_until(lambda: any(x["error"] for x in daemon.json("outbox")["items"]), 5, "a failed delivery")
    assert daemon.stop() == 0
    (daemon.state / "outbox").unlink()
    change = "UPDATE draft SET body = ? WHERE lead = ?"
    rewrite(daemon, change, body + "PS: and 50 % off", lead)
    daemon.args = ["--start-time", f"{DAY0}T10:00:00Z"]
    daemon.start()
    wait_until(lambda: [x["state"] for x in daemon.json("outbox")["items"]] == ["parked"], 5, "its being parked")
    assert messages(daemon) == [] and daemon.status()["outbox"]["parked"] == 1
    assert any(n["severity"] == "high" for n in daemon.status()["notices"])
    assert daemon.stop() == 0
    rewrite(daemon, change, body, lead)
    daemon.args = ["--start-time", f"{DAY0}T11:00:00Z"]
    daemon.start()
    daemon.cli("--who", "oscar", "resend", lead)
    (path,) = wait_sent(daemon, lead)
    assert parsed(path).get_content().rstrip("\n") == body.rstrip("\n")
    assert "only a parked or failed one" in refused(daemon, "resend", lead)
    audit = [(x["who"], x["what"]) for x in daemon.json("audit")["items"]]
    assert ("oscar", "resend") in audit and ("olivia", "by login") in audit
    assert "All" in daemon.cli("audit", "verify").stdout


def test_a_failed_message_is_sent_again_exactly_once(daemon):
    """A message that cannot be built fails for good; it waits for a person, who mends what was wrong."""
    lead = lead_of(daemon, "globex")["lead"]
    shutil.rmtree(daemon.state / "outbox", ignore_errors=True)
    (daemon.state / "outbox").write_text("in the way")
    daemon.cli("approve", lead)
    wait_until(lambda: any(x["error"] for x in daemon.json("outbox")["items"]), 5, "a failed delivery")
    assert "only a parked or failed one" in refused(daemon, "resend", lead)  # it is still on its way
    assert daemon.stop() == 0
    (daemon.state / "outbox").unlink()
    rewrite(daemon, "UPDATE outbox SET sender = ? WHERE lead = ?", "foo bar", lead)
    daemon.args = ["--start-time", f"{DAY0}T10:00:00Z"]
    daemon.start()
    (failed,) = wait_until(lambda: [x for x in daemon.json("outbox")["items"] if x["state"] == "failed"], 5, "its failure")
    assert "the sender of this mail is not an address" in failed["error"] and messages(daemon) == []
    assert any(n["severity"] == "high" and lead in n["text"] for n in daemon.status()["notices"])
    daemon.cli("--who", "oscar", "resend", lead)  # nothing has been mended
    wait_until(lambda: [x["state"] for x in daemon.json("outbox")["items"]] == ["failed"], 5, "its failing again")
    assert messages(daemon) == []
    assert daemon.stop() == 0
    rewrite(daemon, "UPDATE outbox SET sender = ? WHERE lead = ?", "", lead)
    daemon.args = ["--start-time", f"{DAY0}T11:00:00Z"]
    daemon.start()
    assert messages(daemon) == []  # not by itself
    daemon.cli("--who", "oscar", "resend", lead)
    wait_sent(daemon, lead)
    assert "only a parked or failed one" in refused(daemon, "resend", lead)
    assert [x["who"] for x in daemon.json("audit")["items"] if x["what"] == "resend"] == ["oscar", "oscar"]
    daemon.kill_all()
    daemon.args = ["--start-time", f"{DAY0}T12:00:00Z"]
    daemon.start()
    wait_until(daemon.idle, 30, "its being up again")
    assert len(messages(daemon)) == 1 and [x["state"] for x in daemon.json("outbox")["items"]] == ["sent"]


# ---- the operator ----

def test_an_import_again(daemon):
    """A table says what is, and may be said again; an event is one more, but for what is known to have come already."""
    tables = {"accounts": "account_id,name,arr,renewal\nagain,Again,24000,31 Jan 2027\n",
              "contacts": "contact_id,account_id,name,role\nc-again,again,Kim,champion\n",
              "plans": "plan_id,name,seat_price\nteam2,Team 2,200\n",
              "subscriptions": "account_id,plan,seats\nagain,team2,10\n",
              "opportunities": "opportunity_id,account_id,stage,amount\no-again,again,Proposed,4000\n"}
    for name, text in tables.items():
        (daemon.place / f"{name}.csv").write_text(text)
    files = [daemon.place / f"{name}.csv" for name in tables]
    event = daemon.place / "event.jsonl"
    event.write_text(json.dumps({k: v for k, v in track(1, "again", at=f"{DAY0}T08:00:00Z").items() if k != "messageId"}) + "\n")

    def bring(*args):
        done = daemon.json("import", *args)
        wait_until(daemon.idle, 30, "the import")
        return done["accepted"], done["duplicates"]

    def said():
        return {k: v for k, v in daemon.json("account", "again").items() if k in ("fields", "subscription", "contacts", "opportunities")}

    bring(*files)
    before = said()
    assert len(before["contacts"]) == len(before["opportunities"]) == 1
    assert [bring(event), bring(event), bring("--source", "other", event)] == [(1, 0), (0, 1), (1, 0)]
    assert daemon.stop() == 0
    daemon.args = ["--start-time", "2026-03-09T09:00:00Z"]
    daemon.start()
    bring(*files)
    assert said() == before
    assert bring(event) == (1, 0)  # a week later nobody remembers

def test_a_sender_that_is_mended_sends_what_waited(daemon):
    """The check finds what is no address.  One that slipped through before there was the check is mended by a reload."""
    settings = daemon.place / "config/basewatch.yaml"
    sound = settings.read_text()
    for bad in ("foo bar", "a@b.c\r\nBcc: x@y.z"):
        settings.write_text(re.sub("sender: .*", lambda _: f"sender: {json.dumps(bad)}", sound))
        assert "delivery.sender" in refused(daemon, "reload")
    settings.write_text(re.sub("sender: .*", "sender: Other <other@vendor.example>", sound))
    daemon.cli("reload")
    lead = lead_of(daemon, "acme")["lead"]
    daemon.cli("approve", lead)
    (path,) = wait_sent(daemon, lead)
    assert [(a.display_name, a.addr_spec) for a in parsed(path)["From"].addresses] == [("Other", "other@vendor.example")]


def test_metrics_and_health(daemon):
    import urllib.request

    def healthy():
        try:
            return urllib.request.urlopen(daemon.url + "/healthz", timeout=5).status == 200
        except urllib.error.HTTPError:  # the web process has not heard from core yet
            return False
    wait_until(healthy, 5, "health")
    with urllib.request.urlopen(daemon.url + "/metrics", timeout=5) as reply:
        text = reply.read()
    assert b"basewatch_leads_open" in text and b"basewatch_signals_held" in text
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_input_that_was_set_aside(daemon):
    good = track("fine", "acme", "acme-1", f"{DAY0}T08:10:00Z")
    status, _ = daemon.post("/v1/batch", {"batch": [{"type": "track", "messageId": "bad-1", "userId": "u"}, good,
                                                    {"type": "nonsense", "messageId": "bad-2", "userId": "u"}]})
    assert status in (200, 400)
    lost = {"type": "track", "messageId": "lost-1", "timestamp": f"{DAY0}T08:10:00Z", "userId": "someone@gmail.com", "event": "Feature Used"}
    daemon.post("/v1/track", lost)
    daemon.post("/v1/track", {**lost, "messageId": "lost-2"})
    rejected = daemon.json("rejected")
    assert rejected["now"] and rejected["total"] == 2 and any("event" in x["reason"] for x in rejected["items"])
    unresolved = daemon.json("unresolved")
    (row,) = unresolved["items"]
    assert row["count"] == 2 and row["subject"] == "someone@gmail.com" and "group" in row["hint"] and unresolved["now"]
    assert unresolved["total"] == 1 and unresolved["records"] == 2
    assert "nonsense" in daemon.cli("rejected").stdout and "someone@gmail.com" in daemon.cli("unresolved").stdout
    status = daemon.status()["ingest"]
    assert status["rejected"] == 2 and status["unresolved"] == 2


def episodes_of(items):
    return sorted((s["account"], s["signal"], s.get("key") or "", s["opened"], s["cleared"] or "") for s in items)


def test_the_exported_journal_replays_to_the_same_signals(daemon, tmp_path):
    for account in ("acme", "umbrella"):
        daemon.post("/v1/track", track(f"live-{account}", account, f"{account}-new", f"{DAY0}T08:20:00Z"))
    daemon.tick("2026-03-03T00:00:00Z")
    reply = daemon.json("signals", "--all", "--limit", "10000")
    assert reply["total"] == len(reply["items"]) > 10
    assert any(s["state"] == "cleared" for s in reply["items"])
    assert daemon.json("signals", "acme", "--all")["total"] == sum(s["account"] == "acme" for s in reply["items"])
    (tmp_path / "journal.jsonl").write_text(daemon.cli("export").stdout)
    out = subprocess.run([BUILD / "basewatch", "replay", "--config", daemon.config, "--plugins", daemon.plugins, "--only", "signal", "--tick", "1d",
                          tmp_path / "journal.jsonl"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    running, replayed = {}, []
    for s in map(json.loads, out.stdout.splitlines()):
        key = (s["account"], s["signal"], s.get("key") or "")
        if s["state"] == "opened":
            running[key] = s["at"]
        elif s["state"] == "cleared":
            replayed.append((*key, running.pop(key), s["at"]))
    replayed += [(*key, at, "") for key, at in running.items()]
    assert sorted(replayed) == episodes_of(reply["items"])


def test_what_can_mean_two_things_is_for_the_csm_to_judge(tmp_path):
    """A lead without a draft: nothing can be sent because of it, and it ends with what the CSM found."""
    write_config(tmp_path)
    book = [r for r in book_records() if r.get("accountId", "globex") == "globex"]
    use = [track(f"g{n}-{u}", "globex", f"globex-{u}", f"{day(n)}T09:{u:02d}:00Z", feature="reports")
           for n in range(HISTORY_DAYS, 0, -1) for u in range(4)]
    use += [track(f"e{n}-{k}", "globex", "globex-1", f"{day(n)}T10:{k:02d}:00Z", event="Data Exported")
            for n in range(3, 0, -1) for k in range(10)]
    write_lines(tmp_path / "book.jsonl", book)
    write_lines(tmp_path / "usage.jsonl", use)
    d = start(tmp_path, f"{DAY0}T07:59:00Z")
    try:
        d.cli("import", tmp_path / "book.jsonl")
        d.cli("import", "--history", tmp_path / "usage.jsonl")
        wait_until(d.idle, 60, "the backlog")
        d.tick(f"{DAY0}T08:00:00Z")
        lead = next(x for x in d.json("inbox")["leads"] if x["play"] == "judgement")
        assert lead["owner"] == "carl" and not lead["ready"]
        text = d.cli("show", lead["lead"]).stdout
        assert "None: this is for you to judge" in text and f"basewatch outcome {lead['lead']} nothing" in text
        assert "times lately, far more than is usual for them" in text and "basewatch edit" not in text
        assert "has no draft" in refused(d, "approve", lead["lead"], "--hash", "0" * 64)
        d.cli("--who", "carl", "outcome", lead["lead"], "nothing", "--note", "a quarterly backup")
        assert d.json("show", lead["lead"])["state"] == "closed"
    finally:
        d.kill_all()


def test_a_fleet_wide_shift_is_held_and_released(tmp_path):
    """Two dozen accounts turn out to have idle seats in one tick: held back from the plays, until an operator says that it is real."""
    config = write_config(tmp_path)
    (config / "watchers/usage.yaml").write_text(WATCHER)
    with open(config / "basewatch.yaml", "a") as settings:
        settings.write("signals: {fleet_hold: 60d}\n")
    accounts = [f"fleet{i:02d}" for i in range(24)]
    write_lines(tmp_path / "usage.jsonl", [track(f"f-{a}-{n}-{u}", a, f"{a}-{u}", f"{day(n)}T09:{u:02d}:00Z")
                                           for n in range(HISTORY_DAYS, 0, -1) for a in accounts for u in range(2)])
    write_lines(tmp_path / "book.jsonl", [{"type": "subscription", "messageId": f"s-{a}", "subscriptionId": a, "accountId": a,
                                           "timestamp": "2025-06-01T00:00:00Z", "traits": {"seats": 20, "start_date": "2025-06-01"}}
                                          for a in accounts])
    d = start(tmp_path, f"{DAY0}T07:59:00Z")
    try:
        d.cli("import", tmp_path / "book.jsonl")
        d.cli("import", "--history", tmp_path / "usage.jsonl")
        d.tick(f"{DAY0}T08:00:00Z")
        held = [s for s in d.json("signals", "--all", "--limit", "10000")["items"] if s["held_until"]]
        assert len(held) >= 20
        name = held[0]["signal"]
        assert d.status()["signals"]["held"] == len(held) and "held" in d.cli("status").stdout
        assert "did you mean" in refused(d, "release", name[:-1])
        said = d.cli("--who", "oscar", "release", name).stdout
        assert "released" in said
        assert any(n["code"] == "released" and "oscar" in n["text"] for n in d.status()["notices"])
        assert d.status()["signals"]["held"] == sum(s["signal"] != name for s in held)
        assert d.json("audit")["items"][0]["what"] == "released"
        assert "Nothing is held back" in d.cli("release", name).stdout
    finally:
        d.kill_all()


# ---- the answers have the promised shapes ----

SHAPES = {
    ("status",): "version started now state dir journal ingest tick book signals leads dead_letters outbox watchers notices",
    ("inbox",): "owner now leads hidden",
    ("signals",): "now total items",
    ("account", "acme"): "account name now fields subscription contacts opportunities traits signals leads",
    ("why-not", "acme"): "account name now plays",
    ("rejected",): "now total items",
    ("unresolved",): "now total records items",
    ("dead-letters",): "now total items",
    ("outbox",): "now items",
    ("audit",): "now entries ok broken_at items",
}


@pytest.mark.parametrize("command", SHAPES, ids=lambda c: c[0])
def test_shapes(daemon, command):
    assert set(SHAPES[command].split()) <= set(daemon.json(*command))


def test_the_shape_of_a_lead(daemon):
    lead = daemon.json("show", lead_of(daemon, "acme")["lead"])
    assert set("""lead account name owner csm play motion type mode state priority score threshold primary signals arr estimate currency
               opened updated sla review_until snoozed_until subject ready blocked missing now family acv renewal last_csm_touch angle
               estimate_how floor triggered gates readiness fields why draft history""".split()) <= set(lead)
    assert "seats_needed" in lead["estimate_how"]["formula"]
    assert {v["name"] for v in lead["estimate_how"]["values"]} >= {"account.seats", "plan.seat_price"}
    assert lead["floor"]["require"].startswith("estimate > 0.15 * account.acv") and lead["floor"]["result"] in ("pass", "diverted")
    assert all({"name", "require", "result", "values"} <= set(g) for g in lead["gates"]) and lead["gates"]
    assert lead["triggered"][0]["signal"] == re.sub(r"\[.*", "", lead["primary"])
    assert {"total", "of", "verdict"} <= set(lead["readiness"]) and len(lead["fields"]) >= 8
