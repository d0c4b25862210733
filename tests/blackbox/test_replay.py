# SPDX-License-Identifier: Apache-2.0
"""The same input gives the same output, byte for byte, however it is run."""
import collections
import json
import subprocess

import pytest
from conftest import BUILD, TOP

DATA = TOP / "demo/data/events.jsonl.zst"
CONTRACTS = [TOP / "demo/contracts" / f"{n}.csv" for n in ("plans", "accounts", "subscriptions", "contacts")]


def replay(config, *args, check=True):
    done = subprocess.run([BUILD / "basewatch", "replay", "--config", config, "--plugins", BUILD / "plugins/usage", *map(str, args)],
                          capture_output=True, timeout=600)
    if check:
        assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    import shutil
    place = tmp_path_factory.mktemp("replay") / "config"
    place.mkdir()
    for part in ("plays", "routes", "templates"):
        shutil.copytree(TOP / "etc" / part, place / part)
    shutil.copytree(TOP / "demo/config", place, dirs_exist_ok=True)
    return place


@pytest.fixture(scope="module")
def reference(config):
    return replay(config, "--tick", "1d", *CONTRACTS, DATA)


def lines(output, kind):
    return [x for x in map(json.loads, output.splitlines()) if x["kind"] == kind]


def test_every_line_is_an_object_of_a_known_kind(reference):
    kinds = collections.Counter(json.loads(line)["kind"] for line in reference.splitlines())
    assert set(kinds) <= {"signal", "trait", "lead", "draft", "notice"}
    assert kinds["signal"] > 50 and kinds["trait"] > 500


def test_signals_have_the_promised_fields(reference):
    for s in lines(reference, "signal"):
        assert {"at", "account", "signal", "state", "direction", "value", "threshold", "strength", "evidence"} <= set(s)
        assert s["state"] in ("opened", "updated", "cleared") and 0 <= s["strength"] <= 1 and isinstance(s["evidence"], dict)


def test_an_episode_opens_before_it_is_updated_or_cleared(reference):
    open_now = set()
    for s in lines(reference, "signal"):
        key = (s["account"], s["signal"], s.get("key"))
        if s["state"] == "opened":
            assert key not in open_now
            open_now.add(key)
        else:
            assert key in open_now
            if s["state"] == "cleared":
                open_now.remove(key)


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_threads_change_nothing(config, reference, threads):
    assert replay(config, "--tick", "1d", "--threads", threads, *CONTRACTS, DATA) == reference


def test_sandboxed_hosts_change_nothing(config, reference):
    assert replay(config, "--tick", "1d", "--hosts", *CONTRACTS, DATA) == reference


@pytest.mark.parametrize("every", [997, 20011])
def test_saving_and_restoring_half_way_changes_nothing(config, reference, every):
    assert replay(config, "--tick", "1d", "--checkpoint", every, *CONTRACTS, DATA) == reference


def test_saving_and_restoring_in_hosts_changes_nothing(config, reference):
    assert replay(config, "--tick", "1d", "--hosts", "--checkpoint", 15013, *CONTRACTS, DATA) == reference


def test_from_only_hides_what_came_before(config, reference):
    late = replay(config, "--tick", "1d", "--from", "2025-01-01", *CONTRACTS, DATA)
    assert late.splitlines() == [x for x in reference.splitlines() if json.loads(x)["at"] >= "2025-01-01"]


def test_to_stops(config, reference):
    early = replay(config, "--tick", "1d", "--to", "2018-01-01", *CONTRACTS, DATA)
    assert early.splitlines() == [x for x in reference.splitlines() if json.loads(x)["at"] <= "2018-01-01T00:00:00Z"]


