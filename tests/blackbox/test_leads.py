# SPDX-License-Identifier: Apache-2.0
"""What becomes of leads while the world moves on: settings, records, rules and people change under them."""
import json

import pytest

from conftest import wait_until
from puppet import Puppet, account, customer, opportunity, record, seats_full, signal, trait


@pytest.fixture
def puppet(tmp_path):
    d = Puppet(tmp_path)
    d.start()
    yield d
    d.kill_all()


def test_a_reload_brings_every_setting_of_leads(puppet):
    puppet.settle("leads: {budget: 1, operator: ops@vendor.example, timezone: America/New_York}\n")
    puppet.tell([customer(x, ae="anna") + seats_full(x) for x in ("a1", "a2", "a3")],
                customer("nobody", owner=None, csm=None) + seats_full("nobody"))
    puppet.tick("2026-03-02T15:00:00Z")
    leads = puppet.leads()
    assert leads["nobody"]["owner"] == "ops@vendor.example"
    assert sorted(leads[x]["state"] for x in ("a1", "a2", "a3")) == ["open", "queued", "queued"]
    assert leads["nobody"]["sla"] == "2026-03-02T19:00:00Z"  # four working hours from 10:00 in New York
    assert "nothing changes" in puppet.cli("plays", "diff").stdout


def test_a_day_off_is_the_day_of_where_one_is(tmp_path):
    """9 March, 18:00 in Los Angeles is 10 March in UTC: whoever is away on the 10th is there."""
    d = Puppet(tmp_path, at="2026-03-09T20:00:00Z", settings="leads: {timezone: America/Los_Angeles}\n")
    (d.config / "routes/05-people.yaml").write_text(
        "people:\n"
        "  - {email: anna@vendor.example, away: [{from: 2026-03-10, to: 2026-03-10}], delegate: ben@vendor.example}\n"
        "  - {email: ben@vendor.example}\n")
    d.start()
    try:
        for name, at, owner in (("before", "2026-03-10T01:00:00Z", "anna"), ("on", "2026-03-10T20:00:00Z", "ben"),
                                ("late", "2026-03-11T05:00:00Z", "ben"), ("after", "2026-03-11T15:00:00Z", "anna")):
            d.tell(customer(name, ae="anna@vendor.example"), seats_full(name, at="2026-03-09T20:30:00Z"))
            d.tick(at)
            assert d.leads()[name]["owner"] == f"{owner}@vendor.example", name
    finally:
        d.kill_all()


def change_play(puppet, play, *pairs):
    path = puppet.config / f"plays/{play}.yaml"
    text = path.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)


def test_a_play_of_another_family_keeps_its_leads(puppet):
    puppet.tell([customer(x, ae="anna") + seats_full(x) for x in ("open", "asleep", "closed")])
    puppet.tick("2026-03-02T13:00:00Z")
    leads = {k: v["lead"] for k, v in puppet.leads().items()}
    puppet.cli("snooze", leads["asleep"], "--for", "7d")
    puppet.cli("reject", leads["closed"], "--reason", "not now")
    change_play(puppet, "seat-expansion", ("family: expansion", "family: seats"))
    assert "0 leads would come" in puppet.cli("plays", "diff").stdout
    puppet.cli("reload")
    puppet.tick("2026-03-02T14:00:00Z")
    for _ in range(2):
        assert {x["lead"] for x in puppet.leads().values()} == set(leads.values()) and len(puppet.json("inbox", "--all")["leads"]) <= 3
        puppet.stop()
        puppet.start()
        puppet.tick("2026-03-02T15:00:00Z")


def test_the_difference_tells_of_a_family_that_becomes_free(puppet):
    """usage-expansion adds to the lead of seat-expansion, until it is of another family: then it has one of its own."""
    puppet.tell(customer("both", ae="anna"), seats_full("both"),
                signal("both", "usage_limit", key="api_calls", value=1.1, evidence={"resource": "api_calls", "used": 1100, "limit": 1000}))
    puppet.tick("2026-03-02T13:00:00Z")
    assert len(puppet.leads()) == 1
    change_play(puppet, "usage-expansion", ("family: expansion", "family: usage"))
    assert "1 lead would come" in puppet.cli("plays", "diff").stdout
    puppet.cli("reload")
    puppet.tick("2026-03-02T14:00:00Z")
    assert sorted(x["play"] for x in puppet.json("inbox", "--all")["leads"]) == ["seat-expansion", "usage-expansion"]


