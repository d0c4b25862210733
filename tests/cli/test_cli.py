# SPDX-License-Identifier: Apache-2.0
"""The command line: what it asks, what it shows, what it ends with."""
import gzip
import json
import time

import pytest

from cli_stand_in import Refuse, cli, daemon  # noqa: F401

NOW = "2026-11-22T01:10:00.000Z"
HASH = "3f2a9c0d1e4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"

SIGNAL = {
    "signal": "seat_utilization", "key": "", "watcher": "usage", "account": "acme", "direction": "up", "urgency": "high", "state": "open",
    "opened": "2026-11-19T01:00:00.000Z", "updated": NOW, "cleared": None, "value": 0.94, "threshold": 0.9, "strength": 0.7,
    "evidence": {"used": 47, "bought": 50, "window": ["2026-10-25", "2026-11-21"], "weekly": [31, 33, 36, 38, 41, 44, 46, 47],
                 "weekly_to": "2026-11-21"},
}
LEAD = {
    "lead": "L17", "account": "acme", "name": "Acme Müller GmbH", "owner": "ann", "csm": "bob", "play": "seat-expansion",
    "motion": "expansion", "type": "seat", "mode": "live", "state": "open", "priority": "high", "score": 82, "threshold": 60,
    "primary": "seat_utilization", "signals": 2, "arr": 60000, "estimate": 24000, "currency": "EUR", "opened": NOW, "updated": NOW,
    "sla": "2026-11-22T05:10:00.000Z", "review_until": None, "snoozed_until": None, "subject": "Your seats", "ready": True,
}
SHOW = {
    **LEAD, "now": NOW, "family": "seat", "acv": 60000, "renewal": "2027-03-01",
    "last_csm_touch": {"at": "2026-11-02T10:00:00.000Z", "kind": "qbr", "by": "bob", "text": None},
    "angle": "Your team is at 47 of 50 seats.", "title": "Offer the seats now, with a 30-minute onboarding.",
    "estimate_how": {"formula": "ceil(trait.usage.seats_needed) * plan.seat_price * 12", "values": []}, "floor": 9000,
    "triggered": [SIGNAL, {**SIGNAL, "signal": "usage_limit", "key": "api_calls", "value": 120000, "threshold": 100000, "evidence": {}}],
    "gates": [{"name": "tenure", "passed": True, "require": "account.tenure >= days(120)", "value": 400}],
    "readiness": {"adoption": 3, "time_since_purchase": 2, "budget": None, "total": 14, "of": 15, "verdict": "incomplete"},
    "why": {"account": "acme", "play": "seat-expansion", "mode": "live", "at": NOW, "signals": [SIGNAL],
            "gates": [{"name": "tenure", "require": "account.tenure >= days(120)", "result": "pass",
                       "values": [{"name": "account.tenure", "text": "400 days", "from": {"kind": "record", "name": "account: traits.start", "offset": 5}}]}],
            "timing": {"result": "pass", "never_before_days": 60, "tenure_days": 400, "escalation": False, "days_to_renewal": 80, "joined": True},
            "score": {"points": [{"signal": "seat_utilization", "weight": 80, "strength": 0.5, "points": 60}, {"signal": "seat_limit", "weight": 40, "points": 0}],
                      "total": 60, "threshold": 50, "open": 0.5},
            "readiness": {"total": 14, "of": 18, "verdict": "pursue"},
            "readiness_rule": {"pursue": 12, "nurture": 8, "unknown": 1, "decides": True, "dimensions": [
                {"name": "budget", "points": 1, "known": False, "expression": "x", "values": [{"name": "account.budget", "missing": "account.budget: an account record"}]}]},
            "estimate": {"expression": "seats * plan.seat_price * 12", "text": "24,000", "arithmetic": "50 * 40 * 12 = 24,000",
                         "values": [{"name": "plan.seat_price", "value": 40, "text": "40"}]},
            "floor": {"require": "estimate > 0.15 * account.acv", "result": "pass"}, "priority": {"value": "high", "from": "play"},
            "route": {"name": "expansion-owner", "row": 3, "note": "a deal", "owner": "ann", "role": "ae", "csm_required": True,
                      "skipped": [{"row": 1, "why": "we are larger"}], "tried": [{"role": "ae", "name": "account.ae", "person": "ann"}]},
            "review": {"by": "csm", "when": "priority != \"high\"", "applies": False, "hours": 24}, "template": "seat-expansion"},
    "draft": {"version": 2, "hash": HASH, "channel": "email", "from": "basewatch <b@vendor.example>", "to": ["ann@acme.example"], "cc": [],
              "subject": "Your seats", "body": "Hi Ann,\n\nyour team is at 47 of 50 seats.\n\nAnn", "missing": [],
              "provenance": [{"name": "seats_used", "value": "47", "from": {"kind": "trait", "name": "usage.seats_used", "offset": 812}}]},
    "blocked": None, "history": [{"at": NOW, "who": "basewatch", "what": "opened", "note": None}],
}


