# SPDX-License-Identifier: Apache-2.0
"""`basewatch lint` over whole directories, and `plays diff` on a real daemon: what it shows is what comes after the reload."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from conftest import BUILD, TOP, Daemon, wait_until, write_config
from test_owner import DAY0, WATCHER, book_records, usage_records, write_lines


def lint(*args):
    done = subprocess.run([BUILD / "basewatch", "lint", "--plugins", BUILD / "plugins/usage", *map(str, args)], capture_output=True,
                          text=True, timeout=120)
    return done


# ---- lint ----

def test_the_shipped_configuration_has_no_errors():
    done = lint("--config", TOP / "etc", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["ok"], done.stdout
    assert not [f for f in found["findings"] if f["rule"] == "config"], "it loads without a complaint"
    assert all(f["file"] and os.path.exists(f["file"]) for f in found["findings"])
    assert all(f["why"] and f["fix"] for f in found["findings"])


def test_the_shipped_configuration_s_live_plays_are_as_practice_advises():
    """What is live from the first day has no warning of its own; the number of signals is the only one."""
    found = json.loads(lint("--config", TOP / "etc", "--json").stdout)["findings"]
    live = [p.name for p in (TOP / "etc/plays").glob("*.yaml") if re.search(r"^mode: live", p.read_text(), re.M)]
    assert live
    of_live = [f for f in found if f["severity"] == "warning" and not f["accepted"] and os.path.basename(f["file"]) in live]
    assert not of_live, of_live


def test_errors_decide_the_exit_status(tmp_path):
    config = write_config(tmp_path)
    assert lint("--config", config).returncode == 0
    play = config / "plays/seat-expansion.yaml"
    play.write_text(re.sub(r"(?m)^suppress: .*$", "suppress: 0d", play.read_text()))
    done = lint("--config", config)
    line = next(n for n, text in enumerate(play.read_text().splitlines(), 1) if text.startswith("suppress:"))
    assert done.returncode == 1
    assert f"{play}:{line}:11: error: seat-expansion: it does not rest after a lead was closed [no-suppression]" in done.stdout
    assert "    why: " in done.stdout and "    do:  " in done.stdout
    play.write_text("# lint: accept no-suppression: we measure this for a week\n" + play.read_text())
    done = lint("--config", config, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["accepted"] == 2  # this, and one that ships
    play.write_text(re.sub(r"(?m)^suppress: .*$", "suppress: 10d", play.read_text()))
    assert lint("--config", config).returncode == 0
    assert lint("--config", config, "--strict").returncode == 1


def test_what_cannot_be_read_is_a_finding_too(tmp_path):
    config = write_config(tmp_path)
    play = config / "plays/seat-expansion.yaml"
    play.write_text(play.read_text().replace("motion: expansion", "motion: expanson"))
    done = lint("--config", config, "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1 and not found["ok"]
    mistake = next(f for f in found["findings"] if f["severity"] == "error")
    assert mistake["rule"] == "config" and "did you mean expansion" in mistake["text"]
    assert mistake["line"] > 0 and mistake["file"] == str(play)
    assert lint("--config", tmp_path / "nowhere").returncode == 1


def mistakes(config, file, text, *more):
    """What loading says of the shipped configuration with one more file: lines without the directory."""
    path = config / file
    before = path.read_text() if path.exists() else None
    path.write_text(text)
    try:
        found = json.loads(lint("--config", config, "--json", *more).stdout)["findings"]
    finally:
        path.unlink() if before is None else path.write_text(before)
    return [f"{os.path.relpath(f['file'], config)}:{f['line']}:{f['column']}: {f['text']}" for f in found
            if f["rule"] == "config"]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp("shipped"))


MINE = """play: mine
motion: renewal
signals: {usage_decline: 80}
gates: [{name: healthy, require: account.health == "green"}]
route: risk-owner
"""


@pytest.mark.parametrize("leads, says", [
    ("timezone: Europe/Berln", ':15: there is no time zone "Europe/Berln"; write it as Europe/Berlin or America/New_York'),
    ("timezone: ../../../etc/passwd", ":15: there is no time zone"),
    ("workdays: mon-fri", ':15: "mon-fri" should be days with commas between: mon,tue,wed,thu,fri'),
    ("day_start: 19h", ":5: the working day ends (day_end) before it begins (day_start)"),
    ("currency: dollars", ':15: "dollars" is no currency; write its ISO 4217 code, such as EUR'),
    ("timezone: America/New_York", None),
])
def test_working_time_is_checked(shipped, leads, says):
    whole = (shipped / "basewatch.yaml").read_text() + f"leads:\n    {leads}\n"
    found = mistakes(shipped, "basewatch.yaml", whole)
    assert len(found) == (1 if says else 0) and all(says in text for text in found), found


@pytest.mark.parametrize("angle, says", [
    ("At {{account.seat}}", '6:11: there is no name "account.seat"; did you mean account.seats?'),
    ("'It''s at {{account.seat}}'", "6:18: there is no name"),
    (">-\n  At\n  {{account.seat}}", "8:3: there is no name"),
    ("At {{trait.x", "6:11: this tag is never closed; write }} at its end"),
    ("At {{account.seats} of {{account.name}}", "6:11: this tag is not closed where its name ends; close it with }}"),
    ("At {{account.seats|mony}}", '6:11: there is no filter "mony"'),
    ("At {{> signature}}", "6:11: partials are for templates"),
    ("At {{signal.seat_limit.evidence.usd}}", '6:11: the evidence of seat_limit never holds "usd"'),
    ("They exported {{signal.data_export.evidence.exports}} times", None),
])
def test_the_opening_angle_is_checked_like_a_template(shipped, angle, says):
    found = mistakes(shipped, "plays/mine.yaml", MINE + f"angle: {angle}\n")
    assert len(found) == (says is not None) and all(line.startswith(f"plays/mine.yaml:{says}") for line in found), found


def test_all_mistakes_of_a_play_are_told_at_once(shipped):
    text = MINE.replace("renewal", "renewl").replace("risk-owner", "nobody") + "angle: At {{account.seat}}\n"
    found = mistakes(shipped, "plays/mine.yaml", text)
    assert sorted(line.split(": ")[0] for line in found) == ["plays/mine.yaml:2:9", "plays/mine.yaml:5:8", "plays/mine.yaml:6:11"], found


@pytest.mark.parametrize("gate,says", [
    ("trait.usage.dau_mau >= 5", "trait.usage.dau_mau is a share of at most 1 (0.3 is 30 %), so >= 5 never holds; write 0.05 for 5 %"),
    ("trait.usage.dau_mau > 1", "trait.usage.dau_mau is a share of at most 1 (0.3 is 30 %), so > 1 never holds; did you mean >=?"),
    ("trait.usage.limit_ratio.x >= 80", "is a ratio (0.3 is 30 %), so >= 80 never holds; write 0.8 for 80 %"),
    ("trait.usage.limit_ratio.x >= 1.2", None),
    ("trait.usage.dau_mau >= 0.6", None),
])
def test_a_share_is_never_more_than_all_and_a_limit_may_be_exceeded(shipped, gate, says):
    found = mistakes(shipped, "plays/mine.yaml", MINE.replace('account.health == "green"', f"'{gate}'"))
    assert (len(found) == 1 and says in found[0]) if says else not found, found


def test_a_title_takes_no_values(shipped):
    assert mistakes(shipped, "plays/mine.yaml", MINE + "title: Offer {{account.name}} seats\n") == [
        'plays/mine.yaml:6:14: a title is shown as it is written, and its {{...}} too; values stand in "angle"']


def test_a_template_that_is_missing_is_named_with_the_nearest(shipped):
    found = mistakes(shipped, "plays/mine.yaml", MINE + "template: renewal-at-rsk\n")
    assert len(found) == 1 and found[0].endswith("did you mean renewal-at-risk?"), found


@pytest.mark.parametrize("name", ["mine.yml", "mine.YAML", "mine.yaml.txt"])
@pytest.mark.parametrize("folder", ["plays", "routes", "watchers"])
def test_a_file_whose_ending_keeps_it_from_being_read_is_named(shipped, folder, name):
    path = shipped / folder / name
    path.write_text("play: mine\n")
    done = lint("--config", shipped)
    path.unlink()
    assert done.returncode == 1 and f"{path}: error: only files that end in .yaml are read; name it mine.yaml" in done.stdout


@pytest.mark.parametrize("line, says", [
    ("angle: Soon: they renew", '6:12: not well-formed YAML: invalid nested block mapping on the same line; a value that holds '
                                '": " must stand in quotes'),
    ("floor: !open(signal.usage_decline)", "6:8: a value that begins with ! must stand in quotes: '!open(signal.usage_decline)'"),
    ('floor: "a" == account.name', "6:12: not well-formed YAML: invalid trailing content after double-quoted scalar; the quotes "
                                   "end before the value does: put all of it in single quotes"),
])
def test_what_yaml_reads_otherwise_is_explained(shipped, line, says):
    assert mistakes(shipped, "plays/mine.yaml", MINE + line + "\n") == [f"plays/mine.yaml:{says}"]


@pytest.mark.parametrize("size", ["4M", "8M", "12M", "30M"])
def test_the_routes_fit_a_company_of_any_size(shipped, size):
    settings = shipped / "routes/00-settings.yaml"
    before = settings.read_text()
    settings.write_text(before.replace("vendor_size: 10M", f"vendor_size: {size}"))
    found = json.loads(lint("--config", shipped, "--json").stdout)["findings"]
    settings.write_text(before)
    routes = [f for f in found if "/routes/" in f["file"] and f["severity"] != "note"]
    assert "vendor_size: 10M" in before and not routes, routes


def test_a_share_of_more_than_everything_is_taken_for_a_percentage(shipped):
    watcher = (TOP / "etc/watchers/usage.yaml").read_text()
    found = mistakes(shipped, "watchers/usage.yaml", "watcher: usage\nplugin: usage.so\noptions:\n  usage_decline: {threshold: 30}\n")
    assert watcher and len(found) == 1 and "option usage_decline.threshold: 30 is 3000 %; write \"30%\" or 0.3" in found[0], found


# ---- what a reload would change ----

@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Ten weeks of history; one live play of seats, whose leads are open."""
    place = tmp_path_factory.mktemp("lint")
    config = write_config(place)
    settings = config / "basewatch.yaml"
    settings.write_text(re.sub("lateness: .*", "lateness: 6h", settings.read_text()))
    (config / "watchers/usage.yaml").write_text(WATCHER)
    shutil.rmtree(config / "plays")
    (config / "plays").mkdir()
    (config / "plays/seats.yaml").write_text(SEATS)
    (config / "plays/usage.yaml").write_text(USAGE)
    write_lines(place / "book.jsonl", book_records())
    write_lines(place / "usage.jsonl", usage_records())
    daemon = Daemon(place, args=["--start-time", f"{DAY0}T07:59:00Z"]).start()
    try:
        daemon.cli("import", place / "book.jsonl")
        daemon.cli("import", "--history", place / "usage.jsonl")
        wait_until(daemon.idle, 60, "the backlog")
        daemon.tick(f"{DAY0}T08:00:00Z")
        assert daemon.stop() == 0
    finally:
        daemon.kill_all()
    return place