def test_the_difference_tells_what_the_next_tick_does(puppet):
    """Another route's template is a change; a priority that would fall is none: an open lead's only rises."""
    puppet.tell(customer("acme", ae="anna", acv=50000), seats_full("acme", needed=20))
    puppet.tick("2026-03-02T13:00:00Z")
    assert draft(puppet, "acme")["template"] == "seat-expansion" and puppet.leads()["acme"]["priority"] == "high"
    change_play(puppet, "seat-expansion", ("0.15 * account.acv", "0.30 * account.acv"),
                ("priority: {high: 'open(signal.seat_limit) || open(signal.invite_blocked)', medium: 'true'}", "priority: low"))
    said = puppet.cli("plays", "diff").stdout
    assert "1 open one would change" in said and "template seat-expansion → seat-order" in said and "priority" not in said, said
    puppet.cli("reload")
    puppet.tick("2026-03-02T14:00:00Z")
    assert draft(puppet, "acme")["template"] == "seat-order" and puppet.leads()["acme"]["priority"] == "high"
    assert "nothing changes" in puppet.cli("plays", "diff").stdout


def draft(puppet, name):
    return puppet.json("show", puppet.leads()[name]["lead"])["draft"]


def test_a_draft_keeps_up_with_its_lead(puppet):
    """Who signs it, which template, which numbers: until a person has written in it."""
    puppet.tell([customer(x, ae="anna") + seats_full(x) for x in ("mine", "edited", "same")],
                customer("grows", ae="anna"), seats_full("grows", needed=13))
    puppet.tick("2026-03-02T13:00:00Z")
    assert "anna" in draft(puppet, "mine")["body"] and draft(puppet, "grows")["template"] == "seat-order"
    puppet.cli("edit", puppet.leads()["edited"]["lead"], "--subject", "About your seats")
    puppet.tell([account(x, at="2026-03-02T13:05:00Z", ae="zoe") for x in ("mine", "edited")],
                trait("grows", "seats_needed", 25, "2026-03-02T13:05:00Z"), trait("same", "dau_mau", 0.71, "2026-03-02T13:05:00Z"))
    puppet.tick("2026-03-02T14:00:00Z")
    mine, edited, grows = (draft(puppet, x) for x in ("mine", "edited", "grows"))
    assert mine["version"] == 2 and "zoe" in mine["body"] and "anna" not in mine["body"]
    assert edited["version"] == 2 and edited["subject"] == "About your seats" and "anna" in edited["body"]
    assert grows["version"] == 2 and grows["template"] == "seat-expansion"
    assert puppet.json("why", puppet.leads()["grows"]["lead"])["template"] == "seat-expansion"
    assert draft(puppet, "same")["version"] == 1
    stale = puppet.cli("approve", puppet.leads()["mine"]["lead"], "--hash", "0" * 64, "--who", "zoe", check=False)
    assert stale.returncode != 0
    puppet.cli("approve", puppet.leads()["mine"]["lead"], "--who", "zoe")
    wait_until(lambda: list((puppet.state / "outbox/new").glob("*")), 20, "a message")
    (message,) = (puppet.state / "outbox/new").glob("*")
    assert "zoe" in message.read_text() and "anna" not in message.read_text()