# ---- the surroundings ----

def test_help(cli):
    done = cli("help")
    assert done.returncode == 0
    for command in ("inbox", "show", "approve", "reject", "snooze", "import", "replay", "why-not", "audit", "dead-letters"):
        assert f"\n  {command} " in done.stdout
    assert cli("--help").stdout == done.stdout
    one = cli("help", "approve")
    assert "--hash HASH" in one.stdout and one.stdout.startswith("usage: basewatch approve LEAD")
    assert cli("approve", "--help").stdout == one.stdout


@pytest.mark.parametrize("args,says", [
    ((), "usage"), (("inbxo",), "did you mean inbox"), (("show",), "something is missing"), (("show", "a", "b"), "too much"),
    (("inbox", "--ownr", "x"), "no option"), (("reject", "L1"), "--reason is needed"), (("snooze", "L1"), "--for needs"),
    (("snooze", "L1", "--for", "soon"), "--for needs"), (("snooze", "L1", "--for", "400d"), "from 1m to 366d"), (("inbox", "--owner"), "needs a value"), (("inbox", "--all=1"), "takes no value"),
    (("approve", "L1", "--hash", "abc"), "first 12 digits"), (("help", "nothing"), "no command"), (("audit", "x"), "no audit"),
    (("import",), "something is missing"), (("tick", "noon"), "is no time"), (("--timeout", "x", "status"), "no time span"),
])
def test_usage(cli, args, says):
    done = cli(*args)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_no_daemon(cli):
    done = cli("inbox")
    assert done.returncode == 3
    assert "is basewatchd running" in done.stderr


def test_daemon_that_does_not_answer(cli, daemon):
    daemon.silent = True
    done = cli("status", "--timeout", "1s")
    assert done.returncode == 3
    assert "did not answer" in done.stderr


def test_refusal(cli, daemon):
    def no(args):
        raise Refuse(-7, "there is no lead L9\x1b[31m")
    daemon.replies["show"] = no
    done = cli("show", "L9")
    assert done.returncode == 1
    assert done.stderr == "basewatch: there is no lead L9\\x1b[31m\n"


def test_state_and_socket(cli, daemon, tmp_path):
    daemon.replies["inbox"] = {"owner": None, "now": NOW, "leads": [], "hidden": 0}
    assert cli("--state", tmp_path, "inbox", env={"BASEWATCH_STATE": "/nonexistent"}).returncode == 0
    assert cli("inbox", f"--socket={tmp_path}/control.sock", env={"BASEWATCH_STATE": "/nonexistent"}).returncode == 0
    assert cli("inbox", env={"BASEWATCH_STATE": "/nonexistent"}).returncode == 3


def test_replay_has_its_own_arguments(cli):
    assert cli("replay", "--config", "x").stdout == "replay 3 x\n"
    assert cli("help", "replay").stdout == "replay 2 --help\n"


# ---- an owner ----