SEATS = """
play: seats
motion: expansion
type: seat
mode: live
signals: {seat_limit: 100, seat_utilization: 40}
gates:
  - {name: contract floor, require: account.acv >= 10000}
  - {name: may be contacted, require: '!account.do_not_contact'}
  - {name: tenure, require: account.tenure >= days(120)}
  - {name: health, require: '!has(account.health) || account.health != "red"'}
score: {threshold: 40}
readiness: {unknown: 2}
estimate: 10000
floor: estimate > 0.15 * account.acv
route: expansion-owner
priority: medium
review: {by: csm}
"""
USAGE = """
play: api
motion: expansion
type: usage
mode: shadow
signals: {usage_limit: 100}
gates:
  - {name: may be contacted, require: '!account.do_not_contact'}
  - {name: tenure, require: account.tenure >= days(120)}
score: {threshold: 40}
readiness: {unknown: 2}
estimate: account.acv * 0.5
floor: estimate > 0.15 * account.acv
route: expansion-owner
review: {by: csm}
"""


@pytest.fixture
def daemon(built, tmp_path):
    for part in ("config", "state"):
        shutil.copytree(built / part, tmp_path / part, ignore=shutil.ignore_patterns("*.sock", "web.address"))
    d = Daemon(tmp_path, args=["--start-time", f"{DAY0}T08:30:00Z"]).start()
    yield d
    d.kill_all()


