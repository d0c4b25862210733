# SPDX-License-Identifier: Apache-2.0
"""The SDKs that customers really run, against the real daemon: from the call to the journal."""
import collections
import json
import shutil
import subprocess

import pytest
from conftest import BUILD, KEY, TOP

PLACE = BUILD / "test-sdks"  # installed from the lock file by the tests of the HTTP side
COUNTS = {"identify": 1, "group": 1, "track": 25, "page": 1, "screen": 1, "alias": 1}


@pytest.mark.parametrize("sdk", ["segment", "rudder"])
def test_an_sdk_delivers_into_the_journal(daemon, sdk):
    if not (PLACE / "installed").exists():
        if not shutil.which("npm"):
            pytest.skip("node and npm are not installed")
        PLACE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(TOP / "tests/web" / name, PLACE / name)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"], cwd=PLACE,
                              capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip("npm cannot install the real SDKs here: " + done.stderr[-200:])
    shutil.copy(TOP / "tests/web/sdks.js", PLACE / "sdks.js")
    daemon.start()
    done = subprocess.run(["node", "sdks.js", sdk, daemon.url, KEY], cwd=PLACE, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "delivered 30", done.stdout + done.stderr
    records = [json.loads(line) for line in daemon.cli("export").stdout.splitlines()]
    assert collections.Counter(r["type"] for r in records) == COUNTS
    assert len({r["messageId"] for r in records}) == 30