def test_inbox(cli, daemon):
    daemon.replies["inbox"] = {"owner": None, "now": NOW, "leads": [LEAD, {**LEAD, "lead": "L18", "estimate": None, "ready": False,
                               "state": "review", "sla": "2026-11-21T01:00:00.000Z"}], "hidden": 0}
    done = cli("inbox", "--owner", "ann", "--all")
    assert daemon.asked == [{"command": "inbox", "owner": "ann", "all": True}]
    lines = done.stdout.splitlines()
    assert lines[0].split() == "LEAD PRIORITY ACCOUNT PLAY PRIMARY SIGNAL WORTH SCORE OWNER DUE STATE".split()
    assert "€24,000" in lines[1] and "in 4h" in lines[1] and lines[1].endswith("ready")
    assert "24h ago" in lines[2] and lines[2].endswith("review")
    assert lines[1].index("ann") == lines[2].index("ann")
    assert "2 leads, 1 ready to be approved, 1 overdue" in done.stdout
    assert "\033" not in done.stdout  # no terminal


def test_empty_inbox(cli, daemon):
    daemon.replies["inbox"] = {"owner": None, "now": NOW, "leads": [], "hidden": 0}
    assert "Nothing waits" in cli("inbox").stdout


def test_show(cli, daemon):
    daemon.replies["show"] = SHOW
    done = cli("show", "L17")
    assert done.returncode == 0
    text = done.stdout
    for part in ("Acme Müller GmbH (acme)", "expansion · seat-expansion", "high priority", "owner ann, CSM bob",
                 "seat_utilization ↑", "€24,000 ARR on top of €60,000 (+40 %)", "Offer the seats now", "fires at 60",
                 "seat_utilization, usage_limit[api_calls]", "renews 2027-03-01", "19d ago", "qbr by bob", "Your team is at 47 of 50 seats.",
                 "in 4h (Sun 22 Nov 2026 05:10 UTC)", "14 of 15, incomplete: adoption 3, time since purchase 2, budget ?", "= seats * plan.seat_price * 12", "= 50 * 40 * 12 = 24,000", "120,000 / 100,000", "▆▆▆▇▇███", "31 → 47 (8 weeks to 2026-11-21)",
                 "2026-10-25 to 2026-11-21", "ann@acme.example", "record 812, usage.seats_used",
                 f"basewatch approve L17 --hash {HASH[:16]}", "basewatch snooze L17 --for 7d"):
        assert part in text, part
    body = [line[4:] for line in text.splitlines() if line.startswith("  │ ")]
    assert "\n".join(body) == SHOW["draft"]["body"]  # in full, byte for byte
    order = [text.index(w) for w in ("Why now", "What it is worth", "Opening move", "Evidence", "Draft, version 2", "Your decision")]
    assert order == sorted(order)
    assert max(len(line) for line in text.splitlines()) <= 130


def test_show_what_is_missing(cli, daemon):
    daemon.replies["show"] = {**SHOW, "blocked": "the draft has values that a person must fill", "estimate": None, "arr": None,
                              "last_csm_touch": None, "triggered": [], "readiness": None,
                              "draft": {**SHOW["draft"], "missing": [{"name": "account.csm", "why": "an account record with traits.csm"}]}}
    text = cli("show", "L17").stdout
    assert "missing: account.csm" in text
    assert "cannot be approved now" in text and "--hash" not in text
    assert "none on record" in text and "not estimated" in text


def test_show_escapes_names(cli, daemon):
    daemon.replies["show"] = {**SHOW, "name": "Evil\x1b[2J\u202e", "owner": "a\nb", "draft": {**SHOW["draft"], "body": "x\x1b]0;t\x07\r\nfine"}}
    text = cli("show", "L17").stdout
    assert "\x1b" not in text and "\u202e" not in text and "\r" not in text
    assert "Evil\\x1b[2J\\u202e" in text and "x\\x1b]0;t\\x07\\x0d" in text


def test_json_is_the_reply(cli, daemon):
    daemon.replies["show"] = SHOW
    assert json.loads(cli("show", "L17", "--json").stdout) == SHOW


@pytest.mark.parametrize("given,sent", [((), HASH), (("--hash", HASH[:16]), HASH), (("--hash", HASH), HASH)])
def test_approve(cli, daemon, given, sent):
    daemon.replies["show"] = SHOW
    daemon.replies["approve"] = lambda a: {"lead": a["lead"], "state": "approved", "hash": a["hash"], "who": "ann", "at": NOW,
                                           "deliver": "outbox"}
    done = cli("approve", "L17", *given, "--who", "ann")
    assert done.returncode == 0
    assert daemon.asked[-1] == {"command": "approve", "lead": "L17", "hash": sent, "who": "ann"}
    assert "L17 is approved by ann" in done.stdout and HASH in done.stdout


