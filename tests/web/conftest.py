# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the HTTP tests."""
import pytest

from web_stand_in import MAIN, Web


@pytest.fixture
def start(tmp_path):
    running = []

    def starter(*options):
        if not MAIN.exists():
            pytest.fail(f"{MAIN} is not built: run ./bootstrap build")
        web = Web(tmp_path, *options)
        running.append(web)
        return web

    yield starter
    for web in running:
        web.stop()


@pytest.fixture
def web(start):
    return start()
