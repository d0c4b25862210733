# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the command line's tests."""
import os
import subprocess

import pytest

from cli_stand_in import PROGRAM, Daemon


@pytest.fixture
def daemon(tmp_path):
    d = Daemon(tmp_path)
    yield d
    d.listener.close()


@pytest.fixture
def cli(tmp_path):
    if not PROGRAM.exists():
        pytest.fail(f"{PROGRAM} is not built: run ./bootstrap build")

    def run(*args, env=None, input=None, timeout=60):
        clean = {k: v for k, v in os.environ.items() if k not in ("SUDO_USER", "COLUMNS", "BASEWATCH_STATE")}
        return subprocess.run([str(PROGRAM), *map(str, args)], capture_output=True, text=True, timeout=timeout, input=input,
                              env={**clean, "BASEWATCH_STATE": str(tmp_path), **(env or {})})

    return run