def test_approve_of_another_draft(cli, daemon):
    daemon.replies["show"] = SHOW
    done = cli("approve", "L17", "--hash", "0123456789abcdef")
    assert done.returncode == 1
    assert "read it again: basewatch show L17" in done.stderr
    assert [a["command"] for a in daemon.asked] == ["show"]


def test_approve_without_a_draft(cli, daemon):
    daemon.replies["show"] = {**SHOW, "draft": None}
    assert cli("approve", "L17").returncode == 1


def test_reject_and_snooze(cli, daemon):
    daemon.replies["reject"] = {"lead": "L17", "state": "rejected", "who": "ann", "at": NOW, "suppressed_until": "2026-12-22T01:10:00.000Z"}
    daemon.replies["snooze"] = {"lead": "L17", "state": "snoozed", "who": "ann", "at": NOW, "snoozed_until": "2026-11-29T01:10:00.000Z"}
    assert "until Tue 22 Dec 2026" in cli("reject", "L17", "--reason", "they just renewed").stdout
    assert "L17 is snoozed by ann until Sun 29 Nov 2026 01:10 UTC; then it is in the inbox again." in cli("snooze", "--for=1w", "l17").stdout
    assert daemon.asked == [{"command": "reject", "lead": "L17", "reason": "they just renewed"},
                            {"command": "snooze", "lead": "L17", "for_ms": 7 * 86400000}]


def test_what_is_missing_and_how_to_fill_it(cli, daemon):
    missing = [{"name": "champion.email", "field": "to", "why": "a contact record with traits.email would supply it"},
               {"name": "champion.email", "field": "body", "why": "the same"}, {"name": "custom[it's]", "field": "body", "why": None},
               {"name": "subject", "field": "subject", "why": "is blank"}, {"name": "body", "field": "body", "why": "is blank"}]
    daemon.replies["show"] = {**SHOW, "ready": False, "blocked": "the draft has gaps", "draft": {**SHOW["draft"], "missing": missing}}
    text = cli("show", "L17").stdout
    assert text.count("basewatch fill L17 champion.email '...'") == 1
    for part in ("traits.email would supply it", r"basewatch fill L17 'custom[it'\''s]' '...'", "basewatch edit L17 --subject '...'",
                 "basewatch edit L17 --body-file FILE"):
        assert part in text, part
    assert "approve L17 --hash" not in text


def test_fill_and_edit(cli, daemon, tmp_path):
    reply = {"lead": "L17", "version": 3, "hash": "a" * 64, "who": "ann", "at": NOW, "missing": []}
    daemon.replies.update(show=SHOW, fill=reply, edit={**reply, "missing": [{"name": "to", "field": "to", "why": "no address"}]})
    done = cli("--who", "ann", "fill", "L17", "champion.email", "a@b.example", "--hash", HASH[:12])
    assert "version 3" in done.stdout and "basewatch approve L17 --hash " + "a" * 16 in done.stdout
    assert daemon.asked[-1] == {"command": "fill", "lead": "L17", "name": "champion.email", "value": "a@b.example", "hash": HASH, "who": "ann"}
    assert "still missing" in cli("edit", "L17", "--body-file", "-", input="Grüße\r\n").stdout
    assert daemon.asked[-1] == {"command": "edit", "lead": "L17", "body": "Grüße\n"}
    asked = len(daemon.asked)
    (tmp_path / "latin1").write_bytes(b"Gr\xfc\xdfe")
    (tmp_path / "long").write_bytes(b"x" * 65537)
    assert "UTF-8" in cli("edit", "L17", "--body-file", tmp_path / "latin1").stderr
    assert "64 KiB" in cli("edit", "L17", "--body-file", tmp_path / "long").stderr
    assert cli("edit", "L17", "--body-file", tmp_path / "none").returncode == 1
    assert cli("edit", "L17").returncode == 2 and cli("edit", "L17", "--to", "a", "--subject", "b").returncode == 2
    assert len(daemon.asked) == asked
    assert "read it again" in cli("fill", "L17", "a", "b", "--hash", "0" * 12).stderr