def leads(daemon):
    """{(account, play): lead} of what people see."""
    return {(x["account"], x["play"]): x for x in daemon.json("inbox", "--all")["leads"]
            if x["mode"] == "live" and x["state"] in ("open", "review", "queued", "snoozed")}


def rows(diff, what, play=None):
    return [r for p in diff["plays"] if play in (None, p["play"]) for r in p[what + "_rows"]]


def test_nothing_changes_without_a_change(daemon):
    diff = daemon.json("plays", "diff")
    assert (diff["gain"], diff["lose"], diff["change"]) == (0, 0, 0), diff
    assert diff["accounts"] == diff["looked"] > 5 and not diff["cut"] and not diff["watchers_differ"]


def test_what_diff_shows_is_what_comes(daemon):
    before = leads(daemon)
    assert before and all(play == "seats" for _, play in before)
    (daemon.config / "plays/usage.yaml").write_text(USAGE.replace("mode: shadow", "mode: live"))
    diff = daemon.json("plays", "diff", "--all")
    gain = {(r["account"], "api"): r for r in rows(diff, "gain", "api")}
    assert gain and diff["gain"] == len(gain) and diff["lose"] == 0 and diff["change"] == 0
    assert ("globex", "api") in gain and gain["globex", "api"]["after"]["owner"] == "olivia"
    assert all("shadow" in r["why"] for r in gain.values())
    assert leads(daemon) == before, "nothing was recorded"
    text = daemon.cli("plays", "diff").stdout
    assert "api (shadow → live): " in text and "+ globex (Globex): " in text, text
    daemon.cli("reload")
    daemon.tick(f"{DAY0}T09:00:00Z")
    after = leads(daemon)
    assert set(after) - set(before) == set(gain) and set(before) <= set(after)
    for key, r in gain.items():
        assert (after[key]["owner"], after[key]["priority"], after[key]["score"]) == (
            r["after"]["owner"], r["after"]["priority"], pytest.approx(r["after"]["score"], abs=1))


