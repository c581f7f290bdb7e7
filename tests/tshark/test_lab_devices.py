# SPDX-License-Identifier: GPL-2.0-or-later
"""tcplife on a path with devices: the corpus of tests/lab/devices, scored as tests/lab/score does."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import REPO

sys.path.insert(0, str(REPO / "tests" / "lab"))

from devices import goals, scoring  # noqa: E402
from devices.situations import SITUATIONS  # noqa: E402

CORPUS = REPO / "tests" / "lab" / "devices" / "corpus"
CORPUS_BYTES_MAX = 2_000_000
# Makers of resets that have to be there: both ends, both routers, what stands on a wire.
MAKERS = {"client", "server", "r1", "r2", "device"}


@pytest.fixture(scope="module")
def captures():
    """The captures of the corpus with their truth."""
    return scoring.load_corpus(str(CORPUS))


@pytest.fixture(scope="module")
def tally(captures, fields, tshark):
    """What tcplife got right, in two passes."""
    listing = tshark(["-G", "fields"]).stdout.splitlines()
    known = {line.split("\t")[2] for line in listing if line.startswith("F\t")}
    names = [name for name in scoring.FIELDS if name in known]
    tally = scoring.Tally()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = pool.map(lambda capture: fields(capture.path, *names, two_pass=True), captures)
        for capture, frames in zip(captures, rows, strict=True):
            scoring.score_capture(tally, capture, frames)
    return tally


def test_corpus_is_whole(captures):
    assert len(captures) >= len(scoring.POINTS)
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < CORPUS_BYTES_MAX
    assert not [f"{name}: {trial['problems']}" for c in captures for name, trial in c.truth["trials"].items() if trial["problems"]]


def test_every_maker_and_every_situation_is_there(captures):
    makers = {label["by"] for capture in captures for label in capture.labels.values()}
    assert makers == MAKERS
    words = {one["situation"] for capture in captures for one in capture.connections.values()}
    assert words == set(SITUATIONS) - {"none"}


def test_nothing_is_worse_than_its_floor(tally):
    lines = goals.check(tally)
    assert {one.text for one in lines} == set(goals.FLOORS) - {goals.LINUX}
    assert not [one for one in lines if not one.met]