def test_release_and_resend(cli, daemon):
    daemon.replies["release"] = lambda a: {"signal": a.get("signal"), "released": 2 if "signal" in a else 0, "next_tick": NOW}
    daemon.replies["resend"] = {"lead": "L17", "id": 4, "who": "ann", "at": NOW}
    assert "2 held signals are released" in cli("release", "usage_decline").stdout
    assert "Nothing is held back" in cli("release").stdout
    assert "on its way again" in cli("resend", "L17").stdout


def test_who_behind_sudo(cli, daemon):
    daemon.replies["reject"] = {"lead": "L17", "state": "rejected", "who": "carol", "at": NOW, "suppressed_until": None}
    cli("reject", "L17", "--reason", "no", env={"SUDO_USER": "carol"})
    import os
    assert daemon.asked[0].get("who") == ("carol" if os.geteuid() == 0 else None)


# ---- accounts ----

def test_why(cli, daemon):
    daemon.replies["show"] = SHOW
    text = cli("why", "L17").stdout
    for part in ("seat-expansion for Acme", "✓ tenure  account.tenure >= days(120)\n      account.tenure is 400 days (record 5, account: traits.start)",
                 "renewal in 80 days, which this joins", "80 × (0.5 + 0.5 × 0.50)", "= 60", "not open: seat_limit 40",
                 "14 of 18: pursue (pursue from 12, nurture from 8)", "not known: account.budget: an account record",
                 "= 50 * 40 * 12 = 24,000", "expansion-owner, to ann (ae)", "row 3: a deal", "not row 1: we are larger", "seat-expansion"):
        assert part in text, part
    assert text.index("Signals") < text.index("Gates") < text.index("Score") < text.index("Readiness") < text.index("Estimate") < text.index("Route") < text.index("Template")
    assert json.loads(cli("why", "L17", "--json").stdout) == SHOW["why"]


def test_account_signals_why_not(cli, daemon):
    daemon.replies["account"] = {"account": "acme", "name": "Acme", "now": NOW, "fields": [{"name": "arr", "value": 60000, "source": 7}],
                                 "subscription": [], "contacts": [{"contact": "c1", "name": "Ann", "email": "a@b.example", "title": "CRO", "role": "champion", "do_not_contact": True}],
                                 "opportunities": [], "traits": [{"trait": "usage.dau_mau", "key": "", "value": 0.63, "at": NOW, "unit": "ratio"}],
                                 "signals": [SIGNAL], "leads": [LEAD]}
    text = cli("account", "acme").stdout
    for part in ("Acme (acme)", "60,000", "record 7", "do not contact", "usage.dau_mau", "0.63", "seat_utilization", "L17"):
        assert part in text
    daemon.replies["signals"] = {"now": NOW, "total": 9, "items": [SIGNAL]}
    text = cli("signals").stdout
    assert "acme" in text and "1 of 9" in text
    cli("signals", "acme", "--all", "--limit", "5")
    assert daemon.asked[-1] == {"command": "signals", "account": "acme", "all": True, "limit": 5}
    daemon.replies["why_not"] = {"account": "acme", "name": "Acme", "now": NOW, "plays": [
        {"play": "seat-expansion", "fires": False, "blocked_by": "gate", "says": "tenure is 90 days, 120 are needed",
         "gates": [{"name": "floor", "result": "diverted", "otherwise": "csm"}, {"name": "tenure", "result": "fail", "require": "account.tenure >= days(120)",
                    "values": [{"name": "account.tenure", "value": 90, "text": "90 days"}]}]}]}
    text = cli("why-not", "acme", "seat-expansion").stdout
    assert "↪ floor" in text and "does not hold: goes by route csm" in text
    assert "✗ tenure  account.tenure >= days(120)\n      account.tenure is 90 days" in text