def test_a_lead_that_turns_urgent_does_not_wait_for_a_review(puppet):
    limit = {"resource": "api_calls", "used": 950, "limit": 1000}
    puppet.tell(customer("acme"), trait("acme", "dau_mau", 0.7),
                signal("acme", "usage_near_limit", key="api_calls", value=0.95, evidence=limit))
    puppet.tick("2026-03-02T13:00:00Z")
    lead = puppet.leads()["acme"]
    assert lead["priority"] == "medium" and puppet.json("show", lead["lead"])["review_until"]
    puppet.tell(signal("acme", "usage_limit", at="2026-03-02T13:10:00Z", key="api_calls", value=1.1, evidence={**limit, "used": 1100}))
    puppet.tick("2026-03-02T14:00:00Z")
    now = puppet.json("show", lead["lead"])
    assert now["priority"] == "high" and not now["review_until"]
    assert "1,100" in now["fields"]["angle"] and "1,100" in now["draft"]["body"]
    puppet.cli("approve", lead["lead"], "--who", "olivia")


@pytest.mark.parametrize("now,review,sla", [
    ("2026-03-02T13:00:00Z", "2026-03-03T13:00:00Z", "2026-03-04T13:00:00Z"),   # a Monday
    ("2026-03-06T16:00:00Z", "2026-03-09T16:00:00Z", "2026-03-10T16:00:00Z"),   # a Friday: the CSM has Monday, the owner Tuesday
    ("2026-03-07T13:00:00Z", "2026-03-10T08:00:00Z", "2026-03-11T08:00:00Z")])  # a Saturday
def test_the_owner_has_their_day_after_the_csm_had_theirs(tmp_path, now, review, sla):
    d = Puppet(tmp_path, at="2026-03-02T12:00:00Z")
    d.start()
    try:
        d.tell(customer("acme"), trait("acme", "dau_mau", 0.7),
               signal("acme", "usage_near_limit", at=now[:11] + "12:00:00Z", key="api_calls", value=0.95,
                      evidence={"resource": "api_calls", "used": 950, "limit": 1000}))
        d.tick(now)
        lead = d.leads()["acme"]
        assert (lead["priority"], lead["review_until"], lead["sla"]) == ("medium", review, sla)
    finally:
        d.kill_all()


def test_a_draft_follows_the_currency_of_the_contract(puppet):
    puppet.tell(customer("acme", ae="anna"), seats_full("acme"))
    puppet.tick("2026-03-02T13:00:00Z")
    assert "$100" in draft(puppet, "acme")["body"] and puppet.leads()["acme"]["currency"] == "USD"
    puppet.tell(account("acme", at="2026-03-02T13:05:00Z", ae="anna", currency="EUR"))
    puppet.tick("2026-03-02T14:00:00Z")
    assert "€100" in draft(puppet, "acme")["body"] and puppet.leads()["acme"]["currency"] == "EUR"
    assert "€50,000" in puppet.cli("show", puppet.leads()["acme"]["lead"]).stdout


def test_a_lead_that_becomes_ready_is_new_to_its_owner(puppet):
    """Nurtured from Monday on, ready on Wednesday: it is due four hours after that."""
    change_play(puppet, "seat-expansion", ("readiness: {pursue: 12, nurture: 8}", "readiness: {pursue: 15, nurture: {from: 8, route: csm-self-serve, template: health-first}}"))
    puppet.cli("reload")
    puppet.tell(customer("acme", ae="anna", health="yellow", relationship="weak", budget="cuts"), seats_full("acme"))
    puppet.tick("2026-03-02T13:00:00Z")
    assert puppet.leads()["acme"]["owner"] == "carl"
    puppet.tell(account("acme", at="2026-03-04T09:00:00Z", ae="anna", health="green", relationship="multi-threaded", budget="positive"))
    puppet.tick("2026-03-04T10:00:00Z")
    lead = puppet.leads()["acme"]
    assert (lead["owner"], lead["priority"], lead["sla"]) == ("anna", "high", "2026-03-04T14:00:00Z")


def test_an_account_takes_its_leads_along(puppet):
    """Also where the play does not speak any more, and where nobody owned the lead."""
    gone = {"owner": None, "csm": None}
    puppet.tell([customer(x, ae="anna") + seats_full(x) for x in ("fires", "cleared", "red")], customer("nobody", **gone), seats_full("nobody"))
    puppet.tick("2026-03-02T13:00:00Z")
    assert puppet.leads()["nobody"]["owner"] == "operator"
    at = "2026-03-02T13:05:00Z"
    puppet.tell(account("fires", at=at, ae="zoe"), account("cleared", at=at, ae="zoe"), account("red", at=at, ae="zoe", health="red"),
                account("nobody", at=at, **{**gone, "owner": "zoe", "csm": "dora"}, ae="zoe", health="red"), signal("cleared", "seat_limit", at=at, state="cleared"))
    puppet.tick("2026-03-02T14:00:00Z")
    assert {k: v["owner"] for k, v in puppet.leads().items()} == {x: "zoe" for x in ("fires", "cleared", "red", "nobody")}


