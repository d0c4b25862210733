# SPDX-License-Identifier: Apache-2.0
"""The default pack as it ships: it loads, it uses every signal, its drafts name only what there is, and they were read by somebody."""
import collections
import json
import os
import re
import subprocess

import pytest
from conftest import BUILD, TOP
from puppet import PLUGINS, Puppet, contact, customer, record, seats_full, signal, trait

ETC = TOP / "etc"
GOLDEN = TOP / "tests/golden/drafts"
KNOWN = TOP / "src/signals/known.c"
DOC = TOP / "docs/signals.md"


def check(config):
    return subprocess.run([BUILD / "basewatchd", "--check", "--config", config, "--plugins", BUILD / "plugins/usage"], capture_output=True,
                          text=True, timeout=120)


def documents():
    """(file, text) of every document in etc/plays, comments taken off."""
    for path in sorted((ETC / "plays").glob("*.yaml")):
        for text in re.split(r"^---$", path.read_text(), flags=re.M):
            yield path.name, re.sub(r"(^|\s)#.*$", "", text, flags=re.M)


def plays():
    for file, text in documents():
        name = re.search(r"^play: (\S+)$", text, re.M)
        if name:
            yield name[1], file, text


def weighed(text):
    block = re.search(r"^signals:(.*?)(?=^\S)", text, re.M | re.S)[1]
    return {s: float(w) for s, w in re.findall(r"(\w+): *([\d.]+)", block)}


def known():
    """{signal: (direction, the evidence it may hold)} as the program has it."""
    text = KNOWN.read_text()
    rows = re.findall(r'\{"(\w+)", "\w+", "[\w,]*", (\w+), \w+,\s*((?:"[^"]*"\s*)+)\}', text)
    return {name: (direction, "".join(re.findall(r'"([^"]*)"', evidence)).split()) for name, direction, evidence in rows}


def test_the_default_configuration_loads_without_warning():
    done = check(ETC)
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert said == [f"{ETC}: the configuration is sound"]


def test_lint_has_nothing_to_say_but_that_much_is_live():
    done = subprocess.run([BUILD / "basewatch", "lint", "--json", "--config", ETC, "--plugins", BUILD / "plugins/usage"], capture_output=True,
                          text=True, timeout=120)
    found = [f for f in json.loads(done.stdout)["findings"] if not f["accepted"]]
    assert {f["rule"] for f in found if f["severity"] != "note"} == {"too-many-signals"}
    assert {f["rule"] for f in found} <= {"too-many-signals", "missing-watcher", "threshold-without-evidence"}


def lint(config, plugins=BUILD / "plugins/usage"):
    """[(rule, file, text)] of the findings that are more than notes."""
    done = subprocess.run([BUILD / "basewatch", "lint", "--json", "--config", config, "--plugins", plugins], capture_output=True, text=True, timeout=120)
    found = json.loads(done.stdout)["findings"]
    return [(f["rule"], f["file"].split("/")[-1], f["text"]) for f in found if not f["accepted"] and f["severity"] != "note"]


@pytest.mark.parametrize("play,old,new,rule", [
    ("seat-expansion", "  - use: one-mail.*?they use what they have\\]\n", "", "writes-at-risk"),
    ("coverage", "  - use: one-mail[^\n]*\n", "", "writes-at-risk"),
    ("health-first", r"except: \[they", "except: [nothing is at risk, they", "writes-at-risk"),
    ("revival", '"timing", ', '"timing", "fit", ', "lost-on-fit"),
    ("revival", '"missing_capability"', '"missing capability"', "unknown-loss-reason"),
    ("cross-sell", "  - use: happy-team[^\n]*\n", "", "unhappy-cross-sell"),
])
def test_lint_says_what_a_play_of_the_pack_has_lost(tmp_path, play, old, new, rule):
    """With every play promoted and every signal watched, nothing is said; with one question less, just that is."""
    puppet = Puppet(tmp_path)
    for path in (puppet.config / "plays").glob("*.yaml"):
        path.write_text(path.read_text().replace("mode: shadow", "mode: live"))
    mine = {"writes-at-risk", "lost-on-fit", "unknown-loss-reason", "unhappy-cross-sell"}
    assert not mine & {r for r, _, _ in lint(puppet.config, PLUGINS)}
    path = puppet.config / f"plays/{play}.yaml"
    text, n = re.subn(old, new, path.read_text(), count=1, flags=re.S)
    assert n == 1
    path.write_text(text)
    assert [(r, f) for r, f, _ in lint(puppet.config, PLUGINS) if r in mine] == [(rule, f"{play}.yaml")]