def test_why_not_shows_the_nearest_play_first(cli, daemon):
    def play(name, blocked, gates=(), gap=None):
        return {"play": name, "fires": not blocked, "blocked_by": blocked, "says": f"{name} says so", "score": {"gap": gap},
                "gates": [{"name": str(i), "result": r} for i, r in enumerate(gates)]}
    daemon.replies["why_not"] = {"account": "acme", "name": "Acme", "now": NOW, "plays": [
        play("silent", "signals"), play("two-gates", "gate", ["fail", "missing"]), play("far", "score", gap=30),
        play("one-gate", "gate", ["pass", "fail"]), play("near", "score", gap=3), play("rests", "nothing_new"), play("now", "")]}
    lines = cli("why-not", "acme").stdout.splitlines()
    assert [line.split()[0] for line in lines[3:10]] == ["now", "rests", "near", "far", "one-gate", "two-gates", "silent"], lines
    assert "nothing new" in lines[4] and "near says so" in lines[5]
    assert lines[-1] == "`basewatch why-not acme PLAY` has everything about one, and --all about each."
    text = cli("why-not", "acme", "--all").stdout
    assert [text.index(f"\n{name}  ") for name in ("now", "rests", "near", "two-gates", "silent")] == sorted(
        text.index(f"\n{name}  ") for name in ("now", "rests", "near", "two-gates", "silent"))
    assert "✗ 1" in text


# ---- an operator ----

def test_status(cli, daemon):
    daemon.replies["status"] = {"version": "0.1.0", "started": NOW, "now": NOW, "state": "degraded", "dir": "/var/lib/basewatch",
        "journal": {"first": 1, "next": 1234568, "blocks": 3, "bytes": 5 << 20, "damaged_records": 2},
        "ingest": {"accepted": 10, "duplicates": 0, "rejected": 3, "unresolved": 4, "per_second": 0.5, "last_arrival": None},
        "tick": {"last": None, "next": "2026-11-22T02:00:00.000Z"}, "book": {"accounts": 20000}, "signals": {"open": 7}, "leads": {"open": 2},
        "dead_letters": 0, "outbox": {"pending": 0, "parked": 0},
        "watchers": [{"name": "usage", "state": "backing off", "applied": 1, "lag": 1200, "restarts": 3, "last_error": "died of SIGSEGV"}],
        "notices": [{"at": NOW, "severity": "high", "code": "feed_silent", "account": None, "text": "No events for 6 h."}]}
    text = cli("status").stdout
    for part in ("degraded", "1,234,567 records, 5.0 MiB, 2 damaged", "20,000 accounts", "backing off", "1,200", "SIGSEGV", "feed_silent",
                 "No events for 6 h.", "never"):
        assert part in text, part


@pytest.mark.parametrize("command,asked,item,empty", [
    ("rejected", "rejected", {"at": NOW, "source": "app", "where": "batch[1]", "reason": "event is missing", "text": "{}"}, "Nothing was rejected"),
    ("unresolved", "unresolved", {"at": NOW, "kind": "track", "subject": "u9", "name": "x", "source": "app", "count": 12, "hint": "send group"}, "Every record"),
    ("dead-letters", "dead_letters", {"at": NOW, "watcher": "usage", "offset": 9, "reason": "SIGSEGV", "record": {"type": "track"}}, "No record"),
    ("outbox", "outbox", {"lead": "L1", "state": "pending", "to": "a@b", "subject": "Hi", "queued": NOW, "sent": None, "attempts": 0, "error": None}, "Nothing was approved"),
])
def test_lists(cli, daemon, command, asked, item, empty):
    daemon.replies[asked] = {"total": 3, "items": [item]}
    text = cli(command, "--limit", "1").stdout
    assert daemon.asked[-1] == {"command": asked, "limit": 1}
    assert "1 of 3" in text
    for value in item.values():
        if isinstance(value, str) and value != NOW:
            assert value in text
    daemon.replies[asked] = {"total": 0, "items": []}
    assert empty in cli(command).stdout


