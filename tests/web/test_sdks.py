# SPDX-License-Identifier: Apache-2.0
"""The SDKs that customers really run, against our HTTP API."""
import pathlib
import re
import shutil
import subprocess

import pytest

from web_stand_in import BUILD, KEY, start  # noqa: F401

HERE = pathlib.Path(__file__).parent
COUNTS = {"identify": 1, "group": 1, "track": 25, "page": 1, "screen": 1, "alias": 1}


@pytest.fixture(scope="module")
def modules():
    """npm ci from the lock file, outside of the source tree."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    place = BUILD / "test-sdks"
    lock = (HERE / "package-lock.json").read_text()
    stamp = place / "installed"
    if not stamp.exists() or stamp.read_text() != lock:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, place / name)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"], cwd=place,
                              capture_output=True, text=True, timeout=300)
        if done.returncode and re.search("EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|_CERT", done.stderr):
            pytest.skip("npm cannot reach its registry, so the real SDKs are not tested")
        assert done.returncode == 0, done.stderr
        stamp.write_text(lock)
    shutil.copy(HERE / "sdks.js", place / "sdks.js")
    return place


def run(place, *arguments):
    done = subprocess.run(["node", "sdks.js", *arguments], cwd=place, capture_output=True, text=True, timeout=60)
    return done.stdout.strip() + done.stderr.strip()


def kinds(web):
    counts = {}
    for r in web.records():
        counts[r["record"]["type"]] = counts.get(r["record"]["type"], 0) + 1
    return counts


@pytest.mark.parametrize("which", [("segment",), ("rudder",), ("rudder", "plain")])
def test_delivers(start, modules, which):
    web = start()
    assert run(modules, which[0], web.url, KEY, *which[1:]) == "delivered 30"
    assert kinds(web) == COUNTS
    assert web.rejects() == []
    ids = [r["record"]["messageId"] for r in web.records()]
    assert all(ids) and len(set(ids)) == 30
    names = {r["record"]["traits"]["name"] for r in web.records() if r["record"]["type"] == "identify"}
    assert names == {"Ann Ö"}


@pytest.mark.parametrize("which", ["segment", "rudder"])
def test_retries_after_trouble(start, modules, which):
    """The SDK is told 503 at first; it tries again by itself and loses nothing."""
    web = start("--set", "retry_after=1000")
    web.tell("nospace")
    process = subprocess.Popen(["node", "sdks.js", which, web.url, KEY], cwd=modules, stdout=subprocess.PIPE, text=True)
    try:
        process.wait(0.8)
    except subprocess.TimeoutExpired:
        pass
    web.tell("ok")
    out, _ = process.communicate(timeout=60)
    assert out.strip() == "delivered 30"
    assert kinds(web) == COUNTS


@pytest.mark.parametrize("which", ["segment", "rudder"])
def test_wrong_key(start, modules, which):
    web = start()
    assert "failed" in run(modules, which, web.url, "wk_not_ours")
    assert web.dumped() == []