def test_the_words_of_an_otherwise_are_looked_for(tmp_path):
    import shutil
    for file in ("_gates.yaml", "seat-expansion.yaml", "usage-expansion.yaml"):  # a shared gate, a floor, a gate of the play's own
        shutil.rmtree(tmp_path / "etc", ignore_errors=True)
        shutil.copytree(ETC, tmp_path / "etc")
        play = tmp_path / "etc/plays" / file
        play.write_text(re.sub(r"(otherwise: .*template: )[\w-]+", r"\1no-such", play.read_text(), count=1))
        done = check(tmp_path / "etc")
        said = done.stdout + done.stderr
        assert done.returncode != 0 and said.count('there is no template "no-such" in templates/') == 1 and f"plays/{file}:" in said, said


def replayed(place, *records, promoted=True, to="2026-03-02T14:00:00Z", change=None):
    """The leads that the default pack opens, and {lead: its latest draft}.  promoted: as if every play were live."""
    puppet = Puppet(place, settings="leads: {budget: 0}\nsignals: {fleet_share: 100%}\n")
    for path in (puppet.config / "plays").glob("*.yaml") if promoted else ():
        path.write_text(path.read_text().replace("mode: shadow", "mode: live"))
    if change:
        change(puppet.config)
    path = puppet.write(*records, signal("nobody", "heavy_logins", at=to))
    said = puppet.replay(path, "--tick", "1h", "--only", "lead,draft")
    return [x for x in said if x["kind"] == "lead" and x["event"] == "opened"], {x["draft"]["lead"]: x["draft"] for x in said if x["kind"] == "draft"}


def opened(place, *records, **how):
    """[(account, play)] of these leads."""
    return [(x["account"], x["play"]) for x in replayed(place, *records, **how)[0]]


def drafts(place, *records, **how):
    """{(account, play): draft}"""
    leads, texts = replayed(place, *records, **how)
    return {(x["account"], x["play"]): texts[x["lead"]] for x in leads if x["lead"] in texts}


def strong_signs():
    """What makes every other play wait."""
    (text,) = [t for _, t in documents() if re.search(r"^gates: one-mail$", t, re.M)]
    (gate,) = re.findall(r"- name: nothing is at risk\s+require: >-\n(.*?)\n  - name:", text, re.S)
    return re.findall(r"!open\(signal\.(\w+)\)", gate)


def test_what_silences_the_others_is_heard_itself(tmp_path):
    """Each of the signs for which all other plays wait makes a lead of renewal-at-risk, at its weakest and without any other."""
    signs = strong_signs()
    assert len(signs) >= 7
    told = [(customer(s, ae="anna"), seats_full(s), signal(s, s, strength=0)) for s in signs]
    assert sorted(opened(tmp_path, *told)) == sorted((s, "renewal-at-risk") for s in signs)


def nearly_full(name):
    return [signal(name, "seat_utilization", strength=1, evidence={"seats_used": 9, "seats_bought": 10}), trait(name, "seats_used", 9), trait(name, "seats_needed", 20)]


def test_nobody_waits_for_an_offer_that_will_not_come(tmp_path):
    """A new leader is written about on the same day, unless something is open that can make an offer by itself or together."""
    new = lambda name, *more, **traits: [customer(name, **traits), trait(name, "dau_mau", 0.7), trait(name, "mau", 9),  # noqa: E731
                                         signal(name, "leader_hired", strength=1, evidence={"person": "Robin Vale"}), *more]
    attempts = {"attempts": 9, "key": "sso"}
    limit = {"resource": "api_calls", "used": 100, "limit": 1000}
    told = [new("alone"), new("nearly", nearly_full("nearly")),
            new("growing", nearly_full("growing"), signal("growing", "seats_added", strength=1, evidence={"seats_bought": 10, "seats_before": 8})),
            new("reset", signal("reset", "usage_limit", key="api_calls", strength=1, value=0.1, evidence=limit)),
            new("met", signal("met", "usage_limit", key="api_calls", strength=1, value=1.1, evidence={**limit, "used": 1100})),
            new("two", signal("two", "paid_feature_attempt", key="sso", strength=1, evidence=attempts), trait("two", "mau", 2)),
            new("team", signal("team", "paid_feature_attempt", key="sso", strength=1, evidence=attempts), trait("team", "mau", 9)),
            new("top", signal("top", "paid_feature_attempt", key="sso", strength=1, evidence=attempts),
                record("subscription", "2025-02-01T00:00:00Z", subscriptionId="top", accountId="top", traits={"plan": "biz"})),
            record("plan", "2025-01-01T00:00:00Z", planId="biz", traits={"name": "Business", "seat_price": 160})]
    assert sorted(opened(tmp_path, *told)) == [
        ("alone", "protect-and-expand"), ("growing", "seat-expansion"), ("met", "usage-expansion"), ("nearly", "protect-and-expand"),
        ("reset", "protect-and-expand"), ("team", "tier-upgrade"), ("top", "protect-and-expand"), ("two", "protect-and-expand")]


