# SPDX-License-Identifier: GPL-2.0-or-later
"""Every fuzzer for a minute; tests/fuzz/run is the same by hand, for longer. TCPLIFE_FUZZ_SECONDS says how long."""

import os
import re
import subprocess
from pathlib import Path

RUN = Path(__file__).with_name("run")
SECONDS = int(os.environ.get("TCPLIFE_FUZZ_SECONDS", "60"))
BUILD_S_MAX = 420


def test_fuzzers_find_nothing():
    """Side by side, each under AddressSanitizer and UndefinedBehaviorSanitizer."""
    done = subprocess.run(
        [RUN, str(SECONDS)], capture_output=True, encoding="utf-8", errors="replace", timeout=SECONDS + BUILD_S_MAX, check=False
    )
    print(done.stderr)
    assert done.returncode == 0, done.stderr
    for name in ("engine", "header"):
        assert int(re.search(rf"{name}: (\d+) executions", done.stderr)[1]) > 100
    assert int(re.search(r"captures: \d+ files .*, (\d+) frames", done.stderr)[1]) > 0
