# SPDX-License-Identifier: GPL-2.0-or-later
"""Every fuzzer on the same inputs each time; tests/fuzz/run has them search for new ones, as tests/run --long does here."""

import os
import re
import subprocess
from pathlib import Path

RUN = Path(__file__).with_name("run")
SECONDS = 600
AMOUNT = str(SECONDS) if os.environ.get("TCPLIFE_LONG") else "--fixed"
TIMEOUT_S = SECONDS + 420  # to build them, too


def test_fuzzers_find_nothing():
    """Side by side, each under AddressSanitizer and UndefinedBehaviorSanitizer."""
    command = [RUN, AMOUNT]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=TIMEOUT_S, check=False)
    print(done.stderr)
    assert done.returncode == 0, done.stderr
    for name in ("engine", "header"):
        assert int(re.search(rf"{name}: (\d+) executions", done.stderr)[1]) > 10_000
    assert int(re.search(r"captures: \d+ files .*, (\d+) frames", done.stderr)[1]) > 0


def test_wrong_usage():
    for words in ([], ["--fixed", "5"], ["--fixed", "--merge"], ["x"]):
        done = subprocess.run([RUN, *words], capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 2 and "--help shows the usage" in done.stderr