def test_the_first_day_of_offers_brings_one(tmp_path):
    """Seats were full long before day 120, and nobody had touched the account: on that day the champion reads of seats, and of nothing else."""
    start, full = "2025-11-02", "2026-01-25T12:00:00Z"
    told = [customer("acme", ae="anna", start_date=start), seats_full("acme", at=full), signal("acme", "untouched", at=full, strength=1)]
    leads, _ = replayed(tmp_path, *told, to="2026-03-04T14:00:00Z")
    assert [(x["at"][:10], x["play"]) for x in leads] == [("2026-03-02", "seat-expansion")]


def test_the_route_says_what_the_draft_does(tmp_path):
    """Small additions of each kind, below the share of the contract, below the threshold, and above both."""
    text = (ETC / "routes/00-settings.yaml").read_text()
    assert re.search(r"estimate >= (\d+)000\n", (ETC / "plays/seat-expansion.yaml").read_text())[1] + "K" == re.search(r"expansion_threshold: (\S+)", text)[1]
    limit = {"resource": "api_calls", "used": 1100, "limit": 1000}
    told = [record("plan", "2025-01-01T00:00:00Z", planId="biz", traits={"name": "Business", "seat_price": 160})]
    for name, needed in (("few", 13), ("some", 18), ("many", 20)):
        told.append((customer(name, ae="anna"), seats_full(name, needed=needed)))
    for name, acv in (("usage", 20000), ("api", 200000)):
        told.append((customer(name, ae="anna", acv=acv), trait(name, "dau_mau", 0.7),
                     signal(name, "usage_limit", key="api_calls", strength=1, value=1.1, evidence=limit)))
    for name, acv in (("step", 50000), ("plan", 40000)):
        told.append((customer(name, ae="anna", acv=acv), trait(name, "dau_mau", 0.7), trait(name, "mau", 9),
                     signal(name, "paid_feature_attempt", key="sso", strength=1, evidence={"attempts": 9, "key": "sso"})))
    leads, texts = replayed(tmp_path, *told)
    said = {x["account"]: (x["owner"], texts[x["lead"]]["template"]) for x in leads}
    assert said == {"few": ("carl", "seat-order"), "some": ("carl", "seat-order"), "many": ("anna", "seat-expansion"), "usage": ("carl", "usage-expansion"),
                    "api": ("anna", "usage-expansion"), "step": ("carl", "tier-order"), "plan": ("carl", "tier-upgrade")}
    for lead in leads:
        note, body = lead["why"]["route"]["note"], texts[lead["lead"]]["body"]
        assert ("order form" in note) == ("order form" in body), (lead["account"], note)
        assert ("no meeting" in note) <= ("20 minutes" not in body), (lead["account"], note)


SAME = [("Kim Champion", "Kim Champion"), ("Kim Champion", "kim champion"), ("Kim Champion", "Champion, Kim"), ("Kim Champion", "KIM  CHAMPION"),
        ("Kim Champion", "Dr. Kim Champion"), ("Dr. Kim Champion", "Kim Champion"), ("Champion, Kim", "Kim Champion"), ("山田 太郎", "山田 太郎")]