def test_numbers_that_wobble_do_not_keep_a_lead(tmp_path):
    d = Puppet(tmp_path)
    records = [customer("acme", ae="anna"), seats_full("acme")]
    for day in range(1, 60):
        at = f"2026-{3 + (day + 1) // 31:02d}-{(day + 1) % 31 + 1:02d}T12:00:00Z"
        records.append(signal("acme", "seat_limit", at=at, state="updated", strength=0.9 + 0.1 * (day % 2)))
    path = d.write(*records)
    lines = d.replay(path, "--tick", "1d", "--only", "lead")
    assert [x["reason"] for x in lines if x["status"] == "closed"] == ["expired: nobody decided"]
    assert [x["at"][:10] for x in lines if x["status"] == "closed"] == ["2026-04-17"]


def test_what_would_not_open_now_is_not_approved_in_passing(puppet):
    puppet.tell([customer(x, ae="anna") + seats_full(x) for x in ("red", "over", "fine")])
    puppet.tick("2026-03-02T13:00:00Z")
    leads = {k: v["lead"] for k, v in puppet.leads().items()}
    puppet.tell(account("red", at="2026-03-02T13:05:00Z", ae="anna", health="red"),
                signal("over", "seat_limit", at="2026-03-02T13:05:00Z", state="cleared"))
    puppet.tick("2026-03-02T14:00:00Z")
    rows = puppet.leads()
    assert [rows[x]["ready"] for x in ("red", "over", "fine")] == [False, False, True]
    assert "health" in rows["red"]["blocked"] and "--anyway" in puppet.cli("show", leads["red"]).stdout
    for name in ("red", "over"):
        refused = puppet.cli("approve", leads[name], "--who", "anna", check=False)
        assert refused.returncode != 0 and "would not open now" in refused.stderr
    puppet.cli("approve", leads["fine"], "--who", "anna")
    puppet.cli("approve", leads["red"], "--who", "anna", "--anyway")
    assert [x["what"] for x in puppet.json("audit")["items"]].count("anyway") == 1
    assert puppet.cli("audit", "verify").returncode == 0


def test_a_reviewer_is_known_by_any_of_their_names(tmp_path):
    d = Puppet(tmp_path)
    (d.config / "routes/05-people.yaml").write_text("people:\n  - {email: carl@vendor.example, name: Carl Csm}\n")
    d.start()
    try:
        limit = {"resource": "api_calls", "used": 950, "limit": 1000}
        for name in ("one", "two"):
            d.tell(customer(name, csm="Carl Csm"), trait(name, "dau_mau", 0.7),
                   signal(name, "usage_near_limit", key="api_calls", value=0.95, evidence=limit))
        d.tick("2026-03-02T13:00:00Z")
        leads = d.leads()
        assert leads["one"]["csm"] == "carl@vendor.example"
        assert d.cli("approve", leads["one"]["lead"], "--who", "olivia", check=False).returncode != 0
        d.cli("approve", leads["one"]["lead"], "--who", "Carl Csm")
        d.cli("approve", leads["two"]["lead"], "--who", "carl")
    finally:
        d.kill_all()