def test_audit(cli, daemon):
    daemon.replies["audit"] = {"entries": 2, "ok": True, "broken_at": None, "items": [{"seq": 1, "at": NOW, "who": "ann", "what": "approve", "lead": "L1", "note": None}]}
    assert "ann" in cli("audit").stdout
    assert "unbroken" in cli("audit", "verify").stdout
    assert daemon.asked[-1] == {"command": "audit", "verify": True}
    daemon.replies["audit"] = {"entries": 2, "ok": False, "broken_at": 2, "items": []}
    done = cli("audit", "verify")
    assert done.returncode == 1 and "BROKEN at entry 2" in done.stdout
    assert cli("audit", "verify", "--json").returncode == 1


def test_reload(cli, daemon):
    daemon.replies["reload"] = {"ok": True, "errors": 0, "warnings": 1, "text": "plays/a.yaml:3:1: warning\n"}
    done = cli("reload")
    assert done.returncode == 0 and "is in use.  1 warning." in done.stdout
    daemon.replies["reload"] = {"ok": False, "errors": 1, "warnings": 0, "text": "plays/a.yaml:3:1: unknown key\n"}
    done = cli("reload")
    assert done.returncode == 1 and "plays/a.yaml:3:1: unknown key" in done.stderr and "stays in use" in done.stderr


def test_export(cli, daemon):
    pages = {1: {"items": [{"messageId": "a"}, {"messageId": "b"}], "next": 3, "end": False}, 3: {"items": [{"messageId": "c"}], "next": 4, "end": True}}
    daemon.replies["records"] = lambda a: pages[a["from"]]
    assert [json.loads(line)["messageId"] for line in cli("export").stdout.splitlines()] == ["a", "b", "c"]
    assert len(cli("export", "--from", 3, "--limit", 1).stdout.splitlines()) == 1


def test_export_says_what_is_missing(cli, daemon):
    pages = {1: {"items": [{"messageId": "a"}], "next": 9, "lost": 7, "end": False}, 9: {"items": [], "next": 10, "lost": 1, "end": True}}
    daemon.replies["records"] = lambda a: pages[a["from"]]
    done = cli("export")
    assert done.returncode == 1 and json.loads(done.stdout)["messageId"] == "a" and "8 records are missing here" in done.stderr


# ---- import ----

def events(n, start=0, at=None):
    at = at or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return "".join(json.dumps({"type": "track", "userId": "u1", "event": "e", "messageId": f"m{i}", "timestamp": at}) + "\n"
                   for i in range(start, start + n))


