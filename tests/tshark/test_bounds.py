# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures made to use up time or memory: what tshark takes with tcplife, as a ratio to what it takes without, and the
instructions of the engine for each segment, which depend on nothing but the capture.

The captures are short here; tests/run --long writes a million connections, incarnations, probes or segments, and a tenth of that
of what takes tshark itself long; `-s` prints the figures."""

import os
import re
import shutil

import pytest

from large import metered
from storms import COSTLY_STORMS, STORMS, TWO_FOR_EACH, Storm

LONG = bool(os.environ.get("TCPLIFE_LONG"))
MANY = 1_000_000 if LONG else 15_000
COSTLY = 100_000 if LONG else 30_000  # segments of what takes tshark itself long
RUNS_MAX = 1 if LONG else 6
# The most that tshark may take with tcplife, as a multiple of what it takes without. What a short run takes is mostly tshark's
# start, which differs by as much as the slack from run to run. Half-open connections are the dearest in memory: docs/design.md
# has the bytes.
TIME_RATIO_MAX, TIME_SLACK_S = 2.0, 0.5
MEMORY_RATIO_MAX, MEMORY_SLACK_KIB = 2.0, 8 * 1024
TIMEOUT_S = 1800 if LONG else 120


@pytest.fixture(params=STORMS, ids=lambda storm: storm.__name__)
def storm_file(request, sandbox):
    path = sandbox.new_path(".pcap")
    storm = Storm(path)
    request.param(storm, COSTLY if request.param in COSTLY_STORMS else MANY)
    storm.out.close()
    path.chmod(0o644)
    yield path
    path.unlink()


def test_time_and_memory_are_bounded(storm_file, sandbox, request):
    """TCP is dissected and no tree is built, so that what tshark itself does is least. The least of several short runs counts, as
    many as it takes: other work on the machine makes a run longer, never shorter."""

    def run(*args):
        return metered(sandbox, "-r", storm_file, "-q", "-z", "conv,tcp", *args, timeout=TIMEOUT_S)[:2]

    def fits():
        return seconds <= plain_s * TIME_RATIO_MAX + TIME_SLACK_S and kib <= plain_kib * MEMORY_RATIO_MAX + MEMORY_SLACK_KIB

    plain_kib, plain_s = run("--disable-protocol", "tcplife")
    kib, seconds = run()
    for _ in range(RUNS_MAX - 1):
        if not fits():
            kib, seconds = map(min, (kib, seconds), run())
    name = request.node.callspec.id
    ratios = f"{seconds / plain_s:.2f}, memory {kib / plain_kib:.2f}"
    print(f"\n{name}: time {seconds:.1f} s / {plain_s:.1f} s = {ratios}, {kib // 1024} MiB")
    assert fits()


# ---- instructions ------------------------------------------------------------------------------------------------------

# Segments of three captures of one storm: what a storm needs to begin drops out of the differences.
SIZES = (3_000, 5_000, 7_000)
# The engine, for each segment. tshark itself takes 38,000 for the cheapest frame of these storms, so this keeps it within half.
SEGMENT_INSTRUCTIONS_MAX = 16_000
DOUBLE_MAX = 2.2  # twice the segments take at most so many times the instructions
INSTRUCTIONS_RATIO_MAX = 1.5  # of tshark with tcplife to tshark without
FEED = ("--tool=callgrind", "--collect-atstart=no", "--toggle-collect=bench_feed*", "--callgrind-out-file=/dev/null")
ALL = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def written(sandbox, storm, many):
    path = sandbox.new_path(".pcap")
    made = Storm(path)
    storm(made, many)
    made.out.close()
    path.chmod(0o644)
    return path


def counted(sandbox, tool, command, env=None):
    done = sandbox.run(["valgrind", *tool, *command], env=env, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return int(re.search(r"(?:Collected :|I +refs:) +([\d,]+)", done.stderr)[1].replace(",", ""))


@pytest.fixture(scope="module")
def engine_bench(build, sandbox):
    """The engine without Wireshark, where the user that runs things can read it."""
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    path = sandbox.new_path(".bench")
    shutil.copy(build / "tests/perf/engine_bench", path)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("storm", STORMS, ids=lambda storm: storm.__name__)
def test_each_segment_takes_the_same_few_instructions(storm, engine_bench, sandbox):
    small, middle, large = (
        counted(sandbox, FEED, [engine_bench, written(sandbox, storm, many), "0"]) for many in SIZES
    )
    for_each = (large - small) / (SIZES[2] - SIZES[0])
    print(f"\n{storm.__name__}: {for_each:.0f} instructions for each segment, twice: {(large - small) / (middle - small):.2f}")
    assert for_each <= SEGMENT_INSTRUCTIONS_MAX * storm_frames(storm)
    assert large - small <= DOUBLE_MAX * (middle - small)


def storm_frames(storm):
    """Segments for each one asked for: some storms answer each."""
    return 2 if storm in TWO_FOR_EACH else 1


@pytest.mark.skipif(not LONG, reason="minutes: tests/run --long")
@pytest.mark.parametrize("storm", STORMS, ids=lambda storm: storm.__name__)
def test_instructions_of_tshark(storm, build, sandbox):
    """By valgrind, with the seed of Wireshark's hash tables fixed (tests/perf/fixed_seed.c)."""
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    seed = sandbox.new_path(".so")
    shutil.copy(build / "tests/perf/fixed_seed.so", seed)
    seed.chmod(0o755)
    files = [written(sandbox, storm, many) for many in SIZES[:2]]

    def more(*args):
        counts = [
            counted(sandbox, ALL, ["tshark", "-n", "-q", "-r", file, "-z", "conv,tcp", *args], env={"LD_PRELOAD": str(seed)})
            for file in files
        ]
        return counts[1] - counts[0]

    plain, ours = more("--disable-protocol", "tcplife"), more()
    print(f"\n{storm.__name__}: {ours / plain:.3f} times the instructions, {plain // (SIZES[1] - SIZES[0])} for each without")
    assert ours <= INSTRUCTIONS_RATIO_MAX * plain