def test_a_lead_in_the_queue_waits(tmp_path):
    d = Puppet(tmp_path, settings="leads: {budget: 1}\n")
    d.start()
    try:
        d.tell([customer(x, ae="anna") + seats_full(x) for x in ("first", "second")])
        d.tick("2026-03-02T13:00:00Z")
        (queued,) = [x["lead"] for x in d.json("inbox", "--all")["leads"] if x["state"] == "queued"]
        shown = d.cli("show", queued).stdout
        assert "{{" not in shown and "never" not in shown and "comes out of the queue" in shown and "next working day" in shown
        assert "{{" not in json.dumps(d.json("show", queued)["angle"])
        for deed in (["approve", queued], ["outcome", queued, "proposal"], ["reject", queued, "--reason", "x"]):
            refused = d.cli(*deed, "--who", "anna", check=False)
            assert refused.returncode != 0 and "next working day" in refused.stderr, deed
        assert d.json("deals", "--all")["deals"] == []
    finally:
        d.kill_all()


def test_a_deal_is_expected_at_the_renewal_wherever_that_is_written(tmp_path):
    d = Puppet(tmp_path)
    change_play(d, "renewal-opening", ("mode: shadow", "mode: live"))
    d.start()
    try:
        d.tell(customer("bysub", renewal_date=None, end_date="2026-07-15"), customer("byacc", renewal_date="2026-07-15"),
               [[signal(x, "renewal_window", evidence={"renewal": "2026-07-15", "days": 135, "step": 150}), trait(x, "dau_mau", 0.7)]
                for x in ("bysub", "byacc")])
        d.tick("2026-03-02T13:00:00Z")
        for lead in d.leads().values():
            d.cli("outcome", lead["lead"], "opportunity", "--amount", "50000")
        assert {x["account"]: x["close_date"] for x in d.json("deals")["deals"]} == {"bysub": "2026-07-15", "byacc": "2026-07-15"}
    finally:
        d.kill_all()


def test_a_deal_that_is_open_again_is_expected_again(puppet):
    puppet.tell(customer("acme", ae="anna"), seats_full("acme"))
    puppet.tick("2026-03-02T13:00:00Z")
    lead = puppet.leads()["acme"]["lead"]
    deal = lambda: puppet.json("deals", "--all")["deals"][0]
    puppet.cli("outcome", lead, "proposal", "--amount", "6,000.50")
    expected = deal()["close_date"]
    assert "$6,001" in deal()["name"] and expected > "2026-03-20"
    puppet.cli("outcome", lead, "won")
    assert deal()["close_date"] == "2026-03-02"
    puppet.tell(opportunity("acme", "006A", "2026-03-02T14:00:00Z", basewatch_lead=lead, stage="Closed Won"),
                opportunity("acme", "006A", "2026-03-02T15:00:00Z", stage="Negotiation/Review"))
    assert deal()["state"] == "open" and deal()["close_date"] == expected


def test_a_pool_goes_round_when_the_queue_is_given_out(tmp_path):
    """x has room for one a day and is away from tomorrow: what waited for x goes to y and z in turn."""
    d = Puppet(tmp_path)
    (d.config / "routes/05-people.yaml").write_text(
        "people:\n"
        "  - {email: x@vendor.example, capacity: 1, away: [{from: 2026-03-03, to: 2026-03-10}]}\n"
        "  - {email: y@vendor.example}\n"
        "  - {email: z@vendor.example}\n")
    roles = d.config / "routes/00-roles.yaml"
    old = "ae: [account.ae, account.owner]"
    assert old in roles.read_text()
    roles.write_text(roles.read_text().replace(
        old, "ae: [account.ae, {pool: {members: [x@vendor.example, y@vendor.example, z@vendor.example], by: round_robin}}]"))
    path = d.write([customer(f"a{i}") + seats_full(f"a{i}", at="2026-03-02T08:05:00Z") for i in range(9)],
                   trait("a0", "dau", 1, at="2026-03-05T00:00:00Z"))
    later = [x["owner"] for x in d.replay(path, "--tick", "1h", "--only", "lead") if x["event"] == "opened" and x["at"] > "2026-03-03"]
    assert sorted(later) == ["y@vendor.example", "z@vendor.example"]