def test_what_would_be_lost_and_what_would_differ(daemon):
    before = leads(daemon)
    (daemon.config / "plays/seats.yaml").write_text(
        SEATS.replace("account.acv >= 10000", 'account.acv >= 10000 && account.name != "Acme GmbH"').replace(
            "priority: medium", 'priority: {high: "score > 0"}'))
    diff = daemon.json("plays", "diff")
    lost = rows(diff, "lose")
    assert [r["account"] for r in lost] == ["acme"] and lost[0]["lead"] == before["acme", "seats"]["lead"]
    assert "contract floor" in lost[0]["why"] and lost[0]["after"] is None
    changed = {r["account"]: r for r in rows(diff, "change")}
    raised = {a for a, _ in before if a != "acme"}
    assert set(changed) == raised and len(raised) > 3
    assert all(r["before"]["priority"] == "medium" and r["after"]["priority"] == "high" for r in changed.values())
    assert diff["lose"] == 1 and diff["change"] == len(raised)
    text = daemon.cli("plays", "diff").stdout
    assert f"- acme (Acme GmbH), {before['acme', 'seats']['lead']}: " in text, text
    daemon.cli("reload")
    daemon.tick(f"{DAY0}T09:00:00Z")
    after = leads(daemon)
    assert set(after) == set(before), "open leads stay"
    assert {a for (a, _), x in after.items() if x["priority"] == "high"} == raised


def test_another_owner_and_other_weights(daemon):
    """Owners and scores come as they are shown."""
    before = leads(daemon)
    (daemon.config / "plays/seats.yaml").write_text(
        SEATS.replace("seat_limit: 100", "seat_limit: 50"))
    roles = daemon.config / "routes/00-roles.yaml"
    roles.write_text(re.sub(r"(?m)^  ae: .*$", "  ae: [account.csm]", roles.read_text()))
    changed = {(r["account"], "seats"): r for r in rows(daemon.json("plays", "diff"), "change")}
    assert set(changed) == set(before)
    daemon.cli("reload")
    daemon.tick(f"{DAY0}T09:00:00Z")
    after = leads(daemon)
    assert set(after) == set(before)
    for key, r in changed.items():
        assert r["before"]["owner"] == before[key]["owner"] and r["before"]["score"] == pytest.approx(before[key]["score"], abs=1)
        assert r["after"]["owner"] == after[key]["owner"] and r["after"]["score"] == pytest.approx(after[key]["score"], abs=1)
        assert r["after"]["score"] < r["before"]["score"] and (r["before"]["owner"], r["after"]["owner"]) == ("olivia", "carl")