def test_import(cli, daemon, tmp_path):
    (tmp_path / "a.jsonl").write_text(events(25000))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(events(10, 25000).encode()))
    (tmp_path / "accounts.csv").write_text("account_id,name,arr\nacme,Acme,60000\nglobex,Globex,1000\n")
    done = cli("import", tmp_path / "accounts.csv", tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz")
    assert (done.returncode, done.stdout) == (0, "25,012 records are on disk.\n")
    assert sum(count for _, count, _ in daemon.batches) == 25012
    assert all(count <= 10000 and source == "import" for source, count, _ in daemon.batches)


def test_a_number_that_can_mean_two_things_is_told(cli, daemon, tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id,arr,seats\na,12.5,3\nb,36.000,1.200\n")
    done = cli("import", tmp_path / "accounts.csv")
    assert done.returncode == 0
    assert f'{tmp_path}/accounts.csv:3: arr is "36.000", which can mean two things: it stays text, as other such numbers do' in done.stderr
    (tmp_path / "accounts.csv").write_text("account_id,arr\na,12.5\n")
    assert cli("import", tmp_path / "accounts.csv").stderr == ""


def test_an_import_of_history_is_told_of_history(cli, daemon, tmp_path):
    (tmp_path / "a.jsonl").write_text(events(3) + events(1, 3, at="2024-02-29T01:00:00Z"))
    said = "The oldest event is of Thu 29 Feb 2024 01:00 UTC."
    assert said in cli("import", tmp_path / "a.jsonl").stdout
    assert said not in cli("import", "--history", tmp_path / "a.jsonl").stdout


@pytest.mark.parametrize("given,meant", [("accounts", "account"), ("opportunities", "opportunity"), ("contcat", "contact"), ("xyz", None)])
def test_a_kind_that_is_not_there_is_named_with_the_nearest(cli, daemon, tmp_path, given, meant):
    (tmp_path / "a.csv").write_text("account_id\na\n")
    done = cli("import", "--kind", given, tmp_path / "a.csv")
    assert done.returncode == 2 and f"there is no kind {given}" in done.stderr
    assert f"did you mean {meant}?" in done.stderr if meant else "did you mean" not in done.stderr


@pytest.mark.parametrize("content", ["account_id,name\na,b\n".encode("utf-16"), "account_id,name\na,b\n".encode("utf-16-le"),
                                     "account_id,name\na,b\n".encode("utf-16-be")])
def test_utf_16_is_told_of(cli, daemon, tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    done = cli("import", tmp_path / "a.csv")
    assert done.returncode == 1 and "a.csv: this is UTF-16; save it as UTF-8" in done.stderr


def test_import_refused_lines(cli, daemon, tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_text(events(2) + "nonsense\n" + '{"type":"track","userId":"u"}\n' + events(1, 2))
    done = cli("import", "--json", file)
    assert done.returncode == 1  # the others are on disk all the same
    assert json.loads(done.stdout) == {"accepted": 3, "duplicates": 0, "rejected": 2, "queued": 0, "behind": 0, "scored": None}
    assert f"{file}:3:" in done.stderr and f"{file}:4:" in done.stderr
    assert [r["where"] for r in daemon.rejects] == [f"{file}:3", f"{file}:4"]
    assert daemon.rejects[0]["text"] == "nonsense" and daemon.rejects[0]["source"] == "import"


def test_import_waits_for_room(cli, daemon, tmp_path):
    (tmp_path / "a.jsonl").write_text(events(25000))
    tries = []

    def full(count):
        tries.append(count)
        if len(tries) < 3:
            raise Refuse(-5, "no space left; try again later")
    daemon.on_ingest = full
    done = cli("import", "--history", "--source", "2025", tmp_path / "a.jsonl")
    assert done.returncode == 0, done.stderr
    assert [source for source, _, _ in daemon.batches] == ["history-2025"] * len(daemon.batches)
    assert sum(count for _, count, _ in daemon.batches) == 25000
    assert daemon.batches[0][2].find(b"m0") >= 0  # what was refused came again before what follows


def test_import_stops_at_a_refusal(cli, daemon, tmp_path):
    (tmp_path / "a.jsonl").write_text(events(10))

    def no(count):
        raise Refuse(-1, "the batch is malformed")
    daemon.on_ingest = no
    done = cli("import", tmp_path / "a.jsonl")
    assert done.returncode == 1 and "malformed" in done.stderr


def test_import_of_what_is_not_there(cli, daemon, tmp_path):
    done = cli("import", tmp_path / "none.jsonl")
    assert done.returncode == 1 and "none.jsonl" in done.stderr
    assert cli("import", "--kind", "acount", tmp_path / "none.jsonl").returncode == 2


def test_a_file_that_breaks_off_is_not_to_be_repeated_as_it_is(cli, daemon, tmp_path):
    bad, good, last = (tmp_path / name for name in ("bad.csv", "good.jsonl", "last.jsonl"))
    bad.write_text("account_id,name\n" + "".join(f"a{i},A\n" for i in range(1000)) + 'b,"never closed\n')
    good.write_text(events(3))
    last.write_text(events(3, 3))
    done = cli("import", good, "--kind", "account", bad, last)
    assert done.returncode == 1 and f"{bad}:1002: a quote is never closed" in done.stderr
    assert f"{last} was not read\n" in done.stderr and f"{good} was" not in done.stderr
    assert "1003 records are on disk; mend that file, or leave it out, and repeat the import" in done.stderr
    assert "repeat the same import" not in done.stderr
    last.write_text(events(1, 3) + events(3, 4, at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))))
    done = cli("import", "--history", good, "--kind", "account", bad, last)  # merged by time
    assert done.returncode == 1 and f"{last} was not read to its end\n" in done.stderr and f"{good} was" not in done.stderr


def test_import_from_standard_input(cli, daemon):
    done = cli("import", "-", input=events(3))
    assert (done.returncode, done.stdout) == (0, "3 records are on disk.\n")