def test_nobody_reads_that_their_own_place_is_free(tmp_path):
    """However the records write the champion's name: a change that concerns them is the sponsor's to hear, or no name is named."""
    told = []
    for i, (name, person) in enumerate(SAME):
        for x, what in (("left", "leadership_change"), ("new", "leader_hired")):
            told.append((customer(f"{x}{i}"), contact(f"{x}{i}", "sponsor", "Sam Sponsor"),
                         record("contact", "2025-01-02T00:00:00Z", contactId=f"champion-{x}{i}", accountId=f"{x}{i}", traits={"name": name, "role": "champion"}),
                         signal(f"{x}{i}", what, strength=1, evidence={"person": person, "first_name": "Kim"} if x == "new" else {"person": person})))
    told += [(customer(x), contact(x, "sponsor", "Sam Sponsor")) for x in ("mail", "other", "gone")]
    told += [signal("mail", "leader_hired", strength=1, evidence={"person": "K. C. Champion", "email": "KIM@mail.example"}),
             signal("other", "leader_hired", strength=1, evidence={"person": "Robin Vale", "first_name": "Robin", "email": "robin@other.example"}),
             signal("gone", "leadership_change", strength=1, evidence={"person": "Robin Vale"})]
    said = {account: draft for (account, play), draft in drafts(tmp_path, *told).items() if play == "protect-and-expand"}
    assert len(said) == 2 * len(SAME) + 3
    for account, draft in said.items():
        if account.startswith(("left", "new", "mail")) and draft["to"].startswith("kim@"):
            assert account.startswith("left") and not re.search("Champion|Kim .*role|role of", draft["body"].split("\n", 1)[1]), (account, draft["body"])
    assert {said[f"new{i}"]["to"][:4] for i in range(len(SAME))} | {said["mail"]["to"][:4]} == {"sam@"}
    assert said["other"]["to"] == "kim@other.example" and "Robin Vale has joined" in said["other"]["body"]
    assert said["gone"]["to"] == "kim@gone.example" and "Robin" not in said["gone"]["body"]


def test_the_champion_does_not_read_that_they_asked(tmp_path):
    told = []
    for i, (name, person) in enumerate([*SAME, ("kim@mail.example", "Kim Champion"), ("Kim Champion", "Noor Said")]):
        told.append((customer(f"a{i}", ae="anna"), trait(f"a{i}", "dau_mau", 0.7),
                     record("contact", "2025-01-02T00:00:00Z", contactId=f"champion-a{i}", accountId=f"a{i}", traits={"name": name, "role": "champion"}),
                     signal(f"a{i}", "asked_unowned", key="x", strength=1, evidence={"product": "forecasting", "person": person})))
    said = drafts(tmp_path, *told)
    assert len(said) == len(SAME) + 2
    other = said.pop((f"a{len(SAME) + 1}", "cross-sell"))
    assert other["template"] == "cross-sell-colleague" and "Noor Said asked us about forecasting" in other["body"]
    for draft in said.values():
        assert draft["template"] == "cross-sell" and "Thank you for the question about forecasting" in draft["body"]


def test_every_signal_is_used_or_goes_to_a_person():
    signals = known()
    assert len(signals) >= 79
    used, asked = set(), set()
    for _, text in documents():
        asked |= set(re.findall(r"open\(signal\.(\w+)\)", text))
    for _, _, text in plays():
        used |= set(weighed(text))
    assert used <= set(signals) and asked <= set(signals)
    assert set(signals) == used | asked
    unclear = {name for name, row in signals.items() if row[0] == "BW_UNCLEAR"}
    for _, name, text in plays():
        if unclear & set(weighed(text)):
            assert name == "judgement.yaml" and not re.search("^template:", text, re.M) and "route: judgement" in text


def test_the_catalogue_in_the_documentation_is_the_one_in_the_program():
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| [^|]* \| \w* \| ([^|]*) \|", DOC.read_text(), re.M))
    signals = known()
    assert set(rows) == set(signals)
    for name, (_, evidence) in signals.items():
        told = set(rows[name].replace("*_ratio", "RATIO").replace("**", "").replace("RATIO", "*_ratio").split(", "))
        assert told == set(evidence) - {"weekly_to"}, name


def test_plays_and_templates_name_only_evidence_that_there_is():
    signals = known()
    places = [(f, t) for f, t in documents()] + [(p.name, p.read_text()) for p in sorted((ETC / "templates").glob("*.txt"))]
    named = [(f, s, n) for f, t in places for s, n in re.findall(r"signal\.(\w+)\.evidence\.(\w+)", t)]
    assert len(named) > 50
    assert [x for x in named if x[2] not in signals[x[1]][1]] == []