def test_plays_new_and_gone(daemon, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(daemon.config, other)
    (other / "plays/seats.yaml").write_text(SEATS.replace("play: seats", "play: room"))
    diff = daemon.json("plays", "diff", "--config", other)
    states = {p["play"]: p["state"] for p in diff["plays"]}
    assert states == {"room": "new", "api": "there", "seats": "gone"}
    assert {r["account"] for r in rows(diff, "gain", "room")} == {a for a, _ in leads(daemon)}, "another family: a lead of its own"
    assert {r["why"] for r in rows(diff, "lose", "seats")} == {"the play is gone"}
    (other / "plays/seats.yaml").write_text(SEATS.replace("play: seats", "play: room\nfamily: seats"))
    diff = daemon.json("plays", "diff", "--config", other)
    room = next(p for p in diff["plays"] if p["play"] == "room")
    assert room["gain"] == 0 and room["adds"] == len(leads(daemon)), "the family's lead is open already"


def test_rows_are_counted_where_they_are_not_shown(daemon):
    (daemon.config / "plays/seats.yaml").write_text(SEATS.replace("mode: live", "mode: shadow"))
    diff = daemon.json("plays", "diff", "--limit", "2")
    assert len(rows(diff, "lose")) == 2 < diff["lose"] == len(leads(daemon))
    assert f"and {diff['lose'] - 2} more" in daemon.cli("plays", "diff", "--limit", "2").stdout
    assert len(rows(daemon.json("plays", "diff", "--all"), "lose")) == diff["lose"]


def test_a_file_with_a_mistake_is_refused_with_its_place(daemon):
    play = daemon.config / "plays/seats.yaml"
    play.write_text(SEATS.replace("motion: expansion", "motion: expanson"))
    done = daemon.cli("plays", "diff", check=False)
    assert done.returncode == 1 and f"{play}:3:" in done.stderr and "did you mean expansion" in done.stderr


def test_a_refused_reload_is_a_notice_with_its_place(daemon):
    play = daemon.config / "plays/seats.yaml"
    play.write_text(SEATS.replace("motion: expansion", "motion: expanson").replace("type: seat", "type: seet"))
    assert daemon.cli("reload", check=False).returncode == 1
    notice = next(n for n in daemon.json("status")["notices"] if n["code"] == "configuration")
    assert f"{play}:3:9: " in notice["text"] and notice["text"].endswith("(and 1 more)"), notice


def test_the_list_of_plays(daemon):
    plays = {p["play"]: p for p in daemon.json("plays")["plays"]}
    seen = leads(daemon)
    assert plays["seats"]["open"] == plays["seats"]["fired"] == len(seen) > 0
    assert plays["seats"]["mode"] == "live" and plays["seats"]["file"].endswith("plays/seats.yaml")
    assert plays["api"]["mode"] == "shadow" and plays["api"]["open"] == plays["api"]["fired"] == 0
    some = next(iter(seen.values()))["lead"]
    daemon.cli("reject", some, "--reason", "not now")
    plays = {p["play"]: p for p in daemon.json("plays")["plays"]}
    assert plays["seats"]["open"] == len(seen) - 1 and plays["seats"]["fired"] == len(seen)
    text = daemon.cli("plays").stdout
    assert re.search(r"^seats +expansion +seat +live", text, re.M), text


# ---- lint and the reload ----

def reloads(daemon):
    return daemon.log().count("code=reloaded")


def test_a_reload_tells_what_lint_found_and_refuses_only_where_asked(daemon):
    play, settings = daemon.config / "plays/seats.yaml", daemon.config / "basewatch.yaml"
    play.write_text(SEATS.replace('  - {name: health, require: \'!has(account.health) || account.health != "red"\'}\n', ""))
    n = reloads(daemon)
    os.kill(daemon.process.pid, signal.SIGHUP)
    wait_until(lambda: reloads(daemon) == n + 1, 30, "the reload")
    assert re.search(r"lint\b.*errors=1 warnings=\d+", daemon.log())
    settings.write_text(settings.read_text().replace("plays:\n", "plays:\n  lint: enforce\n"))
    done = daemon.cli("reload", check=False)
    assert done.returncode == 1 and "[unhappy-accounts]" in done.stderr and f"{play}:8:3: " in done.stderr, done.stderr
    assert reloads(daemon) == n + 1
    play.write_text(SEATS)
    daemon.cli("reload")
    wait_until(lambda: reloads(daemon) == n + 2, 30, "the reload")


def test_evidence_that_never_comes_is_refused_in_conditions(shipped):
    play = shipped / "plays/health-first.yaml"
    play.write_text(play.read_text().replace("gates:\n", "gates:\n  - {name: typo, require: signal.idle_seats.evidence.seats_usd < 5}\n", 1))
    done = subprocess.run([BUILD / "basewatchd", "--check", "--config", shipped, "--plugins", BUILD / "plugins/usage"], capture_output=True,
                          text=True, check=False)
    assert done.returncode != 0 and 'never holds "seats_usd"; it may hold: seats_used seats_bought' in done.stdout + done.stderr