def test_why_says_that_a_lead_stays_with_its_owner(puppet):
    """It grows beyond what the CSM orders; whoever has it keeps it, and is told so."""
    puppet.tell(customer("acme", ae="anna"), seats_full("acme", needed=13))
    puppet.tick("2026-03-02T13:00:00Z")
    lead = puppet.leads()["acme"]
    assert lead["owner"] == "carl"
    puppet.tell(trait("acme", "seats_needed", 25, "2026-03-02T13:05:00Z"))
    puppet.tick("2026-03-02T14:00:00Z")
    assert puppet.leads()["acme"]["owner"] == "carl" and "stays with who has it" in puppet.cli("why", lead["lead"]).stdout


def test_a_value_by_key_is_told_with_its_keys(puppet):
    change_play(puppet, "seat-expansion", ("gates:", "gates:\n  - {name: hot, require: trait.usage.limit_ratio > 0.3}", ))
    puppet.cli("reload")
    puppet.tell(customer("acme"), seats_full("acme"), trait("acme", "limit_ratio", 0.9, key="api_calls"))
    puppet.tick("2026-03-02T13:00:00Z")
    assert "there is usage.limit_ratio[api_calls]" in " ".join(puppet.cli("why-not", "acme", "seat-expansion").stdout.split())


def test_an_escalated_ticket_is_heard_by_every_play(tmp_path):
    """Also where no watcher tells of it: nothing is offered, whoever asks is answered by the CSM, and help says that it knows."""
    d = Puppet(tmp_path)
    for path in (d.config / "plays").glob("*.yaml"):
        path.write_text(path.read_text().replace("mode: shadow", "mode: live"))
    d.start()
    try:
        asks = {"inb": ("inbound_request", {"person": "Kim Champion", "email": "kim@inb.example", "subject": "more"}),
                "hf": ("idle_seats", {"seats_bought": 10, "seats_active": 2}), "risk": ("usage_decline", {"now": 50, "before": 100}),
                "ro": ("renewal_window", {"renewal": "2026-06-15", "days": 105, "step": 120})}
        for name, (what, evidence) in asks.items():
            d.tell(customer(name, renewal_date="2026-06-15" if name == "ro" else "2026-12-01"), signal(name, what, evidence=evidence),
                   record("ticket", "2026-03-02T11:00:00Z", ticketId=f"t-{name}", accountId=name,
                          traits={"status": "open", "priority": "high", "escalated": True, "subject": "down"}))
        d.tick("2026-03-02T13:00:00Z")
        leads = d.leads()
        assert leads["inb"]["play"] == "inbound-answer" and leads["risk"]["play"] == "renewal-at-risk"
        assert set(leads) == {"inb", "risk"}, {k: v["play"] for k, v in leads.items()}
        assert "still open with our support" in draft(d, "risk")["body"]
        assert "account.escalated would have to be no" in " ".join(d.cli("why-not", "hf", "health-first").stdout.split())
    finally:
        d.kill_all()


def test_an_operators_lead_goes_by_the_route_that_it_took(puppet):
    """A small contract is served by the CSM, also where the play does not speak any more when somebody is named at last."""
    gone = {"owner": None, "csm": None, "acv": 5000}
    puppet.tell(customer("small", **gone), seats_full("small"))
    puppet.tick("2026-03-02T13:00:00Z")
    assert puppet.leads()["small"]["owner"] == "operator"
    puppet.tell(account("small", at="2026-03-02T13:05:00Z", **{**gone, "owner": "olivia", "csm": "dora"}, ae="anna", health="red"))
    puppet.tick("2026-03-02T14:00:00Z")
    assert puppet.leads()["small"]["owner"] == "dora"


def test_another_csm_reviews_and_is_told(puppet):
    limit = {"resource": "api_calls", "used": 950, "limit": 1000}
    for name in ("fires", "silent"):
        puppet.tell(customer(name), trait(name, "dau_mau", 0.7),
                    signal(name, "usage_near_limit", key="api_calls", value=0.95, evidence=limit))
    puppet.tick("2026-03-02T13:00:00Z")
    puppet.tell(account("fires", at="2026-03-02T13:05:00Z", csm="dora"), account("silent", at="2026-03-02T13:05:00Z", csm="dora", health="red"))
    puppet.tick("2026-03-02T14:00:00Z")
    leads = puppet.leads()
    assert {leads[x]["csm"] for x in ("fires", "silent")} == {"dora"}
    assert puppet.cli("approve", leads["fires"]["lead"], "--who", "carl", check=False).returncode != 0
    puppet.cli("approve", leads["fires"]["lead"], "--who", "dora")