def test_the_evidence_that_the_usage_watcher_gives_is_in_the_catalogue(tmp_path):
    """Replays the demonstration data: whatever a signal carries there is a name that templates may use."""
    import shutil
    config = tmp_path / "config"
    for part in ("plays", "routes", "templates"):
        shutil.copytree(ETC / part, config / part)
    shutil.copytree(TOP / "demo/config", config, dirs_exist_ok=True)
    contracts = [TOP / "demo/contracts" / f"{n}.csv" for n in ("plans", "accounts", "subscriptions", "contacts")]
    done = subprocess.run([BUILD / "basewatch", "replay", "--config", config, "--plugins", BUILD / "plugins/usage", "--tick", "1d", "--only",
                           "signal", *contracts, TOP / "demo/data/events.jsonl.zst"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = collections.defaultdict(set)
    for line in done.stdout.splitlines():
        said = json.loads(line)
        seen[said["signal"]] |= set(said["evidence"])
    signals = known()
    assert len(seen) >= 10
    for name, keys in seen.items():
        assert {k for k in keys if k not in signals[name][1] and not k.endswith("_ratio")} == set(), name


def test_templates_are_complained_about_when_they_name_what_never_comes(tmp_path):
    import shutil
    shutil.copytree(ETC, tmp_path / "etc")
    bad = tmp_path / "etc/templates/seat-expansion.txt"
    bad.write_text(bad.read_text() + "{{#signal.seat_limit.evidence.seats_usd}}x{{/signal.seat_limit.evidence.seats_usd}}\n")
    done = check(tmp_path / "etc")
    assert done.returncode != 0
    assert 'the evidence of seat_limit never holds "seats_usd"; it may hold: seats_used' in done.stdout + done.stderr


def template_of(play):
    """None: its leads have no draft; a person judges."""
    found = re.search(r"^template: (\S+)$", play, re.M)
    return found[1] if found else None


def test_a_templates_evidence_is_of_signals_that_its_play_weighs():
    for name, _, text in plays():
        for template in re.findall(r"template: ([\w-]+)", text):  # its own, and those that gates and the floor name
            body = (ETC / "templates" / f"{template}.txt").read_text()
            assert set(re.findall(r"signal\.(\w+)\.", body)) <= set(weighed(text)), (name, template)


def test_weights_are_reasoned():
    """Each play can be fired by its strongest signal alone, when strong; no signal that is only just open and weak fires one."""
    for name, _, text in plays():
        weights = weighed(text)
        threshold = float(re.search(r"^score: \{threshold: ([\d.]+)", text, re.M)[1])
        assert max(weights.values()) >= threshold, name
        if len(weights) > 3:
            assert min(weights.values()) < threshold, name


def test_only_what_has_been_tried_is_live():
    modes = collections.Counter(re.search(r"^mode: (\w+)", text, re.M)[1] for _, _, text in plays())
    live = sorted(name for name, _, text in plays() if re.search(r"^mode: live", text, re.M))
    assert live == ["judgement", "renewal-at-risk", "seat-expansion", "tier-upgrade", "usage-expansion"]
    assert set(modes) == {"live", "shadow"}


def test_every_play_is_documented_and_its_draft_kept():
    book = (TOP / "docs/plays/pack.md").read_text()
    made_up = json.loads((GOLDEN / "accounts.json").read_text())["plays"]
    for name, file, text in plays():
        assert f"`{name}`" in book, name
        assert re.search(r"^title: .", text, re.M) and re.search(r"^angle: .", text, re.M), name
        assert name in made_up and (GOLDEN / f"{name}.txt").stat().st_size > (400 if template_of(text) else 100), name
        whole = (ETC / "plays" / file).read_text()
        assert whole.startswith("# "), f"{file} begins with what it is for"
    kept = {p.stem for p in GOLDEN.glob("*.txt")}
    assert kept == {name for name, _, _ in plays()}


def test_drafts_are_as_kept():
    program = BUILD / "src/drafts/tests/test_pack"
    if not program.exists():
        pytest.skip("src/drafts/tests/test_pack is not built")
    done = subprocess.run([program], capture_output=True, text=True, timeout=300, env={**os.environ, "BW_SRCDIR": str(TOP)})
    assert done.returncode == 0, done.stderr[-3000:]


def test_every_template_has_a_kept_draft():
    """Not only the play's own: what a gate or a floor sends another way has words of its own, and somebody has read them."""
    drafts = "".join(p.read_text() for p in GOLDEN.glob("*.txt"))
    kept = set(re.findall(r"^Text: +(\S+)$", drafts, re.M))
    assert kept == {p.stem for p in (ETC / "templates").glob("[!_]*.txt")} | {"none"}


def test_who_waits_for_whom_is_documented_in_the_same_order():
    (text,) = [t for _, t in documents() if re.search(r"^gates: one-mail$", t, re.M)]
    gates = re.findall(r"- name: (.*?)\s*$", text, re.M)
    book = (TOP / "docs/plays/pack.md").read_text()
    table = book[book.index("## Who waits for whom"):]
    places = [table.find(f"| {gate} |") for gate in gates]
    assert len(gates) >= 9 and -1 not in places and places == sorted(places)


def test_expansions_keep_the_rules():
    """Floors, tenure, health and escalation: from the shared gates, or said by the play itself."""
    for name, _, text in plays():
        if "motion: expansion" not in text:
            continue
        assert re.search(r"^floor:", text, re.M) and re.search(r"^estimate: ", text, re.M), name
        shared = "use: expansion" in text
        assert shared or name in ("free-to-paid", "inbound-request"), name
        assert shared or "account.do_not_contact" in text and "account.escalated" in text, name
        if re.search(r"type: cross_sell", text):
            assert "use: happy-team" in text, name
    for name, _, text in plays():
        if "motion: revival" in text and name.startswith("revival-"):
            (allowed,) = re.findall(r"loss_reason in \[([^\]]*)\]", text)
            assert '"fit"' not in allowed and '"timing"' in allowed, name


def write_the_documented_play(etc):
    """docs/plays/writing.md, followed to the letter."""
    import shutil
    blocks = re.findall(r"```yaml\n(.*?)```", (TOP / "docs/plays/writing.md").read_text(), re.S)
    assert len(blocks) == 4
    (etc / "plays/prepay.yaml").write_text("".join(blocks))
    shutil.copy(etc / "templates/growth-conversation.txt", etc / "templates/prepay.txt")


def test_the_play_that_the_documentation_writes_loads(tmp_path):
    import shutil
    shutil.copytree(ETC, tmp_path / "etc")
    write_the_documented_play(tmp_path / "etc")
    (tmp_path / "etc/templates/prepay.de.txt").write_text("To: {{champion.email}}\nSubject: {{account.name}}\n\nGuten Tag,\n{{account.name}}\n")
    done = check(tmp_path / "etc")
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run([BUILD / "basewatch", "lint", "--plugins", BUILD / "plugins/usage", "--config", tmp_path / "etc"], capture_output=True, text=True)
    assert "plays/prepay.yaml" not in done.stdout, done.stdout


def test_the_play_that_the_documentation_writes_waits_for_the_others(tmp_path):
    """It speaks alone, and neither beside an offer of seats nor to a customer at risk."""
    def change(config):
        write_the_documented_play(config)
        path = config / "plays/prepay.yaml"
        path.write_text(path.read_text().replace("mode: shadow", "mode: live"))
    at = "2026-02-02T12:00:00Z"  # in its February
    usual = {"ae": "anna", "region": "UK", "billing": "monthly"}
    said = [[customer(name, **usual), trait(name, "seats_used", 9, at), trait(name, "dau_mau", 0.7, at), signal(name, "adoption_high", at, strength=1),
             signal(name, "usage_growth", at, strength=0.5)] for name in ("alone", "full", "worried")]
    assert sorted(opened(tmp_path, *said, seats_full("full", at), signal("worried", "usage_decline", at), promoted=False, to="2026-02-04T14:00:00Z",
                         change=change)) == [("alone", "prepay"), ("full", "seat-expansion"), ("worried", "renewal-at-risk")]


def test_links_in_the_documentation_lead_somewhere():
    for page in [*(TOP / "docs/plays").glob("*.md"), DOC, TOP / "docs/templates.md", TOP / "docs/plays.md"]:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page}: {link}"


def test_what_ships_is_installed():
    listed = re.findall(r"etc/\w+/\S+\.(?:yaml|txt)", (TOP / "etc/room.mk").read_text())
    there = [f"etc/{p.parent.name}/{p.name}" for part in ("watchers", "plays", "routes", "templates") for p in (ETC / part).iterdir()]
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize("command", [("demo", "--foo"), ("test", "--lnog"), ("build", "all")])
def test_bootstrap_refuses_what_it_does_not_know(command):
    done = subprocess.run([TOP / "bootstrap", *command], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and f"bootstrap: {command[0]} takes no {command[1]}" in done.stderr
