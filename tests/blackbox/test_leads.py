# SPDX-License-Identifier: Apache-2.0
"""What becomes of leads while the world moves on: settings, records, rules and people change under them."""
import pytest

from conftest import wait_until
from puppet import NOON, Puppet, account, customer, seats_full, signal, trait


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
