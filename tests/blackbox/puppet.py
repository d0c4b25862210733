# SPDX-License-Identifier: Apache-2.0
"""The default plays with a watcher that says what it is told (src/signals/tests/puppet.c): leads without months of usage."""
import itertools
import json
import shutil
import subprocess

from conftest import BUILD, TOP, Daemon, wait_until

PLUGINS = BUILD / "src/signals/tests/puppet"
SETTINGS = """
web: {listen: 127.0.0.1:0, keys: {app: test-write-key}}
plays: {lateness: 30d}
delivery: {maildir: outbox, sender: "basewatch <b@vendor.example>"}
"""
NOON = "2026-03-02T12:00:00Z"  # a Monday
serial = itertools.count()


def flatten(records):
    for x in records:
        if isinstance(x, dict):
            yield x
        else:
            yield from flatten(x)


def record(kind, at, **more):
    return {"type": kind, "messageId": f"p{next(serial)}", "timestamp": at, **more}


def signal(account, name, at=NOON, **said):
    """said: state ("opened", "updated", "cleared"), key, value, threshold, strength, evidence (a dict)."""
    evidence = {"evidence": json.dumps(said.pop("evidence"))} if "evidence" in said else {}
    return record("track", at, userId="puppet", context={"groupId": account}, event="signal",
                  properties={"signal": name, **said, **evidence})


def trait(account, name, value, at=NOON, **said):
    return record("track", at, userId="puppet", context={"groupId": account}, event="trait",
                  properties={"trait": name, "value": value, **said})


def account(name, at="2025-01-01T00:00:00Z", **traits):
    usual = {"name": name.title(), "acv": 50000, "currency": "USD", "start_date": "2024-06-01", "renewal_date": "2026-12-01",
             "health": "green", "stage": "tangible_roi", "owner": "olivia", "csm": "carl"}
    return record("account", at, accountId=name, traits={k: v for k, v in {**usual, **traits}.items() if v is not None})


def contact(name, role, person, at="2025-01-01T00:00:00Z"):
    return record("contact", at, contactId=f"{role}-{name}", accountId=name,
                  traits={"name": person, "role": role, "email": f"{person.split()[0].lower()}@{name}.example"})


def opportunity(name, crm_id, at, **traits):
    return record("opportunity", at, opportunityId=crm_id, accountId=name, traits=traits)


def customer(name, seats=10, end_date=None, **traits):
    """An account in good order: ten seats, a champion, a buyer."""
    at = "2025-01-01T00:00:00Z"
    return [record("plan", at, planId="team", traits={"name": "Team", "seat_price": 100, "next": "biz", "limits": {"api_calls": 1000}}),
            account(name, **traits),
            record("subscription", at, subscriptionId=name, accountId=name, traits={"plan": "team", "seats": seats, **({"end_date": end_date} if end_date else {})}),
            contact(name, "champion", "Kim Champion"), contact(name, "economic_buyer", "Bo Buyer")]


def seats_full(name, at=NOON, needed=20, used=13):
    """What makes seat-expansion fire, high."""
    return [signal(name, "seat_limit", at, evidence={"seats_used": used, "seats_bought": 10}), trait(name, "seats_used", used, at),
            trait(name, "seats_needed", needed, at), trait(name, "dau_mau", 0.7, at)]


class Puppet(Daemon):
    def __init__(self, place, at=NOON, settings=""):
        config = place / "config"
        (config / "watchers").mkdir(parents=True)
        (config / "basewatch.yaml").write_text(SETTINGS + settings)
        (config / "watchers/usage.yaml").write_text("watcher: usage\nplugin: usage.so\nsnapshot: 2s\n")
        for part in ("plays", "routes", "templates"):
            shutil.copytree(TOP / "etc" / part, config / part)
        super().__init__(place, plugins=PLUGINS, args=["--start-time", at])

    def write(self, *records):
        """A file of records, and of lists of them."""
        path = self.place / f"told-{next(serial)}.jsonl"
        path.write_text("".join(json.dumps(r) + "\n" for r in flatten(records)))
        return path

    def tell(self, *records):
        self.cli("import", self.write(*records))
        wait_until(self.idle, 60, "what was told to be taken")

    def replay(self, *args):
        done = subprocess.run([BUILD / "basewatch", "replay", "--config", self.config, "--plugins", PLUGINS, *args], capture_output=True,
                              text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def settle(self, text):
        """Adds settings to basewatch.yaml and reloads."""
        path = self.config / "basewatch.yaml"
        path.write_text(path.read_text() + text)
        self.cli("reload")
        wait_until(self.try_status, 60, "an answer after the reload")

    def leads(self):
        """{account: lead}, of all leads."""
        return {x["account"]: x for x in self.json("inbox", "--all")["leads"]}