def test_from_later_than_to_is_refused_by_name(config, tmp_path):
    records = tmp_path / "none.jsonl"
    records.write_text("")
    done = subprocess.run([BUILD / "basewatch", "replay", "--config", config, "--from", "2026-03-02", "--to", "2026-03-01", records],
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert "--from 2026-03-02T" in done.stderr and "--to 2026-03-01T" in done.stderr
    assert done.stdout == ""


def test_holidays_and_mergers_raise_no_wave(reference):
    """At no time do many accounts turn down at once; and a company that only changed its domain is no decline."""
    down = [s for s in lines(reference, "signal") if s["state"] == "opened" and s["direction"] == "down"
            and s["signal"] in ("usage_decline", "logins_decline", "gone_silent")]
    by_week = collections.defaultdict(set)
    for s in down:
        by_week[s["at"][:7]].add(s["account"])
    assert max(map(len, by_week.values()), default=0) <= 4, {k: v for k, v in by_week.items() if len(v) > 4}
    for month in (f"{year}-{m}" for year in range(2016, 2027) for m in ("12", "01")):
        assert len(by_week.get(month, ())) <= 3, (month, by_week[month])


def test_a_malformed_line_is_named_and_the_rest_goes_on(config, tmp_path):
    good = '{"type":"track","messageId":"%d","timestamp":"2026-01-0%dT00:00:00Z","userId":"u","context":{"groupId":"a"},"event":"E"}\n'
    file = tmp_path / "mixed.jsonl"
    file.write_text(good % (1, 1) + '{"type":"track",\n' + good % (2, 2))
    done = subprocess.run([BUILD / "basewatch", "replay", "--config", config, "--plugins", BUILD / "plugins/usage", "--stats", file],
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert f"{file}:2:" in done.stderr and "1 line could not be read; what is printed is without it" in done.stderr
    assert json.loads(done.stderr.splitlines()[-2])["records"] == 2


def test_a_number_that_can_mean_two_things_has_no_value(config, tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id,arr,seats,timestamp\nacme,36.000,1200,2026-03-01\n")
    notices = lines(replay(config, "--at", "2026-03-02", tmp_path / "accounts.csv"), "notice")
    assert any(n.get("account") == "acme" and "36.000" in n["text"] and "write it as 36000" in n["text"] for n in notices), notices


def test_free_mail_names_no_company(tmp_path):
    (tmp_path / "config/watchers").mkdir(parents=True)
    (tmp_path / "config/watchers/usage.yaml").write_text("watcher: usage\nplugin: usage.so\n")
    events = [{"type": "track", "messageId": f"m{day}", "userId": "u", "event": "e", "timestamp": f"2026-02-{day:02d}T10:00:00Z",
               "context": {"traits": {"email": "u@mail.isp.example"}}} for day in range(1, 15)]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))

    def accounts(yaml):
        (tmp_path / "config/basewatch.yaml").write_text(yaml)
        return {x["account"] for x in lines(replay(tmp_path / "config", "--tick", "1d", tmp_path / "events.jsonl"), "trait")}
    assert accounts("") == {"domain:isp.example"}
    assert accounts("ingest: {free_mail: [isp.example]}\n") == set()


def test_a_repeated_message_id_counts_once_where_asked_for(config, tmp_path):
    def event(message_id, at):
        return json.dumps({"type": "track", "userId": "u", "event": "e", "timestamp": at, "context": {"groupId": "acme"},
                           **({"messageId": message_id} if message_id else {})}) + "\n"
    (tmp_path / "events.jsonl").write_text(
        event("a", "2026-03-01T10:00:00Z") * 3 + event("b", "2026-03-01T11:00:00Z") + event(None, "2026-03-01T12:00:00Z") * 2 +
        event("a", "2026-03-02T09:59:00Z") +  # within 24 hours of the first
        event("a", "2026-03-02T10:00:00Z"))  # and no more

    def run(*args):
        done = subprocess.run([BUILD / "basewatch", "replay", "--config", config, "--plugins", BUILD / "plugins/usage", "--stats", *args],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        stats = json.loads(done.stderr.splitlines()[-1])
        return stats["records"], stats["duplicates"], done.stderr
    file = tmp_path / "events.jsonl"
    assert run(file)[:2] == (8, 0) and "left out" not in run(file)[2]
    records, duplicates, said = run("--dedup", file)
    assert (records, duplicates) == (5, 3) and "3 records were left out: their message ids had been there already" in said
    records, duplicates, _ = run("--dedup", file, file)  # only those without an id are there twice
    assert (records, duplicates) == (7, 9)


def test_leaving_out_changes_nothing_where_nothing_is_twice(config, reference):
    assert replay(config, "--tick", "1d", "--dedup", *CONTRACTS, DATA) == reference
    assert replay(config, "--tick", "1d", "--dedup", *CONTRACTS, DATA, DATA) == reference
