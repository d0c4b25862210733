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