def test_a_lead_whose_play_is_gone(puppet):
    puppet.tell(customer("acme", ae="anna"), seats_full("acme"))
    puppet.tick("2026-03-02T13:00:00Z")
    (puppet.config / "plays/seat-expansion.yaml").unlink()
    puppet.cli("reload")
    puppet.tell(account("acme", at="2026-03-02T13:05:00Z", ae="zoe"))
    puppet.tick("2026-03-02T14:00:00Z")
    lead = puppet.leads()["acme"]
    assert lead["owner"] == "zoe" and "is there no more" in lead["blocked"] and "zoe" in draft(puppet, "acme")["body"]
    assert puppet.cli("approve", lead["lead"], "--who", "zoe", check=False).returncode != 0
    puppet.cli("approve", lead["lead"], "--who", "zoe", "--anyway")


def test_a_shadow_of_another_family_is_the_same_shadow(puppet):
    puppet.tell(customer("acme"), signal("acme", "idle_seats", evidence={"seats_bought": 10, "seats_active": 2}))
    puppet.tick("2026-03-02T13:00:00Z")
    shadows = lambda: [x["lead"] for x in puppet.json("inbox", "--all")["leads"] if x["play"] == "health-first"]
    assert len(shadows()) == 1
    change_play(puppet, "health-first", ("family: adoption", "family: help"))
    puppet.cli("reload")
    puppet.tick("2026-03-02T14:00:00Z")
    assert len(shadows()) == 1


def test_a_renewal_carries_its_expansions_whatever_its_motion(tmp_path):
    d = Puppet(tmp_path, at="2026-03-12T12:00:00Z")
    change_play(d, "renewal-expand", ("mode: shadow", "mode: live"))
    d.start()
    try:
        at = "2026-03-12T11:00:00Z"
        d.tell(customer("acme", ae="anna", renewal_date="2026-06-05"), seats_full("acme", at=at))
        d.tick("2026-03-12T13:00:00Z")
        d.tell(signal("acme", "renewal_expand", at="2026-03-12T13:05:00Z", evidence={"renewal": "2026-06-05", "days": 85}))
        d.tick("2026-03-12T14:00:00Z")
        leads = {x["play"]: d.json("show", x["lead"]) for x in d.json("inbox", "--all")["leads"]}
        assert leads["seat-expansion"]["fields"]["joined_to"] == leads["renewal-expand"]["lead"]
        assert [x["lead"] for x in leads["renewal-expand"]["fields"]["expansions"]] == [leads["seat-expansion"]["lead"]]
    finally:
        d.kill_all()


def test_the_contract_by_either_name(puppet):
    puppet.tell(customer("acme", ae="anna"), seats_full("acme"))
    puppet.tick("2026-03-02T13:00:00Z")
    assert puppet.leads()["acme"]["arr"] == 50000
    assert "Contract ARR      $50,000" in puppet.cli("show", puppet.leads()["acme"]["lead"]).stdout


def test_what_the_crm_says_and_nobody_can_read_is_told(puppet):
    puppet.tell(customer("acme", ae="anna"), seats_full("acme"))
    puppet.tick("2026-03-02T13:00:00Z")
    lead = puppet.leads()["acme"]["lead"]
    puppet.tell(opportunity("acme", "006A", "2026-03-02T13:10:00Z", basewatch_lead=lead, stage="Proposal", amount=-5, close_date="30.04.2026"),
                opportunity("acme", "006B", "2026-03-02T13:11:00Z", basewatch_lead="L999", stage="Proposal"),
                opportunity("acme", "006A", "2026-03-02T13:12:00Z", stage="closedlost", loss_reason="Price"))
    told = [x["text"] for x in puppet.status()["notices"]]
    for words in ('amount = "-5"', 'close_date = "30.04.2026"', 'basewatch_lead = "L999"', 'loss_reason = "Price"'):
        assert sum(words in x for x in told) == 1, told
